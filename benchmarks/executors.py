"""What a task of an executor costs beside the same combination in the process of the command.

    python benchmarks/executors.py [--on ray] [--updates 10] [--repeats 3] [--out FILE.json]

`polax benchmark` runs with one combination and with four, on this machine's own Ray, one task at a time (each claims
all cores), and with `--on local`, with warm compilation caches. The difference between four and one, divided by three,
is what a combination takes; Ray's start and end, which a command pays once, are in the difference between the commands
with one. Medians of processes.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measurements import finish, make_parser

PROGRAM = "import sys; from polax.runner.cli import main; sys.exit(main(sys.argv[1:]))"
LEARNERS = ["naive-exact", "lookahead-exact", "lola-exact", "sos-exact"]


def seconds(learners: list[str], on: list[str], updates: int) -> float:
    words = ["benchmark", "--algorithms", *learners, "--envs", "IPD-v0", "--budget", str(updates), "updates", *on]
    with tempfile.TemporaryDirectory() as scratch:
        started = time.perf_counter()
        command = [sys.executable, "-c", PROGRAM, *words, "--quiet", "--out", str(Path(scratch) / "out")]
        subprocess.run(command, check=True)
        return time.perf_counter() - started


def main() -> int:
    parser = make_parser(__doc__)
    parser.add_argument("--on", default="ray")
    parser.add_argument("--updates", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    ways = {"local": ["--on", "local"], options.on: ["--on", options.on, "--cpus-per-task", str(cores)]}
    for on in ways.values():  # fill the caches
        seconds(LEARNERS, on, options.updates)
    times: dict[tuple[str, int], list[float]] = {}
    for _ in range(options.repeats):  # the ways take turns, so that what else the machine does meets all of them
        for way, on in ways.items():
            for count in (1, len(LEARNERS)):
                times.setdefault((way, count), []).append(seconds(LEARNERS[:count], on, options.updates))
    medians = {key: statistics.median(values) for key, values in times.items()}
    each = {way: (medians[way, len(LEARNERS)] - medians[way, 1]) / (len(LEARNERS) - 1) for way in ways}
    results = {f"{way}, command with {count}, s": value for (way, count), value in medians.items()}
    results |= {f"{way}, each combination, s": value for way, value in each.items()}
    results[f"overhead of a task on {options.on}, s"] = each[options.on] - each["local"]
    finish(options, results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
