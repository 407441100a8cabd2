"""A network as an ONNX model plays as the original does; what cannot be one is refused."""

import json

import jax
import numpy as np
import onnx
import onnxruntime
import polax
import pytest
from onnx.reference import ReferenceEvaluator
from polax.algorithms.core import networks
from polax.options import MissingExtraError, OptionError, PolaxError
from polax.runner.cli import main
from polax.runner.runs import onnx_file

AGENT = "zoo:loqa/CoinGame-v0"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A model written by the command."""
    path = tmp_path_factory.mktemp("onnx") / "agent.onnx"
    words = ["export", AGENT, "--to", "onnx", "--seeds", "2", "--player", "1", "--out", str(path)]
    assert main(words) == 0
    return onnx.load(path)


# The plain reading of the format, and the runtime that people deploy.
@pytest.mark.parametrize(
    "open_model", [ReferenceEvaluator, lambda model: onnxruntime.InferenceSession(model.SerializeToString())]
)
def test_it_gives_the_probabilities_of_the_original_on_recorded_play(model, open_model):
    agent = polax.load(AGENT)
    game, params = agent.game()
    players = agent.policies(2)
    played = polax.rollout(game, params, players, jax.random.key(7), num_envs=4)
    observations = np.asarray(played.observations)[:-1, :, 1]
    assert observations.shape[:2] == (50, 4)
    evaluator, policy = open_model(model), players[1]
    memory = copied = np.asarray(policy.initial_memory(4))
    for observation in observations:
        logits, memory = networks.step(policy.params.encoder, policy.params.recurrent, memory, observation)
        probabilities, copied = evaluator.run(None, {"observation": observation, "memory": copied})
        np.testing.assert_allclose(probabilities, jax.nn.softmax(logits), atol=1e-5)
        np.testing.assert_allclose(copied, memory, atol=1e-5)
    # It has learned something: at some steps it knows what it does.
    assert probabilities.max() > 0.9


def test_it_says_what_it_is_and_takes_any_batch(model):
    about = {each.key: each.value for each in model.metadata_props}
    assert about["algorithm"] == "loqa"
    assert about["env"] == "CoinGame-v0"
    assert (about["seed"], about["player"]) == ("2", "1")
    assert json.loads(about["actions"]) == ["right", "left", "down", "up"]
    assert [each.name for each in model.graph.input] == ["observation", "memory"]
    assert [each.name for each in model.graph.output] == ["probabilities", "memory_after"]
    for each in (*model.graph.input, *model.graph.output):
        assert each.type.tensor_type.shape.dim[0].dim_param == "batch"


def test_a_model_that_plays_otherwise_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_file, "TOLERANCE", -1.0)
    with pytest.raises(PolaxError, match="gives other probabilities than the original"):
        polax.load(AGENT).export_onnx(tmp_path / "agent.onnx")
    assert not list(tmp_path.iterdir())


def test_what_is_no_network_is_refused(tmp_path):
    game, params = polax.make_env("IPD-v0")
    players = [polax.make_policy("tit-for-tat", game, params, player=player) for player in (0, 1)]
    with pytest.raises(OptionError, match="only a network can be an ONNX model, and this player is a MemoryOnePlayer"):
        onnx_file.save_onnx(tmp_path / "x.onnx", players, player=0, game=game, params=params, about={})


def test_without_onnx_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'polax\[onnx\]'"):
        polax.load(AGENT).export_onnx(tmp_path / "agent.onnx")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--to", "onnx", "--out", "agent.npz"], "the file of an ONNX model ends in .onnx, not 'agent.npz'"),
        (["--to", "onnx", "--out", "there.onnx"], "there.onnx is there already; choose another --out"),
        (["--to", "onnx", "--out", "a.onnx", "--player", "2"], "player"),
        (["--to", "onnx", "--out", "a.onnx", "--half"], "--half is for --to npz"),
        (["--to", "onnx", "--out", "a.onnx", "--eval-envs", "4"], "--eval-envs is for --to npz"),
        (["--to", "onnx", "--out", "a.onnx", "--seeds", "0", "1"], "--to onnx writes one network"),
        (["--to", "onnx", "--out", "a.onnx", "--seeds", "9"], "seed 9"),
        (["--out", "a.npz", "--player", "1"], "--player is for --to onnx"),
    ],
)
def test_what_does_not_go_together_is_said_in_a_sentence(tmp_path, monkeypatch, capsys, words, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.onnx").touch()
    assert main(["export", AGENT, *words]) == 2
    assert said in capsys.readouterr().err
    assert [each.name for each in tmp_path.iterdir()] == ["there.onnx"]
