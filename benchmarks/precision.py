"""What tensor cores' precisions do to the second-order gradient and to learning, without needing tensor cores.

    python benchmarks/precision.py [--updates 20] [--num-seeds 2] [--out results/precision.json]

Tensor cores round the factors of a matrix product and add up in float32. So does this script: every product of a traced
program gets factors rounded to the mantissa of TensorFloat-32 (10 bits) or bfloat16 (7 bits), wherever it runs. The
gradient is POLA-DiCE's at the published sizes (a fifth of the batch), compared with the same program in float32 on the
same episodes; learning is the laptop preset of the iterated prisoner's dilemma (``--updates 0``: without it).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from unittest.mock import patch

import jax
import jax.numpy as jnp
import numpy as np
import polax
from jax.extend import core
from measurements import finish, make_parser
from polax.algorithms.core import lookahead, rollout
from polax.envs.policies.play import play

MANTISSA_BITS = {"tensorfloat32": 10, "bfloat16": 7}
EXACT = "sample_exactly"
"""Name of a compiled function that is left as it is."""

GRADIENTS = 8
"""Independent batches over which the errors are averaged."""


def rounded(function: Callable[..., Any], bits: int | None) -> Callable[..., Any]:
    """Return a function whose matrix products have factors with so many bits of mantissa (None: as it is)."""
    if bits is None:
        return function

    def call(*args: Any) -> Any:
        closed, shape = jax.make_jaxpr(function, return_shape=True)(*args)
        flat = _evaluate(closed.jaxpr, closed.consts, jax.tree.leaves(args), bits)
        return jax.tree.unflatten(jax.tree.structure(shape), flat)

    return call


def _evaluate(jaxpr: Any, consts: Sequence[Any], args: Sequence[Any], bits: int) -> list[Any]:
    """Evaluate a jaxpr, rounding the factors of every ``dot_general``, those inside loops and branches included."""
    values: dict[Any, Any] = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*consts, *args], strict=True))
    for equation in jaxpr.eqns:
        inputs = [atom.val if isinstance(atom, core.Literal) else values[atom] for atom in equation.invars]
        outputs = _apply(equation, inputs, bits)
        values.update(zip(equation.outvars, outputs, strict=True))
    return [atom.val if isinstance(atom, core.Literal) else values[atom] for atom in jaxpr.outvars]


def _apply(equation: Any, inputs: list[Any], bits: int) -> list[Any]:
    name, params = equation.primitive.name, equation.params
    if name == "dot_general":
        inputs = [jax.lax.reduce_precision(value, exponent_bits=8, mantissa_bits=bits) for value in inputs]
    if name == "scan":
        fixed, carried = params["num_consts"], params["num_consts"] + params["num_carry"]

        def body(carry: list[Any], xs: list[Any]) -> tuple[list[Any], list[Any]]:
            closed = params["jaxpr"]
            out = _evaluate(closed.jaxpr, closed.consts, [*inputs[:fixed], *carry, *xs], bits)
            return out[: params["num_carry"]], out[params["num_carry"] :]

        settings = {"length": params["length"], "reverse": params["reverse"]}
        carry, ys = jax.lax.scan(body, inputs[fixed:carried], inputs[carried:], **settings)
        return [*carry, *ys]
    if name == "cond":
        branches = [partial(_branch, closed, bits) for closed in params["branches"]]
        return list(jax.lax.switch(inputs[0], branches, *inputs[1:]))
    inner = params.get("jaxpr") or params.get("call_jaxpr")
    if inner is not None and name != "while" and params.get("name") != EXACT:
        closed = inner if hasattr(inner, "consts") else core.ClosedJaxpr(inner, ())
        return _evaluate(closed.jaxpr, closed.consts, inputs, bits)
    outputs = equation.primitive.bind(*inputs, **params)
    return list(outputs) if equation.primitive.multiple_results else [outputs]


def _branch(closed: Any, bits: int, *operands: Any) -> list[Any]:
    return _evaluate(closed.jaxpr, closed.consts, operands, bits)


@partial(jax.jit, static_argnums=1, static_argnames=("num_envs", "num_steps"))
def sample_exactly(*args: Any, **settings: Any) -> Any:
    """Sample with exact products: one action drawn otherwise would change the rest of its episode."""
    return rollout.sample(*args, **settings)


def gradient_errors(bits: int) -> dict[str, float]:
    """Cosine and relative error of the learner's policy gradient, and of what the lookahead adds to it."""
    env, params = polax.make_env("IPD-v0")
    options = {"num_envs": 400, "inner_steps": 2}
    state = polax.make_algorithm("pola-dice", env, params, **options).init(jax.random.key(0))
    first, second = (jax.tree.map(lambda leaf, player=player: leaf[player], state.players) for player in (0, 1))
    structure = lookahead.Structure(
        num_envs=400, num_steps=50, hidden_size=64, inner_steps=2, outer_steps=1, kl_direction="forward"
    )

    def gradients(key: jax.Array) -> tuple[jax.Array, jax.Array]:
        def flat(inner_lr: jax.Array) -> jax.Array:
            coefficients = state.coefficients.replace(inner_lr=inner_lr)
            setting = lookahead.Lookahead(env, params, structure, coefficients, jnp.int32(0), second, first.policy)
            gradient = lookahead.outer_gradient(key, first, setting)[0].policy
            return jnp.concatenate([leaf.ravel() for leaf in jax.tree.leaves(gradient)])

        whole = flat(state.coefficients.inner_lr)
        return whole, whole - flat(jnp.zeros_like(state.coefficients.inner_lr))

    with patch.object(lookahead, "sample", sample_exactly):
        exact, inexact = jax.jit(gradients), jax.jit(rounded(gradients, bits))
        keys = jax.random.split(jax.random.key(1), GRADIENTS)
        pairs = [(exact(key), inexact(key)) for key in keys]
    errors: dict[str, list[float]] = {}
    for both, found_both in pairs:
        for what, true, found in zip(("gradient", "what the lookahead adds"), both, found_both, strict=True):
            error, size = np.linalg.norm(found - true), np.linalg.norm(true)
            cosine = float(np.dot(found, true) / size / np.linalg.norm(found))
            errors.setdefault(f"{what}, 1 - cosine", []).append(1 - cosine)
            errors.setdefault(f"{what}, relative error", []).append(float(error / size))
    return {name: float(np.mean(values)) for name, values in errors.items()}


def learned_scores(bits: int | None, *, updates: int, num_seeds: int) -> dict[str, float]:
    """Final scores of the laptop preset, mean over seeds and players."""
    env, params = polax.make_env("IPD-v0")
    preset = polax.registry.algorithm_plugin("pola-dice").presets["laptop", "IPD-v0"]
    algorithm = polax.make_algorithm("pola-dice", env, params, **preset.options)
    update = jax.jit(rounded(algorithm.update, bits))
    scores = []
    for seed in range(num_seeds):
        state = algorithm.init(jax.random.key(seed))
        for number in range(updates):
            state, _ = update(jax.random.fold_in(jax.random.key(seed), number), state)
        scores.append(_scores(env, params, algorithm.policies(state)))
    return {name: float(np.mean([score[name] for score in scores])) for name in scores[0]}


def _scores(env: Any, params: Any, policies: Any) -> dict[str, float]:
    def against(players: Any) -> jax.Array:
        num_steps = int(params.max_steps_in_episode)
        return play(jax.random.key(5), env, params, players, num_envs=1024, num_steps=num_steps).reward

    defector = env.strategies["always-defect"](env, 1)
    return {
        "self-play": float(against(policies).mean()),
        "against always-defect": float(against((policies[0], defector))[0]),
    }


def main() -> int:
    parser = make_parser(__doc__)
    parser.add_argument("--updates", type=int, default=20, help="of each learning run (default: 20)")
    parser.add_argument("--num-seeds", type=int, default=2, help="of each learning run (default: 2)")
    options = parser.parse_args()
    results = {}
    for name, bits in MANTISSA_BITS.items():
        results |= {f"{name}, {what}": value for what, value in gradient_errors(bits).items()}
    if options.updates:
        for name, bits in {"float32": None, **MANTISSA_BITS}.items():
            found = learned_scores(bits, updates=options.updates, num_seeds=options.num_seeds)
            results |= {f"{name}, learned {what}": value for what, value in found.items()}
    finish(options, results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
