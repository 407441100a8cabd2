"""The combinations of a benchmark, until all are done or a signal comes; each result is written as soon as it is known.

The folder gets ``results.json``, ``results.csv``, ``results.md`` and ``figures/``.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from ...options import PolaxError
from ..executors.base import Attempt, Crew, Task
from ..report.document import Document
from ..report.writers import draw, show, write_texts
from ..runs.files import read_json
from ..runs.manifest import device_names, versions
from ..training.progress import Rate, say
from .combination import content_of, perform
from .document import DONE, FAILED, FILE, FORMAT, NO_RUNS, UNFINISHED, Results, Runs, document
from .plan import Combination, Protocol


class Series:
    """The combinations of a benchmark, with what is known of each.

    Args:
        folder: of the benchmark.
        protocol: what was asked for.
        planned: the combinations.
        command: the words of the command line.
        console: where progress is shown.
        crew: runs them.
    """

    def __init__(
        self,
        folder: Path,
        protocol: Protocol,
        planned: Sequence[Combination],
        *,
        command: Sequence[str],
        console: Console,
        crew: Crew,
    ) -> None:
        self._crew = crew
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
        self._devices: list[str] = []
        self._rate = Rate(whole=True)
        self._write(NO_RUNS)

    def run(self) -> tuple[Document, int]:
        """Train and score what is not done yet, then draw the figures and print the scores.

        Returns:
            The results, and the exit status of a signal that stopped it, or 0.
        """
        tasks: dict[str, tuple[str, dict[str, Any]]] = {}
        for number, (combination, row) in enumerate(zip(self._planned, self._rows, strict=True), 1):
            title = f"[{number}/{len(self._planned)}] {combination.algorithm} in {combination.env}"
            if row["status"] == DONE:
                say(self._console, f"{title}: done before")
            elif combination.error:
                say(self._console, f"{title}\n  failed: {combination.error}")
            else:
                tasks[combination.name] = title, row
        self._write(NO_RUNS)
        stopped = 0
        try:
            planned = [self._task(each) for each in self._planned if each.name in tasks]
            for attempt in self._crew.run(planned, perform, lambda task: self._announce(tasks[task.name][0])):
                self._note(tasks[attempt.task.name][1], attempt)
            stopped = self._crew.stopped
        except KeyboardInterrupt:  # between two runs, where nothing has to be finished first
            stopped = 128 + signal.SIGINT
        return self._finish(stopped)

    def _task(self, combination: Combination) -> Task:
        content = content_of(combination, episodes=self._protocol.evaluation_episodes)
        return Task(combination.name, f"{combination.algorithm} in {combination.env}", content)

    def _announce(self, title: str) -> str:
        left = sum(row["status"] == UNFINISHED for row in self._rows)
        time_left = self._rate.left(left)
        return f"{title}  (about {time_left} for {left} of them)" if time_left else title

    def _note(self, row: dict[str, Any], attempt: Attempt) -> None:
        """Write down what came of a combination."""
        found, error, stopped, _ = attempt.outcome
        self._devices += [each for each in found.get("devices", ()) if each not in self._devices]
        row |= {name: value for name, value in found.items() if name in row}
        if attempt.again:
            row["earlier_errors"].append(error)
        elif error is not None:
            row |= {"status": FAILED, "error": error, "scores": {}}
        elif not stopped:
            row["status"] = DONE
        if not (attempt.again or stopped):
            self._rate.tick()
        self._write(NO_RUNS)

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
            "devices": self._devices or device_names(),
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
