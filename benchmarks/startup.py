"""How long a user waits before anything happens: help, listing, and the first update of the laptop preset.

    python benchmarks/startup.py [--repeats 5] [--out FILE.json] [--compare OTHER.json]

Each line is the median wall time of whole processes, in seconds. The first update is timed from the command to where it
starts computing (everything is compiled then) and to its line of metrics, with an empty compilation cache and with a
warm one.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measurements import finish, make_parser

PROGRAM = "import sys; from polax.runner.cli import main; sys.exit(main(sys.argv[1:]))"


def seconds_of(words: list[str], environment: dict[str, str]) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, *words], check=True, env=environment, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def first_update(folder: Path, environment: dict[str, str]) -> tuple[float, float]:
    """Seconds from the command to where the first update computes, and to its line of metrics.

    The second update, compiled already, tells how long an update computes.
    """
    words = ["train", "pola-dice", "IPD-v0", "--preset", "laptop", "--out", str(folder)]
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, *words], env=environment, stdout=subprocess.DEVNULL)
    metrics, finished = folder / "metrics.jsonl", 0.0
    while process.poll() is None:
        lines = metrics.read_text().count("\n") if metrics.exists() else 0
        finished = finished or (time.perf_counter() - started if lines >= 2 else 0.0)
        if lines >= 3:
            break
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    process.wait()
    seconds = [json.loads(line)["seconds"] for line in metrics.read_text().splitlines()]
    return finished - (seconds[2] - seconds[1]), finished


def main() -> int:
    parser = make_parser(__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    results: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as scratch:
        environment = {**os.environ, "POLAX_CACHE": f"{scratch}/cache"}
        environment.pop("JAX_COMPILATION_CACHE_DIR", None)
        for name, words in {
            "import polax": ["-c", "import polax"],
            "polax --help": ["-c", PROGRAM, "--help"],
            "polax list": ["-c", PROGRAM, "list"],
        }.items():
            results[name] = statistics.median(seconds_of(words, environment) for _ in range(options.repeats))
        for kind, caches in (("empty", options.repeats), ("warm", 1)):
            times = []
            for repeat in range(options.repeats):
                cache = f"{scratch}/cache-{repeat % caches}"
                times.append(first_update(Path(scratch) / f"{kind}-{repeat}", {**environment, "POLAX_CACHE": cache}))
            for what, seconds in zip(("starts", "done"), zip(*times, strict=True), strict=True):
                results[f"first update {what}, {kind} cache"] = statistics.median(seconds)
    finish(options, results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
