"""What hashing and locking cost: the share of a training run that is spent in them.

``python benchmarks/reliability.py`` trains a preset once and times the two in that very run, because two runs differ by
more than they cost.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polax
from polax.runner.runs import checkpoint, lock

TIMED = ((checkpoint, "_metadata", "hashing"), (lock, "_take", "locking"))


def main() -> None:
    """Train, and print the seconds and the share of each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--algorithm", default="pola-dice")
    parser.add_argument("--env", default="IPD-v0")
    parser.add_argument("--updates", type=int, help="default: the preset's")
    options = parser.parse_args()
    seconds: Counter[str] = Counter()
    for module, name, what in TIMED:
        setattr(module, name, timed(getattr(module, name), what, seconds))
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        settings = {"preset": "laptop", "updates": options.updates, "out": Path(folder) / "run"}
        polax.train(options.algorithm, options.env, **settings)
        whole = time.perf_counter() - begun
    for what, spent in seconds.items():
        print(f"{what}: {spent:.4f} s of {whole:.1f} s, {spent / whole:.4%}")


def timed(function: Callable[..., Any], what: str, seconds: Counter[str]) -> Callable[..., Any]:
    """Return a function that also adds up how long it took."""

    def call(*arguments: Any) -> Any:
        begun = time.perf_counter()
        try:
            return function(*arguments)
        finally:
            seconds[what] += time.perf_counter() - begun

    return call


if __name__ == "__main__":
    main()
