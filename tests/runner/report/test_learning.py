"""Learning curves: what is collected of a run."""

import json
from pathlib import Path

import pytest
from polax.runner.evaluation.scores import score_name
from polax.runner.report.figures import figure_of
from polax.runner.report.learning import (
    POINTS,
    LearningRun,
    Quantity,
    curve_of,
    kept_curves,
    learning_charts,
    learning_curves,
    read_kept_curves,
)


def test_the_interval_of_a_gap_does_not_reach_below_none() -> None:
    rows = [
        {"seed": seed, "update": 1, score_name(0): 0.5, score_name(1): 0.5 - gap}
        for seed, gap in enumerate((0.0, 0.0, 0.0, 0.4))
    ]
    run = LearningRun("a", "IPD-v0", {}, {}, [], rows, Path(), self_play=False)
    gap = curve_of(run, Quantity("gap", "Gap", "reward", gap=True), "updates", 0)
    assert (gap.mean[0], gap.low[0]) == (pytest.approx(0.1), 0.0)
    assert gap.high[0] > 0.4
    second = curve_of(run, Quantity("player 1", "Player 1", "reward", player=1), "updates", 0)
    assert second.low[0] < 0.2 < second.high[0]


@pytest.mark.parametrize(("steps", "label"), [({"env_steps": 100}, "environment steps"), ({}, "updates")])
def test_curves_are_drawn_over_environment_steps_where_a_run_has_them(steps: dict[str, int], label: str) -> None:
    rows = [{"seed": 0, "update": update, score_name(0): 0.5, score_name(1): 0.5, **steps} for update in (0, 1)]
    run = LearningRun("a", "IPD-v0", {"outer-steps": 5}, {}, [], rows, Path(), self_play=False)
    axes = figure_of(learning_curves("a", [run])).axes
    assert {each.get_xlabel() for each in axes} == {label}
    assert figure_of(learning_curves("a", [run], x="outer-steps")).axes[0].get_xlabel() == "outer steps"


def test_curves_that_one_chart_cannot_tell_apart_stand_in_several_by_their_axis() -> None:
    def run(name: str, **steps: int) -> LearningRun:
        rows = [{"seed": 0, "update": update, score_name(0): 0.5, score_name(1): 0.5, **steps} for update in (0, 1)]
        return LearningRun(name, "IPD-v0", {}, {}, [], rows, Path(), self_play=False)

    exact, sampled = [run(f"exact-{number}") for number in range(9)], [run(f"plays-{n}", env_steps=9) for n in range(2)]
    charts = learning_charts("all", [*exact, *sampled], {})
    assert [chart.name for chart in charts] == ["all-1", "all-2", "all-3"]
    drawn = [figure_of(chart) for chart in charts]
    names = [{text.get_text() for legend in figure.legends for text in legend.get_texts()} for figure in drawn]
    assert names == [
        {"plays-0", "plays-1"},
        {f"exact-{n}" for n in (0, 2, 4, 6, 8)},
        {f"exact-{n}" for n in (1, 3, 5, 7)},
    ]
    assert [figure.axes[0].get_xlabel() for figure in drawn] == ["environment steps", "updates", "updates"]
    places = {each.label: place for place, each in enumerate(sampled)}
    assert [chart.name for chart in learning_charts("all", sampled, places)] == ["all"]


def test_kept_curves_are_those_of_the_run_at_fewer_points() -> None:
    against = score_name(0, "tit-for-tat"), score_name(1, "tit-for-tat")
    rows = [
        {"seed": seed, "update": update, "env_steps": 10 * update, "own": 0.5, "other": 1, "seconds": 3.0}
        | {score_name(0): 0.12345 * update, score_name(1): 0.0, **dict.fromkeys(against, float(seed))}
        for update in range(0, 202, 2)
        for seed in (3, 4)
    ]
    measures = [{"name": "own", "title": "Own", "unit": "", "references": {}, "plot": True}]
    run = LearningRun("a", "IPD-v0", {"outer-steps": 5}, {"best": 1.0}, measures, rows, Path(), self_play=True)
    again = read_kept_curves(json.loads(json.dumps(kept_curves(run))))
    assert again[:4] == run[:4]
    assert len(again.rows) == 2 * POINTS
    assert {name for row in again.rows for name in row} == set(rows[0]) - {"other", "seconds"}
    assert [again.rows[0]["update"], again.rows[-1]["update"]] == [0, 200]
    first, second = learning_curves("a", [run]), learning_curves("a", [again])
    assert [panel.title for panel in second.panels] == [panel.title for panel in first.panels]
    ends = [[axes.lines[0].get_ydata()[-1] for axes in figure_of(chart).axes] for chart in (first, second)]
    assert ends[1] == pytest.approx(ends[0], abs=1e-4)


def test_a_run_without_scores_keeps_no_curves() -> None:
    run = LearningRun("a", "IPD-v0", {}, {}, [], [], Path(), self_play=True)
    assert read_kept_curves(kept_curves(run)).rows == []
