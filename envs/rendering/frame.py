"""One moment of an episode, and how it is told in text. Knows no game: games give it what to show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, NamedTuple, Self

import numpy as np

DEFAULT_SIZE = 480
"""Width of a picture in pixels."""

PLAYER = "player"
"""The name of the pieces that are the players themselves."""


class Frame(NamedTuple):
    """What a picture of one moment of an episode shows."""

    params: Any
    state: Any
    totals: np.ndarray  # [players]: rewards so far
    rewards: np.ndarray  # [players]: rewards of the last step
    history: tuple[tuple[int, ...], ...]  # joint actions so far, oldest first

    @classmethod
    def first(cls, params: Any, state: Any, num_players: int) -> Self:
        """Return the frame of the start of an episode."""
        nothing = np.zeros(num_players)
        return cls(params, state, nothing, nothing, ())

    def after(self, state: Any, actions: np.ndarray, rewards: np.ndarray) -> Frame:
        """Return the frame after a step into ``state`` with the joint action ``actions``."""
        history = (*self.history, tuple(int(action) for action in actions))
        return Frame(self.params, state, self.totals + rewards, rewards, history)

    @property
    def caption(self) -> str:
        """The step, and how many there are."""
        return f"step {int(self.state.time)} of {int(self.params.max_steps_in_episode)}"


class Piece(NamedTuple):
    """Something on a board."""

    name: str
    """What it is: ``player``, or the name of an object such as ``coin``."""
    row: int
    column: int
    player: int | None = None
    """The player that it is or belongs to; None: no player."""


class Board(NamedTuple):
    """A grid and what stands on it."""

    rows: int
    columns: int
    pieces: tuple[Piece, ...]


def letters(names: Sequence[str]) -> list[str]:
    """Return a sign for each name: the capital initials where they differ, else numbers."""
    initials = [name[0].upper() for name in names]
    return initials if len({*initials}) == len(names) else [str(number) for number in range(len(names))]


def score_line(frame: Frame, player_names: Sequence[str]) -> str:
    """Return every player's total and last reward."""
    return "   ".join(
        f"{name} {total:+.2f} (last {reward:+.2f})"
        for name, total, reward in zip(player_names, frame.totals, frame.rewards, strict=True)
    )


def state_lines(state: Any) -> list[str]:
    """Return the fields of a state, one a line."""
    return [f"{field.name}: {np.asarray(getattr(state, field.name)).tolist()}" for field in fields(state)]


def board_lines(board: Board, player_names: Sequence[str]) -> list[str]:
    """Return a board as lines of text: a letter for each piece, and what the letters stand for."""
    signs = letters(player_names)
    cells = [["" for _ in range(board.columns)] for _ in range(board.rows)]
    legend = {}
    for piece in sorted(board.pieces, key=lambda piece: piece.name == PLAYER):
        owner = "" if piece.player is None else signs[piece.player]
        sign = owner if piece.name == PLAYER else owner.lower() if owner.isalpha() else piece.name[0].lower() + owner
        cells[piece.row][piece.column] += sign
        whose = "" if piece.player is None else player_names[piece.player]
        legend[sign] = whose if piece.name in whose else f"{whose} {piece.name}".strip()
    rule = "+" + "----+" * board.columns
    rows = [line for row in cells for line in ("|" + "|".join(f"{cell:^4}" for cell in row) + "|", rule)]
    return [rule, *rows, ", ".join(f"{sign} {words}" for sign, words in legend.items())]


def payoff_lines(frame: Frame, payoffs: np.ndarray, action_names: Sequence[str]) -> list[str]:
    """Return the payoffs of two players with the cell just played in brackets, and what both played so far.

    Args:
        frame: the moment.
        payoffs: ``[player, action of player 0, action of player 1]``; a row of the table is an action of player 0.
        action_names: a word for each action.
    """
    width = max(16, *(len(name) + 3 for name in action_names))
    margin = max(len(name) for name in action_names) + 2
    last = frame.history[-1] if frame.history else None

    def cell(joint: tuple[int, int]) -> str:
        text = " / ".join(f"{value:.4g}" for value in payoffs[:, joint[0], joint[1]])
        return f"{f'[{text}]' if joint == last else text:^{width}}"

    head = " " * margin + "".join(f"{name:^{width}}" for name in action_names)
    rows = [
        f"{name:<{margin}}" + "".join(cell((first, second)) for second in range(len(action_names)))
        for first, name in enumerate(action_names)
    ]
    signs = letters(action_names)
    played = [f"player {player}: " + "".join(signs[joint[player]] for joint in frame.history) for player in range(2)]
    return [head, *rows, *played]
