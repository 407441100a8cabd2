"""How much faster an update of POLA-DiCE is on two devices of a CPU than on one, along each axis of the mesh.

    python benchmarks/mesh.py [--num-envs 2000] [--hidden-size 64] [--num-steps 50] [--inner-steps 2] [--outer-steps 2]
        [--rounds 5] [--out results/mesh.json]

A device is one core here: one process is bound to one core and has one device, the others have two cores and two. All
are started together, compile, and then take an update in turn, so that each ratio is of two updates that follow each
other; the medians of these ratios are reported, with the load of the machine. Beside the time stands the work, the
seconds of CPU that an update took: on a machine that others use, a process waits for its cores. How much two cores can
do at best is measured as well, by two processes that share nothing. The defaults are the published setting of the
iterated prisoner's dilemma, but for the number of outer steps, which only repeat. Along the seeds, two of them train;
along the other axes one does. Under `nice -n -10` they go before what else runs (as root).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from typing import Any

from measurements import finish, make_parser

SIZES = {"num-envs": 2000, "num-steps": 50, "hidden-size": 64, "inner-steps": 2, "outer-steps": 2, "rounds": 5}
CASES: dict[str, tuple[dict[str, int], int, int]] = {
    "one seed, one device of one core": ({}, 1, 1),
    "one seed, one device of two cores": ({}, 1, 2),
    "one seed, envs=2": ({"envs": 2}, 1, 2),
    "one seed, players=2": ({"players": 2}, 1, 2),
    "two seeds, one device of one core": ({}, 2, 1),
    "two seeds, seeds=2": ({"seeds": 2}, 2, 2),
}
"""By name: the mesh, the number of seeds, the cores."""

ALONE, TWIN = "one seed, one device of one core", "one seed, one device of the other core"

RATIOS = {
    "envs: one core over envs=2": ("one seed, one device of one core", "one seed, envs=2"),
    "players: one core over players=2": ("one seed, one device of one core", "one seed, players=2"),
    "seeds: one core over seeds=2": ("two seeds, one device of one core", "two seeds, seeds=2"),
    "envs: one device that may use two cores over envs=2": ("one seed, one device of two cores", "one seed, envs=2"),
    "players: one device that may use two cores over players=2": (
        "one seed, one device of two cores",
        "one seed, players=2",
    ),
}


def work(case: str, options: argparse.Namespace) -> None:
    """Take an update for each line of the input, and say how long each took."""
    sizes, seeds, cores = CASES[ALONE if case == TWIN else case]
    available = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, available[1:2] if case == TWIN else available[:cores])  # before jax makes its threads
    import time

    import jax

    jax.config.update("jax_num_cpu_devices", max(1, *sizes.values()) if sizes else 1)
    import numpy as np
    import polax
    from polax.algorithms.core.devices import asking_for
    from polax.runner.training.seeds import make_learner, mesh_for, seed_keys

    env, params = polax.make_env("IPD-v0", max_steps_in_episode=options.num_steps, observation_layout="shared")
    names = ("num_envs", "hidden_size", "inner_steps", "outer_steps")
    algorithm = polax.make_algorithm("pola-dice", env, params, **{name: getattr(options, name) for name in names})
    with asking_for(sizes or {"seeds": 1}):
        learner = make_learner(algorithm, mesh_for(algorithm, seeds))
    keys = seed_keys(range(seeds))
    states = learner.init(keys.init)
    for number, _ in enumerate(sys.stdin, 1):
        started, worked = time.perf_counter(), time.process_time()
        states = learner.update(keys.update, number, np.ones(seeds, bool), states).states
        print(json.dumps([time.perf_counter() - started, time.process_time() - worked]), flush=True)


def measure(options: argparse.Namespace) -> dict[str, float]:
    """Let the cases take updates in turn."""
    words = [word for name in SIZES for word in (f"--{name}", str(getattr(options, name.replace("-", "_"))))]
    load = os.getloadavg()[0]
    workers: dict[str, Any] = {}
    for case in (*CASES, TWIN):
        command = [sys.executable, __file__, *words, "--work", case]
        workers[case] = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def update(*cases: str) -> list[float]:
        """Let these take an update at once; return the time and the work of the slowest."""
        for case in cases:
            workers[case].stdin.write("\n")
            workers[case].stdin.flush()
        return max(json.loads(workers[case].stdout.readline()) for case in cases)

    for case in workers:  # one after another: each compiles
        update(case)
    times: dict[str, list[list[float]]] = {case: [] for case in CASES}
    at_once = []
    for _ in range(options.rounds):
        for case in CASES:
            times[case].append(update(case))
        at_once.append(2 * times[ALONE][-1][0] / update(ALONE, TWIN)[0])
    for worker in workers.values():
        worker.stdin.close()
        worker.wait()
    found = {"two processes that share nothing, ratio": statistics.median(at_once), **ratios_of(times)}
    return found | {"load of the machine before": load, "load of the machine after": os.getloadavg()[0]}


def ratios_of(times: dict[str, list[list[float]]]) -> dict[str, float]:
    """Return the medians of the time and work of each case, and of the ratios."""
    found = {}
    for name, taken in times.items():
        seconds, work = (statistics.median(values) for values in zip(*taken, strict=True))
        found |= {f"{name}, s": seconds, f"{name}, work in s of CPU": work}
    for name, (slow, fast) in RATIOS.items():
        ratios = [one[0] / two[0] for one, two in zip(times[slow], times[fast], strict=True)]
        found |= {f"{name}, ratio": statistics.median(ratios), f"{name}, lowest ratio": min(ratios)}
        found[f"{name}, highest ratio"] = max(ratios)
        if CASES[slow][2] == 1:  # what the ratio is where no device waits for its core
            by_work = [2 * one[1] / two[1] for one, two in zip(times[slow], times[fast], strict=True)]
            found[f"{name}, ratio by work"] = statistics.median(by_work)
    return found


def main() -> int:
    parser = make_parser(__doc__)
    for name, default in SIZES.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--work", choices=(*CASES, TWIN), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work(options.work, options)
    else:
        finish(options, measure(options))
    return 0


if __name__ == "__main__":
    sys.exit(main())
