"""Exact returns: published values, other ways of computing them, and what is refused."""

import jax
import jax.numpy as jnp
import jax.test_util
import numpy as np
import pytest
from polax.algorithms.exact import (
    STATES,
    ExactGame,
    Preconditioned,
    discounted_returns,
    mean_rewards,
    public_goods_returns,
    public_goods_rewards,
    social_optimum,
)
from polax.algorithms.exact.returns import check_discount

pytestmark = pytest.mark.usefixtures("float64")
ALWAYS_COOPERATE, ALWAYS_DEFECT = [1.0] * 5, [0.0] * 5
TIT_FOR_TAT_FIRST, TIT_FOR_TAT_SECOND = [0.0, 1, 0, 1, 1], [0.0, 0, 1, 1, 1]


def random_policies(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(size=shape)


@pytest.mark.parametrize("case", ["value0", "value1", "value2"])
def test_returns_equal_the_published_programs(golden, make_game, case):
    game = make_game(float(golden[f"{case}/contribution_factor"]), float(golden[f"{case}/gamma"]))
    returns = discounted_returns(jax.nn.sigmoid(golden[f"{case}/logits"]), game)
    np.testing.assert_allclose(returns, golden[f"{case}/returns"], rtol=0, atol=1e-10)


def test_returns_of_preconditioned_policies_equal_the_published_programs(golden, make_game):
    logits = jax.vmap(Preconditioned((0, 0)).logits)(golden["value_preconditioned/logits"], jnp.arange(2))
    returns = discounted_returns(jax.nn.sigmoid(logits), make_game())
    np.testing.assert_allclose(returns, golden["value_preconditioned/returns"], rtol=0, atol=1e-10)


@pytest.mark.parametrize(
    ("policies", "expected"),
    [
        ((ALWAYS_COOPERATE, ALWAYS_COOPERATE), (0.33, 0.33)),
        ((ALWAYS_DEFECT, ALWAYS_DEFECT), (0.0, 0.0)),
        ((ALWAYS_COOPERATE, ALWAYS_DEFECT), (-0.335, 0.665)),
        ((ALWAYS_DEFECT, ALWAYS_COOPERATE), (0.665, -0.335)),
        ((TIT_FOR_TAT_FIRST, TIT_FOR_TAT_SECOND), (0.33, 0.33)),
    ],
)
def test_constant_play_earns_its_payoff_for_ever(make_game, policies, expected):
    np.testing.assert_allclose(discounted_returns(jnp.array(policies), make_game()), np.array(expected) / 0.04)


def test_tit_for_tat_is_exploited_by_always_defect_once(make_game):
    returns = discounted_returns(jnp.array([TIT_FOR_TAT_FIRST, ALWAYS_DEFECT]), make_game())
    np.testing.assert_allclose(returns, [-0.335, 0.665], atol=1e-12)


def test_any_payoffs_are_summed_as_in_a_simulated_distribution():
    rng = np.random.default_rng(3)
    payoffs, cooperation = rng.normal(size=(2, 2, 2)), rng.uniform(size=(2, 5))
    reached = np.outer([1 - cooperation[0, 4], cooperation[0, 4]], [1 - cooperation[1, 4], cooperation[1, 4]])
    total = np.zeros(2)
    for step in range(400):
        total += 0.9**step * (payoffs * reached).sum(axis=(1, 2))
        following = np.zeros((2, 2))
        for state, probability in enumerate(reached.ravel()):
            first, second = cooperation[:, state]
            following += probability * np.outer([1 - first, first], [1 - second, second])
        reached = following
    returns = discounted_returns(jnp.asarray(cooperation), ExactGame(jnp.asarray(payoffs), jnp.asarray(0.9)))
    np.testing.assert_allclose(returns, total, atol=1e-12)


def test_two_players_are_a_special_case_of_many(make_game):
    cooperation = jnp.asarray(random_policies(0, 2, 5))
    returns = public_goods_returns(cooperation, 1.4, discount=0.96)
    np.testing.assert_allclose(returns, discounted_returns(cooperation, make_game(1.4)), atol=1e-12)


def test_three_players_earn_what_a_simulated_distribution_earns():
    cooperation = random_policies(1, 3, 9)
    rewards = public_goods_rewards(2.2, 3)
    actions = np.array(list(np.ndindex(2, 2, 2)))

    def next_states(state: int) -> np.ndarray:
        return np.where(actions == 1, cooperation[:, state], 1 - cooperation[:, state]).prod(axis=1)

    reached, total = next_states(8), np.zeros(3)
    for step in range(300):
        total += 0.9**step * rewards @ reached
        reached = sum(probability * next_states(state) for state, probability in enumerate(reached))
    np.testing.assert_allclose(public_goods_returns(jnp.asarray(cooperation), 2.2, discount=0.9), total, atol=1e-12)


def test_three_cooperators_reach_the_social_optimum():
    returns = public_goods_returns(jnp.ones((3, 9)), 2.0, discount=0.96)
    np.testing.assert_allclose(returns, [25.0] * 3)


def test_swapping_the_players_swaps_the_returns(make_game):
    cooperation = jnp.asarray(random_policies(2, 2, 5))
    mirrored = cooperation[::-1][:, jnp.array([0, 2, 1, 3, 4])]
    np.testing.assert_allclose(
        discounted_returns(cooperation, make_game())[::-1], discounted_returns(mirrored, make_game()), atol=1e-12
    )


def test_first_and_second_derivatives_agree_with_finite_differences(make_game):
    game, cooperation = make_game(), jnp.asarray(0.1 + 0.8 * random_policies(4, 2, 5))
    jax.test_util.check_grads(lambda each: discounted_returns(each, game), (cooperation,), order=2, rtol=1e-5)


def test_the_social_optimum_is_mutual_cooperation(make_game):
    np.testing.assert_allclose(social_optimum(make_game(1.6)), 0.6 / 0.04)


def test_without_discount_only_the_first_step_counts(make_game):
    cooperation = jnp.asarray(random_policies(5, 2, 5))
    game = make_game(discount=0.0)
    np.testing.assert_allclose(discounted_returns(cooperation, game), mean_rewards(cooperation, game.payoffs, 1))


def test_the_states_are_named_player_0_first():
    assert STATES == ("DD", "DC", "CD", "CC", "start")
    rewards = public_goods_rewards(1.5)
    np.testing.assert_allclose(rewards[:, STATES.index("DC")], [0.75, -0.25])


@pytest.mark.parametrize("contribution_factor", [0.9, 1.0, 2.0, 2.5, float("nan")])
def test_a_contribution_factor_that_makes_no_dilemma_is_refused(contribution_factor):
    with pytest.raises(ValueError, match=r"social dilemma only for 1 < contribution_factor < 2"):
        public_goods_rewards(contribution_factor)
    with pytest.raises(ValueError, match="1 < contribution_factor < 2"):
        public_goods_returns(jnp.ones((2, 5)), contribution_factor, discount=0.96)


def test_the_upper_bound_of_the_contribution_factor_is_the_number_of_players():
    assert public_goods_rewards(2.5, 3).shape == (3, 8)
    with pytest.raises(ValueError, match="< 3"):
        public_goods_rewards(3.0, 3)


@pytest.mark.parametrize("discount", [-0.1, 1.0, 1.5, float("nan")])
def test_a_discount_without_a_return_is_refused(discount):
    with pytest.raises(ValueError, match="0 <= discount < 1"):
        check_discount(discount)
    with pytest.raises(ValueError, match="0 <= discount < 1"):
        public_goods_returns(jnp.ones((2, 5)), 1.5, discount=discount)


@pytest.mark.parametrize("shape", [(2, 4), (3, 5), (5,)])
def test_policies_of_the_wrong_shape_are_refused(shape):
    with pytest.raises(ValueError, match=r"\[n, 2\*\*n \+ 1\]"):
        public_goods_returns(jnp.ones(shape), 1.5, discount=0.96)


def test_returns_are_mapped_over_numbers_without_checks_getting_in_the_way():
    factors, discounts = jnp.array([1.2, 1.5]), jnp.array([0.5, 0.9])
    returns = jax.vmap(lambda factor, discount: public_goods_returns(jnp.ones((2, 5)), factor, discount=discount))(
        factors, discounts
    )
    np.testing.assert_allclose(returns[:, 0], [0.2 / 0.5, 0.5 / 0.1])
