"""Many runs of many settings of an exact learner, as few compiled programs as there are different shapes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax
import numpy as np

from ... import registry
from ...algorithms.base import Algorithm

ENVIRONMENT = "IPD-v0"
STATES = ("DD", "DC", "CD", "CC", "start")
MAX_LANES = 128
"""Runs that are mapped together: more would leave the cache, and wait longer for the slowest fixed point."""


@dataclass(frozen=True)
class Cell:
    """One setting, to be run many times."""

    name: str
    learner: str
    updates: int
    options: Mapping[str, Any] = field(default_factory=dict)
    contribution_factor: float = 1.33


class Outcome(NamedTuple):
    """What became of the runs of one cell."""

    found: np.ndarray  # [R] bool: tit-for-tat at some update
    cooperation: np.ndarray  # [R, 2, 5] final policies in `STATES`, player 0's action first
    unconverged: np.ndarray  # [R] how many fixed points or model fits of both players were given up
    updates: int

    @property
    def policy(self) -> np.ndarray:
        """Mean final policy ``[5]`` over runs and players, the own action first."""
        return self.own_first.mean(axis=0)

    @property
    def own_first(self) -> np.ndarray:
        """Final policies ``[R, 5]``, the mean of both players, the own action first."""
        mirrored: np.ndarray = self.cooperation[:, 1][:, [0, 2, 1, 3, 4]]
        return (self.cooperation[:, 0] + mirrored) / 2


class Lanes(NamedTuple):
    """Runs that pass through one compiled program together."""

    program: Any
    states: Any  # leaves [L, ...]
    updates: int


class _Group(NamedTuple):
    """Cells that share a compiled program."""

    algorithms: list[Algorithm]
    positions: list[int]
    updates: int


def cell_of_preset(learner: str, preset: str, name: str) -> Cell:
    """Return the cell of a preset of a learner in the iterated prisoner's dilemma."""
    settings = registry.algorithm_plugin(learner).presets[preset, ENVIRONMENT]
    factor = settings.env_options["contribution_factor"]
    return Cell(name, learner, settings.updates, settings.options, factor)


def run_cells(
    cells: Sequence[Cell],
    *,
    runs: int,
    seed: int,
    report: Callable[[str], None],
    initial: Callable[[Cell, Any], Any] | None = None,
) -> list[Outcome]:
    """Run every cell ``runs`` times in float64, mapped over runs and over cells of one shape.

    Run r starts from the same random parameters in every cell of a shape, derived from the seed and r alone.

    Args:
        cells: what to run.
        runs: how often.
        seed: of the initial parameters.
        report: called with a line of progress for each compiled program.
        initial: replaces the drawn states (leaves ``[runs, ...]``) of a cell by others of the same shape.

    Returns:
        One outcome for each cell, in order.
    """
    with jax.enable_x64(True):
        groups = _grouped(cells)
        states = [_states(group, cells, runs=runs, seed=seed, initial=initial) for group in groups]
    width = [min(MAX_LANES, -(-len(jax.tree.leaves(each)[0]) // _workers())) for each in states]
    with ThreadPoolExecutor(_workers()) as pool:
        started = time.perf_counter()
        programs = list(pool.map(_compile, groups, states, width))
        report(f"{len(programs)} programs compiled in {time.perf_counter() - started:.1f} s")
        outcomes: dict[int, Outcome] = {}
        for group, program, of_group, lanes in zip(groups, programs, states, width, strict=True):
            started = time.perf_counter()
            chunks = [Lanes(program, chunk, group.updates) for chunk in _chunks(of_group, lanes)]
            parts = list(pool.map(_run_lanes, chunks))
            outcomes |= dict(zip(group.positions, _split(parts, len(group.positions), runs), strict=True))
            names = ", ".join(dict.fromkeys(cells[position].learner for position in group.positions))
            seconds = time.perf_counter() - started
            report(f"{names}: {len(group.positions)} cells of {runs} runs in {seconds:.1f} s")
    return [outcomes[position] for position in range(len(cells))]


def _workers() -> int:
    """Threads that run compiled programs side by side: small ones use one core each."""
    return max(1, min(8, os.cpu_count() or 1))


def _grouped(cells: Sequence[Cell]) -> list[_Group]:
    """Collect the cells whose update is one and the same function; they differ in numbers only."""
    groups: dict[Any, _Group] = {}
    for position, cell in enumerate(cells):
        env, params = registry.make_env(ENVIRONMENT, contribution_factor=cell.contribution_factor)
        algorithm = registry.make_algorithm(cell.learner, env, params, **cell.options)
        group = groups.setdefault((algorithm.update, cell.updates), _Group([], [], cell.updates))
        group.algorithms.append(algorithm)
        group.positions.append(position)
    return list(groups.values())


def _states(
    group: _Group,
    cells: Sequence[Cell],
    *,
    runs: int,
    seed: int,
    initial: Callable[[Cell, Any], Any] | None,
) -> Any:
    """Return the initial states of all runs of all cells of a group, leaves ``[cells * runs, ...]``."""
    key = jax.random.key(seed)
    keys = jax.vmap(lambda run: jax.random.fold_in(key, run))(np.arange(runs))
    drawn = jax.jit(jax.vmap(group.algorithms[0].init))(keys)
    of_cells = []
    for algorithm, position in zip(group.algorithms, group.positions, strict=True):
        own = algorithm.init(key)
        numbers = {name: _repeated(getattr(own, name), runs) for name in _NUMBERS}
        state = drawn.replace(**numbers)
        of_cells.append(initial(cells[position], state) if initial else state)
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *of_cells)


def _repeated(tree: Any, runs: int) -> Any:
    return jax.tree.map(lambda leaf: np.broadcast_to(leaf, (runs, *leaf.shape)), tree)


_NUMBERS = ("game", "rates")
"""Fields of a state that a cell decides; the rest is the run's."""


def _compile(group: _Group, states: Any, lanes: int) -> Any:
    with jax.enable_x64(True):  # the setting belongs to the thread
        update = jax.jit(jax.vmap(group.algorithms[0].update, in_axes=(None, 0)))
        return update.lower(jax.random.key(0), _take(states, slice(lanes))).compile()


def _chunks(states: Any, lanes: int) -> list[Any]:
    """Cut states into pieces of equal width; the last one is filled up with copies of its last run."""
    total = len(jax.tree.leaves(states)[0])
    places = np.minimum(np.arange(-(-total // lanes) * lanes), total - 1)
    return [_take(states, piece) for piece in places.reshape(-1, lanes)]


def _take(states: Any, places: Any) -> Any:
    return jax.tree.map(lambda leaf: leaf[places], states)


def _run_lanes(lanes: Lanes) -> Outcome:
    """Take all updates of some runs."""
    with jax.enable_x64(True):
        states, key = lanes.states, jax.random.key(0)  # exact learners draw nothing after the start
        found = np.zeros(len(jax.tree.leaves(states)[0]), bool)
        for _ in range(lanes.updates):
            states, metrics = lanes.program(key, states)
            found |= np.asarray(metrics["tit_for_tat"]) == 1
    policies = [[metrics[f"cooperation/{state}/player_{player}"] for state in STATES] for player in range(2)]
    unconverged = np.asarray(metrics["unconverged/player_0"] + metrics["unconverged/player_1"])
    return Outcome(found, np.moveaxis(np.asarray(policies), 2, 0), unconverged, lanes.updates)


def _split(parts: Sequence[Outcome], cells: int, runs: int) -> list[Outcome]:
    """Join the chunks of a group and cut them into cells."""
    found, cooperation, unconverged = (
        np.concatenate([getattr(part, name) for part in parts])[: cells * runs].reshape(cells, runs, *shape)
        for name, shape in (("found", ()), ("cooperation", (2, 5)), ("unconverged", ()))
    )
    return [Outcome(*each, parts[0].updates) for each in zip(found, cooperation, unconverged, strict=True)]
