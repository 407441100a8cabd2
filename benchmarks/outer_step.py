"""How long one outer step of a learner takes, and how far that is from what the machine's matrix products allow.

    python benchmarks/outer_step.py [--algorithm pola-dice] [--env IPD-v0] [--num-envs 2000] [--hidden-size 64]
        [--num-steps 50] [--inner-steps 2] [--outer-steps 2] [--num-seeds 1] [--precision float32] [--device cpu]
        [--repeats 5] [--out FILE.json] [--compare OTHER.json]

An outer step is one player's: its inner steps included. The floor counts the multiplications of the recurrence that an
outer step cannot do without, divided by the rate that plain products of the same shape sustain in the same run.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np
import polax
from measurements import finish, make_parser, median_seconds, parse_sizes
from polax.runner.process import cpu_cores, split_cpu


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


def product_rate(num_envs: int, hidden_size: int, repeats: int) -> float:
    """Sustained FLOP/s of 50 products in a row of the recurrence's shape, on one device."""
    hidden, kernel = jnp.ones((num_envs, hidden_size)), jnp.ones((hidden_size, 3 * hidden_size)) / hidden_size

    @jax.jit
    def chain(hidden: jax.Array) -> jax.Array:
        return jax.lax.scan(lambda h, _: ((h @ kernel)[:, :hidden_size], None), hidden, length=50)[0]

    seconds = median_seconds(lambda: jax.block_until_ready(chain(hidden)), repeats)
    return 50 * 6 * num_envs * hidden_size**2 / seconds


def measure(options: argparse.Namespace) -> dict[str, float]:
    split_cpu(cpu_cores())
    # Not before: it imports gymnax, which starts the device.
    from polax.runner.training.seeds import make_learner, mesh_for, seed_keys

    env, params = polax.make_env(options.env, max_steps_in_episode=options.num_steps)
    sizes = {name: getattr(options, name) for name in ("num_envs", "hidden_size", "outer_steps")}
    if options.algorithm != "naive":
        sizes["inner_steps"] = options.inner_steps
    algorithm = polax.make_algorithm(options.algorithm, env, params, matmul_precision=options.precision, **sizes)
    learner = make_learner(algorithm, mesh_for(algorithm, options.num_seeds))
    keys = seed_keys(range(options.num_seeds))
    alive = np.ones(options.num_seeds, bool)
    states = jax.block_until_ready(learner.init(keys.init))
    started = time.perf_counter()
    states = learner.update(keys.update, 0, alive, states).states
    first = time.perf_counter() - started
    seconds = median_seconds(lambda: learner.update(keys.update, 1, alive, states).states, options.repeats)
    per_step = seconds / (2 * options.outer_steps * options.num_seeds)
    rate = product_rate(options.num_envs, options.hidden_size, options.repeats)
    inner_steps = sizes.get("inner_steps", 0)
    flop = passes(inner_steps) * 6 * options.hidden_size**2 * options.num_envs * options.num_steps
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
    parser = make_parser(__doc__)
    parser.add_argument("--algorithm", default="pola-dice")
    parser.add_argument("--env", default="IPD-v0")
    parser.add_argument("--precision", default="float32", help="of matrix products: the learner's matmul_precision")
    sizes = {"num-envs": 2000, "num-steps": 50, "hidden-size": 64, "inner-steps": 2, "outer-steps": 2}
    options = parse_sizes(parser, {**sizes, "num-seeds": 1, "repeats": 5})
    finish(options, measure(options))
    return 0


if __name__ == "__main__":
    sys.exit(main())
