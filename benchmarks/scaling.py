"""How the cost of an update of POLA-DiCE grows with the batch, the episode's length, the outer steps and the seeds.

    python benchmarks/scaling.py [--out results/scaling.json] [--compare OTHER.json]

Every row is `outer_step.py` in a process of its own, one setting changed from the base (batch 256, 50 steps, 10 outer
steps, 2 seeds, hidden size 32, iterated prisoner's dilemma). Linear growth shows as equal seconds a unit; memory is the
whole process's peak.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from measurements import finish, make_parser

BASE = {"num-envs": 256, "num-steps": 50, "outer-steps": 10, "num-seeds": 2, "hidden-size": 32}
RANGES = {
    "num-envs": (128, 256, 512, 1024, 2048, 4096),
    "num-steps": (25, 50, 100, 200),
    "outer-steps": (5, 10, 20, 40),
    "num-seeds": (2, 4, 8, 16),
}
"""By option, the values it takes while the others stay as in the base."""


def measure(settings: dict[str, int], repeats: int) -> dict[str, float]:
    """Run one setting and return its measurements."""
    words = [word for name, value in settings.items() for word in (f"--{name}", str(value))]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "measured.json"
        script = Path(__file__).with_name("outer_step.py")
        command = [sys.executable, str(script), *words, "--repeats", str(repeats), "--out", str(out)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        measured: dict[str, float] = json.loads(out.read_text())["measurements"]
    return measured


def main() -> int:
    parser = make_parser(__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    results = {}
    for name, values in RANGES.items():
        for value in values:
            measured = measure(BASE | {name: value}, options.repeats)
            results[f"{name} {value}, update s"] = measured["update_s"]
            results[f"{name} {value}, update ms a unit"] = 1000 * measured["update_s"] / value
            results[f"{name} {value}, peak memory GiB"] = measured["peak_memory_gib"]
    finish(options, results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
