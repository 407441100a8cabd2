"""Figures of the exact experiments, drawn from the rows of their tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from ...runner.report.parts import Chart, Panel
from ...runner.report.svg import INK, MUTED, SERIES
from ..report import Row
from .published import STATES

_MARKERS = ("o", "s", "D")
_PUBLISHED: dict[str, Any] = {
    "linestyle": "",
    "markersize": 5.5,
    "markerfacecolor": "white",
    "markeredgewidth": 1.4,
    "zorder": 4,
}


def draw_shares(rows: Sequence[Row], *, runs: int) -> Chart:
    """Draw the probability of finding tit-for-tat by contribution factor, a panel for each learner."""
    title = f"Exact learning in the iterated prisoner's dilemma\n{runs} runs per setting, 95% interval"
    return _by_learner(title, rows, _draw_shares, lambda learner, own: learner)


def draw_updates(rows: Sequence[Row], before: Sequence[float]) -> Chart:
    """Draw the policy before, and after one update of each network, a panel for each learner."""

    def heading(learner: str, own: Sequence[Row]) -> str:
        distance = np.abs(np.subtract(own[0]["policy"], own[-1]["policy"])).max()
        return f"{learner}: the networks end {distance:.3f} apart"

    title = "One update of two networks that are one policy"
    return _by_learner(title, rows, partial(_draw_updates, before), heading)


def _by_learner(
    title: str,
    rows: Sequence[Row],
    draw: Callable[[Sequence[Row], Axes], None],
    heading: Callable[[str, Sequence[Row]], str],
) -> Chart:
    panels = []
    for learner in dict.fromkeys(row["learner"] for row in rows):
        own = [row for row in rows if row["learner"] == learner]
        name = heading(learner.removesuffix("-exact").upper(), own)
        panels.append(Panel(name, partial(draw, own)))
    return Chart("", title, panels, (4.8, 4.2), share_y=True)


def _draw_shares(rows: Sequence[Row], axes: Axes) -> None:
    factors = sorted({row["contribution_factor"] for row in rows})
    kinds = list(dict.fromkeys(row["options"]["parameterisation"] for row in rows))
    for index, kind in enumerate(kinds):
        curve = [row for row in rows if row["options"]["parameterisation"] == kind]
        _draw_curve(axes, curve, factors, index, shift=index - (len(kinds) - 1) / 2)
    axes.set(xlabel="contribution factor", ylabel="probability of finding tit-for-tat", ylim=(-0.04, 1.06))
    axes.set_xticks(range(len(factors)), [f"{factor:g}" for factor in factors])
    axes.set_xlim(-0.45, len(factors) - 0.55)
    axes.plot([], [], marker="o", color=MUTED, label="published", **_PUBLISHED)
    axes.label_outer()


def _draw_curve(axes: Axes, rows: Sequence[Row], factors: Sequence[float], index: int, *, shift: float) -> None:
    """Draw the shares of one parameterisation, moved a little sideways so that equal values stay visible."""
    colour, marker = SERIES[index], _MARKERS[index]
    x = np.array([factors.index(row["contribution_factor"]) for row in rows]) + 0.24 * shift
    share, low, high = (np.array([row["found"][name] for row in rows]) for name in ("share", "low", "high"))
    axes.plot(x, share, color=colour, alpha=0.35, linewidth=1.2, zorder=2)
    spread = np.stack([share - low, high - share]).clip(0)
    label = rows[0]["options"]["parameterisation"]
    axes.errorbar(x, share, spread, color=colour, fmt=marker, markersize=6, elinewidth=2.2, label=label, zorder=3)
    theirs = np.array([row["published"] for row in rows], float)  # NaN, which is not drawn, where there is none
    axes.plot(x + 0.09, theirs, marker, color=colour, **_PUBLISHED)


def _draw_updates(before: Sequence[float], rows: Sequence[Row], axes: Axes) -> None:
    places = np.arange(len(STATES))
    axes.bar(places, before, width=0.86, color="#EEEEEE", label="before, both networks", zorder=1)
    for index, row in enumerate(rows):
        at = places + 0.36 * (index - (len(rows) - 1) / 2)
        axes.bar(at, row["policy"], width=0.32, color=SERIES[index], label=f"after, {row['network']}", zorder=2)
        axes.plot(at, row["published"], "_", color=INK, markersize=13, markeredgewidth=1.6, label="published", zorder=3)
    axes.set_xticks(places, STATES)
    axes.set(xlabel="last joint action, own first", ylabel="probability of cooperating", ylim=(0, 0.75))
    axes.label_outer()
