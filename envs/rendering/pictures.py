"""Drawing the games with Pillow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from .frame import Frame

PAPER, INK, FAINT, FLOOR = "#fbfaf7", "#22262b", "#8b9096", "#e9e6df"
PLAYERS = ("#c8324a", "#2468b4")  # red, blue: told apart in grey too, and lettered
GOLD, GOLD_EDGE, HIGHLIGHT = "#f2c14e", "#a87b12", "#ffe08a"
ACTIONS = ("#d98032", "#2f8f6b")  # action 0, action 1
_SMOOTH = 3  # drawn larger by this factor and shrunk, which rounds off the edges


class _Canvas:
    """A picture whose coordinates are parts of its width, 0 to 1 from the left and from the top."""

    def __init__(self, size: int, height: float) -> None:
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

    def finish(self) -> Image.Image:
        """Return the picture in its own size."""
        return self._image.resize((self.size, self.height), Image.Resampling.LANCZOS)


def coin_game_picture(frame: Frame, size: int) -> Image.Image:
    """Draw the torus with players R and B, coins ringed in their owner's colour, scores and step."""
    grid, top, margin = frame.game.grid_size, 0.17, 0.03
    side = (1 - 2 * margin) / grid
    canvas = _Canvas(size, top + 1 - margin)
    _header(canvas, frame, ("red", "blue"))
    for row in range(grid):
        for column in range(grid):
            corner = (margin + side * (column + 0.03), top + side * (row + 0.03))
            canvas.block(corner, (side * 0.94, side * 0.94), fill=FLOOR, radius=side * 0.08)

    def centre(place: Any) -> tuple[float, float]:
        return margin + side * (float(place[1]) + 0.5), top + side * (float(place[0]) + 0.5)

    places = np.asarray(frame.state.players)
    for place, owner in zip(np.reshape(frame.state.coin, (-1, 2)), np.ravel(frame.state.coin_owner), strict=True):
        x, y = centre(place)
        canvas.disc(x, y, side * 0.27, fill=GOLD, edge=GOLD_EDGE, width=side * 0.02)
        canvas.disc(x, y, side * 0.20, fill=PLAYERS[owner], edge=GOLD_EDGE, width=side * 0.015)
        canvas.text(x, y, ("red", "blue")[owner], height=side * 0.14, colour="white")
    together = bool((places[0] == places[1]).all())
    for player, place in enumerate(places):
        x, y = centre(place)
        x += side * 0.21 * (2 * player - 1) if together else 0.0
        radius = side * (0.2 if together else 0.36)
        corner = (x - radius, y - radius)
        canvas.block(corner, (2 * radius, 2 * radius), fill=PLAYERS[player], edge="white", radius=radius * 0.45)
        canvas.text(x, y, "RB"[player], height=radius * 1.1, colour="white")
    return canvas.finish()


def matrix_game_picture(frame: Frame, size: int) -> Image.Image:
    """Draw the payoff matrix with the cell just played, what both played so far, scores and step."""
    canvas = _Canvas(size, 0.98)
    _header(canvas, frame, ("player 0", "player 1"))
    names, payoffs = frame.game.action_names, np.asarray(frame.params.payoffs)
    left, top, width, height = 0.24, 0.29, 0.36, 0.16
    last = frame.history[-1] if frame.history else None
    for second, name in enumerate(names):
        _move_label(
            canvas, (left + width * (second + 0.5), top - 0.04), name, 1, chosen=last is not None and last[1] == second
        )
    for first, name in enumerate(names):
        y = top + height * (first + 0.5)
        _move_label(canvas, (left / 2, y), name, 0, chosen=last is not None and last[0] == first)
        for second in range(2):
            corner = (left + width * second + 0.008, top + height * first + 0.008)
            played = last == (first, second)
            look = {"fill": HIGHLIGHT, "edge": INK} if played else {"fill": FLOOR}
            canvas.block(corner, (width - 0.016, height - 0.016), radius=0.015, **look)
            for player in range(2):
                x = left + width * (second + (0.27, 0.73)[player])
                value = f"{payoffs[player, first, second]:.4g}"
                canvas.text(x, y, value, height=0.052, colour=PLAYERS[player])
    _history(canvas, frame, top + 2 * height + 0.06)
    return canvas.finish()


def text_picture(text: str, size: int) -> Image.Image:
    """Draw lines of text, for games without a picture of their own."""
    lines = text.splitlines()
    height = min(0.05, 1.6 / max(map(len, lines)))
    canvas = _Canvas(size, 0.06 + 1.5 * height * len(lines))
    for number, line in enumerate(lines):
        canvas.text(0.03, 0.03 + 1.5 * height * (number + 0.5), line, height=height, anchor="lm")
    return canvas.finish()


def _header(canvas: _Canvas, frame: Frame, names: tuple[str, str]) -> None:
    canvas.text(0.5, 0.04, f"{frame.game.name}   {frame.caption}", height=0.034, colour=FAINT)
    for player, x in enumerate((0.27, 0.73)):
        score = f"{names[player]}  {frame.totals[player]:+.2f}"
        canvas.text(x, 0.095, score, height=0.05, colour=PLAYERS[player])
        canvas.text(x, 0.141, f"last {frame.rewards[player]:+.2f}", height=0.028, colour=FAINT)


def _move_label(canvas: _Canvas, place: tuple[float, float], name: str, player: int, *, chosen: bool) -> None:
    canvas.text(*place, name, height=0.042, colour=PLAYERS[player] if chosen else FAINT)


def _history(canvas: _Canvas, frame: Frame, top: float) -> None:
    """Draw a square for each move so far, coloured by action, in one row a player."""
    horizon, left = int(frame.params.max_steps_in_episode), 0.14
    shown = frame.history[-min(horizon, 60) :]
    side = min(0.05, (0.97 - left) / min(max(horizon, 1), 60))
    for player in range(2):
        y = top + 0.08 * player
        canvas.text(left - 0.015, y + 0.025, f"player {player}", height=0.026, colour=PLAYERS[player], anchor="rm")
        for number, joint in enumerate(shown):
            canvas.block(
                (left + side * number, y), (side * 0.86, 0.05), fill=ACTIONS[joint[player]], radius=side * 0.15
            )
    for action, name in enumerate(frame.game.action_names):
        x = left + 0.25 * action
        canvas.block((x, top + 0.165), (0.026, 0.026), fill=ACTIONS[action], radius=0.004)
        canvas.text(x + 0.036, top + 0.179, name, height=0.028, colour=FAINT, anchor="lm")
