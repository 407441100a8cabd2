"""The games under JaxMARL's interface."""

import contextlib
import io

import jax
import jax.numpy as jnp
import numpy as np
import polax
import pytest

pytestmark = pytest.mark.learners
TWO = [(name, {}) for name in ("IPD-v0", "StagHunt-v0", "Chicken-v0", "MatchingPennies-v0", "CoinGame-v0")]
MORE = [("PublicGoods-v0", {"num_players": 3}), ("PublicGoods-v0", {"num_players": 5, "observed": "count"})]
MORE += [("CoinGame-v0", {"num_players": 3})]


@pytest.fixture(scope="module")
def view():
    with contextlib.redirect_stdout(io.StringIO()):  # JaxMARL prints when it is imported
        from polax.envs.views import jaxmarl as jaxmarl_view
    return jaxmarl_view


@pytest.mark.parametrize(("env_id", "options"), TWO + MORE)
def test_it_has_what_jaxmarl_asks_for(view, env_id, options):
    from jaxmarl.environments import MultiAgentEnv

    env = view.make(env_id, **options)
    players = options.get("num_players", 2)
    assert isinstance(env, MultiAgentEnv)
    assert (env.name, env.num_agents) == (env_id, players)
    assert env.agents == [f"player_{player}" for player in range(players)]
    assert env.agent_classes == {"players": env.agents}
    key = jax.random.key(0)
    observations, state = env.reset(key)
    actions = {agent: env.action_space(agent).sample(key) for agent in env.agents}
    after = env.step(key, state, actions)
    assert set(after[3]) == {*env.agents, "__all__"}
    for agent in env.agents:
        for seen in (observations[agent], after[0][agent], env.get_obs(state)[agent]):
            assert seen.shape == env.observation_space(agent).shape
            assert seen.dtype == env.observation_space(agent).dtype
            assert env.observation_space(agent).contains(seen)
        assert after[2][agent].shape == after[3][agent].shape == ()
        assert env.get_avail_actions(state)[agent].tolist() == [True] * env.action_space(agent).n
    assert all(value.shape == (players,) for value in after[4].values())


@pytest.mark.parametrize(("env_id", "options"), [("IPD-v0", {}), ("CoinGame-v0", {}), *MORE])
@pytest.mark.parametrize("make_key", [jax.random.key, jax.random.PRNGKey])
def test_a_thousand_random_episodes_agree_with_the_game(view, env_id, options, make_key):
    env = view.make(env_id, max_steps_in_episode=5, **options)
    game, params = polax.make_env(env_id, max_steps_in_episode=5, **options)
    state_key, action_key, step_key = jax.random.split(make_key(0), 3)
    observations, state = jax.vmap(env.reset)(jax.random.split(state_key, 1000))
    actions = jax.random.randint(action_key, (6, 1000, game.num_players), 0, game.num_actions)
    native = jax.jit(jax.vmap(game.step, in_axes=(0, 0, 0, None)))
    step = jax.jit(jax.vmap(env.step))
    for time, keys in enumerate(jax.random.split(step_key, (6, 1000)), start=1):
        joint = actions[time - 1]
        expected = native(keys, state, joint, params)
        observations, state, rewards, dones, infos = step(
            keys, state, {agent: joint[:, player] for player, agent in enumerate(env.agents)}
        )
        assert jnp.unique(dones["__all__"]).tolist() == [time == 5]
        for player, agent in enumerate(env.agents):
            np.testing.assert_array_equal(rewards[agent], expected[2][:, player])
            np.testing.assert_array_equal(dones[agent], expected[4])
        for name in infos:
            np.testing.assert_array_equal(infos[name], np.stack([expected[5][name]] * game.num_players, axis=1))
        assert jnp.unique(state.time).tolist() == [time % 5]
        own = np.stack([observations[agent] for agent in env.agents], axis=1)
        if time == 5:  # JaxMARL splits its key as gymnax does, so even the next start is the same
            np.testing.assert_array_equal(own, expected[0])
        np.testing.assert_array_equal(state.time, expected[1].time)


def test_an_episode_may_start_again_from_a_given_state(view):
    env = view.make("CoinGame-v0", max_steps_in_episode=1)
    key = jax.random.key(3)
    start = env.reset(key)[1]
    actions = dict.fromkeys(env.agents, jnp.int32(0))
    observations, state, *_ = env.step(key, env.reset(jax.random.key(4))[1], actions, start)
    np.testing.assert_array_equal(state.coin, start.coin)
    np.testing.assert_array_equal(observations["player_1"], env.get_obs(start)["player_1"])


def test_equal_environments_compile_nothing_twice(view):
    first, second, other = (view.make("IPD-v0", contribution_factor=factor) for factor in (1.4, 1.4, 1.5))
    assert first == second != other
    assert hash(first) == hash(second)
    before = type(first).reset._cache_size()
    first.reset(jax.random.key(0))
    second.reset(jax.random.key(1))
    assert type(first).reset._cache_size() == before + 1
    both = {agent: jnp.int32(1) for agent in first.agents}
    rewards = [
        float(env.step(jax.random.key(0), env.reset(jax.random.key(0))[1], both)[2]["player_0"])
        for env in (first, other)
    ]
    assert rewards == pytest.approx([0.4, 0.5])


def test_unknown_games_and_options_are_named(view):
    with pytest.raises(polax.PolaxError, match="did you mean 'CoinGame-v0'"):
        view.make("CoinGam-v0")
    with pytest.raises(polax.PolaxError, match="did you mean 'grid_size'"):
        view.make("CoinGame-v0", grid_sise=4)
