"""Measure the environments: vectorised random play, single Gymnasium steps, ``make_vec``; others' games beside them.

    python benchmarks/environment_speed.py            # JaxMARL's coin game too, where jaxmarl is installed
    taskset -c 0 python benchmarks/environment_speed.py   # on one core

Every line is the median of five runs after a first one that compiles.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import polax

NUM_ENVS, NUM_STEPS = 4096, 200


def seconds(run: Callable[[int], Any]) -> float:
    """Median time of five runs."""
    run(0)
    times = []
    for number in range(1, 6):
        start = time.perf_counter()
        run(number)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def random_play(reset: Callable[..., Any], step: Callable[..., Any], num_actions: int) -> float:
    """Environment steps per second of random play in one scan, observations and both rewards used.

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

    return NUM_ENVS * NUM_STEPS / seconds(lambda number: jax.block_until_ready(run(jax.random.key(number))))


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
    """Environment steps per second of ``gymnasium.make_vec``."""
    env = gymnasium.make_vec("CoinGame-v0", num_envs=NUM_ENVS, opponent=opponent)
    env.reset(seed=0)
    actions = np.random.default_rng(0).integers(0, 4, (NUM_STEPS, NUM_ENVS))
    return NUM_ENVS * NUM_STEPS / seconds(lambda _: [env.step(joint) for joint in actions])


def main() -> None:
    """Measure and print."""
    print(f"random play, B {NUM_ENVS}, {NUM_STEPS} steps in one scan, million steps a second:")
    rows: dict[str, Callable[[], float]] = {
        "CoinGame-v0": lambda: ours("CoinGame-v0"),
        "IPD-v0": lambda: ours("IPD-v0"),
        "JaxMARL coin_game": jaxmarls,
    }
    for name, measure in rows.items():
        try:
            print(f"  {name:<20} {measure() / 1e6:8.2f}")
        except ImportError as error:
            print(f"  {name:<20} not measured: {error}")
    print("one step, microseconds:")
    for opponent in ("always-defect", "tit-for-tat", "random"):
        print(f"  gymnasium.make, {opponent:<14} {single_step(opponent):6.1f}")
    try:
        print(f"  PettingZoo's rock-paper-scissors {rock_paper_scissors():6.1f}")
    except ImportError as error:
        print(f"  PettingZoo's rock-paper-scissors not measured: {error}")
    print(f"make_vec, B {NUM_ENVS}, million steps a second:")
    for opponent in ("always-defect", "tit-for-tat", "random"):
        print(f"  {opponent:<14} {vector_steps(opponent) / 1e6:8.2f}")


if __name__ == "__main__":
    main()
