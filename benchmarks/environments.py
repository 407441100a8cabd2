"""Measure the environments: vectorised random play, single Gymnasium steps, ``make_vec``; others' games beside them.

    python benchmarks/environments.py            # others' games too, where jaxmarl and pygame are installed
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
STEPS, MICRO = "million steps/s", "one step, microseconds"
GAMES = ("CoinGame-v0", "IPD-v0")
OPPONENTS = ("always-defect", "tit-for-tat", "random")


def random_play(
    reset: Callable[..., Any], step: Callable[..., Any], num_actions: int, *, players: tuple[int, ...] = (2,)
) -> float:
    """Million environment steps per second of random play in one scan, observations and all rewards used.

    ``reset(key) -> (observation, state)``; ``step(key, state, actions) -> (observation, state, rewards)``.
    Actions and rewards have the shape ``players``, which is ``()`` for a single agent.
    """

    @jax.jit
    def run(key: jax.Array) -> tuple[jax.Array, jax.Array]:
        reset_key, action_key, step_key = jax.random.split(key, 3)
        observation, state = jax.vmap(reset)(jax.random.split(reset_key, NUM_ENVS))
        actions = jax.random.randint(action_key, (NUM_STEPS, NUM_ENVS, *players), 0, num_actions)

        def body(carry: Any, inputs: Any) -> tuple[Any, None]:
            state, seen, paid = carry
            key, joint = inputs
            observation, state, rewards = jax.vmap(step)(jax.random.split(key, NUM_ENVS), state, joint)
            return (state, seen + observation.sum(), paid + rewards.sum(0)), None

        start = (state, observation.sum().astype(jnp.float32), jnp.zeros(players))
        (_, seen, paid), _ = jax.lax.scan(body, start, (jax.random.split(step_key, NUM_STEPS), actions))
        return seen, paid

    return NUM_ENVS * NUM_STEPS / 1e6 / median_seconds(lambda: jax.block_until_ready(run(jax.random.key(0))), REPEATS)


def ours(env_id: str, **options: Any) -> float:
    """Random play of one of polax's games through gymnax's ``step``, with autoreset."""
    env, params = polax.make_env(env_id, **options)

    def step(key: jax.Array, state: Any, joint: jax.Array) -> tuple[jax.Array, Any, jax.Array]:
        observation, state, rewards, *_ = env.step(key, state, joint, params)
        return observation, state, rewards

    return random_play(lambda key: env.reset(key, params), step, env.num_actions)


def alone(env_id: str, opponent: str) -> float:
    """Random play of one player of a game against a strategy, through gymnax's ``step``, with autoreset."""
    env, params = polax.single_agent(*polax.make_env(env_id), opponent=opponent)

    def step(key: jax.Array, state: Any, action: jax.Array) -> tuple[jax.Array, Any, jax.Array]:
        observation, state, reward, *_ = env.step(key, state, action, params)
        return observation, state, reward

    return random_play(lambda key: env.reset(key, params), step, env.num_actions, players=())


def through_jaxmarl(make_environment: Callable[[], Any]) -> float:
    """Random play of an environment of JaxMARL's kind, with JaxMARL's autoreset."""
    env = make_environment()
    num_actions = env.action_space(env.agents[0]).n

    def reset(key: jax.Array) -> tuple[jax.Array, Any]:
        observation, state = env.reset(key)
        return jnp.stack([observation[agent] for agent in env.agents]), state

    def step(key: jax.Array, state: Any, joint: jax.Array) -> tuple[jax.Array, Any, jax.Array]:
        observation, state, rewards, _, _ = env.step(key, state, dict(zip(env.agents, joint, strict=True)))
        stacked = jnp.stack([observation[agent] for agent in env.agents])
        return stacked, state, jnp.stack([rewards[agent] for agent in env.agents])

    return random_play(reset, step, num_actions)


def jaxmarls_game() -> Any:
    """JaxMARL's coin game: two coins, and an action to stay."""
    from jaxmarl import make

    return make("coin_game")


def our_view(**options: Any) -> Any:
    """Our coin game under JaxMARL's interface."""
    from polax.envs.views import jaxmarl as jaxmarl_view

    return jaxmarl_view.make("CoinGame-v0", **options)


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

    return parallel_step(rps_v2.parallel_env(max_cycles=50))


def our_parallel_step() -> float:
    """The same of our prisoner's dilemma as a PettingZoo environment."""
    from polax.envs import ipd_v0

    return parallel_step(ipd_v0.parallel_env(max_cycles=50))


def parallel_step(env: Any) -> float:
    """Median time of one step of a PettingZoo environment, in microseconds."""
    env.reset(seed=0)
    times = []
    for number in range(5000):
        actions = dict.fromkeys(env.agents, number % 2)
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


SAME_RULES = {"num_coins": 2, "stay_action": True}
"""JaxMARL's rules."""


def with_ratios(results: dict[str, float]) -> dict[str, float]:
    """Add how our games compare with those of others, each a number above 1 where ours are quicker."""
    theirs = f"JaxMARL coin_game in one scan, {STEPS}"
    pairs = {
        "CoinGame-v0 / JaxMARL coin_game, times": (f"CoinGame-v0 in one scan, {STEPS}", theirs),
        "the same with JaxMARL's rules, times": (f"CoinGame-v0 with JaxMARL's rules in one scan, {STEPS}", theirs),
        **{
            f"{env_id}, one player against tit-for-tat / both players, times": (
                f"{env_id}, one player against tit-for-tat, in one scan, {STEPS}",
                f"{env_id} in one scan, {STEPS}",
            )
            for env_id in GAMES
        },
        "rock-paper-scissors / gymnasium.make, tit-for-tat, times": (
            f"PettingZoo rock-paper-scissors, {MICRO}",
            f"gymnasium.make, tit-for-tat, {MICRO}",
        ),
    }
    return results | {
        name: results[first] / results[second]
        for name, (first, second) in pairs.items()
        if first in results and second in results
    }


def main() -> int:
    parser = make_parser(__doc__)
    parser.add_argument("--only", default="", help="measure the lines whose name has these words in it")
    options = parser.parse_args()
    rows: dict[str, Callable[[], float]] = {
        **{f"{env_id} in one scan, {STEPS}": partial(ours, env_id) for env_id in GAMES},
        **{
            f"{env_id}, one player against tit-for-tat, in one scan, {STEPS}": partial(alone, env_id, "tit-for-tat")
            for env_id in GAMES
        },
        f"CoinGame-v0 with JaxMARL's rules in one scan, {STEPS}": partial(ours, "CoinGame-v0", **SAME_RULES),
        f"JaxMARL coin_game in one scan, {STEPS}": partial(through_jaxmarl, jaxmarls_game),
        f"CoinGame-v0 through JaxMARL's interface in one scan, {STEPS}": partial(through_jaxmarl, our_view),
        **{f"gymnasium.make, {name}, {MICRO}": partial(single_step, name) for name in OPPONENTS},
        f"pettingzoo parallel_env of IPD-v0, {MICRO}": our_parallel_step,
        f"PettingZoo rock-paper-scissors, {MICRO}": rock_paper_scissors,
        **{f"gymnasium.make_vec, {name}, {STEPS}": partial(vector_steps, name) for name in OPPONENTS},
    }
    results = {}
    for name, measure in rows.items():
        if options.only not in name:
            continue
        try:
            results[name] = measure()
        except ImportError as error:
            print(f"not measured: {name}: {error}")
    finish(options, with_ratios(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
