"""The page in which a person plays: what is in it, what it loads, and what cannot be played."""

import base64
import hashlib
import json
import re

import jax
import numpy as np
import polax
import pytest
from javascript import evaluate, needs_node, source
from polax.algorithms.core import networks
from polax.algorithms.core.rollout import RecurrentPolicy
from polax.envs.policies.memory_one import MemoryOnePlayer
from polax.runner.cli import main

STEPS = 200


@pytest.fixture(scope="module")
def network():
    params = networks.init_network(jax.random.key(0), num_features=6, hidden_size=8, num_outputs=2)
    return RecurrentPolicy(
        jax.tree.map(lambda leaf: leaf + 0.3 * jax.random.normal(jax.random.key(1), leaf.shape), params)
    )


def probabilities(policy, observations):
    """Return what the page's program says for observations one after another."""
    return evaluate(
        f"""(() => {{
          const policy = {source(policy.page_program())};
          let memory = policy.initialMemory();
          return observations.map((observation) => {{
            const step = policy.act(observation, memory);
            memory = step.memory;
            return step.probabilities;
          }});
        }})()""",
        observations=observations.tolist(),
    )


@needs_node
def test_the_network_has_the_same_probabilities_as_in_jax(network):
    observations = np.eye(3, dtype=np.float32)[np.random.default_rng(0).integers(3, size=(STEPS, 2))].reshape(STEPS, 6)
    unrolled, memory = [], network.initial_memory(1)
    for observation in observations:
        logits, memory = networks.step(network.params.encoder, network.params.recurrent, memory, observation[None])
        unrolled.append(jax.nn.softmax(logits[0]))
    found = probabilities(network, observations)
    np.testing.assert_allclose(found, unrolled, atol=1e-5)
    assert np.ptp(np.array(found)[:, 0]) > 0.1


@needs_node
def test_a_memory_one_policy_has_its_probabilities():
    env, _ = polax.make_env("IPD-v0")
    for swapped, expected in ((False, [0.1, 0.2, 0.3, 0.4, 0.5]), (True, [0.1, 0.3, 0.2, 0.4, 0.5])):
        policy = MemoryOnePlayer(np.array([0.1, 0.2, 0.3, 0.4, 0.5], np.float32), np.bool_(swapped))
        found = probabilities(policy, np.asarray(env.observation_table()))
        np.testing.assert_allclose(np.array(found)[:, 1], expected, atol=1e-6)


@pytest.fixture
def page(network, tmp_path):
    def resolver(reference, game, params, player):
        return network

    polax.register_policy("mine", resolver)
    path = polax.write_page(["mine:<b>a</b></script>", "mine:b"], tmp_path / "deep" / "page.html", env="IPD-v0")
    return path.read_text()


def test_the_page_is_one_file_that_loads_nothing(page):
    assert not re.findall(r"https?://(?!www\.w3\.org)", page)
    assert not re.findall(r"<(link|img|iframe)|src=", page)
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page).group(1)
    script = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    assert len(script) == 1
    digest = base64.b64encode(hashlib.sha256(script[0].encode()).digest()).decode()
    assert f"script-src &#39;sha256-{digest}&#39;" in policy
    assert policy.startswith("default-src &#39;none&#39;")


def test_names_are_text_and_a_game_is_there_once(page):
    assert "<b>a</b>" not in page
    data = json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL).group(1))
    assert [agent["name"] for agent in data["agents"]] == ["mine:<b>a</b></script>", "mine:b"]
    assert [(game["name"], game["actions"], game["steps"]) for game in data["games"]] == [
        ("IPD-v0", ["defect", "cooperate"], 50)
    ]
    assert {agent["game"] for agent in data["agents"]} == {0}


def test_the_command_takes_options_of_the_game_and_a_seat(tmp_path, capsys):
    out = tmp_path / "page.html"
    words = ["web", "zoo:loqa", "--env", "IPD-v0", "--env.max-steps-in-episode", "7", "--player", "1"]
    assert main([*words, "--out", str(out)]) == 0
    assert capsys.readouterr().out == f"{out}\n"
    assert '"steps":7' in out.read_text()
    assert '"player":0' in out.read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["zoo:loqa"], "zoo:loqa plays CoinGame-v0, IPD-v0; say which"),
        (["tit-for-tat"], "missing environment for tit-for-tat"),
        (
            ["grim", "--env", "IPD-v0"],
            "grim cannot be played in a page: GrimPlayer has no page_program",
        ),
        (["zoo:loqa/IPD-v0", "--env", "CoinGame-v0"], "IPD-v0"),
        (["zoo:loqa", "--env", "toy"], "unknown environment"),
        (["zoo:loqa/IPD-v0", "--env.grid-size", "3"], "needs --env"),
    ],
)
def test_what_cannot_be_played_is_said_in_a_sentence(words, message, fails, tmp_path):
    out = tmp_path / "page.html"
    assert message in fails("web", *words, "--out", str(out))
    assert not out.exists()


def test_a_game_without_rules_in_javascript_is_refused(fails, tmp_path):
    from conforming import game

    polax.register_environment("Mine-v0", game())
    polax.register_policy("mine", lambda *asked: MemoryOnePlayer(np.zeros(5), np.bool_(False)))
    said = fails("web", "mine:a", "--env", "Mine-v0", "--out", str(tmp_path / "page.html"))
    assert "its page_program returns no rules in JavaScript" in said
