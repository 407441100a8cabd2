"""Play in one scan records what teacher forcing gives, and lets everybody act as they would."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import polax
import pytest
from polax.algorithms.core import encounters
from polax.algorithms.core.devices import Episodes

B, T = 12, 6


def make_agent(seed, env, **options):
    agent = encounters.init_agent(
        jax.random.key(seed),
        num_features=env.observation_space().shape[-1],
        num_actions=env.num_actions,
        hidden_size=5,
        **options,
    )
    return jax.tree.map(lambda leaf: 2 * leaf, agent)


def make(name="CoinGame-v0", *, listed=True, opponents=2, agent_options=None, env_options=None, **options):
    env, params = polax.make_env(name, **(env_options or {}))
    agents = [make_agent(seed, env, **(agent_options or {})) for seed in range(1 + opponents)]
    reader = encounters.Reader(env, listed=listed, step_input=(agent_options or {}).get("step_input", False))
    encounter = jax.jit(
        lambda key: encounters.play(key, reader, params, (agents[0], agents[1:]), num_envs=B, num_steps=T, **options)
    )(jax.random.key(5))
    return env, reader, agents, encounter


SHAPES = [{}, {"value_size": 3}, {"value_size": 3, "step_input": True}]


@pytest.mark.slow
@pytest.mark.parametrize("agent_options", SHAPES, ids=str)
def test_recorded_logits_and_action_values_are_those_of_teacher_forcing(agent_options):
    _, reader, agents, encounter = make(agent_options=agent_options)
    seen = encounters.revisit(reader, agents[0], encounter.learner)
    logits, action_values = seen.logits, seen.action_values
    np.testing.assert_allclose(encounter.learner.logits, logits, atol=1e-5)
    np.testing.assert_allclose(encounter.learner.action_values, action_values, atol=1e-5)
    assert logits.shape == action_values.shape == (T + 1, B, 4)
    # Each opponent plays its half of the episodes.
    for agent, part in zip(agents[1:], (slice(0, B // 2), slice(B // 2, B)), strict=True):
        seen = encounters.revisit(reader, agent, encounter.opponent)
        logits, action_values = seen.logits, seen.action_values
        np.testing.assert_allclose(encounter.opponent.logits[:, part], logits[:, part], atol=1e-5)
        np.testing.assert_allclose(encounter.opponent.action_values[:, part], action_values[:, part], atol=1e-5)


@pytest.mark.parametrize("agent_options", SHAPES, ids=str)
def test_a_renamed_agent_does_what_the_agent_does_where_everything_is_renamed(agent_options):
    env, _ = polax.make_env("CoinGame-v0")
    reader = encounters.Reader(env, listed=False, step_input=agent_options.get("step_input", False))
    agent, (features, actions) = make_agent(0, env, **agent_options), env.symmetries
    seen = jax.random.normal(jax.random.key(1), (T + 1, B, features.shape[1]))

    def outputs(agent, observations):
        side = encounters.Side(observations, *[None] * 5)
        found = encounters.revisit(reader, agent, side)
        return found.logits, found.action_values

    for each in (0, 1, 30, 71):
        elsewhere = jnp.zeros_like(seen).at[..., features[each]].set(seen)
        for ours, theirs in zip(
            outputs(encounters.renamed(agent, features[each], actions[each]), seen),
            outputs(agent, elsewhere),
            strict=True,
        ):
            np.testing.assert_allclose(ours, theirs[..., actions[each]], atol=1e-5)


@pytest.mark.parametrize("agent_options", SHAPES, ids=str)
def test_the_gradient_is_that_of_automatic_differentiation(agent_options):
    _, reader, agents, encounter = make(agent_options=agent_options)
    keys = jax.random.split(jax.random.key(6))
    bars = [jax.random.normal(key, (T + 1, B, 4)) for key in keys]

    def scalar(agent):
        seen = encounters.revisit(reader, agent, encounter.learner)
        outputs = (seen.logits, seen.action_values)
        return sum(jnp.sum(bar * output) for bar, output in zip(bars, outputs, strict=True))

    expected = jax.grad(scalar)(agents[0])
    found = encounters.gradient(reader, agents[0], encounter.learner, *bars)
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(one, other, atol=2e-4)


def test_observations_and_rewards_follow_from_the_actions_of_both():
    env, _, _, encounter = make("IPD-v0", env_options={"payoff_matrix": ((0.0, 3.0), (-1.0, 2.0))})
    table = np.asarray(env.observation_table())
    own_first = np.array([[0.0, 3.0], [-1.0, 2.0]])
    for side, other in ((encounter.learner, encounter.opponent), (encounter.opponent, encounter.learner)):
        seen = table[np.asarray(side.observations)]
        np.testing.assert_array_equal(seen[1:, :, :3].argmax(-1), side.actions)
        np.testing.assert_array_equal(seen[1:, :, 3:].argmax(-1), other.actions)
        np.testing.assert_allclose(side.rewards, own_first[side.actions, other.actions])
    np.testing.assert_array_equal(encounter.rows, encounter.learner.observations)


def test_evaluating_each_observation_gives_what_looking_it_up_gives():
    _, _, _, listed = make()
    env, _, _, plain = make(listed=False)
    np.testing.assert_array_equal(listed.learner.actions, plain.learner.actions)
    np.testing.assert_array_equal(listed.rows, plain.rows)
    np.testing.assert_array_equal(env.observation_table()[listed.learner.observations], plain.learner.observations)


def test_a_game_that_lists_nothing_can_be_played():
    env, params = polax.make_env("CoinGame-v0", num_coins=2)
    reader = encounters.Reader(env, listed=False, step_input=False)
    agent = make_agent(0, env)
    played = encounters.play(jax.random.key(0), reader, params, (agent, [agent]), num_envs=2, num_steps=3)
    assert played.rows is None
    assert played.learner.observations.shape == (4, 2, 36)


@pytest.mark.slow
@pytest.mark.parametrize("listed", [True, False])
def test_scripted_players_move_in_the_first_episodes_and_nowhere_else(listed):
    env, _ = polax.make_env("IPD-v0")
    scripted = [env.strategies[name](env, 1) for name in ("tit-for-tat", "always-defect")]
    _, _, _, usual = make("IPD-v0", listed=listed)
    _, _, _, played = make("IPD-v0", listed=listed, scripted=scripted, num_scripted=8)
    own, theirs = np.asarray(played.learner.actions), np.asarray(played.opponent.actions)
    np.testing.assert_array_equal(theirs[1:, :4], own[:-1, :4])
    assert (theirs[0, :4] == 1).all()
    assert (theirs[:, 4:8] == 0).all()
    np.testing.assert_array_equal(theirs[:, 8:], usual.opponent.actions[:, 8:])
    assert 0 < theirs[:, 8:].mean() < 1


def test_exploration_replaces_actions_by_uniform_ones():
    logits = jnp.log(jnp.array([0.7, 0.1, 0.1, 0.1]))
    uniforms = (jnp.arange(1000) + 0.5) / 1000
    spread = jnp.broadcast_to(logits, (1000, 4))
    for exploration, counts in ((0.0, [700, 100, 100, 100]), (0.4, [520, 160, 160, 160]), (1.0, [250] * 4)):
        actions = encounters._draw(uniforms, spread, exploration)
        np.testing.assert_allclose(np.bincount(np.asarray(actions)), counts, atol=1)


def test_episodes_are_independent_and_differ():
    _, _, _, encounter = make()
    starts = np.asarray(encounter.rows[0])
    assert len(set(starts.tolist())) > B // 2
    moved = np.asarray(encounter.learner.actions)
    assert len({tuple(column) for column in moved.T}) > B // 2


@pytest.mark.parametrize(
    ("players", "opponents", "strategies"),
    [
        (4, 2, ()),  # the second opponent begins in the middle of player 2's episodes
        pytest.param(3, 1, (), marks=pytest.mark.slow),
        pytest.param(2, 2, ("tit-for-tat", "random"), marks=pytest.mark.slow),  # their episodes are on both devices
    ],
)
def test_each_device_plays_the_same_episodes_that_one_plays_alone(players, opponents, strategies):
    name, env_options = ("IPD-v0", {}) if players == 2 else ("PublicGoods-v0", {"num_players": players})
    env, _ = polax.make_env(name, **env_options)
    options = {
        "opponents": opponents,
        "env_options": env_options,
        "scripted": [env.strategies[each](env, 1) for each in strategies],
        "num_scripted": 8 if strategies else 0,
    }
    _, _, _, whole = make(name, **options)
    for part in (0, 1):
        episodes = Episodes(parts=2, part=part, blocks=opponents, devices=2)
        _, _, _, here = make(name, episodes=episodes, **options)
        for found, expected, count in (
            ((here.rows, here.learner), (whole.rows, whole.learner), 1),
            (here.opponent, whole.opponent, players - 1),
        ):
            jax.tree.map(partial(assert_part, episodes, count), found, expected)


def assert_part(episodes, players, found, whole):
    """Of ``[T, players B, ...]``, player by player, a device has found its episodes of each player."""
    by_player = episodes.take(whole.reshape(whole.shape[0], players, B, *whole.shape[2:]), axis=2)
    np.testing.assert_allclose(found, by_player.reshape(found.shape), rtol=0, atol=1e-5)
