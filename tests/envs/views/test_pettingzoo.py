"""The games through PettingZoo."""

import importlib
from functools import partial
from types import SimpleNamespace

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pettingzoo
import polax
import pytest
from pettingzoo.test import (
    api_test,
    max_cycles_test,
    parallel_api_test,
    parallel_seed_test,
    render_test,
    seed_test,
)
from polax.envs.views.pettingzoo import GameParallelEnv

MODULES = {
    "ipd_v0": "IPD-v0",
    "stag_hunt_v0": "StagHunt-v0",
    "chicken_v0": "Chicken-v0",
    "matching_pennies_v0": "MatchingPennies-v0",
    "coin_game_v0": "CoinGame-v0",
    "public_goods_v0": "PublicGoods-v0",
}


def module(name):
    return importlib.import_module(f"polax.envs.{name}")


@pytest.mark.parametrize("name", MODULES)
def test_pettingzoos_own_tests_pass(name):
    view = module(name)
    parallel_api_test(view.parallel_env(), num_cycles=1000)
    api_test(view.env(), num_cycles=200)
    max_cycles_test(view)
    seed_test(view.env, num_cycles=60)
    parallel_seed_test(view.parallel_env, num_cycles=60)
    assert view.parallel_env().metadata["name"] == name


@pytest.mark.parametrize("name", MODULES)
@pytest.mark.filterwarnings("ignore:no window can be opened here")  # where the tests run without a display
def test_pettingzoos_render_test_passes(name, monkeypatch):
    monkeypatch.setitem(GameParallelEnv.metadata, "render_fps", 1000)  # nobody is watching
    render_test(module(name).env)


@pytest.mark.parametrize("name", ["ipd_v0", "coin_game_v0"])
def test_a_thousand_random_episodes_agree_with_the_game(name):
    env = module(name).parallel_env(max_steps_in_episode=5)
    game, params = polax.make_env(MODULES[name], max_steps_in_episode=5)
    rng = np.random.default_rng(0)
    states, joints, rewards, observations, followers = [], [], [], [], []
    for number in range(1000):
        seen, _ = env.reset(seed=number)
        for time in range(1, 6):
            states.append(np.asarray(env._host._packed.words))
            observations.append(np.stack(list(seen.values())))
            joint = dict(zip(env.agents, rng.integers(0, game.num_actions, 2), strict=True))
            seen, reward, terminations, truncations, _ = env.step(joint)
            joints.append(list(joint.values()))
            rewards.append(list(reward.values()))
            followers.append(np.stack(list(seen.values())))
            assert set(truncations.values()) == {time == 5}
            assert not any(terminations.values())
        assert env.agents == []
    like = jax.eval_shape(lambda: game.reset_env(jax.random.key(0), params)[1])
    state = jax.jit(jax.vmap(lambda words: unpack(words[2:], like)))(jnp.asarray(np.stack(states)))
    see = jax.jit(jax.vmap(lambda one: game.observe(jax.random.key(0), one, None, params)))
    np.testing.assert_array_equal(see(state), observations)
    keys = jax.random.split(jax.random.key(0), 5000)
    native = jax.jit(jax.vmap(game.step_env, in_axes=(0, 0, 0, None)))(keys, state, jnp.array(joints), params)
    np.testing.assert_array_equal(native[2], np.array(rewards, np.float32))
    players = slice(0, 18) if name == "coin_game_v0" else slice(None)  # a new coin may lie elsewhere
    np.testing.assert_array_equal(np.array(native[0])[:, 0, players], np.array(followers)[:, 0, players])


def unpack(words, like):
    """The state from words of 32 bits: all of a game's integers, in order."""
    leaves, structure = jax.tree.flatten(like)
    ends = np.cumsum([leaf.size for leaf in leaves])
    parts = [
        words[end - leaf.size : end].astype(jnp.int32).reshape(leaf.shape)
        for leaf, end in zip(leaves, ends, strict=True)
    ]
    return jax.tree.unflatten(structure, parts)


def test_players_in_turn_get_their_rewards_when_both_have_acted():
    env = module("ipd_v0").env(max_steps_in_episode=2)
    env.reset(seed=0)
    assert env.agent_selection == "player_0"
    env.step(0)
    assert env.rewards == {"player_0": 0.0, "player_1": 0.0}
    env.step(1)
    assert env.rewards == {"player_0": pytest.approx(0.665), "player_1": pytest.approx(-0.335)}
    assert env.last()[1] == pytest.approx(0.665)
    env.step(1)
    env.step(1)
    assert set(env.truncations.values()) == {True}
    env.step(None)
    env.step(None)
    assert env.agents == []
    with pytest.raises(gymnasium.error.ResetNeeded, match="call reset"):
        env.unwrapped.step(0)


@pytest.mark.parametrize(
    ("actions", "error", "message"),
    [
        ({"player_0": 0, "player_1": 4}, ValueError, r"action of player_1 in CoinGame-v0 must be .* 0 to 3 .* got 4"),
        ({"player_0": 0.5, "player_1": 1}, TypeError, "action of player_0 .* got 0.5"),
        ({"player_0": 0}, ValueError, "needs an action of each of player_0, player_1; got \\['player_0'\\]"),
        ({"player_0": 0, "player_1": 0, "player_2": 0}, ValueError, "got .*player_2"),
        ({"player_0": 0, "player_1": np.array([1, 2])}, TypeError, r"action of player_1 .* got array\(\[1, 2\]\)"),
        ([0, 1], TypeError, r"needs a dictionary with an action of each player; got \[0, 1\]"),
    ],
)
def test_bad_actions_name_player_action_and_range(actions, error, message):
    env = module("coin_game_v0").parallel_env()
    env.reset(seed=0)
    with pytest.raises(error, match=message):
        env.step(actions)


def test_in_turn_a_bad_action_is_named_at_once():
    env = module("coin_game_v0").env()
    env.reset(seed=0)
    with pytest.raises(ValueError, match=r"action of player_0 in CoinGame-v0 must be .* got 9"):
        env.step(9)


def test_steps_out_of_order_say_what_to_do():
    env = module("ipd_v0").parallel_env(max_steps_in_episode=1)
    moves = {"player_0": 0, "player_1": 0}
    with pytest.raises(gymnasium.error.ResetNeeded, match="call reset"):
        env.step(moves)
    env.reset()
    env.step(moves)
    with pytest.raises(gymnasium.error.ResetNeeded, match="ended after 1 steps"):
        env.step({})
    env.close()
    with pytest.raises(gymnasium.error.ClosedEnvironmentError, match="was closed"):
        env.step(moves)
    env.reset()
    env.step(moves)


def test_in_turn_steps_out_of_order_say_what_to_do():
    env = module("ipd_v0").raw_env()
    for call in (lambda: env.step(0), lambda: env.observe("player_0")):
        with pytest.raises(gymnasium.error.ResetNeeded, match="call reset"):
            call()
    env.reset(seed=0)
    env.close()
    with pytest.raises(gymnasium.error.ClosedEnvironmentError, match="was closed"):
        env.step(0)


def test_max_cycles_is_another_word_for_the_horizon():
    env = module("ipd_v0").parallel_env(max_cycles=2)
    env.reset(seed=0)
    for _ in range(2):
        env.step({"player_0": 1, "player_1": 1})
    assert env.agents == []
    with pytest.raises(ValueError, match="are the same: give one of them"):
        module("ipd_v0").parallel_env(max_cycles=2, max_steps_in_episode=3)


@pytest.mark.skipif(not hasattr(pettingzoo, "make"), reason="this version of PettingZoo has no registry")
def test_pettingzoos_registry_knows_our_ids():
    for kind, cls in (("parallel", pettingzoo.ParallelEnv), ("aec", pettingzoo.AECEnv)):
        env = pettingzoo.make(kind, "CoinGame-v0", grid_size=4)
        assert isinstance(env, cls)
        env.reset(seed=0)
        assert env.observation_space("player_1").shape == (64,)


@pytest.mark.parametrize("players", [2, 3, 5])
def test_pettingzoos_own_tests_pass_with_any_number_of_players(players):
    view = module("public_goods_v0")
    options = {"num_players": players, "max_cycles": 20}
    parallel_api_test(view.parallel_env(**options), num_cycles=100)
    api_test(view.env(**options), num_cycles=50)
    seed_test(partial(view.env, **options), num_cycles=20)
    parallel_seed_test(partial(view.parallel_env, **options), num_cycles=20)
    both = {name: partial(getattr(view, name), num_players=players) for name in ("parallel_env", "env")}
    max_cycles_test(SimpleNamespace(**both))


@pytest.mark.parametrize("players", [3, 4])
def test_pettingzoos_own_tests_pass_in_the_coin_game_of_more_players(players):
    view = module("coin_game_v0")
    options = {"num_players": players, "max_cycles": 20}
    parallel_api_test(view.parallel_env(**options), num_cycles=100)
    api_test(view.env(**options), num_cycles=50)


def test_sixteen_players_act_in_turn_and_get_what_the_game_pays():
    env = module("public_goods_v0").env(num_players=16, max_cycles=1)
    env.reset(seed=0)
    for player in range(16):
        assert env.agent_selection == f"player_{player}"
        env.step(player % 2)
    shared = 1.33 * 8 / 16
    assert [env.rewards[f"player_{player}"] for player in (0, 15)] == pytest.approx([shared, shared - 1])


def test_an_action_of_every_player_is_needed():
    env = module("public_goods_v0").parallel_env(num_players=3)
    env.reset(seed=0)
    with pytest.raises(ValueError, match="needs an action of each of player_0, player_1, player_2; got"):
        env.step({"player_0": 0, "player_1": 0})
    with pytest.raises(ValueError, match=r"action of player_2 .* must be .* 0 to 1 \(0 keep, 1 contribute\); got 2"):
        env.step({"player_0": 0, "player_1": 0, "player_2": 2})
