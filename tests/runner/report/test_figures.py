"""Charts: where the names of reference levels stand."""

import numpy as np
import pytest
from matplotlib.figure import Figure
from polax.runner.report.figures import Curve, HeatMap, draw_curve, figure_of, finish_curves, heat_map


@pytest.mark.parametrize(
    ("ends_at", "levels", "below"),
    [
        (0.2, {"optimum": 0.35, "always cooperate": 0.33, "mutual defection": 0.0}, {"always cooperate"}),
        (0.01, {"optimum": 0.35, "mutual defection": 0.0}, {"mutual defection"}),
        (-0.01, {"optimum": 0.35, "mutual defection": 0.0}, set()),
        (0.34, {"optimum": 0.35}, set()),
    ],
)
def test_the_name_of_a_level_stands_where_neither_a_curve_nor_another_level_is(ends_at, levels, below):
    axes = Figure().subplots()
    values = np.linspace(-0.2, ends_at, 50)
    values[25:] = ends_at
    draw_curve(axes, Curve("a", 0, np.arange(50.0), values, values, values, values[None]), "updates")
    finish_curves(axes, "updates", "score", levels)
    names = {text.get_text().rsplit(" ", 1)[0]: text.get_verticalalignment() for text in axes.texts}
    assert set(names) == set(levels)
    assert {name for name, side in names.items() if side == "top"} == below


def test_a_number_that_rounds_to_nothing_has_no_sign_in_a_heat_map():
    content = HeatMap(["a"], ["b", "c"], np.array([[-0.0001, -0.2]]), [["", ""]], "reward")
    texts = {text.get_text() for text in figure_of(heat_map("payoffs", "Payoffs", content)).axes[0].texts}
    assert texts == {"0.000", "\N{MINUS SIGN}0.200"}
