"""LOQA's league: the matches of all seeds, the table, the picture, and the lengths of episodes kept apart."""

import json

import numpy as np
import pytest
from PIL import Image
from polax.papers.loqa import league
from polax.papers.loqa.league import STEPS, league_rows
from polax.papers.loqa.matches import SELF_PLAY, Matches
from polax.papers.loqa.published import LEAGUE
from polax.runner.cli import main

OPPONENTS = ["self-play", "always-cooperate-loqa", "always-defect", "random", "tit-for-tat", "other seeds"]


def test_published_scores_are_the_means_and_deviations_of_their_seeds():
    listed = [score for score in LEAGUE.values() if score.seeds is not None]
    assert len(listed) == 7
    for score in listed:
        assert np.mean(score.seeds) == pytest.approx(score.value, abs=1e-3)
        assert np.std(score.seeds) == pytest.approx(score.spread, abs=1e-3)


def test_advantage_alignment_was_measured_in_short_episodes_and_loqa_in_long_ones():
    lengths = {(learner, steps) for learner, steps, _ in LEAGUE}
    assert lengths == {("loqa", 50), ("loqa: no pool", 50), ("loqa: two players", 50), ("advantage-alignment", 16)}


def test_published_scores_stand_beside_ours_of_the_same_number_of_steps_only():
    matches = Matches([0], {SELF_PLAY: np.array([[0.3, 0.2]]), "always-defect": np.array([[-0.1, 0.2]])}, [0.9])
    beside = {}
    for learner in ("loqa", "advantage-alignment", "goodwill-loqa"):
        for steps in STEPS:
            published = [row["published"] for row in league_rows(learner, steps, matches)]
            beside[learner, steps] = [None if score is None else score["value"] for score in published]
    assert {key: values for key, values in beside.items() if values != [None, None]} == {
        ("loqa", 50): [0.318, -0.054],
        ("advantage-alignment", 16): [0.288, -0.084],
    }


@pytest.mark.slow
def test_the_league_is_trained_once_and_its_lengths_are_kept_apart(tiny, monkeypatch, tmp_path, capsys):
    tiny("goodwill-loqa")
    monkeypatch.setattr(league, "LEARNERS", ("goodwill-loqa",))
    words = ["reproduce", "loqa-league", "--runs", "2", "--training", str(tmp_path / "runs"), "--out", str(tmp_path)]
    assert main(words) == 0
    content = json.loads((tmp_path / "loqa_league_laptop.json").read_text())
    kinds = [(row["steps"], row["opponent"]) for row in content["rows"]]
    assert kinds == [(steps, each) for steps in (50, 16) for each in OPPONENTS]
    for row in content["rows"]:
        assert list(row["per_seed"]) == ["0", "1"]
        assert row["mean"] == pytest.approx(np.mean(list(row["per_seed"].values())))
        assert row["lowest"] == min(row["per_seed"].values())
    # Of two seeds, each is all that the other meets.
    (one, two), (other_two, other_one) = content["rows"][5]["players_per_seed"].values()
    assert (one, two) == pytest.approx((other_one, other_two))
    page = (tmp_path / "loqa_league_laptop.md").read_text()
    assert page.index("## Episodes of 50 steps") < page.index("## Episodes of 16 steps")
    for steps in (50, 16):
        with Image.open(tmp_path / f"loqa_league_laptop_{steps}.png") as picture:
            assert picture.size[0] > 500
    capsys.readouterr()
    assert main(words) == 0
    assert json.loads((tmp_path / "loqa_league_laptop.json").read_text())["rows"] == content["rows"]
    assert "update 1/1" not in capsys.readouterr().out
