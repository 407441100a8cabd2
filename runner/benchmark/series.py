"""One combination after the other, until all are done or a signal comes."""

from __future__ import annotations

import signal
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from ...options import PolaxError, describe_error
from ..runs.folder import RunFolder, write_text, writing
from ..training.progress import Rate, say
from .combination import how_far, score_combination, train_combination
from .document import DONE, ERRORS, FAILED
from .plan import Combination
from .results import Results

NO_SUCCESS = 1
"""Exit status where a combination failed."""


def run_all(folder: Path, planned: Sequence[Combination], results: Results, *, episodes: int, console: Console) -> int:
    """Train and score what is not done yet.

    Args:
        folder: of the benchmark.
        planned: the combinations.
        results: where what comes out is kept.
        episodes: of each match-up in the final evaluation.
        console: where progress is shown.

    Returns:
        The exit status: 0, 1 where a combination failed, 130 or 143 after a signal.
    """
    rate, left = Rate(whole=True), sum(not results.is_done(each) for each in planned)
    stopped = 0
    for number, combination in enumerate(planned, 1):
        title = f"[{number}/{len(planned)}] {combination.algorithm} in {combination.env}"
        if results.is_done(combination):
            say(console, f"{title}: done before")
            continue
        time_left = rate.left(left)
        say(console, f"{title}  (about {time_left} for {left} of them)" if time_left else title)
        try:
            stopped = _run_one(folder, combination, results, episodes=episodes, console=console)
        except KeyboardInterrupt:  # in between, where nothing is to be finished first
            stopped = 128 + signal.SIGINT
        if stopped:
            break
        rate.tick()
        left -= 1
    trouble = results.finish(console)
    failed = [row for row in results.rows if row["status"] == FAILED]
    for row in failed:
        print(f"polax: {row['algorithm']} in {row['env']} failed: {row['error']}", file=sys.stderr)
    if trouble:
        print(f"polax: figures: {trouble}", file=sys.stderr)
    if stopped:
        print("polax: stopped; the same command goes on from here", file=sys.stderr)
        return stopped
    say(console, f"results: {folder / 'results.md'}")
    return NO_SUCCESS if failed or trouble else 0


def _run_one(folder: Path, combination: Combination, results: Results, *, episodes: int, console: Console) -> int:
    """Train and score one combination; whatever it raises becomes its result. Returns a signal's exit status, or 0."""
    try:
        trained = train_combination(folder, combination, console=console)
        if trained.exit_status > NO_SUCCESS:
            _note_length(folder, combination, results)
            return trained.exit_status
        if trained.exit_status:
            raise PolaxError(trained.message)
        found = score_combination(folder, combination, episodes=episodes)
    except Exception as error:  # a learner is anybody's code, and the others shall have their turn
        _note_length(folder, combination, results)
        results.update(combination, status=FAILED, error=describe_error(error), scores={})
        _keep_traceback(folder, combination, error)
        say(console, f"  failed: {describe_error(error)}")
        return 0
    _note_length(folder, combination, results)
    kept = {name: found[name] for name in ("scores", "measures")}
    results.update(combination, status=DONE, error=found["ended"], **kept)
    return 0


def _note_length(folder: Path, combination: Combination, results: Results) -> None:
    """Write down how long a combination has trained."""
    path = folder / combination.folder
    if not (path / "config.json").exists():
        return
    try:
        done = how_far(RunFolder.open(path))
    except PolaxError:  # the run is damaged, which is reported where it is read
        return
    steps = int(done.env_steps) if done.env_steps == done.env_steps else None
    results.update(combination, seconds=round(done.seconds, 3), env_steps=steps, updates=done.update)


def _keep_traceback(folder: Path, combination: Combination, error: Exception) -> None:
    """Keep where an error of a learner's comes from; that of a user says all in its line."""
    if isinstance(error, PolaxError):
        return
    path = folder / ERRORS / f"{Path(combination.folder).name}.txt"
    with writing(path.parent):
        path.parent.mkdir(exist_ok=True)
    write_text(path, "".join(traceback.format_exception(error)))
