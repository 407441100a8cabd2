"""A map of basins of attraction: where each rule goes from a grid of starts."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np
from matplotlib.axes import Axes

from ... import registry
from ...algorithms.exact.games import TEST_BENCH, DifferentiableGame
from ...algorithms.exact.learner import payoffs_of
from ...options import OptionError, option_types, suggest
from ...runner.report.document import Document
from ...runner.report.figures import HEAT
from ...runner.report.parts import Chart, Panel
from ..many_runs import learn, starts
from ..report import reproduction

Progress = Callable[[str], None]

UPDATES = 100
RATE = 0.1
"""Step size in games that are given by their losses."""

RATE_TIMES_PAYOFFS = 3.0
"""Step size times the range of the payoffs in repeated games: the published rate 1 where payoffs lie in -3 to 0."""

REACH = 2.0
"""Games that are given by their losses are drawn for parameters from -REACH to REACH."""

SHARED, DISCOUNT = ("outer_lr", "inner_lr"), 0.96


class Plane(NamedTuple):
    """What is drawn of a game: where the runs start, and how they end is valued."""

    env: Any
    params: Any
    rate: float
    start: Callable[[np.ndarray, np.ndarray], np.ndarray]
    """From coordinates ``[runs]`` each in 0 to 1: all players' parameters ``[runs, N, d]``."""
    extent: tuple[float, float, float, float]
    labels: tuple[str, str]
    value: str
    """What the colours mean."""
    metrics: tuple[str, str]
    scale: float
    """Turns the mean of both metrics into the value."""


def map(  # noqa: A001 - the name that it is asked for by
    *, runs: int, seed: int, env: str, algorithms: Sequence[str], report: Progress
) -> Document:
    """Run every rule from a square grid of about ``runs`` starts; nothing is random.

    Raises:
        OptionError: an unknown game, one of more than two players, or an algorithm that does not learn in it.
    """
    plane, side = _plane(env), math.isqrt(runs)
    centres = (np.arange(side) + 0.5) / side
    x, y = (each.ravel() for each in np.meshgrid(centres, centres))
    rows, ends = [], {}
    for name in algorithms:
        algorithm = _learner(name, plane)
        one = starts(algorithm, runs=1, seed=seed)
        states = {field: getattr(one, field) for field in ("game", "rates", "models", "unconverged")}
        repeated = {field: _repeat(value, side * side) for field, value in states.items()}
        begin = one.replace(params=plane.start(x, y), **repeated)
        reciprocity = [] if isinstance(plane.env, DifferentiableGame) else ["tit_for_tat"]
        course = learn(algorithm, begin, UPDATES, [*plane.metrics, *reciprocity])
        found = {metric: values[-1] for metric, values in course.items()}
        ends[name] = plane.scale * (found[plane.metrics[0]] + found[plane.metrics[1]]) / 2
        rows.append(_row(name, ends[name], found.get("tit_for_tat")))
        report(f"{name}: {side * side} starts, {UPDATES} updates")
    pictures = {name: end.reshape(side, side) for name, end in ends.items()}
    return reproduction(
        "map",
        f"Where each rule goes in {env}: {side} x {side} starts, {UPDATES} updates",
        {
            "rule": "{rule}",
            f"mean {plane.value} at the end": "{mean:.3f}",
            "lowest": "{lowest:.3f}",
            "highest": "{highest:.3f}",
            "reciprocate": "{reciprocate:.3f}",
            "not finite": "{lost:.3f}",
        },
        rows,
        notes=(
            f"A colour for each start: the {plane.value} after {UPDATES} updates, mean of both players. Step sizes "
            f"{plane.rate:g}, of imagined steps too. {_HOW[isinstance(plane.env, DifferentiableGame)]}",
        ),
        chart=_draw(env, plane, pictures),
        stem=f"map_{env}",
    )


_HOW = {
    False: "Both players start alike, cooperating (action 1) with the probability on the horizontal axis at the start "
    "and after the other cooperated, and with that on the vertical axis after the other did not: always-defect is at "
    "the lower left, tit-for-tat at the lower right. Reciprocate: share of starts from which both end with more than "
    "80% of the best mean reward, and cooperate with probability below 0.65 after mutual defection and after they "
    "alone cooperated.",
    True: "Each player has one parameter, on the axis of its own.",
}


def _plane(env: str) -> Plane:
    if env in TEST_BENCH:
        game = TEST_BENCH[env]
        return Plane(
            game,
            None,
            RATE,
            lambda x, y: REACH * (2 * np.stack([x, y], axis=1)[:, :, None] - 1),
            (-REACH, REACH, -REACH, REACH),
            ("player 0's parameter", "player 1's parameter"),
            "loss",
            ("loss/player_0", "loss/player_1"),
            1.0,
        )
    known = [*TEST_BENCH, *(listing.name for listing in registry.list_environments())]
    if env not in known:
        raise OptionError(f"unknown game {env!r}; {suggest(env, known)}")
    game, params = registry.make_env(env)
    try:
        payoffs = np.asarray(payoffs_of(game, params))
    except ValueError as cause:
        raise OptionError(f"{cause}; or name one of {', '.join(TEST_BENCH)}") from cause
    return Plane(
        game,
        params,
        RATE_TIMES_PAYOFFS / float(np.ptp(payoffs)),
        _reactive,
        (0, 1, 0, 1),
        ("cooperates after cooperation", "cooperates after defection"),
        "reward a step",
        ("return/player_0", "return/player_1"),
        1 - DISCOUNT,
    )


def _reactive(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the logits ``[runs, 2, 5]`` of players that react to the other's last action only."""
    after = {"C": np.log(x / (1 - x)), "D": np.log(y / (1 - y))}
    return np.stack([np.stack([after[other] for other in seen], axis=1) for seen in ("DCDCC", "DDCCC")], axis=1)


def _learner(name: str, plane: Plane) -> Any:
    """Return the learner with the plane's step sizes."""
    options = option_types(registry.algorithm_plugin(name).config)
    if "outer_lr" not in options:
        raise OptionError(f"{name} is no learner on exact losses: name some that end in -exact")
    return registry.make_algorithm(
        name, plane.env, plane.params, **{rate: plane.rate for rate in SHARED if rate in options}
    )


def _repeat(tree: Any, runs: int) -> Any:
    return jax.tree.map(lambda leaf: np.repeat(leaf, runs, axis=0), tree)


def _row(name: str, end: np.ndarray, reciprocate: np.ndarray | None) -> dict[str, Any]:
    finite = end[np.isfinite(end)]
    found = (float(finite.mean()), float(finite.min()), float(finite.max())) if len(finite) else (None, None, None)
    return {
        "rule": name,
        **dict(zip(("mean", "lowest", "highest"), found, strict=True)),
        "reciprocate": None if reciprocate is None else float(reciprocate.mean()),
        "lost": 1 - len(finite) / len(end),
    }


def _draw(env: str, plane: Plane, pictures: dict[str, np.ndarray]) -> Chart:
    every = np.concatenate([picture[np.isfinite(picture)] for picture in pictures.values()])
    limits = tuple(np.quantile(every, (0.01, 0.99))) if len(every) else (0.0, 1.0)
    panels = [Panel(name, partial(_draw_picture, picture, plane, limits)) for name, picture in pictures.items()]
    return Chart("", f"{env}: {plane.value} at the end, by where both start", panels, (4.2, 3.6), grid="")


def _draw_picture(picture: np.ndarray, plane: Plane, limits: tuple[float, float], axes: Axes) -> None:
    """Draw one rule's ends; what is not finite stays white."""
    image = axes.imshow(
        np.where(np.isfinite(picture), picture, np.nan),
        origin="lower",
        extent=plane.extent,
        cmap=HEAT,
        vmin=limits[0],
        vmax=limits[1],
        interpolation="nearest",
    )
    axes.figure.colorbar(image, ax=axes, shrink=0.8)
    axes.set(xlabel=plane.labels[0], ylabel=plane.labels[1])
