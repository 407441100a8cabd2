"""The two engines: the same episodes with the same key, and observers that see all of them."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import polax
import pytest
from polax.envs.policies.play import Position, mean_info, play, play_episodes, statistics, whole_step
from polax.envs.policies.python_play import play_episodes_in_python, play_in_python
from polax.envs.policies.strategies import make_strategy

STEPS, EPISODES = 4, 5


@partial(jax.jit, static_argnums=1)
def _compiled(key, env, params, policies):
    def choose(step_key, position: Position, memory):
        env_key, *keys = jax.random.split(step_key, 3)
        chosen = [policy.act(keys[i], position.observation[:, i], memory[i]) for i, policy in enumerate(policies)]
        return jnp.stack([action for action, _ in chosen], 1), tuple(after for _, after in chosen), env_key

    memory = tuple(policy.initial_memory(EPISODES) for policy in policies)
    size = {"num_envs": EPISODES, "num_steps": STEPS}
    return play_episodes(key, env, params, choose, whole_step, memory=memory, known=(), **size)


@pytest.mark.parametrize("env_id", ["IPD-v0", "CoinGame-v0"])
def test_both_engines_play_the_same_episodes(env_id):
    env, params = polax.make_env(env_id, max_steps_in_episode=STEPS)
    policies = [make_strategy("random", env, player) for player in (0, 1)]
    ours = play_episodes_in_python(jax.random.key(3), env, params, policies, whole_step, known=(), num_envs=EPISODES)
    theirs = jax.device_get(_compiled(jax.random.key(3), env, params, policies))
    assert ours.records.actions.shape == (STEPS, EPISODES, 2)
    assert len(np.unique(ours.records.actions)) > 1
    jax.tree.map(np.testing.assert_array_equal, (ours.start, ours.records), (theirs.start, theirs.records))
    np.testing.assert_allclose(ours.rewards, theirs.rewards, atol=1e-6)
    np.testing.assert_allclose(ours.rewards, ours.records.rewards.mean(0), atol=1e-6)


def test_statistics_are_means_over_episodes_and_steps():
    env, params = polax.make_env("IPD-v0", max_steps_in_episode=STEPS)
    policies = [make_strategy("random", env, player) for player in (0, 1)]
    arguments = jax.random.key(3), env, params, policies
    seen = play_episodes_in_python(*arguments, whole_step, known=(), num_envs=EPISODES)
    found = statistics(play_episodes_in_python(*arguments, mean_info, known=(), num_envs=EPISODES))
    per_episode = seen.records.rewards.mean(0)
    np.testing.assert_allclose(found.reward, per_episode.mean(0), atol=1e-6)
    error = per_episode.std(0, ddof=1) / EPISODES**0.5
    np.testing.assert_allclose(found.reward_standard_error, error, atol=1e-6)
    for name, values in seen.records.info.items():
        np.testing.assert_allclose(found.info[name], values.mean(), atol=1e-6)


@pytest.mark.parametrize("engine", [partial(play, num_steps=STEPS), play_in_python])
def test_one_episode_has_no_standard_error_and_too_few_policies_are_refused(engine):
    env, params = polax.make_env("IPD-v0", max_steps_in_episode=STEPS)
    policies = [make_strategy("tit-for-tat", env, player) for player in (0, 1)]
    assert np.isnan(engine(jax.random.key(0), env, params, policies, num_envs=1).reward_standard_error).all()
    with pytest.raises(ValueError, match="IPD-v0 needs 2 policies, one for each player; got 1"):
        engine(jax.random.key(0), env, params, policies[:1], num_envs=1)
