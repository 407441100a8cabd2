"""Learning and speed with more than two players.

    python benchmarks/many_players.py exact      # naive, LOLA, POLA on exact returns, public goods of 3 and 5 players
    python benchmarks/many_players.py sampled    # loqa and advantage-alignment, the same games
    python benchmarks/many_players.py coin       # loqa, coin game of three players, 30 updates
    python benchmarks/many_players.py coin-whole # one seed of it for 100 updates, as many as the laptop preset has
    python benchmarks/many_players.py speed      # a PettingZoo step by the number of players; steps per second of two

The factor is 2/3 of the number of players, so that a contribution brings its player back as much as in the prisoner's
dilemma with factor 1.33. Scores are mean rewards per step, divided by what all get when everybody contributes; in the
coin game, by what always-cooperate gets with itself.
"""

from __future__ import annotations

import argparse
import importlib
import json
import statistics
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np
import polax
from environments import ours
from measurements import machine

SEEDS = (0, 1, 2)
GROUPS = (3, 5)
EPISODES = 512
LEFT_DEFECTION = 0.5
"""Share of what full contribution earns above which a group has left defection."""


def public_goods(players: int) -> tuple[Any, Any]:
    """Return the game of that many players."""
    return polax.make_env("PublicGoods-v0", num_players=players, contribution_factor=round(2 * players / 3, 2))


def score(env: Any, params: Any, policies: Sequence[Any], player: int | None = None) -> float:
    """Return the mean reward per step of a player, or of all."""
    rewards = polax.rollout(env, params, policies, jax.random.key(7), num_envs=EPISODES).rewards
    return float(np.asarray(rewards).mean((0, 1))[slice(None) if player is None else player].mean())


def examine(env: Any, params: Any, policies: Sequence[Any], best: float) -> dict[str, float]:
    """Return the scores together, and of player 0 among strategies, as shares of the best."""
    found = {"together": score(env, params, policies)}
    for name in ("always-defect", "always-cooperate", "tit-for-tat"):
        found[f"among {name}"] = score(env, params, [policies[0], *[name] * (env.num_players - 1)], 0)
    return {name: round(value / best, 3) for name, value in found.items()}


def learn(name: str, env: Any, params: Any, *, updates: int, seed: int, best: float, **options: Any) -> dict[str, Any]:
    """Train one seed; return its scores, and the course of its score together."""
    algorithm = polax.make_algorithm(name, env, params, **options)
    update = jax.jit(algorithm.update)
    start_key, *keys = jax.random.split(jax.random.key(seed), 1 + updates)
    state, course, begun = algorithm.init(start_key), [], time.perf_counter()
    for number, key in enumerate(keys, 1):
        state, _ = update(key, state)
        if number % max(1, updates // 10) == 0:
            course.append(round(score(env, params, algorithm.policies(state)) / best, 3))
    seconds = round(time.perf_counter() - begun, 1)
    return {"seed": seed, **examine(env, params, algorithm.policies(state), best), "course": course, "seconds": seconds}


def table(
    name: str, env: Any, params: Any, *, updates: int, best: float, seeds: Sequence[int] = SEEDS, **options: Any
) -> dict[str, Any]:
    """Train all seeds."""
    rows = [learn(name, env, params, updates=updates, seed=seed, best=best, **options) for seed in seeds]
    left = sum(row["together"] > LEFT_DEFECTION for row in rows)
    print(f"{name}, {env.num_players} players: {left} of {len(rows)} left defection {rows}", flush=True)
    return {"updates": updates, "options": options, "left_defection": left, "seeds": rows}


def on_public_goods(learners: Sequence[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    """Train learners in the groups."""
    found = {}
    for players in GROUPS:
        env, params = public_goods(players)
        best = float(params.rewards[1, -1])
        for name, settings in learners:
            tuned = "".join(
                f", {option} {settings[option]:g}" for option in ("inner_lr", "outer_lr") if option in settings
            )
            found[f"{name}{tuned}, {players} players"] = table(name, env, params, best=best, **settings)
    return found


def exact() -> dict[str, Any]:
    """The exact learners."""
    return on_public_goods(
        [
            ("naive-exact", {"updates": 100}),
            ("lola-exact", {"updates": 60}),
            ("lola-exact", {"updates": 60, "outer_lr": 5.0}),
            ("pola-exact", {"updates": 10}),
            ("pola-exact", {"updates": 10, "inner_lr": 2.0}),
        ]
    )


SAMPLED = {
    "num_envs": 128,
    "hidden_size": 16,
    "num_opponents": 4,
    "entropy": 0.03,
    "entropy_end": 0.03,
    "anneal_steps": 4000,
    "anneal_from": 0.5,
}
"""The laptop presets of the prisoner's dilemma, with four past selves for each batch."""


def sampled() -> dict[str, Any]:
    """The learners on sampled trajectories."""
    return on_public_goods(
        [
            ("loqa", {"updates": 40, **SAMPLED, "temperature": 0.33, "shaping": 2.0, "shaping_end": 2.0}),
            ("advantage-alignment", {"updates": 40, **SAMPLED, "shaping": 3.0, "shaping_end": 3.0}),
        ]
    )


def coin(updates: int = 30, seeds: Sequence[int] = SEEDS) -> dict[str, Any]:
    """The coin game of three players."""
    env, params = polax.make_env("CoinGame-v0", num_players=3)
    options: dict[str, Any] = {"num_opponents": 4, "residual_lambda": 0.3, "shaping_end": 0.3}
    options |= {"learning_rate_end": 0.003, "other_play": False}  # what was the default when it was measured
    best = score(env, params, ["always-cooperate"] * 3)
    found = table("loqa", env, params, updates=updates, best=best, seeds=seeds, **options)
    return {"loqa, 3 players": {"best": best, **found}}


def parallel_step(module: str, **options: Any) -> float:
    """Return microseconds of a step through PettingZoo's parallel interface, the tenth percentile of 3,000.

    On a machine that others use too, the median says more about them.
    """
    env = importlib.import_module(f"polax.envs.{module}").parallel_env(**options)
    rng, taken = np.random.default_rng(0), []
    for episode in range(61):
        env.reset(seed=episode)
        while env.agents:
            actions = {name: int(rng.integers(2)) for name in env.agents}
            begun = time.perf_counter()
            env.step(actions)
            taken.append(time.perf_counter() - begun)
    return round(1e6 * statistics.quantiles(taken[50:], n=10)[0], 1)


def speed() -> dict[str, Any]:
    """Steps by the number of players."""
    groups = {str(count): parallel_step("public_goods_v0", num_players=count) for count in (2, 3, 5, 8, 16)}
    coins = {str(count): parallel_step("coin_game_v0", num_players=count) for count in (2, 3, 4)}
    return {
        "PettingZoo, one step, microseconds, PublicGoods-v0 by players": groups,
        "PettingZoo, one step, microseconds, CoinGame-v0 by players": coins,
        "vectorised, million steps per second, two players": {
            name: round(ours(name), 2) for name in ("IPD-v0", "CoinGame-v0")
        },
    }


PARTS = {
    "exact": exact,
    "sampled": sampled,
    "coin": coin,
    "coin-whole": partial(coin, updates=100, seeds=(0,)),
    "speed": speed,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--out", type=Path, help="write the measurements as JSON")
    options = parser.parse_args()
    content = {"machine": machine(), "part": options.part, "measurements": PARTS[options.part]()}
    text = json.dumps(content, indent=1)
    print(text)
    if options.out:
        options.out.write_text(f"{text}\n")


if __name__ == "__main__":
    main()
