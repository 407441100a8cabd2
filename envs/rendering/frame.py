"""Pictures of games: the frames of an episode as image, text or window."""

from __future__ import annotations

import os
from dataclasses import fields
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..base import Game

if TYPE_CHECKING:
    from PIL.Image import Image

    from ..views.host import HostGame

RENDER_MODES = ("rgb_array", "human", "ansi")
DEFAULT_SIZE = 480
"""Width of a picture in pixels."""


class Frame(NamedTuple):
    """What a picture of one moment of an episode shows."""

    game: Game[Any, Any]
    params: Any
    state: Any
    totals: np.ndarray  # [players]: rewards so far
    rewards: np.ndarray  # [players]: rewards of the last step
    history: tuple[tuple[int, ...], ...]  # joint actions of a matrix game, oldest first; otherwise empty

    @property
    def caption(self) -> str:
        """The step, and how many there are."""
        return f"step {int(self.state.time)} of {int(self.params.max_steps_in_episode)}"


def draw(frame: Frame, *, size: int = DEFAULT_SIZE) -> Image:
    """Draw a frame.

    Args:
        frame: the moment.
        size: width in pixels; everything is drawn afresh for it, so that any size is crisp.

    Returns:
        An RGB picture.

    Raises:
        ValueError: a width below 120 pixels, where nothing could be read.
    """
    if size < 120:
        raise ValueError(f"a picture must be at least 120 pixels wide; got {size}")
    from ..coin_game import CoinGame
    from ..matrix_game import MatrixGame
    from .pictures import coin_game_picture, matrix_game_picture, text_picture

    if isinstance(frame.game, CoinGame):
        return coin_game_picture(frame, size)
    if isinstance(frame.game, MatrixGame):
        return matrix_game_picture(frame, size)
    return text_picture(describe(frame), size)


def describe(frame: Frame) -> str:
    """Return a frame as lines of text."""
    from ..coin_game import CoinGame
    from ..matrix_game import MatrixGame

    if isinstance(frame.game, CoinGame):
        return _coin_game_text(frame)
    if isinstance(frame.game, MatrixGame):
        return _matrix_game_text(frame)
    lines = [f"{field.name}: {np.asarray(getattr(frame.state, field.name)).tolist()}" for field in fields(frame.state)]
    return "\n".join([f"{frame.game.name}, {frame.caption}", _scores(frame, ("player 0", "player 1")), *lines])


class EpisodeCamera:
    """Follows one episode of a `HostGame` for the ``render`` of a view; without a render mode it costs nothing."""

    def __init__(
        self, game: Game[Any, Any], params: Any, render_mode: str | None, *, fps: float, size: int = DEFAULT_SIZE
    ) -> None:
        if render_mode is not None and render_mode not in RENDER_MODES:
            raise ValueError(f"render_mode must be None or one of {', '.join(RENDER_MODES)}; got {render_mode!r}")
        self._game, self._params, self._size = game, params, size
        self.mode = render_mode
        self._window = _Window(game.name, fps) if render_mode == "human" else None
        self._frame: Frame | None = None

    def start(self, host: HostGame) -> None:
        """Take the first frame of an episode."""
        if self.mode is not None:
            self._frame = first_frame(self._game, self._params, host.state())
            self._show()

    def record(self, host: HostGame, rewards: np.ndarray) -> None:
        """Take the next frame."""
        if self._frame is not None:
            self._frame = next_frame(self._frame, host.state(), rewards)
            self._show()

    def picture(self, host: HostGame) -> Any:
        """Return the frame in the render mode.

        Raises:
            ValueError: no render mode was chosen when the environment was made.
            gymnasium.error.ResetNeeded: no episode has started.
            gymnasium.error.ClosedEnvironmentError: the environment was closed.
        """
        host.state()  # raises where there is nothing to show
        if self._frame is None:
            raise ValueError(
                f"nothing to render: make the environment with render_mode= one of {', '.join(RENDER_MODES)}"
            )
        if self.mode == "ansi":
            return describe(self._frame)
        return np.asarray(draw(self._frame, size=self._size)) if self.mode == "rgb_array" else None

    def close(self) -> None:
        """Close the window."""
        if self._window is not None:
            self._window.close()

    def _show(self) -> None:
        if self._window is not None and self._frame is not None:
            self._window.show(np.asarray(draw(self._frame, size=self._size)))


def first_frame(game: Game[Any, Any], params: Any, state: Any) -> Frame:
    """Return the frame of the start of an episode."""
    nothing = np.zeros(game.num_players)
    return Frame(game, params, state, nothing, nothing, ())


def next_frame(before: Frame, state: Any, rewards: np.ndarray) -> Frame:
    """Return the frame after a step into ``state``."""
    last = getattr(state, "last_actions", None)
    played = () if last is None else (tuple(np.asarray(last).tolist()),)
    return before._replace(
        state=state, totals=before.totals + rewards, rewards=rewards, history=(*before.history, *played)
    )


class _Window:
    """A window of matplotlib's."""

    def __init__(self, title: str, fps: float) -> None:
        self._title, self._fps = title, fps
        self._figure: Any = None
        self._image: Any = None

    def show(self, picture: np.ndarray) -> None:
        """Show a picture for one frame's time."""
        if self._figure is None:
            self._open(picture)
        self._image.set_data(picture)
        self._figure.canvas.draw_idle()
        self._figure.canvas.start_event_loop(1 / self._fps)

    def _open(self, picture: np.ndarray) -> None:
        import matplotlib as mpl
        from matplotlib import pyplot

        height, width = picture.shape[:2]
        self._figure = pyplot.figure(self._title, figsize=(width / 100, height / 100), dpi=100)
        # matplotlib falls back to drawing nowhere; whoever asked for that by name gets it.
        if mpl.get_backend().lower() == "agg" and "MPLBACKEND" not in os.environ:
            self.close()
            raise RuntimeError(
                "no window can be opened here: matplotlib found no display or no window toolkit "
                '(pip install pyqt6, for one); or use render_mode="rgb_array"'
            )
        axes = self._figure.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        self._image = axes.imshow(picture, interpolation="lanczos")
        if mpl.get_backend().lower() != "agg":
            self._figure.canvas.manager.show()

    def close(self) -> None:
        """Close the window."""
        if self._figure is not None:
            from matplotlib import pyplot

            pyplot.close(self._figure)
            self._figure = None


def _scores(frame: Frame, names: tuple[str, ...]) -> str:
    parts = [
        f"{name} {total:+.2f} (last {reward:+.2f})"
        for name, total, reward in zip(names, frame.totals, frame.rewards, strict=True)
    ]
    return "   ".join(parts)


def _coin_game_text(frame: Frame) -> str:
    """Return the torus: R and B the players, r and b coins of their colours."""
    size = frame.game.grid_size
    cells = [["" for _ in range(size)] for _ in range(size)]
    owners = np.ravel(frame.state.coin_owner)
    for (row, column), owner in zip(np.reshape(frame.state.coin, (-1, 2)), owners, strict=True):
        cells[row][column] += "rb"[owner]
    for (row, column), letter in zip(np.asarray(frame.state.players), "RB", strict=True):
        cells[row][column] += letter
    rule = "+" + "----+" * size
    rows = [line for row in cells for line in ("|" + "|".join(f"{cell:^4}" for cell in row) + "|", rule)]
    legend = "R red player, B blue player, r red coin, b blue coin"
    return "\n".join([f"{frame.game.name}, {frame.caption}", _scores(frame, ("red", "blue")), rule, *rows, legend])


def _matrix_game_text(frame: Frame) -> str:
    """Return the payoffs (rows: player 0) with the cell just played in brackets, and what both played so far."""
    names, payoffs = frame.game.action_names, np.asarray(frame.params.payoffs)
    width = max(16, *(len(name) + 3 for name in names))
    margin = max(len(name) for name in names) + 2
    last = frame.history[-1] if frame.history else None

    def cell(joint: tuple[int, int]) -> str:
        text = " / ".join(f"{value:.4g}" for value in payoffs[:, joint[0], joint[1]])
        return f"{f'[{text}]' if joint == last else text:^{width}}"

    head = " " * margin + "".join(f"{name:^{width}}" for name in names)
    rows = [
        f"{name:<{margin}}" + "".join(cell((first, second)) for second in range(2)) for first, name in enumerate(names)
    ]
    letters = [name[0].upper() for name in names]
    played = [f"player {seat}: " + "".join(letters[joint[seat]] for joint in frame.history) for seat in range(2)]
    title = f"{frame.game.name}, {frame.caption}"
    return "\n".join([title, _scores(frame, ("player 0", "player 1")), head, *rows, *played])
