"""The animated episodes: what the page's script needs to draw them, small, and the frame it draws them in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .markup import Markup, element

LARGEST_MATRIX = 4
"""Payoffs are shown as a matrix in games of at most so many actions."""


def payload(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the episodes of a tournament as the script reads them.

    Returns:
        ``players`` and ``actions`` by name; ``size`` of the board or None; ``rewards``, the different pairs of rewards;
        ``matrix``, the rewards by joint action where they depend on nothing else; ``first``, the pair to begin with;
        ``episodes``: the numbers of the two players, ``moves`` (action of player 0, of player 1, step by step),
        ``rewards`` (numbers of pairs), and ``boards``, each the players' rows and columns and then row, column and
        owner of each coin.
    """
    names = [player["name"] for player in content["players"]]
    numbers: dict[tuple[float, float], int] = {}
    episodes = []
    for shown in content["episodes_shown"]:
        frames = shown["frames"]
        rewards = [numbers.setdefault((first, second), len(numbers)) for first, second in frames["rewards"]]
        episodes.append(
            {
                "players": [names.index(shown["row"]), names.index(shown["column"])],
                "moves": [move for pair in frames["actions"] for move in pair],
                "rewards": rewards,
                "boards": [_board(board) for board in frames["boards"]],
            }
        )
    boards = [board for episode in episodes for board in episode["boards"]]
    actions = content.get("action_names")
    return {
        "players": names,
        "actions": actions,
        "size": _size(content["episodes_shown"]),
        "rewards": list(numbers),
        "matrix": None if boards else _matrix(content["episodes_shown"], actions),
        "first": _first(content),
        "episodes": episodes,
    }


def _first(content: Mapping[str, Any]) -> list[int]:
    """Return the pair to begin with: the two best of those who have learned, or of all."""
    ranks = {row["name"]: rank for rank, row in enumerate(content["rankings"]["mean_score"])}
    order = sorted(enumerate(content["players"]), key=lambda each: (each[1]["kind"] != "run", ranks[each[1]["name"]]))
    numbers = [index for index, _ in order[:2]]
    return [numbers[0], numbers[-1]]


def _board(board: Mapping[str, Any]) -> list[int]:
    pieces = board["pieces"]
    players = {piece["player"]: (piece["row"], piece["column"]) for piece in pieces if piece["name"] == "player"}
    flat = [*players[0], *players[1]]
    for piece in pieces:
        if piece["name"] != "player":
            flat += [piece["row"], piece["column"], piece["player"]]
    return flat


def _size(shown: Sequence[Mapping[str, Any]]) -> int | None:
    """Return the side of the board, None in games without one."""
    boards = [board for episode in shown for board in episode["frames"]["boards"]]
    return max(boards[0]["rows"], boards[0]["columns"]) if boards else None


def _matrix(shown: Sequence[Mapping[str, Any]], actions: Sequence[str] | None) -> list[list[Any]] | None:
    """Return the rewards by both players' actions, None where one was not seen; None if more than these decides."""
    found: dict[tuple[int, int], list[float]] = {}
    for episode in shown:
        for moves, rewards in zip(episode["frames"]["actions"], episode["frames"]["rewards"], strict=True):
            if found.setdefault(tuple(moves), rewards) != rewards:
                return None
    size = len(actions) if actions else 1 + max((move for pair in found for move in pair), default=0)
    if size > LARGEST_MATRIX:
        return None
    return [[found.get((first, second)) for second in range(size)] for first in range(size)]


def viewer() -> Markup:
    """Return the frame with its controls; the script fills it."""
    choices = (
        element("label", element("span", title), element("select", id=f"episode-player-{index}"))
        for index, title in enumerate(("Player", "against"))
    )
    buttons = (
        element("button", shown, type="button", id=f"episode-{name}", aria_label=label, title=label)
        for name, shown, label in (
            ("first", _icon("M3 2h2v12H3zM14 2v12L6 8z"), "to the start"),
            ("back", _icon("M12 2v12L4 8z"), "one step back"),
            ("play", "Play", "play"),
            ("forward", _icon("M4 2v12l8-6z"), "one step forward"),
        )
    )
    speeds = (
        element("option", shown, value=value, selected=value == "2")
        for value, shown in (("1", "1 step/s"), ("2", "2 steps/s"), ("5", "5 steps/s"), ("15", "15 steps/s"))
    )
    controls = element(
        "div",
        element("div", buttons, class_="buttons"),
        element(
            "label",
            element("span", "Step"),
            element("input", type="range", id="episode-step", min="0", value="0"),
            class_="stretch",
        ),
        element("label", element("span", "Speed"), element("select", speeds, id="episode-speed")),
        class_="controls",
    )
    return element(
        "div",
        element("noscript", element("p", "The episodes are drawn by the page's script, which is switched off here.")),
        element("div", choices, class_="controls pair"),
        element(
            "div",
            element("div", id="episode-board"),
            element("div", element("div", id="episode-score"), element("p", id="episode-event"), class_="beside"),
            class_="stage",
        ),
        element("div", id="episode-strip"),
        controls,
        id="episode",
        class_="card",
    )


def _icon(path: str) -> Markup:
    return element("svg", element("path", d=path), viewBox="0 0 16 16", aria_hidden="true")
