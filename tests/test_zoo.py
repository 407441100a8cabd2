"""The agents that come with the package: every one loads, plays its game, and scores what its card says."""

import subprocess
import sys
from pathlib import Path

import gymnasium as gym
import polax
import pytest
from polax import registry
from polax.zoo import FOLDER, names

ROOT = Path(__file__).resolve().parent.parent


def test_the_zoo_is_small_and_listed():
    assert {"loqa/CoinGame-v0", "loqa/IPD-v0", "naive/IPD-v0"} <= set(names())
    assert sum(path.stat().st_size for path in FOLDER.glob("*/*.npz")) < 1_000_000
    page = (FOLDER / "README.md").read_text()
    assert all(f"`zoo:{name}`" in page for name in names())


@pytest.mark.parametrize("name", names())
def test_a_card_names_seeds_that_nobody_chose_and_the_command(name):
    agent = polax.load(f"zoo:{name}")
    assert agent.spec.seeds == (0, 1, 2)
    assert agent.card["command"] == [
        "polax", "train", agent.spec.algorithm, agent.spec.env, "--preset", "laptop", "--seeds", "0", "1", "2",
    ]  # fmt: skip
    assert agent.card["update"] == agent.spec.updates
    assert f"{agent.spec.algorithm}/{agent.spec.env}" == name
    assert "/" not in "".join(map(str, agent.card["versions"].values()))


@pytest.mark.usefixtures("optimised")
@pytest.mark.parametrize("name", ["loqa/IPD-v0", "lola-dice/IPD-v0"])
def test_an_agent_scores_what_its_card_says(name):
    agent = polax.load(f"zoo:{name}")
    found = agent.evaluate().data["seeds"]
    for row, card in zip(found, agent.card["scores"], strict=True):
        assert row == pytest.approx(card, abs=0.01)


def test_an_agent_is_an_opponent_by_name():
    env = gym.make("IPD-v0", opponent="zoo:loqa#1")
    env.reset(seed=0)
    rewards = [env.step(1)[1] for _ in range(20)]
    assert sum(rewards[5:]) / 15 == pytest.approx(0.33, abs=0.05)


def test_the_game_may_be_left_out_where_it_is_known():
    assert registry.run_behind("zoo:loqa#2@1", "IPD-v0") == f"{FOLDER / 'loqa' / 'IPD-v0.npz'}#2@1"
    assert registry.own_game("zoo:loqa/CoinGame-v0").name == "CoinGame-v0"


@pytest.mark.parametrize(
    ("reference", "env", "message"),
    [
        ("zoo:lokwa", None, "has no agent 'lokwa'; there are"),
        ("zoo:loqa", None, "zoo:loqa plays CoinGame-v0, IPD-v0; say which with zoo:loqa/GAME or --env GAME"),
        ("zoo:loqa", "Chicken-v0", "has no agent 'loqa/Chicken-v0'; zoo:loqa plays CoinGame-v0, IPD-v0"),
        ("zoo:loqa/../loqa/IPD-v0", None, "has no agent"),
        ("zoo:loqa/IPD-v0#9", None, "has no seed 9"),
    ],
)
def test_what_is_not_there_is_said_in_a_sentence(reference, env, message, tmp_path):
    with pytest.raises(polax.PolaxError, match=message):
        polax.tournament([reference, "tit-for-tat"], env=env, out=tmp_path / "out")


def test_two_agents_meet_in_a_tournament_without_naming_the_game(tmp_path):
    found = polax.tournament(["zoo:loqa", "zoo:naive/IPD-v0"], episodes=4, out=tmp_path / "out", quiet=True)
    assert found.data["env"] == "IPD-v0"
    names = [player["name"] for player in found.data["players"]]
    assert names == ["zoo:loqa#0", "zoo:naive/IPD-v0#0@0", "zoo:naive/IPD-v0#0@1"]


def test_the_page_of_the_zoo_is_what_its_program_writes(tmp_path):
    for path in FOLDER.glob("*/*.npz"):
        copy = tmp_path / path.relative_to(FOLDER)
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(path.read_bytes())
    subprocess.run([sys.executable, str(ROOT / "benchmarks/zoo.py"), "--out", str(tmp_path)], check=True)
    assert (tmp_path / "README.md").read_text() == (FOLDER / "README.md").read_text()
