"""The files of a benchmark: ``results.json``, ``results.csv``, ``results.md``, ``figures/``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from ...options import PolaxError
from ..report.document import Document
from ..report.writers import draw, show, write_texts
from ..runs.folder import read_json
from ..runs.manifest import device_names, versions
from .document import DONE, FAILED, FILE, FORMAT, NO_RUNS, UNFINISHED, Runs, document
from .plan import Combination, Protocol


class Results:
    """What is known of each combination; every change is on the disk at once.

    Args:
        folder: of the benchmark.
        protocol: what was asked for.
        planned: the combinations.
        command: the words of the command line.
    """

    def __init__(
        self, folder: Path, protocol: Protocol, planned: Sequence[Combination], *, command: Sequence[str]
    ) -> None:
        self._folder = folder
        self._protocol = protocol
        self._command = list(command)
        before = read_json(folder / FILE) if (folder / FILE).exists() else {}
        kept = {(row["algorithm"], row["env"]): row for row in before.get("combinations", []) if row["status"] == DONE}
        self._rows = {
            (each.algorithm, each.env): kept.get((each.algorithm, each.env)) or _blank(each) for each in planned
        }
        self._write(NO_RUNS)

    def is_done(self, combination: Combination) -> bool:
        """Tell whether a combination was trained and scored."""
        return self.row(combination)["status"] == DONE

    def row(self, combination: Combination) -> dict[str, Any]:
        """Return what is known of a combination."""
        return self._rows[combination.algorithm, combination.env]

    def update(self, combination: Combination, **changes: Any) -> None:
        """Change what is known of a combination, and write it down."""
        self.row(combination).update(changes)
        self._write(NO_RUNS)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """What is known of every combination, game by game."""
        return list(self._rows.values())

    def finish(self, console: Console) -> str | None:
        """Draw the figures, write everything again and print the scores.

        Returns:
            What is wrong with the figures, in place of raising it: results are worth more than their pictures.
        """
        trouble = None
        try:
            found = document(self._folder, self._content())
            trouble = "; ".join(found.problems) or None
            draw(found, self._folder)
        except PolaxError as error:
            trouble = str(error)
        show(self._write(None), console)
        return trouble

    def _content(self) -> dict[str, Any]:
        """Return what ``results.json`` holds."""
        protocol = self._protocol.to_json()
        return {
            "format": FORMAT,
            "kind": "benchmark",
            "versions": versions(),
            "devices": device_names(),
            "command": self._command,
            "protocol": {
                name: protocol[name] for name in ("num_seeds", "budget", "preset", "evaluation_episodes", "options")
            },
            "combinations": self.rows,
        }

    def _write(self, runs: Runs | None) -> Document:
        """Write ``results.json``, ``results.csv`` and ``results.md``, each whole."""
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
        "seconds": None,
        "env_steps": None,
        "updates": None,
        "scores": {},
        "measures": [],
    }
