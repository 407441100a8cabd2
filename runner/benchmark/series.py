"""One combination after another, until all are done or a signal comes; each result is written as soon as it is known.

The folder gets ``results.json``, ``results.csv``, ``results.md`` and ``figures/``.
"""

from __future__ import annotations

import math
import signal
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from ...options import PolaxError, describe_error
from ..report.document import Document
from ..report.writers import draw, show, write_texts
from ..runs.files import read_json, write_text, writing
from ..runs.folder import RunFolder
from ..runs.manifest import device_names, versions
from ..training.progress import Rate, say
from .combination import how_far, score_combination, train_combination
from .document import DONE, ERRORS, FAILED, FILE, FORMAT, NO_RUNS, UNFINISHED, Results, Runs, document
from .plan import Combination, Protocol


class Series:
    """The combinations of a benchmark, with what is known of each.

    Args:
        folder: of the benchmark.
        protocol: what was asked for.
        planned: the combinations.
        command: the words of the command line.
        console: where progress is shown.
        retries: how often a combination that failed is trained again, from its last checkpoint.
    """

    def __init__(
        self,
        folder: Path,
        protocol: Protocol,
        planned: Sequence[Combination],
        *,
        command: Sequence[str],
        console: Console,
        retries: int = 0,
    ) -> None:
        self._retries = retries
        self._folder = folder
        self._protocol = protocol
        self._planned = planned
        self._command = list(command)
        self._console = console
        before: Results = read_json(folder / FILE, Results) if (folder / FILE).exists() else {"combinations": []}
        done: dict[Any, Any] = {
            (row["algorithm"], row["env"]): row for row in before["combinations"] if row["status"] == DONE
        }
        self._rows = [done.get((each.algorithm, each.env)) or _blank(each) for each in planned]
        self._write(NO_RUNS)

    def run(self) -> tuple[Document, int]:
        """Train and score what is not done yet, then draw the figures and print the scores.

        Returns:
            The results, and the exit status of a signal that stopped it, or 0.
        """
        rate, left = Rate(whole=True), sum(row["status"] != DONE for row in self._rows)
        stopped = 0
        for number, (combination, row) in enumerate(zip(self._planned, self._rows, strict=True), 1):
            title = f"[{number}/{len(self._planned)}] {combination.algorithm} in {combination.env}"
            if row["status"] == DONE:
                say(self._console, f"{title}: done before")
                continue
            time_left = rate.left(left)
            say(self._console, f"{title}  (about {time_left} for {left} of them)" if time_left else title)
            try:
                stopped = self._run_one(combination, row)
                for attempt in range(1, self._retries + 1):
                    if row["status"] != FAILED or stopped:
                        break
                    row["earlier_errors"].append(row["error"])
                    say(self._console, f"  once more, attempt {attempt} of {self._retries}")
                    row |= {"status": UNFINISHED, "error": None}
                    stopped = self._run_one(combination, row)
            except KeyboardInterrupt:  # between two runs, where nothing has to be finished first
                stopped = 128 + signal.SIGINT
            if stopped:
                break
            rate.tick()
            left -= 1
        return self._finish(stopped)

    def _run_one(self, combination: Combination, row: dict[str, Any]) -> int:
        """Train and score one combination; an error becomes its result. Returns a signal's exit status, or 0."""
        stopped = 0
        path = self._folder / combination.folder
        try:
            episodes = self._protocol.evaluation_episodes
            trained = train_combination(path, combination, episodes=episodes, console=self._console)
            if trained.exit_status == 1:
                raise PolaxError(trained.message)
            stopped = trained.exit_status
            if not stopped:
                row |= score_combination(path, episodes=episodes) | {"status": DONE}
        except (Exception, SystemExit) as error:
            # Third-party code may raise anything, and the other combinations still run.
            row |= {"status": FAILED, "error": describe_error(error), "scores": {}}
            # A plug-in's own error is the cause of the line that names the plug-in.
            if not isinstance(error.__cause__ or error, PolaxError):
                self._keep_traceback(path.name, error)
            say(self._console, f"  failed: {row['error']}")
        row |= _length(path)
        self._write(NO_RUNS)
        return stopped

    def _keep_traceback(self, name: str, error: BaseException) -> None:
        folder = self._folder / ERRORS
        with writing(folder):
            folder.mkdir(exist_ok=True)
        write_text(folder / f"{name}.txt", "".join(traceback.format_exception(error)))

    def _finish(self, stopped: int) -> tuple[Document, int]:
        trouble = self._draw()
        found = self._write(None)
        show(found, self._console)
        failed = [row for row in self._rows if row["status"] == FAILED]
        for row in failed:
            print(f"polax: {row['algorithm']} in {row['env']} failed: {row['error']}", file=sys.stderr)
        if trouble:
            print(f"polax: figures: {'; '.join(trouble)}", file=sys.stderr)
        if not stopped:
            say(self._console, f"results: {self._folder / 'results.md'}")
        return found._replace(problems=trouble, folder=self._folder), stopped

    def _draw(self) -> Sequence[str]:
        """Draw the figures and return what is wrong with them: the results matter more than their figures."""
        try:
            found = document(self._folder, self._content())
            draw(found, self._folder)
        except PolaxError as error:
            return [str(error)]
        return found.problems

    def _content(self) -> dict[str, Any]:
        """Return what ``results.json`` holds."""
        protocol = self._protocol.to_json()
        shown = ("num_seeds", "budget", "preset", "evaluation_episodes", "options")
        return {
            "format": FORMAT,
            "kind": "benchmark",
            "versions": versions(),
            "devices": device_names(),
            "command": self._command,
            "protocol": {name: protocol[name] for name in shown},
            "combinations": self._rows,
        }

    def _write(self, runs: Runs | None) -> Document:
        found = document(self._folder, self._content(), runs)
        write_texts(found, self._folder, records="results.csv")
        return found


def _blank(combination: Combination) -> dict[str, Any]:
    return {
        "algorithm": combination.algorithm,
        "env": combination.env,
        "run": combination.folder,
        "preset": None if combination.spec is None else combination.spec.preset,
        "status": FAILED if combination.error else UNFINISHED,
        "error": combination.error,
        "earlier_errors": [],
        "seconds": None,
        "env_steps": None,
        "updates": None,
        "self_play": None,
        "scores": {},
        "measures": [],
    }


def _length(path: Path) -> dict[str, Any]:
    """Return how long a run has trained; nothing where there is none."""
    if not (path / "config.json").exists():
        return {}
    try:
        done = how_far(RunFolder.open(path))
    except PolaxError:  # the run is damaged, which is reported where it is read
        return {}
    steps = int(done.env_steps) if math.isfinite(done.env_steps) else None
    return {"seconds": round(done.seconds, 3), "env_steps": steps, "updates": done.update}
