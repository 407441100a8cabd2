"""The names of scores: ``score/player_0`` against the other learners, ``score/player_0/vs/tit-for-tat`` and so on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def score_name(player: int, opponent: str = "") -> str:
    """Return the metric of one player's score against a strategy, or against the other learners."""
    return f"score/player_{player}/vs/{opponent}" if opponent else f"score/player_{player}"


def scored_players(row: Mapping[str, Any]) -> list[int]:
    """Return the players that have scores in a line of metrics; none where nothing was evaluated."""
    heads = (name.removeprefix("score/player_") for name in row if name.startswith("score/player_"))
    return sorted(int(head) for head in heads if head.isdigit())


def mean_score(row: Mapping[str, Any], opponent: str = "") -> float | None:
    """Return the mean over players of the scores against ``opponent``; None if the line has none."""
    names = (score_name(player, opponent) for player in scored_players(row))
    values = [row[name] for name in names if name in row]
    return float(sum(values) / len(values)) if values else None
