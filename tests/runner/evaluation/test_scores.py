"""What is said of a pair: its mean, its players, the gap between them, and what playing together is called."""

import numpy as np
import pytest
from polax.runner.evaluation.scores import (
    mean_gap,
    mean_score,
    opponents_of,
    over_players,
    pairing,
    player_scores,
    score_gap,
    scored_players,
)
from polax.runner.report.evaluation import score_table
from polax.runner.training.progress import describe_scores

FIRST = {
    "update": 3, "score/player_0": 0.4, "score/player_1": 0.2,
    "score/player_0/vs/grim": 0.1, "score/player_1/vs/grim": 0.2,
    "score/player_0/vs/tit-for-tat": 0.3, "score/player_1/vs/tit-for-tat": 0.1,
}  # fmt: skip
SECOND = {**FIRST, "score/player_0": 0.2, "score/player_1": 0.4}


def test_a_line_has_a_mean_the_players_and_their_gap() -> None:
    assert (scored_players(FIRST), player_scores(FIRST)) == ([0, 1], [0.4, 0.2])
    assert mean_score(FIRST) == pytest.approx(0.3)
    assert score_gap(FIRST) == pytest.approx(0.2)
    assert score_gap(FIRST, "tit-for-tat") == pytest.approx(0.2)
    assert opponents_of(FIRST) == ["", "tit-for-tat", "grim"]


def test_nothing_is_said_of_an_opponent_that_was_not_met() -> None:
    assert (mean_score(FIRST, "always-defect"), score_gap(FIRST, "always-defect")) == (None, None)
    assert mean_gap([{"update": 1}]) is None
    assert (scored_players({"update": 1}), opponents_of({"update": 1})) == ([], [])


def test_the_gap_of_several_seeds_is_the_mean_of_theirs_and_not_that_of_the_means() -> None:
    assert mean_gap([FIRST, SECOND]) == pytest.approx(0.2)  # the means of both players are equal
    mean, gap = over_players(np.array([[0.4, 0.2], [0.2, 0.4]]))
    np.testing.assert_allclose(mean, [0.3, 0.3])
    np.testing.assert_allclose(gap, [0.2, 0.2])


def test_the_progress_line_has_both_players_and_names_what_they_do_together() -> None:
    assert describe_scores([FIRST, SECOND], self_play=False) == (
        "co-play +0.300 (+0.300 +0.300, gap 0.200)  tit-for-tat +0.200 (+0.300 +0.100, gap 0.200)"
    )
    assert describe_scores([FIRST], self_play=True).startswith("self-play +0.300 (+0.400 +0.200, gap 0.200)")
    assert (pairing(self_play=True), pairing(self_play=False)) == ("self-play", "co-play")


def test_the_closing_table_has_a_line_for_each_line_up() -> None:
    table = score_table([FIRST], self_play=False)
    assert list(table.columns) == ["line-up", "mean", "player 0", "player 1", "gap"]
    rows = [[str(value) for value in row] for row in table.rows]
    assert rows == [
        ["co-play", "+0.300", "+0.400", "+0.200", "0.200"],
        ["tit-for-tat", "+0.200", "+0.300", "+0.100", "0.200"],
        ["grim", "+0.150", "+0.100", "+0.200", "0.100"],
    ]
    several = score_table([FIRST, SECOND], self_play=True)
    assert [str(value) for value in several.rows[0]][::4] == ["self-play", "0.200 (0.200 to 0.200)"]
