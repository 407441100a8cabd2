"""What was learned, in one sentence: the kind of behaviour that the scores show, and the scores themselves.

Every threshold is a share of the game's own reference scores, so that a sentence means the same in every dilemma. See
docs/what_was_learned.md for the reasons.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import Any, NamedTuple

import numpy as np

from .scores import DEFECTOR, TIT_FOR_TAT, mean_gap, pairing, player_scores, scores_of_seeds

NEAR = 0.85
"""Share of the way from mutual defection to mutual cooperation from which on a score counts as cooperation."""

SMALL, MOST = 0.2, 0.8
"""Shares: a gap or loss up to the first is small; a loss from the second on is that of an unconditional cooperator."""


class Dilemma(NamedTuple):
    """What a game's strategies score, by which a learner is judged: mean reward per player and step."""

    cooperation: float
    """Always-cooperate with itself."""
    defection: float
    """Always-defect with itself."""
    sucker: float
    """Always-cooperate against always-defect."""


class Kind(Enum):
    """A kind of behaviour, in the words of the sentence."""

    RECIPROCATES = "reciprocates"
    UNCONDITIONAL = "cooperates unconditionally"
    ALONE = "cooperates with itself only"
    DEFECTS = "defects"
    EXPLOITS = "one player exploits the other"
    PARTLY = "partly cooperates"


def kind_of(row: Mapping[str, Any], dilemma: Dilemma) -> Kind | None:
    """Return the kind of behaviour of one seed; None where it was not scored against the strategies that tell.

    Args:
        row: the metrics of a seed at one update.
        dilemma: the game's reference scores.
    """
    together, reciprocator, defector = (player_scores(row, opponent) for opponent in ("", TIT_FOR_TAT, DEFECTOR))
    if together is None or reciprocator is None or defector is None:
        return None
    worth = dilemma.cooperation - dilemma.defection
    cooperation = (np.mean(together) - dilemma.defection) / worth
    with_reciprocator = (min(reciprocator) - dilemma.defection) / worth
    losses = (dilemma.defection - np.array(defector)) / (dilemma.defection - dilemma.sucker)
    if np.ptp(together) > SMALL * worth:
        return Kind.EXPLOITS
    if cooperation >= NEAR and losses.min() >= MOST:
        return Kind.UNCONDITIONAL
    if cooperation >= NEAR and losses.max() <= SMALL:
        return Kind.RECIPROCATES if with_reciprocator >= NEAR else Kind.ALONE
    if cooperation <= SMALL and losses.max() <= SMALL:
        return Kind.DEFECTS
    return Kind.PARTLY


def verdict(
    rows: Sequence[Mapping[str, Any]],
    dilemma: Dilemma | None,
    *,
    self_play: bool,
    trained_against: Iterable[str] = (),
) -> str:
    """Return a sentence on what was learned, with its numbers; empty where the game is not a dilemma of this kind.

    Args:
        rows: the metrics of each seed at one update.
        dilemma: the game's reference scores; None: it lacks a strategy that they are measured with.
        self_play: whether one policy plays as every player.
        trained_against: strategies that were opponents in training.
    """
    if dilemma is None or not dilemma.cooperation > dilemma.defection > dilemma.sucker:
        return ""
    kinds = [kind for row in rows if (kind := kind_of(row, dilemma)) is not None]
    together = scores_of_seeds(rows)
    if not kinds or together is None:
        return ""
    *players, last = map(_written, together.mean(axis=0))
    met = ", which it met in training" if TIT_FOR_TAT in trained_against else ""
    numbers = [
        f"{_written(together.mean())} in {pairing(self_play=self_play)} "
        f"({', '.join(players)} and {last}, gap {_written(mean_gap(rows) or 0.0)})",
        f"{_mean(rows, TIT_FOR_TAT)} with {TIT_FOR_TAT}{met}",
        f"{_mean(rows, DEFECTOR)} against {DEFECTOR}",
    ]
    found = _counted(kinds)
    if len(players) > 1:
        found = found.replace("the other", "others")
    return f"{found}: {', '.join(numbers)}."


def _counted(kinds: Sequence[Kind]) -> str:
    """Say in how many seeds there is each kind, the most frequent first."""
    found = Counter(kinds).most_common()
    if len(kinds) == 1:
        words = kinds[0].value
    elif len(found) == 1:
        words = f"{kinds[0].value} in all {len(kinds)} seeds"
    else:
        (first, count), *others = found
        words = f"{first.value} in {count} of {len(kinds)} seeds"
        words += "".join(f", {kind.value} in {count}" for kind, count in others)
    return words[0].upper() + words[1:]


def _mean(rows: Sequence[Mapping[str, Any]], opponent: str) -> str:
    scores = scores_of_seeds(rows, opponent)
    return "-" if scores is None else _written(scores.mean())


def _written(value: float) -> str:
    return f"{round(float(value), 3) + 0.0:.3f}"  # never -0.000
