"""Learning curves, read and drawn from run folders alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from ...options import OptionError, suggest
from ..evaluation.scores import (
    DEFECTOR,
    MAIN,
    TIT_FOR_TAT,
    mean_score,
    pairing,
    player_scores,
    score_gap,
    score_name,
    scored_players,
)
from ..evaluation.statistics import FEWEST, mean_and_spread_over_seeds, spread_word
from ..runs.files import RunError
from ..runs.folder import RunFolder
from .figures import (
    DASHES,
    FORMATS,
    Curve,
    colour_of,
    draw_curve,
    draw_players,
    figure_of,
    finish_curves,
    save,
    spread_over,
)
from .parts import Cell, Chart, Panel, Table, Value, count, number

X_AXES = ("updates", "env-steps", "seconds")

GAP = "gap"
"""Name of the difference between the players' scores."""

ROWS = 10
"""Of the table of a curve's values."""

POINTS = 25
"""Evaluations that a document keeps of a curve, at most."""


class Quantity(NamedTuple):
    """What a panel of learning curves shows, and under which metrics it stands."""

    name: str
    title: str
    y_label: str
    opponent: str = ""
    """Whom the players are scored against; empty: they play together."""

    player: int | None = None
    """Whose score; None: the mean over players."""

    gap: bool = False
    """Whether it is the gap between the players' scores."""

    metric: str = ""
    """A metric to show instead of a score."""

    references: Mapping[str, float] = {}
    """What the metric is read against, by name."""

    def value(self, row: Mapping[str, Any]) -> float | None:
        """Return it from a line of metrics."""
        if self.metric:
            return row.get(self.metric)
        if self.gap:
            return score_gap(row, self.opponent)
        if self.player is None:
            return mean_score(row, self.opponent)
        scores = player_scores(row, self.opponent)
        return None if scores is None else scores[self.player]

    def beside(self, run: LearningRun) -> list[Quantity]:
        """Return what belongs beside a mean over players: the score of each of them, and the gap between these."""
        if self.metric or self.gap:
            return []
        players = scored_players(run.rows[0]) if run.rows else []
        return [
            *(self._replace(name=f"player {player}", player=player) for player in players),
            self._replace(name=GAP, gap=True),
        ]


class Mark(NamedTuple):
    """A published value, drawn at the end of a learner's curve."""

    learner: str
    quantity: str
    value: float
    low: float | None
    high: float | None


class LearningRun(NamedTuple):
    """What a run's folder says that its curves need."""

    label: str
    game: str
    steps_per_update: Mapping[str, int]
    """Steps that one update takes, by kind."""
    references: Mapping[str, float]
    """Scores to compare with, by name."""
    measures: Sequence[Mapping[str, Any]]
    """What the game says about its own metrics."""
    rows: Sequence[Mapping[str, Any]]
    """The lines of metrics that have scores."""
    path: Path
    self_play: bool
    """Whether one policy plays as every player."""

    @property
    def plays(self) -> bool:
        """Whether it counts environment steps, over which its curves are drawn."""
        return all("env_steps" in row for row in self.rows)


def read_run(folder: RunFolder) -> LearningRun:
    """Read what the curves of a run need.

    Raises:
        RunError: the folder is damaged.
    """
    spec, manifest = folder.spec(), folder.manifest()
    return LearningRun(
        label=spec.algorithm,
        game=spec.env,
        steps_per_update=manifest.get("steps_per_update", {}),
        references=manifest.get("reference_scores", {}),
        measures=manifest.get("measures", []),
        rows=[row for row in folder.metrics() if scored_players(row)],
        path=folder.path,
        self_play=manifest.get("self_play", False),
    )


def kept_curves(run: LearningRun) -> dict[str, Any]:
    """Return what the curves of a run need, JSON-ready, of `POINTS` evaluations at most; see `read_kept_curves`."""
    updates = sorted({row["update"] for row in run.rows})
    kept = {updates[place] for place in spread_over(len(updates), POINTS)} if updates else set()
    drawn = [measure for measure in run.measures if measure["plot"]]
    names = (
        [score_name(player, opponent) for player in scored_players(run.rows[0]) for opponent in MAIN] if kept else []
    )
    columns = ["seed", "update", "env_steps", *names, *(measure["name"] for measure in drawn)]
    rows = [[_rounded(row.get(column)) for column in columns] for row in run.rows if row["update"] in kept]
    fields = {name: getattr(run, name) for name in ("label", "game", "steps_per_update", "references", "self_play")}
    return {**fields, "measures": drawn, "columns": columns, "rows": rows}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def read_kept_curves(content: Mapping[str, Any]) -> LearningRun:
    """Return the curves that `kept_curves` has kept."""
    fields = {name: content[name] for name in LearningRun._fields if name in content}
    lines = [
        {name: value for name, value in zip(content["columns"], row, strict=True) if value is not None}
        for row in content["rows"]
    ]
    return LearningRun(**{**fields, "rows": lines, "path": Path(content["label"])})


def quantities(runs: Sequence[LearningRun]) -> list[Quantity]:
    """Return what to draw of some runs: the measures that their games want drawn, and the scores."""
    measures = {measure["name"]: measure for run in runs for measure in run.measures if measure["plot"]}
    own = [
        Quantity(each["title"].lower(), each["title"], each["unit"], metric=name, references=each["references"])
        for name, each in measures.items()
    ]
    together = " or ".join(sorted({pairing(self_play=run.self_play) for run in runs}))
    reward = "mean reward per step"
    return [
        *own,
        Quantity(together, together.capitalize(), reward),
        Quantity(GAP, "Gap between the two players", reward, gap=True),
        *(Quantity(f"against {name}", f"Against {name}", reward, name) for name in (TIT_FOR_TAT, DEFECTOR)),
    ]


def draw_learning_curves(folders: Sequence[RunFolder], out: Path, *, x: str | None = None) -> Path:
    """Write the chart of `learning_curves` to a file.

    Args:
        folders: the runs.
        out: where the figure goes; its suffix decides the format.
        x: the horizontal axis, see `learning_curves`.

    Returns:
        The path of the figure.

    Raises:
        PolaxError: no scores to draw, an axis that a run does not have, or a file that cannot be written.
    """
    if out.suffix not in FORMATS:
        raise OptionError(f"{out} must end in {', '.join(FORMATS)}")
    return save(figure_of(learning_curves(out.stem, [read_run(folder) for folder in folders], x=x)), out)


def learning_curves(
    name: str,
    runs: Sequence[LearningRun],
    *,
    x: str | None = None,
    marks: Sequence[Mark] = (),
    colours: Mapping[str, int] | None = None,
) -> Chart:
    """Return the learning curves of some runs: mean over seeds, and their spread where there are several.

    Args:
        name: of the chart.
        runs: what to draw.
        x: one of `X_AXES`, or a kind of steps that the learners count; by default environment steps, or updates where
            a run has none.
        marks: published values, shown in the colours of the curves of the same learners.
        colours: place in the palette by label; by default in the order of the runs.

    Returns:
        A panel for each of their `quantities` that the runs have.

    Raises:
        PolaxError: no scores to draw, or an axis that a run does not have.
    """
    axis = x or ("env-steps" if all(run.plays for run in runs) else "updates")
    x_label = axis.replace("-", " ").replace("env", "environment")
    panels = []
    for quantity in quantities(runs):
        lines = [
            line
            for index, run in enumerate(runs)
            if (line := _line(run, quantity, axis, colours[run.label] if colours else index)) is not None
        ]
        if lines:
            panels.append(_panel(quantity, lines, runs, marks, x_label))
    if not panels:
        raise RunError(f"{runs[0].path} has no scores to draw yet")
    return Chart(name, _title(runs), panels)


def learning_charts(name: str, runs: Sequence[LearningRun], colours: Mapping[str, int]) -> list[Chart]:
    """Return the learning curves of any number of runs, in so many charts that the curves of each can be told apart.

    Where one chart is not enough, runs that play episodes are drawn apart from those that do not, which have another
    axis.

    Args:
        name: of the chart; of several, the beginning of their names.
        runs: what to draw.
        colours: place in the palette by label, if there is one chart.

    Raises:
        PolaxError: no scores to draw.
    """
    if len(runs) <= len(DASHES):
        return [learning_curves(name, runs, colours=colours)]
    groups: dict[bool, list[LearningRun]] = {True: [], False: []}
    for run in runs:
        groups[run.plays].append(run)
    parts: list[list[LearningRun]] = []
    for group in groups.values():
        several = -(-len(group) // len(DASHES))
        parts += [group[at::several] for at in range(several)]
    return [learning_curves(f"{name}-{place}", part) for place, part in enumerate(parts, 1)]


class _Line(NamedTuple):
    """A run's curve in a panel, and those of `Quantity.beside` by name."""

    curve: Curve
    beside: Mapping[str, Curve]


def _line(run: LearningRun, quantity: Quantity, axis: str, colour: int) -> _Line | None:
    """Return what a panel shows of a run; None where the run has no such quantity."""
    curve = curve_of(run, quantity, axis, colour)
    if curve is None:
        return None
    beside = {each.name: curve_of(run, each, axis, colour) for each in quantity.beside(run)}
    return _Line(curve, {name: found._replace(name=name) for name, found in beside.items() if found is not None})


def _panel(
    quantity: Quantity,
    lines: Sequence[_Line],
    runs: Sequence[LearningRun],
    marks: Sequence[Mark],
    x_label: str,
) -> Panel:
    shown = [mark for mark in marks if mark.quantity == quantity.name]

    def draw(axes: Axes) -> None:
        for curve, beside in lines:
            draw_curve(axes, curve._replace(thin=len(runs) == 1), x_label)
            if len(runs) == 1:  # in a chart of several runs, the players stand in the table
                draw_players(axes, [found for name, found in beside.items() if name != GAP])
        _draw_marks(axes, [line.curve for line in lines], shown)
        finish_curves(axes, x_label, quantity.y_label, references(quantity, runs[0]))

    names = list(dict.fromkeys(name for line in lines for name in line.beside))
    rows: list[list[Cell]] = [
        [curve.name, count(curve.x[place]), *(_value(each, place) for each in (curve, *map(beside.get, names)))]
        for curve, beside in lines
        for place in spread_over(len(curve.x), ROWS)
    ]
    values = Table(f"{quantity.title}: some values", ("algorithm", x_label, quantity.y_label, *names), rows)
    return Panel(quantity.title, draw, values)


def _value(curve: Curve | None, place: int) -> Value:
    if curve is None:
        return number(None)
    found = number(float(curve.mean[place]))
    return found._replace(spread=str(curve.spread(place)))


def _draw_marks(axes: Axes, curves: Sequence[Curve], marks: Sequence[Mark]) -> None:
    """Mark published values beyond the right end of the curves, side by side."""
    colours = {curve.name: colour_of(curve.colour) for curve in curves}
    for place, mark in enumerate(mark for mark in marks if mark.learner in colours):
        low = mark.value if mark.low is None else mark.low
        high = mark.value if mark.high is None else mark.high
        axes.errorbar(
            1.03 + 0.025 * place,
            mark.value,
            yerr=[[mark.value - low], [high - mark.value]],
            transform=axes.get_yaxis_transform(),
            fmt="D",
            markersize=5,
            markerfacecolor="white",
            markeredgewidth=1.4,
            color=colours[mark.learner],
            clip_on=False,
            label=None if place else "published",
        )


def _title(runs: Sequence[LearningRun]) -> str:
    games = ", ".join(dict.fromkeys(run.game for run in runs))
    seeds = sorted({len({row["seed"] for row in run.rows}) for run in runs})
    number_of = f"{seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else f"{seeds[0]}"
    few = f" (range below {FEWEST} seeds)" if 1 < seeds[0] < FEWEST <= seeds[-1] else ""
    shown = "1 seed" if seeds == [1] else f"{number_of} seeds, mean and {spread_word(seeds[-1])}{few}"
    return f"{f'{runs[0].label} in {games}' if len(runs) == 1 else games} ({shown})"


def curve_of(run: LearningRun, quantity: Quantity, axis: str, colour: int) -> Curve | None:
    """Collect the values of one quantity; None where the run has none.

    Raises:
        OptionError: an axis, one of `X_AXES`, that the run does not have.
    """
    seeds = sorted({row["seed"] for row in run.rows})
    updates = sorted({row["update"] for row in run.rows})
    values = np.full((len(seeds), len(updates)), np.nan)
    position = {update: index for index, update in enumerate(updates)}
    places = np.zeros(len(updates))
    for row in run.rows:
        column = position[row["update"]]
        places[column] = _place(run, row, axis)
        value = quantity.value(row)
        if value is not None:
            values[seeds.index(row["seed"]), column] = value
    drawn = np.isfinite(values).any(axis=0)  # NaN where a seed had ended
    if not drawn.any():
        return None
    values = values[:, drawn]
    mean, low, high = mean_and_spread_over_seeds(values)
    if quantity.gap:  # is never below 0, where an interval about its mean can reach
        low = np.maximum(low, 0.0)
    return Curve(run.label, colour, places[drawn], mean, low, high, values)


def _place(run: LearningRun, row: Mapping[str, Any], axis: str) -> float:
    """Return where a line of metrics belongs on the horizontal axis."""
    if axis == "updates":
        return float(row["update"])
    if axis in run.steps_per_update:
        return float(row["update"] * run.steps_per_update[axis])
    name = axis.replace("-", "_")
    if axis not in X_AXES or name not in row:
        known = [
            *run.steps_per_update,
            *(each for each in X_AXES if each.replace("-", "_") in row or each == "updates"),
        ]
        raise OptionError(f"{run.path}: {run.label} does not record {axis!r} to draw over; {suggest(axis, known)}")
    return float(row[name])


def references(quantity: Quantity, run: LearningRun) -> Mapping[str, float]:
    """Return the scores (or proportions) that a quantity is read against."""
    if quantity.metric:
        return quantity.references
    if quantity.gap:
        return {}
    if quantity.opponent == DEFECTOR:  # it is best answered by defecting
        return {name: value for name, value in run.references.items() if name == "mutual defection"}
    return run.references
