"""One player's view of a game as a gymnax environment, and gymnax's own wrappers around it."""

from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import polax
import pytest
from polax.envs.policies.strategies import make_strategy
from polax.envs.rendering.animation import save_frames
from polax.envs.views.single_agent import SingleAgent

IDS = ["IPD-v0", "StagHunt-v0", "Chicken-v0", "MatchingPennies-v0", "CoinGame-v0"]
STEPS = 6


def make(env_id="IPD-v0", opponent="random", steps=STEPS, options=None, **kwargs):
    game, params = polax.make_env(env_id, max_steps_in_episode=steps, **(options or {}))
    return game, params, *polax.single_agent(game, params, opponent=opponent, **kwargs)


def play(env, params, actions, key=0):
    """Take steps with gymnax's own ``step``; returns what each one returned."""
    step = jax.jit(env.step)
    observation, state = env.reset(jax.random.key(key), params)
    results = [(observation, state)]
    for time, action in enumerate(actions):
        results.append(step(jax.random.key(100 + time), results[-1][1], action, params))
    return results


@pytest.mark.parametrize("env_id", IDS)
@pytest.mark.parametrize("player", [0, 1])
def test_it_is_the_game_with_the_opponents_actions_filled_in(env_id, player):
    game, game_params, env, params = make(env_id, player=player)
    results = play(env, params, [0, 1, 1, 0, 1])
    opponents_did = set()
    for before, after in pairwise(results):
        observation, state, reward, terminated, truncated, info = after
        joint = info["actions"]
        opponents_did.add(int(joint[1 - player]))
        expected = game.step_env(jax.random.key(0), before[1].game, joint, game_params)
        assert float(reward) == float(expected[2][player])
        np.testing.assert_array_equal(info["rewards"], expected[2])
        for name, count in expected[4].items():
            assert float(info[name]) == float(count)
        seen = game.observe(jax.random.key(0), state.game, None, game_params)[player]
        np.testing.assert_array_equal(observation, seen)
        assert observation.shape == env.observation_space(params).shape
        assert observation.dtype == env.observation_space(params).dtype
        assert reward.shape == terminated.shape == truncated.shape == ()
        assert not truncated
        assert int(state.time) == int(before[1].time) + 1
    assert [int(each[5]["actions"][player]) for each in results[1:]] == [0, 1, 1, 0, 1]
    assert len(opponents_did) > 1
    assert (env.name, env.num_actions, env.action_space(params).n) == (game.name, game.num_actions, game.num_actions)


@pytest.mark.parametrize("env_id", IDS)
def test_the_numbers_of_observations_are_rows_of_the_games_list(env_id):
    game, _, env, params = make(env_id, player=1)
    *_, tabular, _ = make(env_id, player=1, observation="index")
    table = game.observation_table()
    assert tabular.observation_space(params).n == len(table)
    for one, other in zip(*(play(each, params, [1, 0, 1]) for each in (env, tabular)), strict=True):
        assert other[0].shape == ()
        assert jnp.issubdtype(other[0].dtype, jnp.integer)
        np.testing.assert_array_equal(table[other[0]], one[0])
        np.testing.assert_array_equal(one[0], env.observe(jax.random.key(0), one[1], None, params))


def test_the_opponent_forgets_at_the_end_of_an_episode():
    *_, env, params = make("IPD-v0", "grim", steps=3)
    results = play(env, params, [0, 1, 1, 1, 1, 1])
    assert [int(each[5]["actions"][1]) for each in results[1:]] == [1, 0, 0, 1, 1, 1]
    assert [bool(each[4]) for each in results[1:]] == [False, False, True, False, False, True]
    first, end = results[0], results[3]
    for one, other in zip(jax.tree.leaves(first[1].memories), jax.tree.leaves(end[1].memories), strict=True):
        np.testing.assert_array_equal(one, other)
    assert int(end[1].time) == 0
    np.testing.assert_array_equal(end[5]["final_observation"], env.game.observation_table()[2])


def test_opponents_are_numbers_that_can_be_mapped_over():
    game, game_params, env, params = make("IPD-v0", "always-defect")
    others = [polax.single_agent(game, game_params, opponent=name)[1] for name in ("always-cooperate", "tit-for-tat")]
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), params, *others)

    @jax.jit
    @jax.vmap
    def score(params):
        state = env.reset(jax.random.key(0), params)[1]
        return sum_of(env, state, params)

    def sum_of(env, state, params):
        total = 0.0
        for time in range(3):
            _, state, reward, *_ = env.step(jax.random.key(time), state, 0, params)
            total += reward
        return total

    assert score(stacked).tolist() == pytest.approx([0.0, 3 * 0.665, 0.665])


def test_equal_views_compile_nothing_twice():
    first, second, other = (make("IPD-v0", name)[2] for name in ("grim", "grim", "tit-for-tat"))
    assert first == second != other
    assert hash(first) == hash(second)
    before = SingleAgent.reset._cache_size()
    first.reset(jax.random.key(0))
    second.reset(jax.random.key(1))
    assert SingleAgent.reset._cache_size() == before + 1


def test_params_are_the_defaults_and_may_be_traced():
    game, game_params, env, params = make("IPD-v0", "tit-for-tat")
    with_params, without = (
        env.step(jax.random.key(1), env.reset(jax.random.key(0))[1], 0, *each) for each in ([params], [])
    )
    assert float(with_params[2]) == float(without[2]) == pytest.approx(0.665)

    @jax.jit
    def reward(policy):
        env, params = polax.single_agent(game, game_params, opponent=policy)
        with pytest.raises(polax.OptionError, match="has no default params: pass params"):
            _ = env.default_params
        return env.step(jax.random.key(1), env.reset(jax.random.key(0), params)[1], 0, params)[2]

    assert float(reward(make_strategy("always-defect", game, 1))) == 0.0


def test_the_horizon_is_that_of_its_params():
    *_, env, params = make("IPD-v0", steps=4)
    shorter = params.replace(max_steps_in_episode=2)
    assert [bool(each[4]) for each in play(env, shorter, [0, 0, 0, 0])[1:]] == [False, True, False, True]


def test_both_layouts_are_played_right():
    for layout in ("egocentric", "shared"):
        *_, env, params = make("IPD-v0", "tit-for-tat", options={"observation_layout": layout}, player=0)
        moves = [int(each[5]["actions"][1]) for each in play(env, params, [0, 1, 1, 0, 0])[1:]]
        assert moves == [1, 0, 1, 1, 0]


def test_gymnaxs_log_wrapper_counts_the_agents_return():
    from gymnax.wrappers import LogWrapper

    *_, env, params = make("IPD-v0", "always-cooperate", steps=3)
    wrapped = LogWrapper(env)
    keys = jax.random.split(jax.random.key(0), 4)
    _, state = jax.vmap(wrapped.reset, (0, None))(keys, params)
    step = jax.jit(jax.vmap(wrapped.step, (0, 0, 0, None)))
    for _ in range(3):
        _, state, _, _, truncated, info = step(keys, state, jnp.array([0, 0, 1, 1]), params)
    assert truncated.tolist() == info["returned_episode"].tolist() == [True] * 4
    assert info["returned_episode_lengths"].tolist() == [3] * 4
    assert info["returned_episode_returns"].tolist() == pytest.approx([1.995, 1.995, 0.99, 0.99])


def test_gymnaxs_rollout_wrapper_scores_a_population():
    from gymnax.experimental import RolloutWrapper

    env = make("IPD-v0", "tit-for-tat", steps=4)[2]
    wrapper = RolloutWrapper(lambda action, observation, key: action, env=env)  # and the params are the default ones
    keys = jax.random.split(jax.random.key(0), 3)
    *_, returns = wrapper.population_rollout(keys, jnp.array([0, 1]))
    assert wrapper.input_shape == (6,)
    np.testing.assert_allclose(returns[..., 0], [[0.665] * 3, [4 * 0.33] * 3], rtol=1e-6)


@pytest.mark.parametrize("env_id", ["IPD-v0", "CoinGame-v0"])
def test_gymnaxs_visualizer_and_our_own_pictures_show_an_episode(env_id, tmp_path):
    from gymnax.visualize import Visualizer
    from PIL import Image

    game, _, env, params = make(env_id, "tit-for-tat", steps=4)
    results = play(env, params, [0, 1, 1])
    states, rewards = [each[1] for each in results], np.cumsum([0.0, *(float(each[2]) for each in results[1:])])
    file = tmp_path / "gymnax.gif"
    Visualizer(env, params, states, rewards).animate(str(file))
    with Image.open(file) as film:
        assert film.n_frames == 4
    frames = env.frames(params, states, [each[5] for each in results[1:]])
    np.testing.assert_allclose(frames[-1].totals, sum(each[5]["rewards"] for each in results[1:]), rtol=1e-6)
    assert [each[0] for each in frames[-1].history] == [0, 1, 1]
    assert "step 3 of 4" in env.describe(frames[-1])
    pictures = [np.asarray(env.draw(each, size=160)) for each in (frames[0], frames[-1])]
    assert (pictures[0] != pictures[1]).any()
    np.testing.assert_array_equal(pictures[1], np.asarray(game.draw(frames[-1], size=160)))
    save_frames(env, frames, tmp_path / "ours.gif", size=160)
    assert Path(tmp_path / "ours.gif").stat().st_size > 0


class InPython:
    """A player of ordinary Python."""

    def initial_memory(self, num_envs):
        return ()

    def act(self, key, observation, memory):
        return np.zeros(len(observation), np.int32), memory


@jax.tree_util.register_static
class Returns(SimpleNamespace):
    """A policy that returns what it is told to."""

    def __hash__(self):
        return id(self)

    def initial_memory(self, num_envs):
        return jnp.zeros(num_envs)

    def act(self, key, observation, memory):
        return self.choose(observation, memory)


def test_opponents_may_differ():
    game, game_params = polax.make_env("PublicGoods-v0", num_players=3)
    env, params = polax.single_agent(game, game_params, opponent=["always-cooperate", "always-defect"], player=1)
    _, state = env.reset(jax.random.key(0), params)
    *_, info = env.step(jax.random.key(1), state, 1, params)
    assert info["actions"].tolist() == [1, 1, 0]
    with pytest.raises(polax.OptionError, match=r"a list of 2 \(player 0, player 1\); got a list of 1"):
        polax.single_agent(game, game_params, opponent=["random"], player=2)


def test_bad_input_is_named():
    game, params = polax.make_env("IPD-v0")
    coin_game, _ = polax.make_env("CoinGame-v0")
    for player in (2, -1, "0", None):
        with pytest.raises(polax.OptionError, match="player must be a whole number from 0 to 1, not"):
            polax.single_agent(game, params, opponent="random", player=player)
    with pytest.raises(polax.UnknownNameError, match="did you mean 'tit-for-tat'"):
        polax.single_agent(game, params, opponent="tit-for-tatt")
    with pytest.raises(polax.OptionError, match=r"a player is the name of a strategy.*got 3"):
        polax.single_agent(game, params, opponent=3)
    with pytest.raises(polax.OptionError, match="one policy, not 2: pass the one that is to play as player 1"):
        polax.single_agent(game, params, opponent=(make_strategy("random", game),) * 2)
    with pytest.raises(polax.OptionError, match=r"plays in ordinary Python.*gymnasium.make"):
        polax.single_agent(game, params, opponent=InPython())
    with pytest.raises(polax.OptionError, match=r"cannot play as player 0 of IPD-v0, which sees 6 features: .*make it"):
        polax.single_agent(game, params, opponent=make_strategy("tit-for-tat", coin_game), player=1)
    with pytest.raises(polax.OptionError, match=r"returns actions of shape \(1, 6\) and type float32"):
        polax.single_agent(game, params, opponent=Returns(choose=lambda seen, memory: (seen, memory)))
    with pytest.raises(polax.OptionError, match="its memory changes its form"):
        polax.single_agent(game, params, opponent=Returns(choose=lambda seen, memory: (jnp.zeros(1, jnp.int32), seen)))
    with pytest.raises(polax.OptionError, match="observation must be one of features, index; got 'pixels'"):
        polax.single_agent(game, params, opponent="random", observation="pixels")
    two_coins = polax.make_env("CoinGame-v0", num_coins=2)
    with pytest.raises(polax.OptionError, match="CoinGame-v0 does not list its observations"):
        polax.single_agent(*two_coins, opponent="random", observation="index")
