"""Figures of the exact experiments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from ...runner.report.document import Chart, Panel
from ...runner.report.svg import INK, MUTED, SERIES
from .exact_runs import STATES

_MARKERS = ("o", "s", "D")
_HOLLOW: Mapping[str, Any] = {
    "linestyle": "",
    "markersize": 5.5,
    "markerfacecolor": "white",
    "markeredgewidth": 1.4,
    "zorder": 4,
}
"""Published values."""


class Curve(NamedTuple):
    """Shares of one learner with one way of writing policies."""

    learner: str
    parameterisation: str
    factors: Sequence[float]
    rows: Sequence[Mapping[str, Any]]
    """With ``found`` (share, low, high) and ``published`` (a share or None), one for each factor."""


class Update(NamedTuple):
    """One learner's update of one network."""

    learner: str
    network: str
    policy: Sequence[float]
    published: Sequence[float]


def draw_shares(curves: Sequence[Curve], *, runs: int) -> Chart:
    """Draw the probability of finding tit-for-tat by contribution factor, a panel for each learner."""

    def panel(learner: str) -> Panel:
        of_learner = [curve for curve in curves if curve.learner == learner]
        return Panel(learner.upper(), lambda axes: _draw_shares(axes, of_learner))

    return Chart(
        "",
        f"Exact learning in the iterated prisoner's dilemma\n{runs} runs per setting, 95% interval",
        [panel(learner) for learner in dict.fromkeys(curve.learner for curve in curves)],
        (4.8, 4.2),
        share_y=True,
    )


def _draw_shares(axes: Axes, curves: Sequence[Curve]) -> None:
    for index, curve in enumerate(curves):
        _draw_curve(axes, curve, index, shift=index - (len(curves) - 1) / 2)
    factors = curves[0].factors
    axes.set(xlabel="contribution factor", ylabel="probability of finding tit-for-tat", ylim=(-0.04, 1.06))
    axes.set_xticks(range(len(factors)), [f"{factor:g}" for factor in factors])
    axes.set_xlim(-0.45, len(factors) - 0.55)
    axes.plot([], [], marker="o", color=MUTED, label="published", **_HOLLOW)
    axes.label_outer()


def _draw_curve(axes: Axes, curve: Curve, index: int, *, shift: float) -> None:
    """Draw one curve, moved a little sideways so that equal values stay visible."""
    colour, x = SERIES[index], np.arange(len(curve.factors)) + 0.24 * shift
    share, low, high = (np.array([row["found"][name] for row in curve.rows]) for name in ("share", "low", "high"))
    axes.plot(x, share, color=colour, alpha=0.35, linewidth=1.2, zorder=2)
    axes.errorbar(
        x,
        share,
        yerr=np.stack([share - low, high - share]).clip(0),
        color=colour,
        marker=_MARKERS[index],
        markersize=6,
        linestyle="",
        elinewidth=2.2,
        capsize=0,
        label=curve.parameterisation,
        zorder=3,
    )
    known = [
        (place + 0.09, row["published"])
        for place, row in zip(x, curve.rows, strict=True)
        if row["published"] is not None
    ]
    axes.plot(*np.transpose(known), _MARKERS[index], color=colour, **_HOLLOW)


def draw_updates(updates: Sequence[Update], before: Sequence[float]) -> Chart:
    """Draw the policy before, and after one update of each network, a panel for each learner."""

    def panel(learner: str) -> Panel:
        of_learner = [update for update in updates if update.learner == learner]
        distance = np.abs(np.subtract(of_learner[0].policy, of_learner[-1].policy)).max()
        title = f"{learner.upper()}: the networks end {distance:.3f} apart"
        return Panel(title, lambda axes: _draw_updates(axes, of_learner, before))

    return Chart(
        "",
        "One update of two networks that are one policy",
        [panel(learner) for learner in dict.fromkeys(update.learner for update in updates)],
        (4.8, 4.2),
        share_y=True,
    )


def _draw_updates(axes: Axes, updates: Sequence[Update], before: Sequence[float]) -> None:
    places = np.arange(len(STATES))
    axes.bar(places, before, width=0.86, color="#EEEEEE", label="before, both networks", zorder=1)
    published: dict[str, Any] = {"color": INK, "markersize": 13, "markeredgewidth": 1.6, "zorder": 3}
    for index, update in enumerate(updates):
        at = places + 0.36 * (index - (len(updates) - 1) / 2)
        axes.bar(at, update.policy, width=0.32, color=SERIES[index], label=f"after, {update.network}", zorder=2)
        axes.plot(at, update.published, "_", label="published", **published)
    axes.set_xticks(places, STATES)
    axes.set(xlabel="last joint action, own first", ylabel="probability of cooperating", ylim=(0, 0.75))
    axes.label_outer()
