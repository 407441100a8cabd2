"""The recorded episodes of a tournament as the page's viewer reads them: small."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

LARGEST_MATRIX = 4
"""Payoffs are shown as a matrix in games of at most so many actions."""


def payload(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the episodes of a tournament as the script reads them.

    Returns:
        ``players`` and ``actions`` by name; ``board``, its rows and columns, or None; ``rewards``, the different pairs
        of rewards; ``matrix``, the rewards by joint action where they depend on nothing else; ``first``, the pair to
        begin with; ``episodes``: the numbers of the two players, ``moves`` (action of player 0, of player 1, step by
        step), ``rewards`` (numbers of pairs), and ``boards``, the pieces before the first step and after each: name,
        row, column, and number of the player that it is or belongs to.
    """
    names = [player["name"] for player in content["players"]]
    numbers: dict[tuple[float, ...], int] = {}
    shown = content["episodes_shown"]
    episodes = [
        {
            "players": [names.index(each["row"]), names.index(each["column"])],
            "moves": [move for pair in each["frames"]["actions"] for move in pair],
            "rewards": [numbers.setdefault(tuple(pair), len(numbers)) for pair in each["frames"]["rewards"]],
            "boards": [
                [[piece[name] for name in ("name", "row", "column", "player")] for piece in board["pieces"]]
                for board in each["frames"]["boards"]
            ],
        }
        for each in shown
    ]
    board = next((board for each in shown for board in each["frames"]["boards"]), None)
    return {
        "players": names,
        "actions": content["action_names"],
        "board": board and [board["rows"], board["columns"]],
        "rewards": list(numbers),
        "matrix": None if board else _matrix(shown, content["action_names"]),
        "first": _first(content),
        "episodes": episodes,
    }


def _first(content: Mapping[str, Any]) -> list[int]:
    """Return the pair to begin with: the two best of those who have learned, or of all."""
    ranks = {row["name"]: rank for rank, row in enumerate(content["rankings"]["mean_score"])}
    order = sorted(enumerate(content["players"]), key=lambda each: (each[1]["kind"] != "run", ranks[each[1]["name"]]))
    numbers = [index for index, _ in order[:2]]
    return [numbers[0], numbers[-1]]


def _matrix(shown: Sequence[Mapping[str, Any]], actions: Sequence[str]) -> list[list[Any]] | None:
    """Return the rewards by both players' actions, None where one was not seen; None if more than these decides."""
    found: dict[tuple[int, int], list[float]] = {}
    for episode in shown:
        for moves, rewards in zip(episode["frames"]["actions"], episode["frames"]["rewards"], strict=True):
            if found.setdefault(tuple(moves), rewards) != rewards:
                return None
    size = range(len(actions))
    return (
        None if len(actions) > LARGEST_MATRIX else [[found.get((first, second)) for second in size] for first in size]
    )
