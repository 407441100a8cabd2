"""Sampling records what the players saw and did, and what their networks were at while doing it."""

import jax
import jax.numpy as jnp
import numpy as np
import polax
import pytest
from polax.algorithms.core import networks, rollout
from polax.algorithms.core.devices import WHOLE, Episodes

B, T = 64, 6


def make_batch(name, player, episodes=WHOLE, **options):
    env, params = polax.make_env(name, **options)
    features = env.observation_space(params).shape[-1]
    policies = tuple(
        jax.tree.map(
            lambda leaf: 2 * leaf,
            networks.init_network(jax.random.key(i), num_features=features, hidden_size=5, num_outputs=env.num_actions),
        )
        for i in range(env.num_players)
    )
    batch = jax.jit(
        lambda key, player: rollout.sample(
            key, env, params, policies, player=player, num_envs=B, num_steps=T, episodes=episodes
        )
    )(jax.random.key(5), jnp.int32(player))
    return env, params, policies, batch


@pytest.mark.parametrize("name", ["IPD-v0", "CoinGame-v0"])
def test_recorded_logits_and_hidden_states_are_those_of_teacher_forcing(name):
    _, _, policies, batch = make_batch(name, player=1)
    for policy, side in zip(policies, batch, strict=True):
        unrolled = networks.unroll(policy, side.acted_on)
        np.testing.assert_allclose(side.logits, unrolled.outputs, atol=1e-5)
        np.testing.assert_allclose(side.hidden, unrolled.hidden, atol=1e-5)


@pytest.mark.parametrize("player", [0, 1])
def test_rewards_follow_from_the_actions_of_both_whichever_player_self_is(player):
    _, _, _, batch = make_batch("IPD-v0", player, payoff_matrix=((0.0, 3.0), (-1.0, 2.0)))
    own_first = np.array([[0.0, 3.0], [-1.0, 2.0]])
    mine, theirs = np.asarray(batch.self.actions), np.asarray(batch.other.actions)
    np.testing.assert_allclose(batch.self.rewards, own_first[mine, theirs])
    np.testing.assert_allclose(batch.other.rewards, own_first[theirs, mine])


@pytest.mark.parametrize("player", [0, 1])
def test_each_side_sees_its_own_last_action_first(player):
    env, _, _, batch = make_batch("IPD-v0", player)
    table = np.asarray(env.observation_table())
    for side, other in ((batch.self, batch.other), (batch.other, batch.self)):
        seen = table[np.asarray(side.observations.values)]  # [T + 1, B, 6]
        np.testing.assert_array_equal(seen[1:, :, :3].argmax(-1), side.actions)
        np.testing.assert_array_equal(seen[1:, :, 3:].argmax(-1), other.actions)
        assert (seen[0, :, [2, 5]] == 1).all()


def test_actions_are_drawn_from_the_policys_distribution():
    logits = jnp.log(jnp.array([0.1, 0.2, 0.3, 0.4]))
    uniforms = (jnp.arange(10_000) + 0.5) / 10_000
    actions = rollout.sample_actions(uniforms, jnp.broadcast_to(logits, (10_000, 4)))
    np.testing.assert_array_equal(np.bincount(np.asarray(actions)), [1000, 2000, 3000, 4000])


def test_an_environment_without_a_table_gives_the_same_batch_as_one_with():
    class Untabled:
        """The coin game, its list of observations kept to itself."""

        num_observations = None

        def __init__(self, env):
            self.reset_env, self.step_env = env.reset_env, env.step_env

    env, params, policies, batch = make_batch("CoinGame-v0", player=0)
    plain = jax.jit(
        lambda key: rollout.sample(key, Untabled(env), params, policies, player=jnp.int32(0), num_envs=B, num_steps=T)
    )(jax.random.key(5))
    np.testing.assert_array_equal(plain.self.actions, batch.self.actions)
    tabled = env.observation_table()[batch.other.observations.values]
    np.testing.assert_array_equal(plain.other.observations.values, tabled)


@pytest.mark.parametrize(
    ("name", "options"),
    [("PublicGoods-v0", {"num_players": 3}), pytest.param("CoinGame-v0", {}, marks=pytest.mark.slow)],
)
def test_each_device_plays_the_same_episodes_that_one_plays_alone(name, options):
    _, _, _, whole = make_batch(name, 1, **options)
    for part in (0, 1):
        episodes = Episodes(parts=2, part=part, devices=2)
        _, _, _, here = make_batch(name, 1, episodes, **options)
        for found, side in zip(here, whole, strict=True):
            for one, other in zip(arrays(found), arrays(side), strict=True):
                np.testing.assert_allclose(one, episodes.take(other, axis=1), rtol=0, atol=1e-5)


def arrays(side):
    return side._replace(observations=side.observations.values)
