"""Exact learning of more than two players."""

import jax
import jax.numpy as jnp
import numpy as np
import polax
import pytest
from flax.core import FrozenDict
from polax.algorithms.exact.joint import JointUpdate
from polax.algorithms.exact.learner import ExactState
from polax.algorithms.exact.lola import JointLola
from polax.algorithms.exact.many_players import ManyInit, ManyPlayerGame, ManyPolicies, OfMany, many_returns, own_view
from polax.algorithms.exact.pola import JointPola, ProximalRule
from polax.algorithms.exact.returns import (
    ExactGame,
    discounted_returns,
    public_goods_returns,
    public_goods_rewards,
)

RATES = {"outer_lr": 0.3, "inner_lr": 2.0, "outer_beta": 0.1, "inner_beta": 0.5, "threshold": 1e-8}


def drawn(players, scale=1.0, seed=0):
    return scale * jax.random.normal(jax.random.key(seed), (players, 2**players + 1))


def state_of(theta, factor=1.33, **rates):
    game = ManyPlayerGame(jnp.asarray(public_goods_rewards(factor, len(theta)), jnp.float32), jnp.float32(0.96))
    given = FrozenDict({name: jnp.float32(value) for name, value in {**RATES, **rates}.items()})
    return ExactState(params=theta, models=(), game=game, rates=given, unconverged=jnp.zeros(len(theta), jnp.int32))


def test_returns_are_those_of_two_players_and_of_the_public_goods_game():
    pair, group = jax.nn.sigmoid(drawn(2)), jax.nn.sigmoid(drawn(4))
    payoffs = public_goods_rewards(1.33, 2)
    two = discounted_returns(pair, ExactGame(jnp.asarray(payoffs.reshape(2, 2, 2), jnp.float32), jnp.float32(0.96)))
    many = many_returns(pair, ManyPlayerGame(jnp.asarray(payoffs, jnp.float32), jnp.float32(0.96)))
    np.testing.assert_allclose(many, two, rtol=1e-4)
    four = ManyPlayerGame(jnp.asarray(public_goods_rewards(1.8, 4), jnp.float32), jnp.float32(0.9))
    np.testing.assert_allclose(
        many_returns(group, four), public_goods_returns(group, 1.8, discount=0.9), rtol=1e-4, atol=1e-5
    )


def test_played_episodes_earn_what_the_formula_says():
    env, params = polax.make_env("PublicGoods-v0", num_players=3, contribution_factor=1.7, max_steps_in_episode=60)
    theta, discount = drawn(3, scale=2.0), 0.85
    state = state_of(theta, 1.7)
    policies = ManyPolicies(3)(state)
    rewards = polax.rollout(env, params, policies, jax.random.key(1), num_envs=8000).rewards
    returns = (discount ** np.arange(60)[:, None, None] * np.asarray(rewards)).sum(axis=0)  # [B, 3]
    game = state.game.replace(discount=jnp.float32(discount))
    error = returns.std(axis=0) / len(returns) ** 0.5
    assert (np.abs(returns.mean(axis=0) - many_returns(jax.nn.sigmoid(theta), game)) < 4 * error + 1e-3).all()


def test_each_player_sees_its_own_action_first_and_the_others_in_turn_order():
    views = own_view(3)
    assert (np.sort(views, axis=1) == np.arange(9)).all()
    # Seen 100: only the viewer cooperated. Seen 010: only the next one after it did.
    assert views[:, 4].tolist() == [4, 2, 1]
    assert views[:, 2].tolist() == [2, 1, 4]
    assert (views[:, 8] == 8).all()


def as_pair(name, theta, **options):
    """The two-player learner's parameters after an update from the same ones."""
    env, params = polax.make_env("IPD-v0")
    learner = polax.make_algorithm(name, env, params, **options)
    state, _ = learner.update(jax.random.key(0), learner.init(jax.random.key(0)).replace(params=theta))
    return state.params


@pytest.mark.parametrize(
    ("inner_steps", "outer_steps", "inner_beta"), [(1, 20, 0.0), (3, 10, 0.5), (1, None, 0.0)], ids=str
)
def test_pola_of_two_as_of_many_is_pola_of_two(inner_steps, outer_steps, inner_beta):
    theta = drawn(2, scale=0.5)
    rule = ProximalRule(inner_steps=inner_steps, outer_steps=outer_steps, max_steps=400)
    many = JointPola(OfMany(2), rule)
    state, metrics = jax.jit(many)(jax.random.key(0), state_of(theta, inner_beta=inner_beta))
    options = {"outer_lr": 0.3, "inner_lr": 2.0, "outer_beta": 0.1, "inner_beta": inner_beta}
    options |= {"inner_steps": inner_steps, "outer_steps": outer_steps, "max_steps": 400}
    np.testing.assert_allclose(state.params, as_pair("pola-exact", theta, **options), rtol=2e-3, atol=2e-3)
    assert ("unconverged/player_1" in metrics) == (outer_steps is None)


@pytest.mark.slow
def test_lola_of_two_as_of_many_is_lola_of_two():
    theta = drawn(2, scale=0.5)
    update = JointUpdate(OfMany(2), JointLola("actual"))
    state, _ = jax.jit(update)(jax.random.key(0), state_of(theta, outer_lr=5.0))
    expected = as_pair("lola-exact", theta, outer_lr=5.0, inner_lr=2.0)
    np.testing.assert_allclose(state.params, expected, rtol=1e-3, atol=1e-3)


def test_learning_does_not_depend_on_who_is_which_player():
    """The players moved on by one place learn the same, moved on by one place."""
    theta = drawn(3, scale=0.5)
    views = own_view(3)
    own = np.stack([theta[player, views[player]] for player in range(3)])
    moved = np.roll(own, 1, axis=0)
    turned = np.zeros_like(moved)
    for player in range(3):
        turned[player, views[player]] = moved[player]
    rule = JointPola(OfMany(3), ProximalRule(inner_steps=1, outer_steps=5, max_steps=1))
    first, second = (jax.jit(rule)(jax.random.key(0), state_of(each))[0].params for each in (theta, turned))
    first, second = (np.stack([each[player, views[player]] for player in range(3)]) for each in (first, second))
    np.testing.assert_allclose(np.roll(first, 1, axis=0), second, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", ["naive-exact", "lola-exact", "pola-exact", "sos-exact"])
def test_learners_of_two_learn_in_a_game_of_three(name):
    env, params = polax.make_env("PublicGoods-v0", num_players=3)
    options = {"outer_steps": 3} if name == "pola-exact" else {}
    learner = polax.make_algorithm(name, env, params, **options)
    state = learner.init(jax.random.key(0))
    after, metrics = jax.jit(learner.update)(jax.random.key(1), state)
    assert after.params.shape == (3, 9)
    assert (after.params != state.params).any()
    assert {f"return/player_{player}" for player in range(3)} < {*metrics}
    assert len(learner.policies(after)) == 3


def test_naive_learners_stop_contributing():
    env, params = polax.make_env("PublicGoods-v0", num_players=3)
    learner = polax.make_algorithm("naive-exact", env, params)
    state, update = learner.init(jax.random.key(0)), jax.jit(learner.update)
    for _ in range(60):
        state, metrics = update(jax.random.key(0), state)
    assert metrics["return/player_0"] < 0.5  # of 8.25
    assert metrics["tit_for_tat"] == 0


def test_init_draws_every_logit():
    params = ManyInit(((0.0,) * 8,) * 3, 0.5, 0.9, FrozenDict(outer_lr=1.0))(jax.random.key(0)).params
    assert params.shape == (3, 9)
    assert 0.2 < params.std() < 0.8


@pytest.mark.parametrize(
    ("name", "players", "options", "message"),
    [
        ("lola-exact", 3, {"parameterisation": "mlp"}, "parameterisation is for games of two players; .* has 3"),
        ("pola-exact", 3, {"opponent_model": "tabular"}, "opponent_model is for games of two players"),
        ("naive-exact", 9, {}, "has 9 players: an exact learner takes at most 8"),
        ("cola-exact", 3, {}, "has 3 players: this rule is defined for 2"),
        ("lss-exact", 3, {}, "has 3 players: this rule is defined for 2"),
    ],
)
def test_what_is_for_two_players_says_so(name, players, options, message):
    env, params = polax.make_env("PublicGoods-v0", num_players=players)
    with pytest.raises(polax.OptionError, match=message):
        polax.make_algorithm(name, env, params, **options)


def test_games_whose_players_do_not_see_the_joint_action_have_no_exact_returns():
    env, params = polax.make_env("PublicGoods-v0", num_players=3, observed="count")
    with pytest.raises(polax.OptionError, match=r"no exact returns: .* a repeated game of two actions"):
        polax.make_algorithm("naive-exact", env, params)
