"""The first evaluation of each seed that reaches a level."""

from functools import partial

from polax.envs.base import Threshold
from polax.runner.evaluation.milestones import exceeds, first_passes

EASY, HARD = Threshold("easy", 0.025, -0.6), Threshold("hard", 0.1, -0.1)


def line(update: int, self_play: float, defector: float, seed: int = 0) -> dict[str, float]:
    """Return a line of metrics."""
    scores = {f"score/player_{player}": self_play for player in (0, 1)}
    scores |= {f"score/player_{player}/vs/always-defect": defector for player in (0, 1)}
    return {"update": update, "seed": seed, **scores}


def passes(rows, threshold):
    return first_passes(rows, partial(exceeds, threshold=threshold))


def test_both_scores_of_one_evaluation_must_pass_and_the_first_counts():
    rows = [line(0, 0.3, -0.2), line(1, 0.0, 0.0), line(2, 0.2, -0.05), line(3, 0.0, -0.5), line(4, 0.3, 0.0)]
    assert passes(rows, HARD) == {0: rows[2]}
    assert passes(rows, EASY) == {0: rows[0]}


def test_a_level_counts_for_every_seed_apart_and_may_not_be_reached():
    rows = [line(1, 0.03, 0.0), line(1, 0.0, 0.0, seed=1), line(2, 0.03, 0.0, seed=1)]
    assert passes(rows, HARD) == {0: None, 1: None}
    assert {seed: row["update"] for seed, row in passes(rows, EASY).items()} == {0: 1, 1: 2}


def test_updates_without_an_evaluation_are_no_passes():
    assert passes([{"update": 1, "seed": 0}], EASY) == {0: None}
