"""How near `polax estimate` comes to what a run then takes, over ten settings.

    python benchmarks/estimate.py [--clock cpu] [--only NAME ...] [--out results/estimate.json]

Each setting is estimated and then trained, in a process of its own each and without the cache of compiled programs, so
that both compile. The time of a run is that of `polax.train` until all is saved; the figure is drawn after that. On a
machine that other programs use too, the two meet different loads: the load before each is written down. There `--clock
cpu` counts the seconds of CPU of both in place of the time, which shows whether the arithmetic is right.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any

from measurements import finish, make_parser

SETTINGS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "naive-exact": ("naive-exact", "IPD-v0", {"updates": 300}),
    "lola-exact, two seeds, evaluated every tenth": (
        "lola-exact",
        "IPD-v0",
        {"updates": 300, "seeds": 2, "eval_every": 10},
    ),
    "pola-exact": ("pola-exact", "IPD-v0", {"updates": 100}),
    "naive": ("naive", "IPD-v0", {"updates": 40}),
    "naive, two seeds, evaluated every fifth": ("naive", "IPD-v0", {"updates": 40, "seeds": 2, "eval_every": 5}),
    "lola-dice": ("lola-dice", "IPD-v0", {"updates": 20}),
    "pola-dice": ("pola-dice", "IPD-v0", {"updates": 15}),
    "loqa": ("loqa", "IPD-v0", {"updates": 20}),
    "advantage-alignment": ("advantage-alignment", "IPD-v0", {"updates": 20}),
    "naive, coin game": ("naive", "CoinGame-v0", {"updates": 8}),
}
"""By name: learner, game, and what differs from the laptop preset."""


def estimated(name: str) -> float:
    import polax

    algorithm, env, settings = SETTINGS[name]
    return polax.estimate(algorithm, env, preset="laptop", **settings).seconds


def trained(name: str) -> float:
    import polax

    algorithm, env, settings = SETTINGS[name]
    ends: list[float] = []
    told = polax.Callback(on_end=lambda event: ends.append(time.perf_counter()))
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        out = f"{folder}/run"
        polax.train(algorithm, env, preset="laptop", out=out, callbacks=[told], quiet=True, **settings)
    return ends[0] - started


WORK = {"estimate": estimated, "train": trained}


CLOCKS = {"time": time.perf_counter, "cpu": time.process_time}


def measure(name: str, clock: str) -> dict[str, float]:
    """Estimate a setting, then train it."""
    found = {}
    for what in WORK:
        command = [sys.executable, __file__, "--work", what, name, clock]
        found[f"{name}, {what}, load"] = os.getloadavg()[0]
        environment = {**os.environ, "POLAX_CACHE": "off"}
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
        found[f"{name}, {what}, s"] = json.loads(done.stdout.splitlines()[-1])
    return found | {f"{name}, ratio": found[f"{name}, estimate, s"] / found[f"{name}, train, s"]}


def main() -> int:
    if sys.argv[1:2] == ["--work"]:
        what, name, clock = sys.argv[2:]
        time.perf_counter = CLOCKS[clock]  # which the estimate reads too
        print(json.dumps(WORK[what](name)))
        return 0
    parser = make_parser(__doc__)
    parser.add_argument("--clock", choices=CLOCKS, default="time")
    parser.add_argument("--only", nargs="+", choices=SETTINGS, default=list(SETTINGS))
    options = parser.parse_args()
    results: dict[str, float] = {}
    for name in options.only:
        results |= measure(name, options.clock)
        print(f"{name}: {results[f'{name}, ratio']:.2f}", flush=True)
    errors = [abs(results[f"{name}, ratio"] - 1) for name in options.only]
    results |= {"median error": statistics.median(errors), "largest error": max(errors)}
    finish(options, results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
