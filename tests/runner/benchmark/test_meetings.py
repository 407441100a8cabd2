"""The matrix of what learners earn beside each other."""

import numpy as np
from matplotlib.figure import Figure
from polax.runner.benchmark.meetings import meetings


def found(value):
    return {"iqm": value, "low": value - 0.01, "high": value + 0.01, "per_seed": [value] * 2}


def row(algorithm, first, second):
    scores = {"score": found((first + second) / 2), "score/player_0": found(first), "score/player_1": found(second)}
    return {"algorithm": algorithm, "scores": scores}


def numbers(chart):
    """Return the numbers that the chart shows, row by row."""
    axes = Figure().subplots()
    chart.panels[0].draw(axes)
    texts = [each.get_text().replace("\N{MINUS SIGN}", "-") for each in axes.texts]
    side = int(len(texts) ** 0.5)
    return np.array(texts).reshape(side, side).tolist()


def test_each_learner_has_a_row_and_a_column():
    rows = [
        row("shaper", 0.3, 0.32),
        row("shaper+naive", 0.4, -0.1),
        row("naive", 0.0, 0.0),
        row("naive+grim", 0.1, 0.2),
    ]
    chart = meetings("figures/x", "IPD-v0", rows)
    assert numbers(chart) == [
        ["0.310", "0.400", "\N{EN DASH}"],
        ["-0.100", "0.000", "0.100"],
        ["\N{EN DASH}", "0.200", "\N{EN DASH}"],
    ]


def test_without_different_learners_and_without_scores_there_is_no_matrix():
    failed = {"algorithm": "shaper+naive", "scores": {}}
    assert meetings("figures/x", "IPD-v0", [row("naive", 0.0, 0.1), row("naive+naive", 0.0, 0.1), failed]) is None
