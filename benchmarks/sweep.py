"""A sweep beside its trials one by one: an update of all of them, and the whole command.

    python benchmarks/sweep.py [--trials 64] [--repeats 5] [--commands 3] [--updates 20] [--out FILE.json]

LOLA-DiCE's laptop preset for the prisoner's dilemma, with four numbers varied: two rates, the discount, and the game's
payoff. Both programs are compiled in one process, and their updates take turns. On two cores, the two players of a
single update are on a core each, and so are the halves of a sweep's trials; `taskset -c 0` puts everything on one.

The commands are processes of their own with warm compilation caches: the sweep once, and the training of one of its
trials so many times, of which the median is multiplied by the number of trials.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from measurements import finish, make_parser, parse_sizes

PROGRAM = "import sys; from polax.runner.cli import main; sys.exit(main(sys.argv[1:]))"
LEARNER = ["lola-dice", "IPD-v0", "--preset", "laptop"]
VARY = {
    "outer_lr": "log:0.001:0.1",
    "inner_lr": "log:0.01:1",
    "discount": "uniform:0.5:0.98",
    "env.contribution_factor": "uniform:1.2:1.8",
}


def timed(function: Callable[[], Any]) -> float:
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


def updates(trials: int, repeats: int) -> tuple[float, float]:
    """Seconds of an update of all trials together, and of one update of each in sequence: medians."""
    from polax.runner.process import cpu_cores, set_up

    set_up(devices=cpu_cores())
    import numpy as np
    from polax.runner.sweep.plan import alike, plan_sweep
    from polax.runner.sweep.search import draw_trials
    from polax.runner.training.seeds import CompiledLearner, seed_keys, settle, stack

    protocol, space = plan_sweep(
        "lola-dice", "IPD-v0", vary=VARY, search=None, trials=trials, objective=None, options={}, env_options={},
        preset="laptop",
    )  # fmt: skip
    ((program,), _) = alike(draw_trials(protocol, space), protocol)
    keys, key = seed_keys([0] * trials), seed_keys([0])
    first = [setup.algorithm.init(key.init[0]) for setup in program.setups]
    together, each = settle(stack(first)), [settle(stack([state])) for state in first]
    learner = program.setups[0].algorithm

    def one_program() -> None:
        CompiledLearner(learner, skip=True).update(keys.update, 1, np.ones(trials, bool), together)

    def in_sequence() -> None:
        for state in each:
            CompiledLearner(learner).update(key.update, 1, np.ones(1, bool), state)

    one_program()
    in_sequence()
    times = [(timed(one_program), timed(in_sequence)) for _ in range(repeats)]
    whole, parts = zip(*times, strict=True)
    return statistics.median(whole), statistics.median(parts)


def commands(trials: int, count: int, length: int) -> tuple[float, float]:
    """Seconds of the command of a sweep, and of that of one of its trials."""
    vary = [word for name, words in VARY.items() for word in ("--vary", f"{name}={words}")]
    with tempfile.TemporaryDirectory() as scratch:
        environment = {**os.environ, "POLAX_CACHE": f"{scratch}/cache"}

        def run(*words: str) -> float:
            whole = [sys.executable, "-c", PROGRAM, *words, "--updates", str(length), "--quiet"]
            return timed(lambda: subprocess.run(whole, check=True, env=environment))

        sweep = ["sweep", *LEARNER, *vary, "--trials", str(trials)]
        run(*sweep, "--out", f"{scratch}/first")  # fills the cache
        seconds = run(*sweep, "--out", f"{scratch}/second")
        best = json.loads(Path(f"{scratch}/second/best.json").read_text())
        options = [word for name in VARY for word in option_of(name, best)]
        train = ["train", *LEARNER, *options]
        run(*train, "--out", f"{scratch}/cold")
        each = statistics.median(run(*train, "--out", f"{scratch}/run{number}") for number in range(count))
    return seconds, each


def option_of(name: str, config: dict[str, Any]) -> list[str]:
    place = "env_options" if name.startswith("env.") else "options"
    return [f"--{name.replace('_', '-')}", str(config[place][name.removeprefix("env.")])]


def main() -> int:
    options = parse_sizes(make_parser(__doc__), {"trials": 64, "repeats": 5, "commands": 3, "updates": 20})
    whole, parts = updates(options.trials, options.repeats)
    results = {"update, one program s": whole, "update, in sequence s": parts, "one program to sequence": whole / parts}
    if options.commands:
        seconds, each = commands(options.trials, options.commands, options.updates)
        results |= {
            "polax sweep s": seconds,
            "polax train s": each,
            "commands to one sweep": options.trials * each / seconds,
        }
    finish(options, results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
