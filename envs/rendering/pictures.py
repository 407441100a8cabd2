"""A small kit for drawing games with Pillow: a canvas, and pictures of boards, payoffs and text. Knows no game."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from .frame import PLAYER, Board, Frame, Piece, letters

PAPER, INK, FAINT, FLOOR = "#fbfaf7", "#22262b", "#8b9096", "#e9e6df"
PLAYERS = ("#c8324a", "#2468b4", "#7d4fa3", "#3d7d3a")  # told apart in grey too, and lettered
GOLD, GOLD_EDGE, HIGHLIGHT = "#f2c14e", "#a87b12", "#ffe08a"
ACTIONS = ("#d98032", "#2f8f6b", "#6a6fb5", "#b5577f", "#8a8a3a")
SMALLEST = 120
"""Pixels: in a narrower picture nothing could be read."""
LARGEST = 4096
"""Pixels: a wider one takes gigabytes to draw."""
_SMOOTH = 3  # drawn larger by this factor and shrunk, which rounds off the edges


class Canvas:
    """A picture whose coordinates are parts of its width, 0 to 1 from the left and from the top.

    Args:
        size: width in pixels.
        height: height as a part of the width.

    Raises:
        ValueError: a width in which nothing could be read, or one that is too large to draw.

    Example:
        >>> canvas = Canvas(120, 0.5)
        >>> canvas.disc(0.5, 0.25, 0.2, fill="red", edge="black", width=0.01)
        >>> canvas.finish().size
        (120, 60)
    """

    def __init__(self, size: int, height: float) -> None:
        if size < SMALLEST:
            raise ValueError(f"a picture must be at least {SMALLEST} pixels wide; got {size}")
        if size > LARGEST:
            raise ValueError(f"a picture must be at most {LARGEST} pixels wide; got {size}")
        self.size, self.height = size, round(size * height)
        self._scale = size * _SMOOTH
        self._image = Image.new("RGB", (self._scale, self.height * _SMOOTH), PAPER)
        self._draw = ImageDraw.Draw(self._image)

    def text(self, x: float, y: float, words: str, *, height: float, colour: str = INK, anchor: str = "mm") -> None:
        """Write words of a letter height around, or from, a point."""
        font = ImageFont.load_default(height * self._scale)
        self._draw.text((x * self._scale, y * self._scale), words, fill=colour, font=font, anchor=anchor)

    def disc(self, x: float, y: float, radius: float, *, fill: str, edge: str, width: float) -> None:
        """Draw a disc with an edge."""
        box = [(c + sign * radius) * self._scale for sign in (-1, 1) for c in (x, y)]
        self._draw.ellipse(box, fill=fill, outline=edge, width=max(1, round(width * self._scale)))

    def block(self, corner: tuple[float, float], extent: tuple[float, float], **look: Any) -> None:
        """Draw a rounded rectangle from its upper left corner; ``fill``, ``edge`` and ``radius`` say how."""
        (x, y), (w, h), edge = corner, extent, look.get("edge")
        box = [value * self._scale for value in (x, y, x + w, y + h)]
        radius = look.get("radius", 0.01) * self._scale
        width = round(0.006 * self._scale) if edge else 0
        self._draw.rounded_rectangle(box, radius, fill=look["fill"], outline=edge, width=width)

    def header(self, title: str, frame: Frame, player_names: Sequence[str]) -> None:
        """Write a title, the step, and each player's score over the top 0.17 of the picture."""
        self.text(0.5, 0.04, f"{title}   {frame.caption}", height=0.034, colour=FAINT)
        scale = min(1.0, 2.4 / len(player_names))
        for player, name in enumerate(player_names):
            x = 0.5 + 0.92 * ((player + 0.5) / len(player_names) - 0.5)
            colour = _colour(player)
            self.text(x, 0.095, f"{name}  {frame.totals[player]:+.2f}", height=0.05 * scale, colour=colour)
            self.text(x, 0.141, f"last {frame.rewards[player]:+.2f}", height=0.028, colour=FAINT)

    def finish(self) -> Image.Image:
        """Return the picture in its own size."""
        return self._image.resize((self.size, self.height), Image.Resampling.LANCZOS)


def _colour(player: int | None) -> str:
    return FAINT if player is None else PLAYERS[player % len(PLAYERS)]


def board_picture(title: str, frame: Frame, board: Board, *, player_names: Sequence[str], size: int) -> Image.Image:
    """Draw a board: players as lettered blocks, objects as discs ringed in their owner's colour, scores and step.

    Args:
        title: the game's name.
        frame: the moment.
        board: what stands where.
        player_names: a word for each player.
        size: width in pixels.
    """
    top, margin = 0.17, 0.03
    side = (1 - 2 * margin) / board.columns
    canvas = Canvas(size, top + side * board.rows + margin)
    canvas.header(title, frame, player_names)
    for row in range(board.rows):
        for column in range(board.columns):
            corner = (margin + side * (column + 0.03), top + side * (row + 0.03))
            canvas.block(corner, (side * 0.94, side * 0.94), fill=FLOOR, radius=side * 0.08)

    def centre(piece: Piece) -> tuple[float, float]:
        return margin + side * (piece.column + 0.5), top + side * (piece.row + 0.5)

    for piece in board.pieces:
        if piece.name != PLAYER:
            label = piece.name if piece.player is None else player_names[piece.player]
            _disc(canvas, centre(piece), side, colour=_colour(piece.player), label=label)
    players = [piece for piece in board.pieces if piece.name == PLAYER]
    crowd = Counter((piece.row, piece.column) for piece in players)
    placed: Counter[tuple[int, int]] = Counter()
    signs = letters(player_names)
    for piece in players:
        cell = (piece.row, piece.column)
        x, y = centre(piece)
        x += side * 0.42 * (placed[cell] - (crowd[cell] - 1) / 2)
        placed[cell] += 1
        radius = side * (0.36 if crowd[cell] == 1 else 0.4 / crowd[cell])
        look = {"fill": _colour(piece.player), "edge": "white", "radius": radius * 0.45}
        canvas.block((x - radius, y - radius), (2 * radius, 2 * radius), **look)
        canvas.text(x, y, "" if piece.player is None else signs[piece.player], height=radius * 1.1, colour="white")
    return canvas.finish()


def _disc(canvas: Canvas, centre: tuple[float, float], side: float, *, colour: str, label: str) -> None:
    x, y = centre
    canvas.disc(x, y, side * 0.27, fill=GOLD, edge=GOLD_EDGE, width=side * 0.02)
    canvas.disc(x, y, side * 0.20, fill=colour, edge=GOLD_EDGE, width=side * 0.015)
    canvas.text(x, y, label, height=side * 0.14, colour="white")


def payoff_picture(
    title: str,
    frame: Frame,
    payoffs: np.ndarray,
    *,
    action_names: Sequence[str],
    player_names: Sequence[str],
    size: int,
) -> Image.Image:
    """Draw the payoffs of two players with the cell just played, what both played so far, scores and step.

    Args:
        title: the game's name.
        frame: the moment.
        payoffs: ``[player, action of player 0, action of player 1]``.
        action_names: a word for each action.
        player_names: a word for each player.
        size: width in pixels.
    """
    count = len(action_names)
    left, top, width, height = 0.24, 0.29, 0.72 / count, 0.16
    canvas = Canvas(size, 0.66 + count * height)
    canvas.header(title, frame, player_names)
    last = frame.history[-1] if frame.history else (None, None)
    text_height = min(0.052, 0.145 * width)
    for action, name in enumerate(action_names):
        middle, y = left + width * (action + 0.5), top + height * (action + 0.5)
        for player, place in enumerate(((left / 2, y), (middle, top - 0.04))):
            colour = PLAYERS[player] if last[player] == action else FAINT
            canvas.text(*place, name, height=min(0.042, 0.13 * width), colour=colour)
        for second in range(count):
            corner = (left + width * second + 0.008, top + height * action + 0.008)
            look = {"fill": HIGHLIGHT, "edge": INK} if last == (action, second) else {"fill": FLOOR}
            canvas.block(corner, (width - 0.016, height - 0.016), radius=0.015, **look)
            for player, part in enumerate((0.27, 0.73)):
                value = f"{payoffs[player, action, second]:.4g}"
                canvas.text(left + width * (second + part), y, value, height=text_height, colour=PLAYERS[player])
    _history(canvas, frame, action_names, top + count * height + 0.06)
    return canvas.finish()


def history_picture(
    title: str,
    frame: Frame,
    *,
    action_names: Sequence[str],
    player_names: Sequence[str],
    note: str,
    size: int,
) -> Image.Image:
    """Draw what any number of players did so far, a row each with its score.

    Args:
        title: the game's name.
        frame: the moment.
        action_names: a word for each action.
        player_names: a word for each player.
        note: a few words on the last step.
        size: width in pixels.
    """
    top, row = 0.15, 0.08
    canvas = Canvas(size, top + row * len(player_names) + 0.08)
    canvas.text(0.5, 0.04, f"{title}   {frame.caption}", height=0.034, colour=FAINT)
    canvas.text(0.5, 0.095, note, height=0.042)
    for player in range(len(player_names)):
        score = f"{frame.totals[player]:+.2f}"
        canvas.text(0.97, top + row * (player + 0.3), score, height=0.034, colour=_colour(player), anchor="rm")
    _history(canvas, frame, action_names, top, right=0.84, players=len(player_names))
    return canvas.finish()


def text_picture(text: str, size: int) -> Image.Image:
    """Draw lines of text, for games without a picture of their own."""
    lines = text.splitlines()
    height = min(0.05, 1.6 / max(map(len, lines)))
    canvas = Canvas(size, 0.06 + 1.5 * height * len(lines))
    for number, line in enumerate(lines):
        canvas.text(0.03, 0.03 + 1.5 * height * (number + 0.5), line, height=height, anchor="lm")
    return canvas.finish()


def _history(
    canvas: Canvas, frame: Frame, action_names: Sequence[str], top: float, *, right: float = 0.97, players: int = 2
) -> None:
    """Draw a square for each action so far, coloured by action, in one row a player."""
    horizon, left = int(frame.params.max_steps_in_episode), 0.14
    shown = frame.history[-min(horizon, 60) :]
    side = min(0.05, (right - left) / min(max(horizon, 1), 60))
    colours = [ACTIONS[action % len(ACTIONS)] for action in range(len(action_names))]
    for player in range(players):
        y = top + 0.08 * player
        canvas.text(left - 0.015, y + 0.025, f"player {player}", height=0.026, colour=_colour(player), anchor="rm")
        for number, joint in enumerate(shown):
            look = {"fill": colours[joint[player]], "radius": side * 0.15}
            canvas.block((left + side * number, y), (side * 0.86, 0.05), **look)
    for action, name in enumerate(action_names):
        x = left + min(0.25, 0.83 / len(action_names)) * action
        y = top + 0.08 * players
        canvas.block((x, y + 0.005), (0.026, 0.026), fill=colours[action], radius=0.004)
        canvas.text(x + 0.036, y + 0.019, name, height=0.028, colour=FAINT, anchor="lm")
