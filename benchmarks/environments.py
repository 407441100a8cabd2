"""Measure the environments: vectorised random play, single Gymnasium steps, ``make_vec``; others' games beside them.

    python benchmarks/environments.py            # JaxMARL's coin game too, where jaxmarl is installed
    taskset -c 0 python benchmarks/environments.py   # on one core

Every line is the median of five runs after a first one that compiles, or of 5,000 single steps.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import polax
from measurements import finish, make_parser, median_seconds

NUM_ENVS, NUM_STEPS, REPEATS = 4096, 200, 5
OPPONENTS = ("always-defect", "tit-for-tat", "random")


def random_play(reset: Callable[..., Any], step: Callable[..., Any], num_actions: int) -> float:
    """Million environment steps per second of random play in one scan, observations and both rewards used.

    ``reset(key) -> (observation, state)``; ``step(key, state, actions [2]) -> (observation, state, rewards [2])``.
    """

    @jax.jit
    def run(key: jax.Array) -> tuple[jax.Array, jax.Array]:
        reset_key, action_key, step_key = jax.random.split(key, 3)
        observation, state = jax.vmap(reset)(jax.random.split(reset_key, NUM_ENVS))
        actions = jax.random.randint(action_key, (NUM_STEPS, NUM_ENVS, 2), 0, num_actions)

        def body(carry: Any, inputs: Any) -> tuple[Any, None]:
            state, seen, paid = carry
            key, joint = inputs
            observation, state, rewards = jax.vmap(step)(jax.random.split(key, NUM_ENVS), state, joint)
            return (state, seen + observation.sum(), paid + rewards.sum(0)), None

        start = (state, observation.sum().astype(jnp.float32), jnp.zeros(2))
        (_, seen, paid), _ = jax.lax.scan(body, start, (jax.random.split(step_key, NUM_STEPS), actions))
        return seen, paid

    return NUM_ENVS * NUM_STEPS / 1e6 / median_seconds(lambda: jax.block_until_ready(run(jax.random.key(0))), REPEATS)


def ours(env_id: str) -> float:
    """Random play of one of polax's games through gymnax's ``step``, with autoreset."""
    env, params = polax.make_env(env_id)

    def step(key: jax.Array, state: Any, joint: jax.Array) -> tuple[jax.Array, Any, jax.Array]:
        observation, state, rewards, *_ = env.step(key, state, joint, params)
        return observation, state, rewards

    return random_play(lambda key: env.reset(key, params), step, env.num_actions)


def jaxmarls() -> float:
    """Random play of JaxMARL's coin game, with its autoreset."""
    from jaxmarl import make

    env = make("coin_game")

    def reset(key: jax.Array) -> tuple[jax.Array, Any]:
        observation, state = env.reset(key)
        return jnp.stack([observation[agent] for agent in env.agents]), state

    def step(key: jax.Array, state: Any, joint: jax.Array) -> tuple[jax.Array, Any, jax.Array]:
        observation, state, rewards, _, _ = env.step(key, state, dict(zip(env.agents, joint, strict=True)))
        stacked = jnp.stack([observation[agent] for agent in env.agents])
        return stacked, state, jnp.stack([rewards[agent] for agent in env.agents])

    return random_play(reset, step, 5)


def single_step(opponent: str) -> float:
    """Median time of one step of ``gymnasium.make("CoinGame-v0")``, in microseconds."""
    env = gymnasium.make("CoinGame-v0", opponent=opponent)
    env.reset(seed=0)
    times = []
    for number in range(5000):
        start = time.perf_counter()
        *_, truncated, _ = env.step(number % 4)
        times.append(time.perf_counter() - start)
        if truncated:
            env.reset()
    return statistics.median(times) * 1e6


def rock_paper_scissors() -> float:
    """Median time of one parallel step of PettingZoo's rock-paper-scissors, in microseconds."""
    from pettingzoo.classic import rps_v2

    env = rps_v2.parallel_env(max_cycles=50)
    env.reset(seed=0)
    times = []
    for number in range(5000):
        actions = dict.fromkeys(env.agents, number % 3)
        start = time.perf_counter()
        env.step(actions)
        times.append(time.perf_counter() - start)
        if not env.agents:
            env.reset()
    return statistics.median(times) * 1e6


def vector_steps(opponent: str) -> float:
    """Million environment steps per second of ``gymnasium.make_vec``."""
    env = gymnasium.make_vec("CoinGame-v0", num_envs=NUM_ENVS, opponent=opponent)
    env.reset(seed=0)
    actions = np.random.default_rng(0).integers(0, 4, (NUM_STEPS, NUM_ENVS))
    return NUM_ENVS * NUM_STEPS / 1e6 / median_seconds(lambda: [env.step(joint) for joint in actions], REPEATS)


def main() -> int:
    options = make_parser(__doc__).parse_args()
    steps, micro = "million steps/s", "one step, microseconds"
    rows: dict[str, Callable[[], float]] = {
        **{f"{env_id} in one scan, {steps}": partial(ours, env_id) for env_id in ("CoinGame-v0", "IPD-v0")},
        f"JaxMARL coin_game in one scan, {steps}": jaxmarls,
        **{f"gymnasium.make, {name}, {micro}": partial(single_step, name) for name in OPPONENTS},
        f"PettingZoo rock-paper-scissors, {micro}": rock_paper_scissors,
        **{f"gymnasium.make_vec, {name}, {steps}": partial(vector_steps, name) for name in OPPONENTS},
    }
    results = {}
    for name, measure in rows.items():
        try:
            results[name] = measure()
        except ImportError as error:
            print(f"not measured: {name}: {error}")
    finish(options, results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
