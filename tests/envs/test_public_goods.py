"""The repeated public goods game."""

from itertools import chain, product

import jax
import jax.numpy as jnp
import numpy as np
import polax
import pytest
from polax.envs.matrix_game import IPD
from polax.envs.public_goods import PUBLIC_GOODS, PublicGoods, public_goods_rewards
from polax.envs.rendering.frame import Frame


def build(**options):
    return PUBLIC_GOODS.build(PUBLIC_GOODS.config(**options))


def rewards(env, params):
    """Reward of every player for each joint action in order, ``[2 ** N, N]``."""
    _, state = env.reset(jax.random.key(0), params)
    joint = jnp.array([*product((0, 1), repeat=env.num_players)])
    step = jax.vmap(lambda actions: env.step_env(jax.random.key(1), state, actions, params)[2])
    return np.asarray(jax.jit(step)(joint))


@pytest.mark.parametrize("factor", [1.1, 1.25, 1.33, 1.4, 1.6, 1.9999])
def test_with_two_players_rewards_and_observations_are_those_of_the_prisoners_dilemma_bit_for_bit(factor):
    env, params = build(num_players=2, contribution_factor=factor)
    ipd, numbers = IPD.build(IPD.config(contribution_factor=factor))
    np.testing.assert_array_equal(rewards(env, params).view(np.uint32), rewards(ipd, numbers).view(np.uint32))
    np.testing.assert_array_equal(env.memory_one_payoffs(params), ipd.memory_one_payoffs(numbers))
    np.testing.assert_array_equal(env.observation_table(), ipd.observation_table())
    for joint in product((0, 1), repeat=2):
        seen, other = (
            game.step_env(jax.random.key(1), game.reset_env(jax.random.key(0), given)[1], jnp.array(joint), given)[0]
            for game, given in ((env, params), (ipd, numbers))
        )
        np.testing.assert_array_equal(seen, other)


def test_with_two_players_a_mapped_factor_gives_the_rewards_of_the_prisoners_dilemma():
    factors = jnp.array([1.2, 1.33, 1.7])
    mapped = jax.vmap(lambda factor: polax.make_env("PublicGoods-v0", num_players=2, contribution_factor=factor)[1])
    ipd = jax.vmap(lambda factor: polax.make_env("IPD-v0", contribution_factor=factor)[1])
    by_count, payoffs = mapped(factors).rewards, ipd(factors).payoffs
    np.testing.assert_array_equal(by_count[:, 0, :2], payoffs[:, 0, 0])
    np.testing.assert_array_equal(by_count[:, 1, 1:], payoffs[:, 0, 1])


@pytest.mark.parametrize("players", [3, 5])
@pytest.mark.parametrize(("endowment", "threshold"), [(0.0, 1), (2.0, 3)])
def test_rewards_follow_the_formula(players, endowment, threshold):
    env, params = build(num_players=players, contribution_factor=1.7, endowment=endowment, threshold=threshold)
    expected = []
    for joint in product((0, 1), repeat=players):
        pot = 1.7 * sum(joint) / players if sum(joint) >= threshold else 0.0
        expected.append([endowment + pot - own for own in joint])
    np.testing.assert_allclose(rewards(env, params), expected, rtol=1e-6, atol=1e-7)
    np.testing.assert_array_equal(
        env.memory_one_payoffs(params), rewards(env, params).T.reshape(players, *(2,) * players)
    )


def test_each_contribution_costs_its_player_and_gains_the_others():
    table = np.asarray(public_goods_rewards(2.0, 5))
    assert (table[1, 1:] < table[0, :-1]).all()  # with any number of the others, to contribute costs
    assert (np.diff(table, axis=1) > 0).all()  # one contributor more is good for all the others
    assert table[1, -1] > table[0, 0]


@pytest.mark.parametrize("observed", ["all", "count", "own"])
def test_players_see_their_own_action_and_what_is_asked_for(observed):
    env, params = build(num_players=4, observed=observed)
    first, state = env.reset_env(jax.random.key(0), params)
    seen, *_ = env.step_env(jax.random.key(1), state, jnp.array([1, 0, 0, 1]), params)
    keep, give = [1, 0, 0], [0, 1, 0]
    expected = {
        "all": [[give, keep, keep, give], [keep, keep, give, give], [keep, give, give, keep], [give, give, keep, keep]],
        "count": [[give, [0, 1, 0, 0]], [keep, [0, 0, 1, 0]], [keep, [0, 0, 1, 0]], [give, [0, 1, 0, 0]]],
        "own": [[give], [keep], [keep], [give]],
    }[observed]
    assert seen.tolist() == [[*chain.from_iterable(row)] for row in expected]
    start = [0, 0, 1]
    others = {"all": start * 3, "count": [0] * 4, "own": []}[observed]
    assert first.tolist() == [start + others] * 4


def test_noise_turns_over_what_is_seen_of_the_others_and_never_the_own_action_or_a_reward():
    env, params = build(num_players=5, observation_noise=0.2)
    _, state = env.reset_env(jax.random.key(0), params)
    keys = jax.random.split(jax.random.key(1), 4000)
    actions = jnp.array([1, 0, 1, 1, 0])
    step = jax.jit(jax.vmap(lambda key: env.step_env(key, state, actions, params)))
    seen, after, reward, *_ = step(keys)
    seen = seen.reshape(len(keys), 5, 5, 3).argmax(-1)
    real = np.array([[actions[(viewer + place) % 5] for place in range(5)] for viewer in range(5)])
    wrong = seen != real
    assert not wrong[:, :, 0].any()
    np.testing.assert_allclose(wrong[:, :, 1:].mean(0), 0.2, atol=0.03)  # over 4 standard errors
    together = np.corrcoef(wrong[:, :, 1:].reshape(len(keys), -1).T) - np.eye(20)
    assert np.abs(together).max() < 0.08  # drawn one by one
    assert (after.last_actions == actions).all()
    assert (reward == reward[0]).all()


def test_without_noise_nothing_is_misread():
    env, params = build(num_players=3)
    _, state = env.reset_env(jax.random.key(0), params)
    keys = jax.random.split(jax.random.key(1), 500)
    after = jax.vmap(lambda key: env.step_env(key, state, jnp.array([1, 0, 1]), params)[1])(keys)
    assert not after.misread.any()


@pytest.mark.parametrize(
    ("name", "observed", "expected"),
    [
        ("always-cooperate", "all", [1, 1, 1, 1, 1, 1]),
        ("always-defect", "count", [0, 0, 0, 0, 0, 0]),
        ("tit-for-tat", "all", [1, 0, 0, 0, 1, 0]),
        ("grim", "count", [1, 0, 0, 0, 0, 0]),
        ("majority", "count", [1, 0, 1, 1, 1, 0]),
        ("majority", "all", [1, 0, 1, 1, 1, 0]),
        ("conditional-1", "count", [1, 1, 1, 1, 1, 0]),
        ("conditional-3", "all", [1, 0, 0, 1, 1, 0]),
    ],
)
def test_strategies_go_by_how_many_of_the_others_contributed(name, observed, expected):
    others = [[1, 0, 0, 0], [1, 1, 0, 0], [1, 0, 1, 1], [1, 1, 1, 1], [0, 0, 0, 0]]
    env, params = build(num_players=5, observed=observed)
    policy = polax.make_policy(name, env, params, player=2)
    seen, state = env.reset_env(jax.random.key(0), params)
    memory, acted = policy.initial_memory(1), []
    for row in [*others, None]:
        action, memory = policy.act(jax.random.key(1), seen[2][None], memory)
        acted.append(int(action[0]))
        if row is not None:
            joint = jnp.array([*row[:2], acted[-1], *row[2:]])
            seen, state, *_ = env.step_env(jax.random.key(2), state, joint, params)
    assert acted == expected


def test_the_strategies_that_look_are_not_for_players_who_see_nobody():
    env, params = build(observed="own")
    assert set(env.strategies) == {"always-cooperate", "always-defect", "random"}
    with pytest.raises(polax.PolaxError, match="no strategy 'majority'"):
        polax.make_policy("majority", env, params)


def test_ten_players_are_the_most_whose_joint_actions_are_listed():
    assert build(num_players=10)[0].num_observations == 1025
    assert build(num_players=11, observed="count")[0].num_observations == 23
    env, _ = build(num_players=11)
    assert env.num_observations is None
    with pytest.raises(ValueError, match="of 11 players does not list its observations"):
        env.observation_table()


def test_measures_of_a_line_up():
    env, params = build(num_players=3, max_steps_in_episode=4)
    line_up = ["always-cooperate", "always-defect", "always-cooperate"]
    played = polax.rollout(env, params, line_up, jax.random.key(0))
    means = {name: values.mean() for name, values in played.info.items()}
    summary = env.summarise(means)
    assert {measure.name for measure in env.measures} == set(summary)
    assert summary["contribution_rate"] == pytest.approx(2 / 3)
    assert summary["contribution_rate/player_1"] == summary["everybody"] == summary["nobody"] == 0
    of_player = env.summarise_player([means] * 3)
    assert of_player["contribution_rate"] == pytest.approx(2 / 3)
    assert of_player["others_contribution_rate"] == pytest.approx(2 / 3)
    np.testing.assert_allclose(
        played.rewards.mean((0, 1)), [1.33 * 2 / 3 - 1, 1.33 * 2 / 3, 1.33 * 2 / 3 - 1], rtol=1e-5
    )


def test_picture_and_text_show_every_player():
    env, params = build(num_players=16)
    _, state = env.reset_env(jax.random.key(0), params)
    frame = Frame.first(params, state, 16)
    assert "nobody has acted yet" in env.describe(frame)
    empty = np.asarray(env.draw(frame, size=240))
    actions = np.arange(16) % 2
    _, state, reward, *_ = env.step_env(jax.random.key(1), state, jnp.asarray(actions), params)
    frame = frame.after(state, actions, np.asarray(reward))
    text = env.describe(frame)
    assert "8 of 16 contributed" in text
    assert all(f"player {player}" in text for player in range(16))
    picture = np.asarray(env.draw(frame, size=240))
    assert picture.shape == empty.shape
    changed = np.flatnonzero((picture != empty).any(axis=(1, 2)))
    assert changed.max() - changed.min() > 0.7 * len(picture)  # in the first row and in the last


def test_a_larger_game_is_another_game_and_numbers_are_not():
    assert PublicGoods() == build(contribution_factor=2.5, threshold=2, endowment=1.0, observation_noise=0.1)[0]
    assert PublicGoods() != PublicGoods(num_players=4)
