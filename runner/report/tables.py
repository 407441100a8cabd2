"""Scores as a table for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.table import Table

from ..evaluation.scores import score_name, seats
from ..evaluation.statistics import mean_and_interval


def score_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Return a table with one line for each opponent and one column for each player.

    Args:
        rows: the metrics of each seed at one update; with several, the 95 % interval over seeds is shown.
    """
    players = seats(rows[0])
    opponents = ["", *sorted({name.split("/vs/")[1] for name in rows[0] if "/vs/" in name})]
    seeds = "" if len(rows) == 1 else f", {len(rows)} seeds, 95 % interval"
    table = Table(title=f"Mean reward a step{seeds}", title_justify="left", title_style="bold")
    table.add_column("against")
    for player in players:
        table.add_column(f"player {player}", justify="right")
    for opponent in opponents:
        cells = [format_values([row[score_name(player, opponent)] for row in rows]) for player in players]
        table.add_row(opponent or "each other", *cells)
    return table


def format_values(values: Sequence[float]) -> str:
    """Write a mean, and its 95 % interval where there are several values."""
    mean, half = mean_and_interval(values)
    return f"{mean:+.3f}" if len(values) == 1 else f"{mean:+.3f} ± {half:.3f}"


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; all columns but the first stand to the right."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
