"""The names of scores: ``score/player_0`` against the other learners, ``score/player_0/vs/tit-for-tat`` and so on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def score_name(seat: int, opponent: str = "") -> str:
    """Return the metric of one player's score against a strategy, or against the other learners."""
    return f"score/player_{seat}/vs/{opponent}" if opponent else f"score/player_{seat}"


def seats(row: Mapping[str, Any]) -> list[int]:
    """Return the players that a line of metrics has scores of; none where nothing was evaluated."""
    heads = (name.removeprefix("score/player_") for name in row if name.startswith("score/player_"))
    return sorted(int(head) for head in heads if head.isdigit())


def mean_score(row: Mapping[str, Any], opponent: str = "") -> float | None:
    """Return the mean over players of the scores against ``opponent``; None where the line has none."""
    values = [row[score_name(seat, opponent)] for seat in seats(row) if score_name(seat, opponent) in row]
    return float(sum(values) / len(values)) if values else None
