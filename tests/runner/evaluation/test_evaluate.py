"""Evaluation: every match-up in one program, equal to playing each on its own."""

import jax
import jax.numpy as jnp
import numpy as np
import polax
import pytest
from polax.algorithms.base import Algorithm
from polax.envs.policies.one_of import OneOf, stack_policies
from polax.envs.policies.play import play
from polax.envs.policies.python_play import play_in_python
from polax.runner.evaluation.evaluate import Evaluator, matches_of
from polax.runner.training.seeds import make_learner, seed_keys


def _policies(env, name, seeds):
    learner = make_learner(
        Algorithm(
            init=lambda key: jnp.zeros(()),
            update=lambda key, state: (state, {}),
            policies=lambda state: tuple(env.strategies[name](env, player) for player in range(2)),
        )
    )
    keys = seed_keys(seeds)
    return keys, learner.policies(learner.init(keys.init))


@pytest.mark.parametrize("name", ["tit-for-tat", "always-cooperate"])
def test_scripted_players_as_learners_get_their_exact_scores(name: str) -> None:
    env, params = polax.make_env("IPD-v0", max_steps_in_episode=10)
    keys, policies = _policies(env, name, (0, 1))
    scores = Evaluator(env, params, num_envs=4, pure=True)(keys.evaluate, 3, policies)
    sucker = -0.335 if name == "always-cooperate" else -0.0335  # tit-for-tat is exploited in the first step only
    for player in (0, 1):
        np.testing.assert_allclose(scores[f"score/player_{player}"], [0.33, 0.33], atol=1e-6)
        np.testing.assert_allclose(scores[f"score/player_{player}/vs/always-defect"], [sucker, sucker], atol=1e-6)
        np.testing.assert_allclose(scores[f"score/player_{player}/vs/grim"], [0.33, 0.33], atol=1e-6)
    np.testing.assert_allclose(scores["cooperation_rate/player_0"], [1, 1])
    assert {f"score/player_0/vs/{strategy}" for strategy in env.strategies} <= set(scores)


@pytest.mark.slow
def test_the_coin_game_reports_own_coins_and_the_four_counts() -> None:
    env, params = polax.make_env("CoinGame-v0", max_steps_in_episode=10)
    keys, policies = _policies(env, "always-cooperate", (0,))
    scores = Evaluator(env, params, num_envs=64, pure=True)(keys.evaluate, 0, policies)
    assert scores["own_coin_proportion"][0] > 0.9
    counts = [name for name in scores if "took" in name or "coin" in name]
    assert len(counts) >= 5


def test_each_policy_of_one_player_plays_as_it_would_alone() -> None:
    env, params = polax.make_env("IPD-v0", max_steps_in_episode=6)
    names = list(env.strategies)
    scripted = stack_policies([env.strategies[name](env, 1) for name in names])
    assert len(scripted.stacks) < len(names)
    learner = env.strategies["tit-for-tat"](env, 1)
    first = env.strategies["always-cooperate"](env, 0)
    for choice, name in enumerate(["tit-for-tat", *names]):
        player = OneOf.of(learner, scripted, jnp.int32(choice))
        alone = env.strategies[name](env, 1)
        ours, theirs = (
            play(jax.random.key(5), env, params, (first, second), num_envs=8, num_steps=6) for second in (player, alone)
        )
        np.testing.assert_allclose(ours.reward, theirs.reward, atol=1e-6, err_msg=name)


def test_a_game_without_strategies_is_scored_together_only() -> None:
    env, params = polax.make_env("IPD-v0", max_steps_in_episode=3)

    class Quiet(type(env)):  # type: ignore[misc]
        @property
        def strategies(self) -> dict[str, object]:
            return {}

    quiet = Quiet()
    keys, policies = _policies(env, "always-cooperate", (0,))
    scores = Evaluator(quiet, params, num_envs=4, pure=True)(keys.evaluate, 0, policies)
    assert len(matches_of(quiet)) == 1
    assert not [name for name in scores if "/vs/" in name]


def test_playing_in_python_gives_what_compiled_play_gives() -> None:
    env, params = polax.make_env("IPD-v0", max_steps_in_episode=5)
    players = [env.strategies["tit-for-tat"](env, 0), env.strategies["grim"](env, 1)]
    ours = play_in_python(jax.random.key(1), env, params, players, num_envs=3)
    theirs = play(jax.random.key(1), env, params, players, num_envs=3, num_steps=5)
    np.testing.assert_allclose(ours.reward, theirs.reward, atol=1e-6)
    np.testing.assert_allclose(ours.reward_standard_error, theirs.reward_standard_error, atol=1e-6)
    assert {name: float(value) for name, value in ours.info.items()} == pytest.approx(
        {name: float(value) for name, value in theirs.info.items()}
    )
