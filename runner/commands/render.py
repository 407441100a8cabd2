"""``polax render``: one episode of a run's players as an animation or a strip of pictures."""

from __future__ import annotations

from pathlib import Path

from ...options import OptionError
from ..process import set_up
from .arguments import CommandParser, add_run, at_least


def main(arguments: list[str]) -> int:
    """Load the players, let them play, save the frames."""
    parser = CommandParser("render")
    add_run(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="a .gif, .mp4 or .png (a strip) file")
    parser.add_argument("--seed", type=int, metavar="SEED", help="which seed's players (default: the first)")
    parser.add_argument("--episode", type=at_least(0), default=0, metavar="SEED", help="random seed (default: 0)")
    parser.add_argument("--fps", type=float, default=4.0, metavar="N", help="frames per second (default: 4)")
    options = parser.parse(arguments)
    if options.fps <= 0:
        raise OptionError(f"--fps must be above 0, not {options.fps:g}")
    set_up()
    from ...envs.rendering.animation import check_format, save_frames
    from ...envs.rendering.recorder import record_episode
    from ..runs.folder import RunFolder, writing
    from ..runs.load import load_run

    try:
        check_format(options.out)
    except (ValueError, RuntimeError) as cause:
        raise OptionError(f"--out: {cause}") from cause
    run = load_run(RunFolder.open(options.run), checkpoint=options.checkpoint)
    players = run.players(run.seed_index(options.seed))
    frames = record_episode(run.env, run.params, players, seed=options.episode)
    with writing(options.out):
        options.out.parent.mkdir(parents=True, exist_ok=True)
        save_frames(run.env, frames, options.out, fps=options.fps)
    print(options.out)
    return 0
