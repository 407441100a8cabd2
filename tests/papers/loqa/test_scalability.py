"""Time to LOQA's thresholds: normalised rewards, the first evaluation that passes, and the files."""

import json

import pytest
from PIL import Image
from polax.papers.loqa import scalability
from polax.papers.loqa.published import TIMES
from polax.papers.loqa.scalability import normalisation, thresholds_of
from polax.runner.cli import main


def test_thresholds_are_the_published_rewards_on_the_smallest_torus():
    found = thresholds_of(3)
    assert [each.self_play for each in found] == pytest.approx([0.025, 0.05, 0.1])
    assert [each.against_defector for each in found] == pytest.approx([-0.6, -0.25, -0.1])


def test_the_thresholds_of_normalised_rewards_are_those_of_every_size():
    assert [normalisation(size) for size in (3, 5, 7)] == [2, 4, 6]
    for size in (3, 5, 7):
        assert [normalisation(size) * each.self_play for each in thresholds_of(size)] == pytest.approx([0.05, 0.1, 0.2])


def test_every_published_time_is_of_a_threshold_and_a_size_that_we_measure():
    assert {each["threshold"] for each in TIMES} <= {each.name for each in thresholds_of(3)}
    assert {each["grid_size"] for each in TIMES} <= set(scalability.SIZES)


@pytest.mark.slow
def test_times_are_read_from_the_runs_of_every_size(tiny, monkeypatch, tmp_path):
    tiny("goodwill-loqa")
    tiny("goodwill-loqa", "laptop-4x4", grid_size=4)
    monkeypatch.setattr(scalability, "SIZES", (3, 4))
    words = ["reproduce", "loqa-scalability", "--runs", "2", "--training", str(tmp_path), "--out", str(tmp_path)]
    monkeypatch.setattr(scalability, "LEARNERS", ("goodwill-loqa", "pola-exact"))
    assert main(words) == 0
    content = json.loads((tmp_path / "loqa_scalability_laptop.json").read_text())
    kinds = [(row["grid_size"], row["threshold"]) for row in content["rows"]]
    assert kinds == [(size, threshold.name) for size in (3, 4) for threshold in thresholds_of(3)]
    assert all(row["per_seed"] == {"0": None, "1": None} for row in content["rows"] if row["threshold"] == "strong")
    page = (tmp_path / "loqa_scalability_laptop.md").read_text()
    assert "| goodwill-loqa | 3 x 3 | weak | not reached |  |  | LOQA 146 to 171; POLA 1,546 to 1,613; M-FOS" in page
    assert "| goodwill-loqa | 4 x 4 | strong | not reached |  |  |  |" in page
    assert "pola-exact 3 x 3, pola-exact 4 x 4" in content["notes"][-1]
    with Image.open(tmp_path / "loqa_scalability_laptop.png") as picture:
        assert picture.size[0] > 1000
