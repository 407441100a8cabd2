"""Time to LOQA's thresholds: normalised rewards, the first evaluation that passes, and the files."""

import json

import pytest
from PIL import Image
from polax.papers.loqa import scalability
from polax.papers.loqa.published import TIMES
from polax.papers.loqa.scalability import THRESHOLDS, first_passes, normalisation
from polax.runner.cli import main

WEAK, _, STRONG = THRESHOLDS


def line(update: int, self_play: float, defector: float, seed: int = 0) -> dict[str, float]:
    """Return a line of metrics."""
    scores = {f"score/player_{player}": self_play for player in (0, 1)}
    scores |= {f"score/player_{player}/vs/always-defect": defector for player in (0, 1)}
    return {"update": update, "seed": seed, "seconds": 10.0 * update, "env_steps": 100 * update, **scores}


def test_thresholds_are_the_published_rewards_on_the_smallest_torus():
    factor = normalisation(3)
    assert [each.self_play / factor for each in THRESHOLDS] == pytest.approx([0.025, 0.05, 0.1])
    assert [each.against_defector / factor for each in THRESHOLDS] == pytest.approx([-0.6, -0.25, -0.1])
    assert [normalisation(size) for size in (3, 5, 7)] == [2, 4, 6]


def test_both_scores_of_one_evaluation_must_pass_and_the_first_counts():
    rows = [line(0, 0.3, -0.2), line(1, 0.0, 0.0), line(2, 0.2, -0.05), line(3, 0.0, -0.5), line(4, 0.3, 0.0)]
    assert first_passes(rows, 3, STRONG) == {0: rows[2]}
    assert first_passes(rows, 3, WEAK) == {0: rows[0]}


def test_a_threshold_counts_for_every_seed_apart_and_may_not_be_reached():
    rows = [line(1, 0.06, 0.0), line(1, 0.0, 0.0, seed=1), line(2, 0.06, 0.0, seed=1)]
    assert first_passes(rows, 3, STRONG) == {0: None, 1: None}
    assert {seed: row["update"] for seed, row in first_passes(rows, 5, STRONG).items()} == {0: 1, 1: 2}


def test_updates_without_an_evaluation_are_no_passes():
    assert first_passes([{"update": 1, "seed": 0, "seconds": 1.0}], 3, WEAK) == {0: None}


def test_every_published_time_is_of_a_threshold_and_a_size_that_we_measure():
    assert {each["threshold"] for each in TIMES} <= {each.name for each in THRESHOLDS}
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
    assert kinds == [(size, threshold.name) for size in (3, 4) for threshold in THRESHOLDS]
    assert all(row["per_seed"] == {"0": None, "1": None} for row in content["rows"] if row["threshold"] == "strong")
    page = (tmp_path / "loqa_scalability_laptop.md").read_text()
    assert "| goodwill-loqa | 3 x 3 | weak | not reached |  |  | LOQA 146 to 171; POLA 1,546 to 1,613; M-FOS" in page
    assert "| goodwill-loqa | 4 x 4 | strong | not reached |  |  |  |" in page
    assert "pola-exact 3 x 3, pola-exact 4 x 4" in content["notes"][-1]
    with Image.open(tmp_path / "loqa_scalability_laptop.png") as picture:
        assert picture.size[0] > 1000
