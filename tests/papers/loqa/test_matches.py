"""What a seed gets in matches of each kind, from the scores of all ordered pairs."""

import numpy as np
import pytest
from polax.options import OptionError
from polax.papers.loqa.matches import (
    CO_PLAY,
    OTHER_SEEDS,
    SELF_PLAY,
    scores_by_kind,
    seed_values,
    summarise,
    with_preset,
)


def pairs(players: int) -> np.ndarray:
    """Return scores ``[P, P, 2]`` of which each says who got it: 100 * player 0 + 10 * player 1 + role."""
    first, second, role = np.indices((players, players, 2))
    return 100.0 * first + 10.0 * second + role


def test_a_learner_plays_both_roles_and_its_opponent_s_score_stands_beside_it():
    found = scores_by_kind(pairs(3), 2, ["random"], together=False)
    assert list(found) == [SELF_PLAY, "random", OTHER_SEEDS]
    np.testing.assert_allclose(found[SELF_PLAY], [[0, 1], [110, 111]])
    # Seed 0 with player 2, as player 0 (score 20 to the opponent's 21) and as player 1 (201 to 200).
    np.testing.assert_allclose(found["random"], [[(20 + 201) / 2, (21 + 200) / 2], [(120 + 211) / 2, (121 + 210) / 2]])


def test_a_seed_meets_every_other_one_in_both_roles():
    found = scores_by_kind(pairs(3), 3, [], together=False)[OTHER_SEEDS]
    own = [(10 + 101 + 20 + 201) / 4, (100 + 11 + 120 + 211) / 4, (200 + 21 + 210 + 121) / 4]
    np.testing.assert_allclose(found[:, 0], own)


def test_two_players_trained_together_are_not_one_that_plays_with_itself():
    found = scores_by_kind(pairs(3), 1, ["random"], together=True)
    np.testing.assert_allclose(found[CO_PLAY], [[0, 1]])
    np.testing.assert_allclose(found[SELF_PLAY], [[220, 221]])
    assert OTHER_SEEDS not in found


def test_a_pair_has_one_score_and_a_gap_and_a_match_has_the_learner_s_score():
    scores = np.array([[0.4, 0.2], [0.1, 0.3]])
    np.testing.assert_allclose(seed_values(SELF_PLAY, scores), [0.3, 0.2])
    np.testing.assert_allclose(seed_values("random", scores), [0.4, 0.1])
    found = summarise("random", scores)
    np.testing.assert_allclose(found, [0.25, 0.15, 0.1, 0.25, 0.2])


def test_learners_without_a_preset_are_left_out():
    assert with_preset(["loqa", "goodwill-loqa"], "published") == ["loqa"]
    with pytest.raises(OptionError, match="none of goodwill-loqa has a preset 'published'"):
        with_preset(["goodwill-loqa"], "published")
