"""Many runs of a pure algorithm as one compiled program, for reproductions that take seconds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from ..algorithms.base import Algorithm

WIDTH = 512
"""Runs that are mapped together: more would leave the cache."""


def starts(algorithm: Algorithm, *, runs: int, seed: int) -> Any:
    """Draw initial states in float64, leaves ``[runs, ...]``; those of run r depend on the seed and r alone."""
    with jax.enable_x64(True):
        keys = jax.vmap(lambda run: jax.random.fold_in(jax.random.key(seed), run))(np.arange(runs))
        return jax.tree.map(np.asarray, jax.jit(jax.vmap(algorithm.init))(keys))


def learn(algorithm: Algorithm, states: Any, updates: int, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Take some updates of every run in float64.

    Args:
        algorithm: a pure one that draws nothing after the start.
        states: where the runs begin, leaves ``[runs, ...]``.
        updates: how many.
        names: of the metrics to return.

    Returns:
        The metrics after each update, ``[updates, runs]`` each.
    """
    total = len(jax.tree.leaves(states)[0])
    width = min(WIDTH, total)
    # The last piece is filled up with copies of its last run: all pieces share a program.
    places = np.minimum(np.arange(-(-total // width) * width), total - 1).reshape(-1, width)

    def course(at: Any) -> dict[str, jax.Array]:
        def step(state: Any, _: None) -> tuple[Any, dict[str, jax.Array]]:
            state, metrics = jax.vmap(algorithm.update, in_axes=(None, 0))(jax.random.key(0), state)
            return state, {name: metrics[name] for name in names}

        return jax.lax.scan(step, at, None, length=updates)[1]

    def take(piece: np.ndarray) -> Any:
        return jax.tree.map(lambda leaf: np.asarray(leaf)[piece], states)

    # One piece after another: XLA's batches of linear solves lock up where two threads run them at once.
    with jax.enable_x64(True):
        compiled = jax.jit(course).lower(take(places[0])).compile()
        parts = [jax.tree.map(np.asarray, compiled(take(piece))) for piece in places]
    return {name: np.concatenate([part[name] for part in parts], axis=1)[:, :total] for name in names}
