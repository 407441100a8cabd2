"""How long a user waits before anything happens: help, listing, and the first update of the laptop preset.

    python benchmarks/startup.py [--repeats 5] [--out FILE.json]

Each line is the median wall time of whole processes. The first update is timed from the command to its line of metrics,
once with an empty compilation cache and once with what that run left in it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROGRAM = "import sys; from polax.runner.cli import main; sys.exit(main(sys.argv[1:]))"


def seconds_of(words: list[str], environment: dict[str, str]) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, *words], check=True, env=environment, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def first_update(folder: Path, environment: dict[str, str]) -> float:
    """Seconds from the command to the line of metrics of the first update."""
    words = ["train", "pola-dice", "IPD-v0", "--preset", "laptop", "--out", str(folder)]
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, *words], env=environment, stdout=subprocess.DEVNULL)
    metrics = folder / "metrics.jsonl"
    while process.poll() is None and not (metrics.exists() and metrics.read_text().count("\n") >= 2):
        time.sleep(0.05)
    elapsed = time.perf_counter() - started
    process.terminate()
    process.wait()
    return elapsed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path, help="write the measurements as JSON")
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
        results["first update, empty cache"] = first_update(Path(scratch) / "cold", environment)
        results["first update, warm cache"] = first_update(Path(scratch) / "warm", environment)
    for name, value in results.items():
        print(f"{name:28} {value:8.2f} s")
    if options.out:
        machine = {"cores": os.cpu_count(), "architecture": platform.machine(), "python": platform.python_version()}
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps({"machine": machine, "measurements": results}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
