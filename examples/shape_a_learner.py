"""Learn to shape a naive learner in the iterated prisoner's dilemma, by an evolution strategy in a meta-game.

    python examples/shape_a_learner.py                                   # three seeds, about a minute each on one core
    python examples/shape_a_learner.py --seeds 5 --out results/shaping.json

The agent is a memory-one strategy: five log-odds of cooperation. In a meta-episode it plays 128 episodes against a
naive learner that starts anew, and its fitness is what it earns a step. It is not told that the opponent learns. It
finds extortion (Press and Dyson 2012): the learner earns more by cooperating than by defecting, so it learns to
cooperate, and most of what cooperation pays goes to the agent. M-FOS (arXiv:2205.01447) and SHAPER (arXiv:2312.12568)
find the same with recurrent agents.
"""

from __future__ import annotations

import argparse
import json
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
import polax

STEPS, EPISODES = 16, 128
LEARNER = {"num_envs": 8, "hidden_size": 8, "outer_lr": 0.05, "critic_lr": 0.02, "keep_optimizer": True}

PAIRS, GENERATIONS = 32, 80
SIGMA, LEARNING_RATE = 0.5, 0.15
OPTIMIZER = optax.adam(LEARNING_RATE)

FRESH_LEARNERS = 256
"""Which none of the search's were, to score what it found."""

BASELINES = {"always-defect": (-20.0,) * 5, "tit-for-tat": (-20.0, 20.0, -20.0, 20.0, 20.0)}
"""Log-odds of cooperation after the joint actions (own, other's) DD, DC, CD, CC, and at the start."""


class Scores(NamedTuple):
    """Mean rewards per step: the agent's in the whole meta-episode, then both players' in its last quarter."""

    whole: jax.Array
    agent: jax.Array
    learner: jax.Array


class Search(NamedTuple):
    """Where the evolution strategy is."""

    log_odds: jax.Array  # [5]
    moments: Any  # of Adam

    @classmethod
    def begin(cls) -> Search:
        """Return the start: cooperation in half of the cases, whatever happened."""
        log_odds = jnp.zeros(5)
        return cls(log_odds, OPTIMIZER.init(log_odds))


def make_meta_game() -> tuple[Any, Any]:
    """Return the environment and its params."""
    game, params = polax.make_env("IPD-v0", max_steps_in_episode=STEPS)
    return polax.meta_game(game, params, learner="naive", episodes=EPISODES, observation="index", **LEARNER)


def play(env: Any, params: Any, key: jax.Array, log_odds: jax.Array) -> Scores:
    """Play one meta-episode with the strategy ``log_odds`` ``[5]``."""
    reset_key, steps_key = jax.random.split(key)

    def step(carry: tuple[jax.Array, Any], key: jax.Array) -> tuple[tuple[jax.Array, Any], jax.Array]:
        row, state = carry
        act_key, env_key = jax.random.split(key)
        action = jax.random.bernoulli(act_key, jax.nn.sigmoid(log_odds[row])).astype(jnp.int32)
        row, state, _, _, _, info = env.step(env_key, state, action, params)
        return (row, state), info["rewards"]

    steps = jax.random.split(steps_key, STEPS * EPISODES)
    _, rewards = jax.lax.scan(step, env.reset(reset_key, params), steps)
    last = rewards[-len(rewards) // 4 :].mean(axis=0)
    return Scores(rewards[:, 0].mean(), last[0], last[1])


@partial(jax.jit, static_argnums=0)
def evolve(env: Any, params: Any, key: jax.Array, search: Search) -> tuple[Search, jax.Array]:
    """Step along the slope that pairs of opposite mutations show (Salimans et al. 2017, arXiv:1703.03864).

    Returns:
        The search, and the mean score of the mutants.
    """
    mutate_key, play_key = jax.random.split(key)
    noise = jax.random.normal(mutate_key, (PAIRS, 5))
    mutants = search.log_odds + SIGMA * jnp.stack([noise, -noise])  # [2, pairs, 5]
    # Both of a pair meet the same learner and the same luck.
    both = jax.vmap(lambda key, mutant: play(env, params, key, mutant).whole)
    scores = jax.vmap(both, in_axes=(None, 0))(jax.random.split(play_key, PAIRS), mutants)
    difference = scores[0] - scores[1]
    slope = jnp.mean(noise * (difference / (difference.std() + 1e-8))[:, None], axis=0)
    change, moments = OPTIMIZER.update(-slope, search.moments)
    return Search(search.log_odds + change, moments), scores.mean()


@partial(jax.jit, static_argnums=0)
def score(env: Any, params: Any, key: jax.Array, log_odds: jax.Array) -> Scores:
    """Return the mean scores of a strategy over fresh learners."""
    keys = jax.random.split(key, FRESH_LEARNERS)
    return jax.tree.map(jnp.mean, jax.vmap(lambda key: play(env, params, key, log_odds))(keys))


def learn(env: Any, params: Any, seed: int, generations: int = GENERATIONS) -> jax.Array:
    """Search for a strategy; returns its log-odds ``[5]``."""
    search = Search.begin()
    for number, key in enumerate(jax.random.split(jax.random.key(seed), generations), start=1):
        search, mean = evolve(env, params, key, search)
        if number % 10 == 0:
            print(f"seed {seed}, generation {number}: the mutants earn {mean:.3f} per step", flush=True)
    return search.log_odds


def describe(name: str, log_odds: jax.Array, scores: Scores) -> dict[str, Any]:
    """Print what a strategy earns; returns it, ready for JSON."""
    cooperates = [round(float(share), 3) for share in jax.nn.sigmoid(log_odds)]
    earned = {field: round(float(value), 4) for field, value in scores._asdict().items()}
    print(f"{name}: cooperates after DD, DC, CD, CC and first {cooperates}; earns {earned}", flush=True)
    return {"strategy": name, "cooperation": cooperates, **earned}


def main() -> None:
    """Search, and compare what was found with the baselines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3, help="how many searches")
    parser.add_argument("--out", type=Path, help="write the scores as JSON")
    options = parser.parse_args()
    env, params = make_meta_game()
    strategies = {name: jnp.asarray(log_odds) for name, log_odds in BASELINES.items()}
    strategies |= {f"learned, seed {seed}": learn(env, params, seed) for seed in range(options.seeds)}
    key = jax.random.key(options.seeds)  # of no search
    rows = [describe(name, each, score(env, params, key, each)) for name, each in strategies.items()]
    if options.out:
        settings = {"steps": STEPS, "episodes": EPISODES, "learner": LEARNER, "generations": GENERATIONS}
        options.out.write_text(json.dumps({"settings": settings, "scores": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
