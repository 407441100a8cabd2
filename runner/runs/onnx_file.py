"""A trained network as an ONNX model (https://onnx.ai), with which other runtimes play without polax or JAX.

Needs the extra ``onnx``.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from ...algorithms.core import networks
from ...algorithms.core.rollout import RecurrentPolicy
from ...envs.base import Game, Policy
from ...envs.policies.rollout import rollout
from ...options import MissingExtraError, OptionError, PolaxError
from .files import write_bytes

SUFFIX = ".onnx"

TOLERANCE = 1e-5
"""By how much probabilities may differ from those of the original."""

EPISODES = 8
"""Episodes of recorded play on which the model is compared with the original."""

OPSET, IR_VERSION = 18, 9
"""Of operators and of the file: old enough for runtimes from 2023 on."""


def save_onnx(
    path: Path, policies: Sequence[Policy], *, player: int, game: Game[Any, Any], params: Any, about: Mapping[str, Any]
) -> None:
    """Write the network of one player, after it was compared with the original on episodes that all players play.

    The model has the inputs ``observation [B, F]`` and ``memory [B, H]``, which is zero at the start of an episode, and
    the outputs ``probabilities [B, A]`` and ``memory_after [B, H]``.

    Args:
        path: of the file.
        policies: of all players.
        player: whose network it is.
        game: what they play.
        params: its params.
        about: what the model says of itself, by name.

    Raises:
        MissingExtraError: onnx is not installed.
        OptionError: the player is not a network of polax.
        PolaxError: the file cannot be written, or the model does not do what the original does.
    """
    policy = policies[player]
    if not isinstance(policy, RecurrentPolicy):
        raise OptionError(f"only a network can be an ONNX model, and this player is a {type(policy).__name__}")
    onnx = _library()
    model = _model(onnx, policy, {**about, "actions": list(game.action_names)})
    played = rollout(game, params, policies, jax.random.key(0), num_envs=EPISODES)
    difference = _difference(onnx, model, policy, np.asarray(played.observations)[:-1, :, player])
    if not difference <= TOLERANCE:
        raise PolaxError(
            f"the ONNX model gives other probabilities than the original, by {difference:.2g}; not written"
        )
    write_bytes(path, model.SerializeToString(), hint="choose another --out")


def _library() -> Any:
    try:
        return importlib.import_module("onnx")
    except ImportError as cause:
        raise MissingExtraError("onnx, which --to onnx needs,", "onnx") from cause


def _model(onnx: Any, policy: RecurrentPolicy, about: Mapping[str, Any]) -> Any:
    """Return the network as a graph: what `networks.step` computes, and the softmax."""
    numbers = {name: np.asarray(array, np.float32) for name, array in policy.page_program().numbers.items()}
    helper, node = onnx.helper, onnx.helper.make_node
    features, hidden = numbers["kernel"].shape
    of_input, of_memory = (
        [f"{gate}_of_{source}" for gate in ("reset", "update", "candidate")] for source in ("input", "memory")
    )
    nodes = [
        node("Gemm", ["observation", "kernel", "bias"], ["dense"]),
        node("Relu", ["dense"], ["features"]),
        node("Gemm", ["features", "gate_kernel", "gate_bias"], ["gates_of_input"]),
        node("MatMul", ["memory", "recurrent_kernel"], ["gates_of_memory"]),
        node("Split", ["gates_of_input"], of_input, axis=1, num_outputs=3),
        node("Split", ["gates_of_memory"], of_memory, axis=1, num_outputs=3),
        node("Add", [of_input[0], of_memory[0]], ["reset_sum"]),
        node("Sigmoid", ["reset_sum"], ["reset"]),
        node("Add", [of_input[1], of_memory[1]], ["update_sum"]),
        node("Sigmoid", ["update_sum"], ["update"]),
        node("Add", [of_memory[2], "candidate_bias"], ["candidate_inner"]),
        node("Mul", ["reset", "candidate_inner"], ["candidate_reset"]),
        node("Add", [of_input[2], "candidate_reset"], ["candidate_sum"]),
        node("Tanh", ["candidate_sum"], ["candidate"]),
        # (1 - update) * candidate + update * memory
        node("Sub", ["memory", "candidate"], ["change"]),
        node("Mul", ["update", "change"], ["kept"]),
        node("Add", ["candidate", "kept"], ["memory_after"]),
        node("Gemm", ["memory_after", "output_kernel", "output_bias"], ["logits"], transB=1),
        node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]

    def batch(name: str, size: int) -> Any:
        return helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["batch", size])

    graph = helper.make_graph(
        nodes,
        "policy",
        [batch("observation", features), batch("memory", hidden)],
        [batch("probabilities", numbers["output_bias"].size), batch("memory_after", hidden)],
        [onnx.numpy_helper.from_array(array, name) for name, array in numbers.items()],
    )
    model = helper.make_model(
        graph, producer_name="polax", opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
    )
    helper.set_model_props(
        model, {name: word if isinstance(word, str) else json.dumps(word) for name, word in about.items()}
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def _difference(onnx: Any, model: Any, policy: RecurrentPolicy, observations: np.ndarray) -> float:
    """Return the largest difference of probabilities on observations ``[T, B, F]`` of whole episodes."""
    evaluator = importlib.import_module(f"{onnx.__name__}.reference").ReferenceEvaluator(model)
    memory: Any = policy.initial_memory(observations.shape[1])
    copied = np.asarray(memory)
    largest = 0.0
    for observation in observations:
        logits, memory = networks.step(policy.params.encoder, policy.params.recurrent, memory, observation)
        probabilities, copied = evaluator.run(None, {"observation": observation, "memory": copied})
        largest = max(largest, float(np.abs(probabilities - jax.nn.softmax(logits)).max()))
    return largest
