"""The sentence on what was learned: each kind, from the scores that a game's own strategies set."""

from typing import Any

import polax
import pytest
from polax.runner.evaluation.evaluate import measure_dilemma
from polax.runner.evaluation.verdict import Dilemma, Kind, kind_of, verdict

DILEMMA = Dilemma(cooperation=0.33, defection=0.0, sucker=-0.335)
RECIPROCATES = ((0.33, 0.32), (0.32, 0.31), (-0.02, -0.03))
EXPLOITS = ((0.388, 0.165), (0.3, 0.12), (-0.03, -0.03))


def _row(together: Any, reciprocator: Any, defector: Any, seed: int = 0) -> dict[str, Any]:
    pairs = {"": together, "/vs/tit-for-tat": reciprocator, "/vs/always-defect": defector}
    scores = {f"score/player_{i}{vs}": value for vs, pair in pairs.items() for i, value in enumerate(pair)}
    return {"seed": seed, **scores}


@pytest.mark.parametrize(
    ("scores", "kind"),
    [
        (RECIPROCATES, Kind.RECIPROCATES),
        (((0.33, 0.33), (0.33, 0.33), (-0.335, -0.335)), Kind.UNCONDITIONAL),
        (((0.33, 0.32), (0.32, 0.12), (-0.02, -0.03)), Kind.ALONE),  # one of the two quarrels with tit-for-tat
        (((0.0, 0.0), (0.013, 0.013), (0.0, 0.0)), Kind.DEFECTS),
        (EXPLOITS, Kind.EXPLOITS),
        (((0.665, -0.335), (0.013, 0.33), (0.0, -0.335)), Kind.EXPLOITS),  # the mean alone is half of cooperation
        (((0.33, 0.33), (0.33, 0.33), (-0.17, -0.17)), Kind.PARTLY),  # forgives a defector half of what it could lose
        (((0.33, 0.33), (0.33, 0.33), (-0.01, -0.335)), Kind.PARTLY),  # and here only one of the two does
        (((0.17, 0.16), (0.2, 0.2), (-0.03, -0.03)), Kind.PARTLY),
        (((0.0, 0.0), (0.0, 0.0), (-0.335, -0.335)), Kind.PARTLY),
    ],
)
def test_each_kind_is_told_by_its_scores(scores: Any, kind: Kind) -> None:
    row = _row(*scores)
    assert kind_of(row, DILEMMA) is kind
    assert verdict([row], DILEMMA, self_play=False).startswith(kind.value.capitalize())


def test_a_kind_does_not_depend_on_the_unit_of_the_payoffs() -> None:
    scaled = Dilemma(*(10 * value + 7 for value in DILEMMA))
    for scores in (RECIPROCATES, EXPLOITS):
        row = _row(*([10 * value + 7 for value in pair] for pair in scores))
        assert kind_of(row, scaled) is kind_of(_row(*scores), DILEMMA)


def test_the_sentence_carries_the_numbers_and_says_what_was_met_in_training() -> None:
    row = _row((0.388, 0.164), (0.3, 0.12), (-0.0001, -0.0002))
    assert verdict([row], DILEMMA, self_play=False) == (
        "One player exploits the other: 0.276 in co-play (0.388 and 0.164, gap 0.224), 0.210 with tit-for-tat, "
        "0.000 against always-defect."
    )
    met = verdict([_row(*RECIPROCATES)], DILEMMA, self_play=True, trained_against=("tit-for-tat",))
    assert "in self-play (0.330 and 0.320, gap 0.010)" in met
    assert "with tit-for-tat, which it met in training, -0.025" in met


def test_seeds_are_counted_where_they_differ() -> None:
    same, other = _row(*RECIPROCATES), _row(*EXPLOITS)
    assert verdict([same, same], DILEMMA, self_play=False).startswith("Reciprocates in all 2 seeds: 0.325 in co-play")
    mixed = verdict([other, same, same, same], DILEMMA, self_play=False)
    assert mixed.startswith("Reciprocates in 3 of 4 seeds, one player exploits the other in 1: ")


def test_without_the_strategies_or_without_a_dilemma_there_is_no_sentence() -> None:
    row = _row(*RECIPROCATES)
    assert verdict([row], None, self_play=False) == ""
    assert verdict([row], Dilemma(cooperation=0.0, defection=-10.0, sucker=-1.0), self_play=False) == ""  # chicken
    assert verdict([{"score/player_0": 1.0, "score/player_1": 1.0}], DILEMMA, self_play=False) == ""


def test_the_reference_scores_are_those_of_the_games_strategies() -> None:
    found = measure_dilemma(*polax.make_env("IPD-v0", max_steps_in_episode=5), num_envs=2)
    assert found is not None
    assert tuple(found) == pytest.approx((0.33, 0.0, -0.335), abs=1e-6)
    assert measure_dilemma(*polax.make_env("MatchingPennies-v0"), num_envs=2) is None
