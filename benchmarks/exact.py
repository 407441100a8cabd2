"""How long the exact experiments take, compilation included.

    python benchmarks/exact.py [--out results/exact_speed.json] [--compare OTHER.json]

Every measurement is a process of its own with an empty compilation cache. Wall time is what a user waits; processor
time (all threads) is what the work costs, and the fair number where the machine is shared.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time

from measurements import finish, make_parser

REPRODUCE = "import sys; from polax.runner.cli import main; sys.exit(main(sys.argv[1:]))"
SETTINGS = {
    "lola tabular, one f, 20 runs": ("lola", "tabular", 1.33, 20, 16),
    "lola mlp, one f, 20 runs": ("lola", "mlp", 1.33, 20, 100),
    "pola tabular, one f, 20 runs": ("pola", "tabular", 1.33, 20, 210),
    "pola mlp, one f, 20 runs": ("pola", "mlp", 1.33, 20, 470),
    "pola preconditioned, one f, 20 runs": ("pola", "preconditioned", 1.33, 20, 830),
    "lola tabular, one f, 1,000 runs": ("lola", "tabular", 1.33, 1000, None),
    "pola tabular, f 1.1, 1,000 runs": ("pola", "tabular", 1.1, 1000, None),
    "pola tabular, f 1.33, 1,000 runs": ("pola", "tabular", 1.33, 1000, None),
    "pola tabular, f 1.6, 1,000 runs": ("pola", "tabular", 1.6, 1000, None),
}
"""Name -> learner, parameterisation, contribution factor, runs, seconds of the published program on two cores."""

ONE_SETTING = """
from polax.papers.pola.exact_runs import run_settings
from polax.papers.pola.published import EXACT
run_settings([EXACT[{key!r}].setting], runs={runs}, seed=0, report=print)
"""


def measure(name: str, command: list[str]) -> dict[str, float]:
    """Run a command and return its wall and processor seconds."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    environment = {**os.environ, "POLAX_CACHE": "off"}
    environment.pop("JAX_COMPILATION_CACHE_DIR", None)
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {f"{name}, wall s": round(wall, 1), f"{name}, processor s": round(processor, 1)}


def main() -> int:
    options = make_parser(__doc__).parse_args()
    results: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", REPRODUCE, "reproduce", "figure3", "--runs", "20", "--out", folder]
        results |= measure("figure3, all settings, 20 runs", command)
    for name, (*key, runs, published) in SETTINGS.items():
        results |= measure(name, [sys.executable, "-c", ONE_SETTING.format(key=tuple(key), runs=runs)])
        if published is not None:
            results[f"{name}, published program s"] = published
    finish(options, results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
