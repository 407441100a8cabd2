"""Figures of the exact experiments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ...runner.report.figures import COLOURS, STYLE
from .exact_runs import STATES

_MARKERS = ("o", "s", "D")
_GREY = "#666666"
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


def draw_shares(curves: Sequence[Curve], *, runs: int) -> Figure:
    """Draw the probability of finding tit-for-tat by contribution factor, a panel for each learner."""
    learners = list(dict.fromkeys(curve.learner for curve in curves))
    with rc_context(dict(STYLE)):
        figure = Figure(figsize=(9.6, 4.2), layout="constrained")
        grid = np.atleast_1d(figure.subplots(1, len(learners), sharey=True))
        for axes, learner in zip(grid, learners, strict=True):
            of_learner = [curve for curve in curves if curve.learner == learner]
            for index, curve in enumerate(of_learner):
                _draw_curve(axes, curve, index, shift=index - (len(of_learner) - 1) / 2)
            axes.set(title=learner.upper(), xlabel="contribution factor", xticks=range(len(of_learner[0].factors)))
            axes.set_xticklabels([f"{factor:g}" for factor in of_learner[0].factors])
            axes.set_ylim(-0.04, 1.06)
            axes.set_xlim(-0.45, len(of_learner[0].factors) - 0.55)
        grid[0].set_ylabel("probability of finding tit-for-tat")
        handles, labels = grid[-1].get_legend_handles_labels()
        handles.append(Line2D([], [], marker="o", color=_GREY, **_HOLLOW))
        figure.legend(handles, [*labels, "published"], loc="outside upper right", ncols=len(labels) + 1, fontsize=9)
        figure.suptitle(
            f"Exact learning in the iterated prisoner's dilemma\n{runs} runs a cell, 95 % interval",
            x=0.01,
            ha="left",
            fontsize=11,
            color="#333333",
        )
    return figure


def _draw_curve(axes: Axes, curve: Curve, index: int, *, shift: float) -> None:
    """Draw one curve, moved a little sideways so that equal values stay visible."""
    colour, x = COLOURS[index], np.arange(len(curve.factors)) + 0.24 * shift
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


def draw_updates(updates: Sequence[Update], before: Sequence[float]) -> Figure:
    """Draw the policy before, and after one update of each network, a panel for each learner."""
    learners = list(dict.fromkeys(update.learner for update in updates))
    places = np.arange(len(STATES))
    with rc_context(dict(STYLE)):
        figure = Figure(figsize=(9.6, 4.2), layout="constrained")
        grid = np.atleast_1d(figure.subplots(1, len(learners), sharey=True))
        for axes, learner in zip(grid, learners, strict=True):
            of_learner = [update for update in updates if update.learner == learner]
            axes.bar(places, before, width=0.86, color="#EEEEEE", label="before, both networks", zorder=1)
            for index, update in enumerate(of_learner):
                at = places + 0.36 * (index - (len(of_learner) - 1) / 2)
                axes.bar(
                    at, update.policy, width=0.32, color=COLOURS[index], label=f"after, {update.network}", zorder=2
                )
                axes.plot(at, update.published, "_", color="#222222", markersize=13, markeredgewidth=1.6, zorder=3)
            distance = np.abs(np.subtract(of_learner[0].policy, of_learner[-1].policy)).max()
            axes.set(title=f"{learner.upper()}: the networks end {distance:.3f} apart", xticks=places)
            axes.set_xticklabels(STATES)
            axes.set_xlabel("last joint action, own first")
            axes.set_ylim(0, 0.75)
        grid[0].set_ylabel("probability of cooperating")
        handles, labels = grid[-1].get_legend_handles_labels()
        handles.append(Line2D([], [], marker="_", markersize=13, markeredgewidth=1.6, color="#222222", linestyle=""))
        figure.legend(handles, [*labels, "published"], loc="outside upper right", ncols=len(labels) + 1, fontsize=9)
        figure.suptitle(
            "One update of two networks that are one policy", x=0.01, ha="left", fontsize=11, color="#333333"
        )
    return figure
