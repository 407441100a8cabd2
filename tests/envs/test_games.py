"""What every game must do, whichever it is."""

import dataclasses

import gymnax
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnax.environments.environment import Environment
from polax.envs.base import Game
from polax.envs.coin_game import COIN_GAME, CoinGame
from polax.envs.matrix_game import CHICKEN, IPD, MATCHING_PENNIES, STAG_HUNT, MatrixGame
from polax.envs.public_goods import PUBLIC_GOODS, PublicGoods

PLUGINS = {
    "IPD-v0": IPD,
    "StagHunt-v0": STAG_HUNT,
    "Chicken-v0": CHICKEN,
    "MatchingPennies-v0": MATCHING_PENNIES,
    "CoinGame-v0": COIN_GAME,
    "PublicGoods-v0": PUBLIC_GOODS,
}
VARIANTS = [
    *((name, {}) for name in PLUGINS),
    ("IPD-v0", {"observation_layout": "shared", "initial_state": "mutual-cooperation"}),
    ("CoinGame-v0", {"observation_layout": "shared"}),
    ("CoinGame-v0", {"grid_size": 4, "coin_colour": "random"}),
    ("CoinGame-v0", {"grid_size": 7, "stay_action": True}),
    ("CoinGame-v0", {"num_coins": 2, "stay_action": True}),
    ("CoinGame-v0", {"num_players": 3}),
    ("CoinGame-v0", {"num_players": 4, "grid_size": 4, "coin_colour": "random", "stay_action": True}),
    ("PublicGoods-v0", {"num_players": 5, "observed": "count", "observation_noise": 0.2}),
    ("PublicGoods-v0", {"num_players": 4, "observation_noise": 0.2}),
    ("PublicGoods-v0", {"num_players": 16}),
    ("PublicGoods-v0", {"observed": "own"}),
]
UNLISTED = [{"num_coins": 2}, {"num_players": 4, "grid_size": 4}, {"num_players": 16}]
LISTED = [
    (name, options) for name, options in VARIANTS if not any(each.items() <= options.items() for each in UNLISTED)
]


def build(name, options):
    plugin = PLUGINS[name]
    return plugin.build(plugin.config(**options))


def random_episodes(env, params, *, num_envs, num_steps, seed=0):
    """Every state and what the step into it gave, ``[T, B, ...]``, without autoreset."""

    def step(carry, key):
        action_key, env_key = jax.random.split(key)
        actions = jax.random.randint(action_key, (num_envs, env.num_players), 0, env.num_actions)
        observation, state, reward, terminated, info = jax.vmap(env.step_env, in_axes=(0, 0, 0, None))(
            jax.random.split(env_key, num_envs), carry, actions, params
        )
        return state, (state, actions, observation, reward, terminated, info)

    def run(key):
        reset_key, steps_key = jax.random.split(key)
        observation, state = jax.vmap(env.reset_env, in_axes=(0, None))(jax.random.split(reset_key, num_envs), params)
        _, steps = jax.lax.scan(step, state, jax.random.split(steps_key, num_steps))
        return (state, observation), steps

    return jax.jit(run)(jax.random.key(seed))


@pytest.mark.parametrize("name", PLUGINS)
def test_the_plugin_describes_a_game_of_its_name(name):
    env, params = build(name, {})
    assert isinstance(env, Game)
    assert env.name == name
    assert PLUGINS[name].summary
    assert jax.tree.map(np.array_equal, params, env.default_params) == jax.tree.map(lambda _: True, params)
    assert env.action_space(params).n == env.num_actions == len(env.action_names)


@pytest.mark.parametrize(("name", "options"), VARIANTS)
def test_random_episodes_keep_to_shapes_types_and_ranges(name, options):
    env, params = build(name, options)
    (_, first), (state, _, observation, reward, terminated, info) = random_episodes(
        env, params, num_envs=50, num_steps=60
    )
    shape = env.observation_space(params).shape
    assert first.shape == (50, *shape)
    assert first.dtype == observation.dtype == reward.dtype == jnp.float32
    assert observation.shape == (60, 50, *shape)
    assert reward.shape == (60, 50, env.num_players)
    assert set(np.unique(observation)) == {0.0, 1.0}
    assert not terminated.any()
    assert all(value.shape == (60, 50) and set(np.unique(value)) <= {0.0, 1.0} for value in info.values())
    assert (state.time == np.arange(1, 61)[:, None]).all()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "options"), VARIANTS)
def test_observing_a_state_gives_what_the_step_into_it_gave(name, options):
    env, params = build(name, options)
    (start, first), (states, actions, observation, *_) = random_episodes(env, params, num_envs=20, num_steps=20)
    see = jax.jit(jax.vmap(lambda state: env.observe(jax.random.key(0), state, None, params)))
    assert (see(start) == first).all()
    merged = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), states)
    assert (see(merged) == observation.reshape(-1, *observation.shape[2:])).all()
    assert actions.shape == (20, 20, env.num_players)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "options"), LISTED)
def test_the_table_row_at_the_index_of_a_state_is_its_observation(name, options):
    env, params = build(name, options)
    table = env.observation_table()
    (start, first), (states, _, observation, *_) = random_episodes(env, params, num_envs=200, num_steps=50)
    assert table.shape == (env.num_observations, first.shape[-1])
    assert len(np.unique(table, axis=0)) == env.num_observations
    index = jax.jit(jax.vmap(env.observation_index))
    assert index(start).dtype == jnp.int32
    assert (table[index(start)] == first).all()
    merged = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), states)
    assert (table[index(merged)] == observation.reshape(-1, *observation.shape[2:])).all()


@pytest.mark.parametrize("ask", [CoinGame.observation_table, lambda env: env.observation_index(None)])
def test_two_coins_have_too_many_observations_to_list(ask):
    env = CoinGame(num_coins=2)
    assert env.num_observations is None
    with pytest.raises(ValueError, match="two coins does not list its observations"):
        ask(env)


@pytest.mark.parametrize("name", ["IPD-v0", "CoinGame-v0"])
def test_step_resets_at_the_horizon_and_keeps_the_last_observation(name):
    env, params = build(name, {"max_steps_in_episode": 3})
    _, state = env.reset(jax.random.key(0), params)
    for t, key in enumerate(jax.random.split(jax.random.key(1), 7), start=1):
        before = state
        observation, state, _, terminated, truncated, info = env.step(key, state, jnp.array([1, 0]), params)
        assert not terminated
        assert truncated == (t % 3 == 0)
        assert state.time == t % 3
        assert (observation == env.observe(key, state, None, params)).all()
        step_key, _ = jax.random.split(key)
        last, *_ = env.step_env(step_key, before, jnp.array([1, 0]), params)
        assert (info["final_observation"] == last).all()


@pytest.mark.parametrize("name", PLUGINS)
def test_gymnax_make_gives_a_game_that_carries_its_numbers(name):
    import polax  # noqa: F401 - registers the ids

    env, params = gymnax.make(name, max_steps_in_episode=7)
    assert params.max_steps_in_episode == env.default_params.max_steps_in_episode == 7
    plain, _ = gymnax.make(name)
    assert plain == build(name, {})[0]
    assert env != plain
    assert env == gymnax.make(name, max_steps_in_episode=7)[0]


def test_games_that_differ_in_numbers_only_are_equal_and_carry_them_only_when_asked():
    usual, _ = IPD.build(IPD.config())
    other, params = IPD.build(IPD.config(contribution_factor=1.6, max_steps_in_episode=9))
    assert usual == other
    assert hash(usual) == hash(other)
    carrying = other.with_default_params(params)
    assert carrying != usual
    assert (carrying.default_params.payoffs == params.payoffs).all()
    assert carrying.default_params.payoffs.dtype == jnp.float32
    assert usual.with_default_params(usual.base_params) == usual
    assert COIN_GAME.build(COIN_GAME.config(own_coin_reward=3.0))[0] == CoinGame()


@pytest.mark.parametrize("name", ["IPD-v0", "CoinGame-v0"])
def test_an_equal_game_and_other_numbers_compile_nothing(name):
    env, params = build(name, {"max_steps_in_episode": 11})
    key, actions = jax.random.key(0), jnp.array([0, 1])
    _, state = env.reset(key, params)
    env.step(key, state, actions, params)
    compiled = Environment.step._cache_size(), Environment.reset._cache_size()
    again, numbers = build(name, {"max_steps_in_episode": 12})
    _, state = again.reset(key, numbers)
    again.step(key, state, actions, jax.tree.map(lambda leaf: leaf + 1, numbers))
    assert (Environment.step._cache_size(), Environment.reset._cache_size()) == compiled


def test_params_can_be_mapped_over():
    env, _ = IPD.build(IPD.config())
    every = [IPD.build(IPD.config(contribution_factor=factor))[1] for factor in (1.2, 1.5)]
    params = jax.tree.map(lambda *leaves: jnp.stack(leaves), *every)
    key = jax.random.key(0)
    _, state = env.reset(key, every[0])
    reward = jax.vmap(lambda one: env.step(key, state, jnp.array([1, 1]), one)[2])(params)
    np.testing.assert_allclose(reward, [[0.2, 0.2], [0.5, 0.5]], rtol=1e-6)
    coins = CoinGame()
    _, state = coins.reset(key, coins.base_params)
    state = state.replace(players=jnp.array([[0, 0], [2, 2]]), coin=jnp.array([0, 1]), coin_owner=jnp.int32(1))
    costs = jax.vmap(lambda cost: coins.base_params.replace(stolen_coin_reward=cost))(jnp.array([-2.0, -5.0]))
    reward = jax.vmap(lambda one: coins.step(key, state, jnp.array([0, 0]), one)[2])(costs)
    assert reward.tolist() == [[1, -2], [1, -5]]


@pytest.mark.parametrize("name", ["IPD-v0", "CoinGame-v0"])
def test_no_key_is_used_twice(name):
    env, params = build(name, {})
    with jax.debug_key_reuse(True):
        reset_key, step_key = jax.random.split(jax.random.key(3))
        _, state = jax.jit(lambda key: env.reset(key, params))(reset_key)
        _, state, *_ = jax.jit(lambda key, state: env.step(key, state, jnp.array([0, 1]), params))(step_key, state)
    assert state.time == 1


@pytest.mark.parametrize(
    ("game", "actions", "error", "message"),
    [
        (MatrixGame(), [0, 2], ValueError, r"action 2 of player_1 .* allowed are 0 to 1 \(0 defect, 1 cooperate\)"),
        (CoinGame(), [-1, 0], ValueError, "action -1 of player_0 .* allowed are 0 to 3 "),
        (CoinGame(stay_action=True), [[4, 4], [4, 5]], ValueError, "action 5 of player_1 .* allowed are 0 to 4 "),
        (CoinGame(), [0, 1, 2], ValueError, "one action for each of 2 players"),
        (CoinGame(), 1, ValueError, "one action for each of 2 players"),
        (CoinGame(), [0.0, 1.0], TypeError, "integers from 0 to 3"),
        (CoinGame(), [True, False], TypeError, "integers from 0 to 3"),
        (CoinGame(), ["up", "down"], TypeError, "integers from 0 to 3"),
        (PublicGoods(), [0, 1], ValueError, "one action for each of 3 players"),
        (PublicGoods(num_players=5), [0, 1, 1, 0, 2], ValueError, r"action 2 of player_4 .*\(0 keep, 1 contribute\)"),
    ],
)
def test_bad_actions_are_named_outside_compiled_code(game, actions, error, message):
    with pytest.raises(error, match=message):
        game.check_actions(actions)


def test_good_actions_pass_the_check():
    assert CoinGame().check_actions(np.array([[0, 3], [1, 2]], np.int64)).dtype == np.int32


@pytest.mark.parametrize(
    ("config", "options", "message"),
    [
        (IPD.config, {"contribution_factor": 2.5}, "contribution_factor must be .*2"),
        (IPD.config, {"contribution_factor": float("nan")}, "contribution_factor must be"),
        (IPD.config, {"payoff_matrix": ((1, 2, 3), (4, 5, 6))}, "payoff_matrix must be one 2x2 matrix"),
        (IPD.config, {"payoff_matrix": ((1, 2), (4, float("inf")))}, "payoff_matrix must be one 2x2 matrix"),
        (IPD.config, {"payoff_matrix": "matrix"}, "payoff_matrix must be one 2x2 matrix"),
        (STAG_HUNT.config, {"observation_layout": "egocentrc"}, "observation_layout must be one of egocentric, shared"),
        (STAG_HUNT.config, {"initial_state": "CC"}, "initial_state must be one of start, mutual-cooperation"),
        (STAG_HUNT.config, {"max_steps_in_episode": 0}, "max_steps_in_episode must be a whole number of at least 1"),
        (COIN_GAME.config, {"grid_size": 2}, "grid_size must be one of 3, 4, 5, 6, 7; got 2"),
        (COIN_GAME.config, {"grid_size": 3.0}, "grid_size must be one of"),
        (COIN_GAME.config, {"coin_colour": "green"}, "coin_colour must be one of alternating, random"),
        (COIN_GAME.config, {"num_coins": 3}, "num_coins must be one of 1, 2"),
        (COIN_GAME.config, {"num_coins": 2, "coin_colour": "random"}, "coin_colour has no meaning with num_coins=2"),
        (COIN_GAME.config, {"num_players": 5}, "num_players must be one of 2, 3, 4; got 5"),
        (COIN_GAME.config, {"num_players": 3, "num_coins": 2}, "num_coins=2 is a game of two players"),
        (COIN_GAME.config, {"num_players": 3, "observation_layout": "shared"}, "shared is for two players"),
        (COIN_GAME.config, {"penalty_by_players": 1}, "penalty_by_players must be one of False, True"),
        (COIN_GAME.config, {"stay_action": 1}, "stay_action must be one of False, True"),
        (COIN_GAME.config, {"own_coin_reward": float("inf")}, "own_coin_reward must be a finite number"),
        (COIN_GAME.config, {"max_steps_in_episode": True}, "max_steps_in_episode must be a whole number"),
        (PUBLIC_GOODS.config, {"num_players": 1}, "num_players must be one of 2, 3,"),
        (PUBLIC_GOODS.config, {"num_players": 17}, "num_players must be one of 2, 3,"),
        (PUBLIC_GOODS.config, {"contribution_factor": 1.0}, "contribution_factor must be a finite number above 1"),
        (
            PUBLIC_GOODS.config,
            {"contribution_factor": 3.0},
            "contribution_factor must be below the number of players 3",
        ),
        (PUBLIC_GOODS.config, {"num_players": 2, "contribution_factor": 2.5}, "must be below the number of players 2"),
        (PUBLIC_GOODS.config, {"threshold": 4}, "threshold must be at most the number of players 3; got 4"),
        (PUBLIC_GOODS.config, {"threshold": 0}, "threshold must be a whole number of at least 1"),
        (PUBLIC_GOODS.config, {"endowment": -1.0}, "endowment must be a finite number at least 0"),
        (PUBLIC_GOODS.config, {"observation_noise": 0.6}, "observation_noise must be a finite number at least 0 and"),
    ],
)
def test_options_out_of_range_are_named(config, options, message):
    with pytest.raises(ValueError, match=message):
        config(**options)


def test_configurations_are_hashable_whatever_holds_the_matrix():
    listed, nested = (STAG_HUNT.config(payoff_matrix=kind([kind([1, 2]), kind([3, 4])])) for kind in (list, tuple))
    assert listed == nested == STAG_HUNT.config(payoff_matrix=np.array([[1, 2], [3, 4]]))
    assert hash(listed) == hash(nested)
    assert {field.name for field in dataclasses.fields(IPD.config)} > {"payoff_matrix", "contribution_factor"}
