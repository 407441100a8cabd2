"""Many runs of many settings of an exact learner, as few compiled programs as there are different shapes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np

from ... import registry
from ...algorithms.base import Algorithm
from .published import STATES, Setting

ENVIRONMENT = "IPD-v0"
MAX_WIDTH = 128
"""Runs that are mapped together: more would leave the cache, and wait longer for the slowest fixed point."""

Initial = Callable[[Setting, Any], Any]
"""Replaces the drawn states (leaves ``[runs, ...]``) of a setting by others of the same shape."""


class ExactRuns(NamedTuple):
    """What became of the runs of one setting."""

    found: np.ndarray  # [R] bool: tit-for-tat at some update
    cooperation: np.ndarray  # [R, 2, 5] final policies in `STATES`, player 0's action first
    unconverged: np.ndarray  # [R] how many fixed points or model fits of both players were given up

    @property
    def policy(self) -> np.ndarray:
        """Mean final policy ``[5]`` over runs and players, the own action first."""
        return self.own_first.mean(axis=0)

    @property
    def own_first(self) -> np.ndarray:
        """Final policies ``[R, 5]``, the mean of both players, the own action first."""
        mirrored: np.ndarray = self.cooperation[:, 1][:, [0, 2, 1, 3, 4]]
        return (self.cooperation[:, 0] + mirrored) / 2


class _Program(NamedTuple):
    """Settings whose update is one and the same function: they differ in numbers only."""

    update: Callable[..., Any]
    updates: int
    positions: list[int]
    states: Any  # leaves [settings * R, ...]
    width: int  # runs mapped together


def run_settings(
    settings: Sequence[Setting],
    *,
    runs: int,
    seed: int,
    report: Callable[[str], None],
    initial: Initial = lambda _, state: state,
) -> list[ExactRuns]:
    """Run every setting ``runs`` times in float64, mapped over runs and over settings of one shape.

    Run r starts from the same random parameters in every setting of a shape, derived from the seed and r alone.

    Args:
        settings: what to run.
        runs: how often.
        seed: of the initial parameters.
        report: called with a line of progress for each compiled program.
        initial: what the runs of a setting start from, given what was drawn.

    Returns:
        What became of the runs of each setting, in order.
    """
    with jax.enable_x64(True):
        programs = _programs(settings, jax.random.key(seed), runs, initial)
    results: dict[int, ExactRuns] = {}
    with ThreadPoolExecutor(_workers()) as pool:
        started = time.perf_counter()
        compiled = list(pool.map(_compile, programs))
        report(f"{len(programs)} programs compiled in {time.perf_counter() - started:.1f} s")
        for program, update in zip(programs, compiled, strict=True):
            started = time.perf_counter()
            parts = pool.map(partial(_run, update, program.updates), _chunks(program.states, program.width))
            joined = jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)
            for number, position in enumerate(program.positions):
                results[position] = _take(joined, slice(number * runs, (number + 1) * runs))
            names = ", ".join(dict.fromkeys(settings[position].learner for position in program.positions))
            seconds = time.perf_counter() - started
            report(f"{names}: {len(program.positions)} settings of {runs} runs in {seconds:.1f} s")
    return [results[position] for position in range(len(settings))]


def _workers() -> int:
    """Threads that run compiled programs side by side: small ones use one core each."""
    return max(1, min(8, os.cpu_count() or 1))


def _programs(settings: Sequence[Setting], key: jax.Array, runs: int, initial: Initial) -> list[_Program]:
    """Collect the settings that share a program, and draw the initial states of all their runs."""
    algorithms: list[Algorithm] = []
    groups: dict[Any, list[int]] = {}
    for position, setting in enumerate(settings):
        env, params = registry.make_env(ENVIRONMENT, contribution_factor=setting.contribution_factor)
        algorithms.append(registry.make_algorithm(setting.learner, env, params, **setting.options))
        groups.setdefault((algorithms[-1].update, setting.updates), []).append(position)
    keys = jax.vmap(lambda run: jax.random.fold_in(key, run))(np.arange(runs))
    programs = []
    for (update, updates), positions in groups.items():
        drawn = jax.jit(jax.vmap(algorithms[positions[0]].init))(keys)
        states = [
            initial(settings[position], _with_numbers(drawn, algorithms[position].init(key), runs))
            for position in positions
        ]
        width = min(MAX_WIDTH, -(-len(positions) * runs // _workers()))
        together = jax.tree.map(lambda *leaves: np.concatenate(leaves), *states)
        programs.append(_Program(update, updates, positions, together, width))
    return programs


def _with_numbers(drawn: Any, own: Any, runs: int) -> Any:
    """Give the drawn runs the numbers that a setting decides; the rest is the run's."""
    numbers = jax.tree.map(lambda leaf: np.broadcast_to(leaf, (runs, *leaf.shape)), (own.game, own.rates))
    return drawn.replace(game=numbers[0], rates=numbers[1])


def _compile(program: _Program) -> Any:
    with jax.enable_x64(True):  # the setting belongs to the thread
        update = jax.jit(jax.vmap(program.update, in_axes=(None, 0)))
        return update.lower(jax.random.key(0), _take(program.states, slice(program.width))).compile()


def _chunks(states: Any, width: int) -> list[Any]:
    """Cut states into pieces of equal width; the last one is filled up with copies of its last run."""
    total = len(jax.tree.leaves(states)[0])
    places = np.minimum(np.arange(-(-total // width) * width), total - 1)
    return [_take(states, piece) for piece in places.reshape(-1, width)]


def _take(tree: Any, places: Any) -> Any:
    return jax.tree.map(lambda leaf: leaf[places], tree)


def _run(update: Any, updates: int, states: Any) -> ExactRuns:
    """Take all updates of some runs."""
    with jax.enable_x64(True):
        key = jax.random.key(0)  # exact learners draw nothing after the start
        found = np.zeros(len(jax.tree.leaves(states)[0]), bool)
        for _ in range(updates):
            states, metrics = update(key, states)
            found |= np.asarray(metrics["tit_for_tat"]) == 1
    policies = [[metrics[f"cooperation/{state}/player_{player}"] for state in STATES] for player in range(2)]
    unconverged = np.asarray(metrics["unconverged/player_0"] + metrics["unconverged/player_1"])
    return ExactRuns(found, np.moveaxis(np.asarray(policies), 2, 0), unconverged)
