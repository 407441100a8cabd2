"""What an evaluation found, as a document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..evaluation.scores import score_name, scored_players
from ..evaluation.statistics import mean_and_interval
from ..runs.manifest import versions
from .document import Cell, Document, Provenance, Reach, Section, Table, Value


def document(result: Mapping[str, Any], command: Sequence[str]) -> Document:
    """Return the document of what an evaluation found.

    Args:
        result: ``run``, ``algorithm``, ``env``, ``checkpoint``, and ``seeds``, the metrics of each.
        command: the words of the command line.
    """
    return Document(
        title=f"{result['algorithm']} in {result['env']}, checkpoint {result['checkpoint']} of {result['run']}",
        kind="evaluation",
        sections=[Section("", [score_table(result["seeds"])], Reach.CONSOLE)],
        provenance=Provenance(command, versions()),
        data=result,
    )


def score_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Return a table with one line for each opponent and one column for each player.

    Args:
        rows: the metrics of each seed at one update; with several, the 95% interval over seeds is shown.
    """
    players = scored_players(rows[0])
    opponents = ["", *sorted({name.split("/vs/")[1] for name in rows[0] if "/vs/" in name})]
    seeds = "" if len(rows) == 1 else f", {len(rows)} seeds, 95% interval"
    lines: list[list[Cell]] = [
        [opponent or "each other", *(_mean([row[score_name(player, opponent)] for row in rows]) for player in players)]
        for opponent in opponents
    ]
    return Table(f"Mean reward per step{seeds}", ["against", *(f"player {player}" for player in players)], lines)


def _mean(values: Sequence[float]) -> Value:
    mean, half = mean_and_interval(values)
    return Value(f"{mean:+.3f}", mean, "" if len(values) == 1 else f"± {half:.3f}")
