"""How long one outer step of a learner takes, and how far that is from what the machine's matrix products allow.

    python benchmarks/outer_step.py [--algorithm pola-dice] [--env IPD-v0] [--num-envs 2000] [--hidden-size 64]
        [--inner-steps 2] [--outer-steps 2] [--num-seeds 1] [--repeats 5] [--out FILE.json] [--compare OTHER.json]

An outer step is one player's: its inner steps included. The floor counts the multiplications of the recurrence that an
outer step cannot do without, divided by the rate that plain products of the same shape sustain in the same run.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import polax
from polax.runner.devices import split_cpu


def passes(inner_steps: int) -> int:
    """Forward passes of one network that an outer step costs (2 for a backward pass, 1 for a tangent on its own).

    Sampling: both policies on every batch. Each inner step: critic forward and backward, policy backward, reference.
    Outer: critic forward and backward, both policies backward, reference. Through the inner steps: each a tangent pass
    and a backward pass of the learner, and a Hessian-vector product (7) for all but the first.
    """
    sampling = 2 * (inner_steps + 1)
    inner = inner_steps * (3 + 2) + max(inner_steps - 1, 0)
    outer = 3 + 2 + (2 if inner_steps else 0) + 1
    through = inner_steps * (2 + 2) + max(inner_steps - 1, 0) * (7 - 2)
    return sampling + inner + outer + through


def median_seconds(function: Callable[[], Any], repeats: int) -> float:
    jax.block_until_ready(function())
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        jax.block_until_ready(function())
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def product_rate(num_envs: int, hidden_size: int, repeats: int) -> float:
    """Sustained FLOP/s of 50 products in a row of the recurrence's shape, on one device."""
    hidden, kernel = jnp.ones((num_envs, hidden_size)), jnp.ones((hidden_size, 3 * hidden_size)) / hidden_size

    @jax.jit
    def chain(hidden: jax.Array) -> jax.Array:
        return jax.lax.scan(lambda h, _: ((h @ kernel)[:, :hidden_size], None), hidden, length=50)[0]

    return 50 * 6 * num_envs * hidden_size**2 / median_seconds(lambda: chain(hidden), repeats)


def measure(options: argparse.Namespace) -> dict[str, float]:
    split_cpu(options.num_seeds)
    # Not before: it imports gymnax, which starts the device.
    from polax.runner.seeds import make_learner, seed_keys

    env, params = polax.make_env(options.env)
    sizes = {"num_envs": options.num_envs, "hidden_size": options.hidden_size, "outer_steps": options.outer_steps}
    if options.algorithm != "naive":
        sizes["inner_steps"] = options.inner_steps
    learner = make_learner(polax.make_algorithm(options.algorithm, env, params, **sizes))
    keys = seed_keys(range(options.num_seeds))
    alive = np.ones(options.num_seeds, bool)
    states = jax.block_until_ready(learner.init(keys.init))
    started = time.perf_counter()
    states = learner.update(keys.update, 0, alive, states).states
    first = time.perf_counter() - started
    seconds = median_seconds(lambda: learner.update(keys.update, 1, alive, states).states, options.repeats)
    per_step = seconds / (2 * options.outer_steps * options.num_seeds)
    rate = product_rate(options.num_envs, options.hidden_size, options.repeats)
    num_steps = int(params.max_steps_in_episode)
    inner_steps = sizes.get("inner_steps", 0)
    flop = passes(inner_steps) * 6 * options.hidden_size**2 * options.num_envs * num_steps
    return {
        "outer_step_s": per_step,
        "update_s": seconds,
        "compile_s": first - seconds,
        "peak_memory_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
        "product_gflops": rate / 1e9,
        "floor_s": flop / rate,
        "ratio_to_floor": per_step * rate / flop,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--algorithm", default="pola-dice")
    parser.add_argument("--env", default="IPD-v0")
    for name, default in (
        ("num-envs", 2000),
        ("hidden-size", 64),
        ("inner-steps", 2),
        ("outer-steps", 2),
        ("num-seeds", 1),
        ("repeats", 5),
    ):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--out", type=Path, help="write the measurements as JSON")
    parser.add_argument("--compare", type=Path, help="print the ratios to measurements written before")
    options = parser.parse_args()
    os.environ.pop("JAX_COMPILATION_CACHE_DIR", None)
    results = measure(options)
    before = json.loads(options.compare.read_text())["measurements"] if options.compare else {}
    for name, value in results.items():
        ratio = f"   {value / before[name]:6.2f} of {before[name]:.4g}" if name in before else ""
        print(f"{name:18} {value:10.4g}{ratio}")
    if options.out:
        machine = {
            "cores": os.cpu_count(),
            "architecture": platform.machine(),
            "devices": [f"{device.platform}: {device.device_kind}" for device in jax.devices()],
            "python": platform.python_version(),
            "jax": jax.__version__,
        }
        settings = {name: str(value) for name, value in vars(options).items() if name not in ("out", "compare")}
        content = {"machine": machine, "settings": settings, "measurements": results}
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(content, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
