"""The file of a trained agent: the same policies and scores as the run, and nothing that was changed is loaded."""

import io
import json
import zipfile

import jax
import numpy as np
import polax
import pytest
from polax.runner.cli import main
from polax.runner.runs.arrays import seal

QUICK = {"eval_envs": 16, "quiet": True}
FEW = {"num_envs": 16}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Two updates of a learner in self-play; its two policies are equal."""
    out = tmp_path_factory.mktemp("agents") / "run"
    return polax.train("naive-exact", "IPD-v0", updates=2, seeds=[4, 2], options={"outer_lr": 0.5}, out=out, **QUICK)


@pytest.fixture(scope="module")
def agent(run):
    return run.export(run.path.parent / "agent.npz", **FEW)


def altered(agent, folder, change):
    """Write the file again, with another content of some entries, and return its path."""
    with zipfile.ZipFile(agent.path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    change(entries)
    path = folder / "altered.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


def with_card(entries, **changes):
    card = {**json.loads(entries["card.json"]), **changes}
    entries["card.json"] = json.dumps({**card, "seal": seal(card)}).encode()


def test_an_agent_plays_and_scores_as_its_run_does(run, agent):
    for ours, theirs in zip(jax.tree.leaves(run.policies(2)), jax.tree.leaves(agent.policies(2)), strict=True):
        np.testing.assert_array_equal(ours, theirs)
        assert ours.dtype == theirs.dtype
    found = run.evaluate(**FEW).data["seeds"]
    assert agent.card["scores"] == found
    assert agent.evaluate(**FEW).data["seeds"] == found
    assert polax.load(agent.path).card == agent.card


def test_its_command_trains_it_again(run, agent, tmp_path):
    words = agent.card["command"]
    assert " ".join(words) == "polax train naive-exact IPD-v0 --seeds 4 2 --updates 2 --outer-lr 0.5"
    again = tmp_path / "again"
    assert main([*words[1:], "--eval-envs", "16", "--out", str(again)]) == 0
    for ours, theirs in zip(
        jax.tree.leaves(run.policies(2)), jax.tree.leaves(polax.load(again).policies(2)), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)


def test_some_seeds_with_half_of_the_bits(run, tmp_path):
    agent = run.export(tmp_path / "half.npz", seeds=[2], half=True, **FEW)
    assert agent.spec.seeds == (2,)
    assert {kind.partition("[")[0] for _, kind, _ in agent.card["leaves"].values()} == {"float16", "bool"}
    for ours, theirs in zip(jax.tree.leaves(run.policies(2)), jax.tree.leaves(agent.policies()), strict=True):
        np.testing.assert_array_equal(np.asarray(ours).astype(np.float16), theirs)
    assert agent.card["scores"] == agent.evaluate(**FEW).data["seeds"]
    again = agent.export(tmp_path / "again.npz", half=True, **FEW)
    assert again.path.read_bytes() == agent.path.read_bytes()


@pytest.mark.slow
def test_equal_policies_are_stored_once(tmp_path):
    sizes = {"num_envs": 4, "hidden_size": 2, "gradient_steps": 1, "snapshot_every": 1, "pool_size": 2}
    options = {**sizes, "num_opponents": 1}
    run = polax.train("loqa", "IPD-v0", updates=1, options=options, out=tmp_path / "run", **QUICK)
    agent = run.export(tmp_path / "agent.npz", **FEW)
    assert agent.card["self_play"]
    entries = [entry for entry, _, _ in agent.card["leaves"].values()]
    assert len(set(entries)) <= len(entries) / 2


def test_it_plays_wherever_a_run_does(agent, tmp_path):
    game, params = polax.make_env("IPD-v0")
    policy = polax.make_policy(f"{agent.path}#2@1", game, params, player=0)
    for ours, theirs in zip(jax.tree.leaves(policy), jax.tree.leaves(agent.policy(2, player=1)), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    found = polax.tournament([agent, "tit-for-tat"], episodes=4, out=tmp_path / "meeting", quiet=True)
    names = [player["name"] for player in found.data["players"]]
    assert names == ["agent.npz#4@0", "agent.npz#4@1", "tit-for-tat"]
    assert polax.render([agent], tmp_path / "episode.gif", size=120).exists()


def test_the_command_and_its_errors(run, fails, tmp_path, capsys):
    out = str(tmp_path / "agent.npz")
    words = ["export", str(run.path), "--eval-envs", "16"]
    assert main([*words, "--out", out, "--seeds", "2", "--half"]) == 0
    assert capsys.readouterr().out == f"{out}: naive-exact in IPD-v0, seeds 2\n"
    assert "is there already" in fails(*words, "--out", out)
    assert "ends in .npz" in fails(*words, "--out", str(tmp_path / "agent.zip"))
    assert "has no seed 9; there are 4, 2" in fails(*words, "--out", str(tmp_path / "b.npz"), "--seeds", "9")
    assert "holds checkpoint 2 alone, not 1" in fails("evaluate", out, "--checkpoint", "1")
    assert "policies of a trained agent alone" in fails("train", "--resume", out)
    assert "leave out @1" in fails("evaluate", f"{out}#2@1")
    assert "has no seed 9" in fails("render", f"{out}#9", "--out", str(tmp_path / "a.gif"))
    assert "learned IPD-v0; it cannot play Chicken-v0" in fails("play", "Chicken-v0", "--opponent", out)
    assert main(["list", f"run:{out}"]) == 0
    shown = capsys.readouterr().out
    assert "polax train naive-exact IPD-v0 --seeds 2 --updates 2 --outer-lr 0.5" in shown
    assert "tit-for-tat" in shown
    assert "is not a trained agent" in fails("list", f"run:{run.path}")


def test_a_reference_may_name_one_seed(run, agent):
    every = run.evaluate(**FEW).data["seeds"]
    for reference in (f"{run.path}#2", f"{agent.path}#2"):
        found = polax.evaluate(reference, **FEW).data["seeds"]
        assert [row["seed"] for row in found] == [2]
        assert found[0] == pytest.approx(every[1])
    with pytest.raises(polax.OptionError, match="is one seed"):
        polax.load(f"{run.path}#2")


@pytest.mark.slow
def test_one_seed_of_a_learner_in_ordinary_python(tmp_path):
    run = polax.train("python-toy", "IPD-v0", updates=1, seeds=2, out=tmp_path / "run", **QUICK)
    found = polax.evaluate(f"{run.path}#1", ["tit-for-tat"], **FEW).data["seeds"]
    assert [row["seed"] for row in found] == [1]


def test_a_learner_in_ordinary_python_is_refused(fails, tmp_path):
    polax.train("python-toy", "IPD-v0", updates=1, out=tmp_path / "run", **QUICK)
    assert "learner in ordinary Python" in fails("export", str(tmp_path / "run"), "--out", str(tmp_path / "a.npz"))
    assert not (tmp_path / "a.npz").exists()


def _other_number(entries):
    name = next(name for name in entries if name.endswith(".npy"))
    content = io.BytesIO()
    np.save(content, np.load(io.BytesIO(entries[name])) + 1)
    entries[name] = content.getvalue()


def _pickle(entries):
    name = next(name for name in entries if name.endswith(".npy"))
    content = io.BytesIO()
    np.save(content, np.array([print], object), allow_pickle=True)
    entries[name] = content.getvalue()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_other_number, "its SHA-256 differs"),
        (_pickle, "is damaged"),
        (lambda entries: entries.pop("card.json"), "not an agent of polax"),
        (lambda entries: entries.update({"card.json": b"\xff"}), "not an agent of polax"),
        (lambda entries: with_card(entries, format=7), "agent format 7"),
        (lambda entries: with_card(entries, update=-1), "update"),
        (lambda entries: with_card(entries, leaves={}), "has other arrays"),
        (lambda entries: with_card(entries, spec={}), "is not an agent of polax"),
        (lambda entries: entries.update({"card.json": entries["card.json"].replace(b"0.5", b"0.6")}), "SHA-256"),
    ],
)
def test_what_is_damaged_is_refused_in_a_line(agent, fails, tmp_path, change, message):
    assert message in fails("evaluate", str(altered(agent, tmp_path, change)), "--eval-envs", "16")


def test_what_is_no_archive_is_refused_in_a_line(fails, tmp_path):
    path = tmp_path / "agent.npz"
    assert "No such file" in fails("evaluate", str(path))
    path.write_bytes(b"nothing")
    assert "not an agent of polax" in fails("evaluate", str(path))
    path.unlink()
    path.mkdir()
    assert "not a regular file" in fails("evaluate", str(path))


def test_code_that_a_card_names_is_not_imported(agent, fails, tmp_path):
    spec = {**agent.card["spec"], "algorithm": "stranger:LEARNER"}
    path = altered(agent, tmp_path, lambda entries: with_card(entries, spec=spec))
    assert "names code to import" in fails("evaluate", str(path))
