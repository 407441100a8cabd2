"""A naive learner that is given the episodes learns what it learns from those that it samples itself."""

import jax
import jax.numpy as jnp
import numpy as np
import polax
import pytest
from polax.algorithms.core.lookahead import Lookahead, improve, init_optimizer
from polax.envs.base import Experience

STEPS = 5
SIZES = {"num_envs": 6, "hidden_size": 3}


def make(env="IPD-v0", options=None, **learner):
    game, params = polax.make_env(env, max_steps_in_episode=STEPS, **(options or {}))
    algorithm = polax.make_algorithm("naive", game, params, **{**SIZES, "outer_lr": 0.05, **learner})
    return game, params, algorithm, algorithm.episode_learner


@pytest.mark.slow
@pytest.mark.parametrize(
    ("env", "options", "learner"),
    [
        ("IPD-v0", {}, {"outer_steps": 3}),
        ("IPD-v0", {}, {"outer_steps": 3, "entropy": 0.3}),
        ("CoinGame-v0", {"num_coins": 2}, {"outer_steps": 2}),  # a game that does not list its observations
    ],
)
@pytest.mark.parametrize("player", [0, 1])
def test_an_update_on_given_episodes_is_an_update_on_sampled_ones(env, options, learner, player):
    game, params, algorithm, learning = make(env, options, **learner)
    state = algorithm.init(jax.random.key(0))
    own, other = (jax.tree.map(lambda leaf, i=i: leaf[i], state.players) for i in (0, 1))
    structure = algorithm.update.structure
    lookahead = Lookahead(game, params, structure, state.coefficients, jnp.int32(player), other, own.policy)
    key = jax.random.key(1)
    sampled, _, metrics = jax.jit(lambda key: improve(key, own, init_optimizer(own), lookahead))(key)
    alone = learning.init(jax.random.key(2), learning.numbers).replace(player=own)
    sample = jax.jit(lookahead.sample)
    for step_key in jax.random.split(key, learner["outer_steps"]):
        side = sample(jax.random.split(step_key)[1], alone.player.policy, other.policy).self
        experience = Experience(side.observations.values, side.actions, side.rewards)
        alone, found = learning.learn(jax.random.key(3), alone, experience)
    for ours, theirs, before in zip(*map(jax.tree.leaves, (alone.player, sampled, own)), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-6)
        assert np.abs(ours - before).max() > 1e-4
    for name in ("critic_loss", "gradient_norm"):
        np.testing.assert_allclose(found[name], metrics[name], rtol=1e-4)


@pytest.mark.parametrize("keep", [False, True])
def test_adam_starts_afresh_at_every_update_unless_its_moments_are_kept(keep):
    *_, learning = make(outer_steps=2, keep_optimizer=keep)
    state = learning.init(jax.random.key(0), learning.numbers)
    rows = jax.random.randint(jax.random.key(1), (STEPS + 1, 6), 0, 5)
    experience = Experience(rows, jnp.ones((STEPS, 6), jnp.int32), rows[1:].astype(float))
    counts = []
    for number in range(5):
        state, _ = learning.learn(jax.random.key(number), state, experience)
        counts.append(int(state.optimizer.count))
    assert counts == ([1, 2, 3, 4, 5] if keep else [1, 2, 1, 2, 1])


def test_a_player_learns_to_do_what_is_rewarded():
    *_, learning = make(keep_optimizer=True)
    state = learning.init(jax.random.key(0), learning.numbers)
    for number in range(40):
        key, act_key = jax.random.split(jax.random.key(number))
        policy = learning.policy(state)
        features = polax.make_env("IPD-v0")[0].observation_table()[4]
        actions = jnp.stack(
            [
                policy.act(each, jnp.tile(features, (6, 1)), policy.initial_memory(6))[0]
                for each in jax.random.split(act_key, STEPS)
            ]
        )
        rows = jnp.full((STEPS + 1, 6), 4)
        state, _ = learning.learn(key, state, Experience(rows, actions, actions.astype(float)))
    assert actions.mean() > 0.9


def test_it_is_equal_for_equal_sizes_and_its_numbers_are_apart():
    first, other = make(outer_lr=0.1)[-1], make(outer_lr=0.2, discount=0.5)[-1]
    for name in ("init", "learn", "policy"):
        assert getattr(first, name) == getattr(other, name)
        assert hash(getattr(first, name)) == hash(getattr(other, name))
    assert first.learn != make(num_envs=7)[-1].learn
    assert float(other.numbers.outer_lr) == pytest.approx(0.2)
    assert first.num_episodes == 6


def test_only_what_learns_from_its_own_episodes_offers_it():
    game, params = polax.make_env("IPD-v0", max_steps_in_episode=STEPS)
    for name in ("lola-dice", "pola-dice", "pola-om", "loqa", "naive-exact"):
        assert polax.make_algorithm(name, game, params).episode_learner is None
    assert make(opponents="past")[-1] is None
    assert make(players="shared")[-1] is not None
