"""``polax render``: one episode of a run's players, or of several runs side by side, as an animation or a strip."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...options import OptionError
from ..process import set_up
from .arguments import CommandParser, add_run, at_least


def main(arguments: list[str]) -> int:
    """Load the players, let them play, save the frames."""
    parser = CommandParser("render")
    add_run(parser, several=True)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="a .gif, .mp4 or .png (a strip) file")
    parser.add_argument("--seed", type=int, metavar="SEED", help="which seed's players (default: the first)")
    parser.add_argument("--episode", type=at_least(0), default=0, metavar="SEED", help="random seed (default: 0)")
    parser.add_argument(
        "--size", type=at_least(120), default=320, metavar="PIXELS", help="width of each picture (default: 320)"
    )
    parser.add_argument("--fps", type=float, default=4.0, metavar="N", help="frames per second (default: 4)")
    options = parser.parse(arguments)
    if options.fps <= 0:
        raise OptionError(f"--fps must be above 0, not {options.fps:g}")
    set_up()
    from ...envs.rendering.animation import abreast, check_format, save_pictures
    from ..runs.files import writing

    try:
        check_format(options.out)
    except (ValueError, RuntimeError) as cause:
        raise OptionError(f"--out: {cause}") from cause
    drawn = [_pictures(path, options) for path in options.run]
    pictures = drawn[0][1] if len(drawn) == 1 else abreast(drawn)
    with writing(options.out):
        options.out.parent.mkdir(parents=True, exist_ok=True)
        save_pictures(pictures, options.out, fps=options.fps)
    print(options.out)
    return 0


def _pictures(path: Path, options: Any) -> tuple[str, list[Any]]:
    """Let the players of a run play an episode; return the learner's name and the pictures."""
    from ...envs.rendering.recorder import record_episode
    from ..runs.folder import RunFolder
    from ..runs.load import load_run

    run = load_run(RunFolder.open(path), checkpoint=options.checkpoint)
    players = run.players(run.seed_index(options.seed))
    frames = record_episode(run.env, run.params, players, seed=options.episode)
    return run.spec.algorithm, [run.env.draw(frame, size=options.size) for frame in frames]
