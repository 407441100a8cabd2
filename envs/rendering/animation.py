"""Save an episode as an animation or a strip of pictures."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL.Image import Dither, Image
from PIL.Image import new as new_image

from ..base import Game
from .frame import DEFAULT_SIZE, Frame
from .pictures import PAPER, Canvas

FORMATS = (".gif", ".mp4", ".png")
_STRIP = 8  # frames in a strip
_COLOURS = 64  # of an animated GIF


def save_frames(
    game: Game[Any, Any], frames: Sequence[Frame], path: Path, *, fps: float = 4, size: int = DEFAULT_SIZE
) -> None:
    """Save an episode as an animation (``.gif``, ``.mp4``) or as one picture with a strip of frames (``.png``).

    Args:
        game: the game that was played.
        frames: what `recorder.record_episode` returned.
        path: where to; its suffix chooses the kind. A file there is replaced.
        fps: frames a second.
        size: width of a frame in pixels.

    Raises:
        ValueError: another suffix.
        RuntimeError: ``.mp4`` without ffmpeg.
        OSError: the file cannot be written.
    """
    save_pictures([game.draw(frame, size=size) for frame in frames], path, fps=fps)


def save_pictures(pictures: Sequence[Image], path: Path, *, fps: float = 4) -> None:
    """Save pictures of one size, one for each moment; see `save_frames`."""
    check_format(path)
    if path.suffix.lower() == ".png":
        chosen = np.unique(np.linspace(0, len(pictures) - 1, _STRIP).round().astype(int))
        _sheet([pictures[index] for index in chosen], columns=4).save(path)
    elif path.suffix.lower() == ".mp4":
        _film([np.asarray(picture) for picture in pictures], path, fps)
    else:
        first, *others = _with_one_palette(pictures)
        first.save(path, save_all=True, append_images=others, duration=round(1000 / fps), loop=0, optimize=True)


def abreast(episodes: Sequence[tuple[str, Sequence[Image]]]) -> list[Image]:
    """Put the pictures of several episodes side by side, each under its title; a shorter one waits at its end."""
    last = max(len(pictures) for _, pictures in episodes)
    return [
        _sheet(
            [_titled(title, pictures[min(time, len(pictures) - 1)]) for title, pictures in episodes],
            columns=len(episodes),
        )
        for time in range(last)
    ]


def _titled(title: str, picture: Image) -> Image:
    heading = Canvas(picture.width, 0.1)
    heading.text(0.5, 0.06, title, height=0.05)
    return _sheet([heading.finish(), picture], columns=1)


def _sheet(pictures: Sequence[Image], *, columns: int) -> Image:
    """Put pictures into rows of so many, each row as high as its highest."""
    rows = [pictures[start : start + columns] for start in range(0, len(pictures), columns)]
    heights = [max(picture.height for picture in row) for row in rows]
    sheet = new_image("RGB", (max(sum(picture.width for picture in row) for row in rows), sum(heights)), PAPER)
    for row, top in zip(rows, np.cumsum([0, *heights]), strict=False):
        for picture, left in zip(row, np.cumsum([0, *(picture.width for picture in row)]), strict=False):
            sheet.paste(picture, (int(left), int(top)))
    return sheet


def _with_one_palette(pictures: Sequence[Image]) -> list[Image]:
    """Return pictures in a few colours, the same for all: so that what does not move takes no space in a file."""
    few = [pictures[index] for index in np.unique(np.linspace(0, len(pictures) - 1, _STRIP).round().astype(int))]
    palette = _sheet(few, columns=1).quantize(_COLOURS)
    return [picture.quantize(palette=palette, dither=Dither.NONE) for picture in pictures]


def check_format(path: Path) -> None:
    """Raise ValueError unless `save_frames` knows the suffix, RuntimeError where it needs a program that is missing."""
    if path.suffix.lower() not in FORMATS:
        raise ValueError(f"{path.name} must end in one of {', '.join(FORMATS)}")
    if path.suffix.lower() == ".mp4":
        _ffmpeg()


def _film(pictures: Sequence[np.ndarray], path: Path, fps: float) -> None:
    height, width = pictures[0].shape[:2]
    even = [picture[: height // 2 * 2, : width // 2 * 2] for picture in pictures]  # what the codec can hold
    size = f"{even[0].shape[1]}x{even[0].shape[0]}"
    source = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", size, "-r", str(fps), "-i", "-"]
    command = [_ffmpeg(), "-y", "-loglevel", "error", *source, "-pix_fmt", "yuv420p", str(path)]
    data = b"".join(np.ascontiguousarray(picture).tobytes() for picture in even)
    result = subprocess.run(command, input=data, capture_output=True, check=False)
    if result.returncode:
        raise OSError(f"{path} cannot be written: {result.stderr.decode(errors='replace').strip()}")


def _ffmpeg() -> str:
    found = shutil.which("ffmpeg")
    if found is None:
        try:
            from imageio_ffmpeg import get_ffmpeg_exe
        except ImportError as error:
            raise RuntimeError("mp4 needs ffmpeg: install it, or pip install 'polax[video]'; or save a .gif") from error
        found = str(get_ffmpeg_exe())
    return found
