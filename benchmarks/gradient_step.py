"""How long one gradient step of a learner in self-play takes, and how far that is from its matrix products.

    python benchmarks/gradient_step.py [--algorithm loqa] [--env CoinGame-v0] [--num-envs 256] [--hidden-size 32]
        [--value-hidden-size N] [--gradient-steps 20] [--device cpu] [--repeats 5] [--out FILE.json]
        [--compare OTHER.json]

A gradient step plays a batch and learns from it. The floor counts the multiplications of the recurrences that it cannot
do without, divided by the rate that plain products of the same shape sustain in the same run on one device.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time

import jax
import polax
from measurements import finish, make_parser, median_seconds, parse_sizes
from outer_step import product_rate

PASSES = 4
"""Forward passes that a step costs for each network: the learner's, the opponents', and 2 for the learner's backward
pass."""


def measure(options: argparse.Namespace) -> dict[str, float]:
    env, params = polax.make_env(options.env)
    sizes = {"num_envs": options.num_envs, "hidden_size": options.hidden_size}
    widths = [options.hidden_size]
    if options.value_hidden_size:
        sizes["value_hidden_size"] = options.value_hidden_size
        widths.append(options.value_hidden_size)
    steps = {"gradient_steps": options.gradient_steps, "snapshot_every": options.gradient_steps}
    algorithm = polax.make_algorithm(options.algorithm, env, params, **sizes, **steps)
    state = jax.block_until_ready(algorithm.init(jax.random.key(0)))

    def update() -> None:
        jax.block_until_ready(algorithm.update(jax.random.key(1), state))

    started = time.perf_counter()
    update()
    first = time.perf_counter() - started
    seconds = median_seconds(update, options.repeats)
    episodes = int(params.max_steps_in_episode) * options.num_envs
    floor = sum(
        PASSES * 6 * width**2 * episodes / product_rate(options.num_envs, width, options.repeats) for width in widths
    )
    return {
        "gradient_step_s": seconds / options.gradient_steps,
        "compile_s": first - seconds,
        "peak_memory_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
        "env_steps_per_second": options.gradient_steps * episodes / seconds,
        "floor_s": floor,
        "ratio_to_floor": seconds / options.gradient_steps / floor,
    }


def main() -> int:
    parser = make_parser(__doc__)
    parser.add_argument("--algorithm", default="loqa")
    parser.add_argument("--env", default="CoinGame-v0")
    parser.add_argument("--value-hidden-size", type=int, help="of a second network for the action values")
    options = parse_sizes(parser, {"num-envs": 256, "hidden-size": 32, "gradient-steps": 20, "repeats": 5})
    finish(options, measure(options))
    return 0


if __name__ == "__main__":
    sys.exit(main())
