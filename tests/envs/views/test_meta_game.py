"""A game whose opponent learns between episodes, as a gymnax environment."""

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import polax
import pytest
import toy_learner
from gymnax.environments.environment import Environment
from polax.envs.views.meta_game import MetaGame

STEPS, BATCH, EPISODES = 3, 2, 4
LEARNER = {"num_envs": BATCH, "hidden_size": 3, "outer_lr": 0.3, "critic_lr": 0.1}
TWO_COINS = ("CoinGame-v0", {"num_coins": 2})


def make(env=("IPD-v0", {}), *, learner="naive", episodes=EPISODES, player=0, observation="features", **options):
    game, params = polax.make_env(env[0], max_steps_in_episode=STEPS, **env[1])
    options = {**LEARNER, **options} if learner == "naive" else options
    found = polax.meta_game(
        game, params, learner=learner, episodes=episodes, player=player, observation=observation, **options
    )
    return game, *found


def play(env, params, *, count, key=0):
    """Take steps with random actions; returns the start, and then what each step returned."""
    step = jax.jit(env.step)
    results = [env.reset(jax.random.key(key), params)]
    for time in range(count):
        action = jax.random.randint(jax.random.key(500 + time), (), 0, env.num_actions)
        results.append(step(jax.random.key(100 + time), results[-1][1], action, params))
    return results


def assert_equal(one, other, **tolerance):
    for ours, theirs in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        if jnp.issubdtype(jnp.result_type(ours), jnp.floating):
            np.testing.assert_allclose(ours, theirs, **{"atol": 1e-6, **tolerance})
        else:
            np.testing.assert_array_equal(ours, theirs)


def weights(state):
    return np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(state.learner.player)])


@pytest.mark.slow
@pytest.mark.parametrize(("env", "player"), [(("IPD-v0", {}), 1), (TWO_COINS, 0)])
def test_the_opponent_learns_from_the_episodes_it_has_really_played(env, player):
    game, meta, params = make(env, player=player)
    results = play(meta, params, count=STEPS * EPISODES)
    key, pupil = jax.random.key(0), 1 - player
    recorded = results[STEPS * BATCH][1].experience
    for episode in range(BATCH):
        for time in range(STEPS):
            index = episode * STEPS + time
            before, info = results[index][1].game.game, results[index + 1][5]
            seen = game.observe(key, before, None, params.game)[pupil]
            np.testing.assert_array_equal(features(game, recorded.observations[time, episode]), seen)
            assert int(recorded.actions[time, episode]) == int(info["actions"][pupil])
            assert float(recorded.rewards[time, episode]) == float(info["rewards"][pupil])
            assert int(info["episode"]) == episode
        # The last observation is shown to nobody else. Where a collected coin came back is drawn, so compare the
        # players' places alone, in the coin game.
        known = slice(None) if env[0] == "IPD-v0" else slice(18)
        last = game.step_env(key, before, info["actions"], params.game)[0][pupil]
        np.testing.assert_array_equal(features(game, recorded.observations[STEPS, episode])[known], last[known])
    expected, _ = meta.learning.learn(key, results[0][1].learner, recorded)
    assert_equal(results[STEPS * BATCH][1].learner, expected)
    changed = [
        time
        for time in range(1, STEPS * EPISODES)
        if (weights(results[time][1]) != weights(results[time - 1][1])).any()
    ]
    assert changed == [STEPS * BATCH]


def features(game, seen):
    """Return an observation, given that or its row."""
    return seen if game.num_observations is None else game.observation_table()[seen]


@pytest.mark.slow
def test_episodes_of_the_game_follow_each_other_within_a_meta_episode():
    game, meta, params = make()
    results = play(meta, params, count=STEPS * 2)
    for before, after in pairwise(results):
        joint = after[5]["actions"]
        paid = game.step_env(jax.random.key(0), before[1].game.game, joint, params.game)[2]
        np.testing.assert_array_equal(after[5]["rewards"], paid)
        assert float(after[2]) == float(paid[0])
    assert [int(each[1].game.time) for each in results] == [0, 1, 2, 0, 1, 2, 0]
    assert [int(each[1].episode) for each in results] == [0, 0, 0, 1, 1, 1, 2]
    assert not any(bool(each[4]) for each in results[1:])
    np.testing.assert_array_equal(results[3][0], game.observation_table()[4])
    assert (np.asarray(results[3][1].game.memories[0][0]) == 0).all()
    assert (np.asarray(results[2][1].game.memories[0][0]) != 0).any()


def test_a_step_is_gymnaxs_step():
    """Ours draws a new learner only where one is due; what it returns is what gymnax's own step returns."""
    _, meta, params = make()
    state = play(meta, params, count=STEPS * EPISODES - 2)[-1][1]
    gymnaxs = jax.jit(lambda key, state: Environment.step.__wrapped__(meta, key, state, 1, params))
    for number in range(3):  # the second is the last of the meta-episode
        key = jax.random.key(number)
        ours, theirs = meta.step(key, state, 1, params), gymnaxs(key, state)
        assert set(ours[5]) == set(theirs[5])
        assert_equal(ours, theirs)
        state = ours[1]
        assert bool(ours[4]) == (number == 1)
    assert int(state.time) == 1
    assert int(state.episode) == 0


@pytest.mark.slow
def test_mapped_environments_do_what_single_ones_do():
    """Where one is a step ahead of the other; mapped over once, and twice."""
    _, meta, params = make()
    starts = [play(meta, params, count=ahead, key=ahead)[-1][1] for ahead in (0, 1, 0, 1)]
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *starts)
    keys = jax.random.split(jax.random.key(7), (STEPS * EPISODES + 1, 4))

    def walk(state, keys):
        def step(state, key):
            observation, state, reward, *_ = meta.step(key, state, 1, params)
            return state, (observation, reward, state.learner.player)

        return jax.lax.scan(step, state, keys)

    walk_one = jax.jit(walk)
    single = [walk_one(state, keys[:, number]) for number, state in enumerate(starts)]
    expected = jax.tree.map(lambda *leaves: jnp.stack(leaves), *single)
    mapped = jax.jit(jax.vmap(walk))(stacked, keys.T)
    assert_equal(mapped, expected, atol=1e-5)
    in_pairs = jax.tree.map(lambda leaf: leaf.reshape(2, 2, *leaf.shape[1:]), (stacked, keys.T))
    twice = jax.jit(jax.vmap(jax.vmap(walk)))(*in_pairs)
    assert_equal(jax.tree.map(lambda leaf: leaf.reshape(4, *leaf.shape[2:]), twice), expected, atol=1e-5)


@pytest.mark.slow
def test_the_learners_numbers_are_in_the_params_and_can_be_mapped_over():
    _, meta, params = make()

    @jax.jit
    @jax.vmap
    def moved(rate):
        mapped = params.replace(learner=params.learner.replace(outer_lr=rate))

        def step(state, key):
            state = meta.step(key, state, 1, mapped)[1]
            return state, state.learner.player.policy.recurrent.gate_kernel

        start = meta.reset(jax.random.key(0), mapped)[1]
        _, kernels = jax.lax.scan(step, start, jax.random.split(jax.random.key(1), STEPS * BATCH))
        return jnp.abs(kernels[-1] - kernels[0]).max()

    still, moving = moved(jnp.array([0.0, 0.3]))
    assert still == 0
    assert moving > 0.1


def test_equal_meta_games_compile_nothing_twice():
    (_, first, _), (_, second, _), (_, other, _) = make(), make(), make(outer_lr=0.2)
    assert first == second != other
    assert hash(first) == hash(second)
    before = MetaGame.reset._cache_size()
    observation, state = first.reset(jax.random.key(0))
    second.reset(jax.random.key(1))
    assert MetaGame.reset._cache_size() == before + 1
    np.testing.assert_array_equal(first.observe(jax.random.key(0), state, None, first.default_params), observation)
    assert observation.shape == first.observation_space().shape
    assert (first.name, first.num_actions, first.action_space().n) == ("IPD-v0", 2, 2)
    assert make(observation="index")[1].observation_space().n == 5


@pytest.mark.slow
def test_gymnaxs_log_wrapper_counts_the_whole_meta_episode():
    from gymnax.wrappers import LogWrapper

    _, meta, params = make()
    wrapped, total = LogWrapper(meta), 0.0
    step = jax.jit(wrapped.step)
    _, state = wrapped.reset(jax.random.key(0), params)
    for number in range(STEPS * EPISODES):
        _, state, reward, _, truncated, info = step(jax.random.key(number), state, 0, params)
        total += float(reward)
    assert bool(truncated)
    assert int(info["returned_episode_lengths"]) == STEPS * EPISODES
    assert float(info["returned_episode_returns"]) == pytest.approx(total, abs=1e-5)


def test_keys_are_used_once():
    _, meta, params = make(episodes=BATCH)
    with jax.debug_key_reuse(True):
        _, state = meta.reset(jax.random.key(0), params)
        for number in range(STEPS * BATCH):
            state = meta.step(jax.random.key(number), state, 0, params)[1]


def test_bad_input_is_named(registry):
    registry.register_algorithm("python-toy", toy_learner.PYTHON_TOY)
    for name in ("naive-exact", "pola-dice", "loqa"):
        with pytest.raises(
            polax.OptionError, match=rf"{name} cannot be the learner of a meta-game: .* that do: naive$"
        ):
            make(learner=name)
    with pytest.raises(polax.OptionError, match=r"naive with the options .*'past'.* cannot be the learner"):
        make(opponents="past")
    with pytest.raises(polax.OptionError, match="python-toy learns in ordinary Python"):
        make(learner="python-toy")
    with pytest.raises(polax.UnknownNameError, match="did you mean 'naive'"):
        make(learner="naiv")
    with pytest.raises(polax.OptionError, match="naive has no option 'outer_rate'"):
        make(outer_rate=1.0)
    with pytest.raises(polax.OptionError, match=r"episodes must be a multiple of 2, the episodes in a batch.*got 3"):
        make(episodes=3)
    for episodes in (0, 2.0, True):
        with pytest.raises(polax.OptionError, match="episodes must be a whole number of at least 1"):
            make(episodes=episodes)
    with pytest.raises(polax.OptionError, match="player must be a whole number from 0 to 1, not 2"):
        make(player=2)
    with pytest.raises(polax.OptionError, match="observation must be one of features, index"):
        make(observation="pixels")
