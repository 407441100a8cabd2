"""Learning rules: published trajectories, finite differences, fixed points."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from polax.algorithms.exact import Mlp, MlpParams, Model, Preconditioned, Tabular, bernoulli_kl, fit_model
from polax.algorithms.exact.learner import ExactState, ExactUpdate, GradientRule, cooperation
from polax.algorithms.exact.lola import lola_gradient, taylor_gradient, untransformed_outer_gradient
from polax.algorithms.exact.matchup import Matchup, Rates, losses, opponent_step
from polax.algorithms.exact.naive import naive_gradient
from polax.algorithms.exact.opponent_model import Target
from polax.algorithms.exact.pola import ProximalRule, look_ahead, outer_gradient

pytestmark = pytest.mark.usefixtures("float64")
PROXIMAL = ProximalRule(inner_steps=1, outer_steps=None, max_steps=5000)
FIT_RATES = Rates(model_lr=0.2, model_threshold=1e-7)
PAPER, PROGRAM = Preconditioned((2, 1)), Preconditioned((0, 0))


def rates(*, threshold: float = 1e-8, **values: float) -> Rates:
    return jax.tree.map(jnp.asarray, Rates(threshold=threshold, **values))


def matchup(game, player=0, *, own=None, other=None, **values: float) -> Matchup:
    return Matchup(game, rates(**values), jnp.int32(player), own or Tabular(), other or Tabular())


def logits(seed: int) -> tuple[jax.Array, jax.Array]:
    own, other = np.random.default_rng(seed).normal(size=(2, 5))
    return jnp.asarray(own), jnp.asarray(other)


GOLDEN = [
    ("lola_tabular_cf1.33", Tabular(), GradientRule(lola_gradient), 1e-8),
    ("lola_tabular_cf1.1", Tabular(), GradientRule(lola_gradient), 1e-8),
    ("lola_taylor_tabular", Tabular(), GradientRule(taylor_gradient), 1e-8),
    ("lola_preconditioned", PROGRAM, GradientRule(untransformed_outer_gradient), 1e-8),
    ("lola_preconditioned_paper_column", PAPER, GradientRule(untransformed_outer_gradient), 1e-8),
    ("outer_pola_tabular_cf1.1", Tabular(), PROXIMAL, 1e-5),
    ("outer_pola_tabular_cf1.33", Tabular(), PROXIMAL, 1e-5),
    ("outer_pola_preconditioned_cf1.33", PROGRAM, PROXIMAL, 1e-5),
    ("outer_pola_preconditioned_paper_column_cf1.33", PAPER, PROXIMAL, 1e-5),
]


@pytest.mark.parametrize(("case", "parameterisation", "rule", "tolerance"), GOLDEN, ids=[each[0] for each in GOLDEN])
def test_trajectories_equal_the_published_programs(golden, make_game, case, parameterisation, rule, tolerance):
    settings = {name: float(golden[f"{case}/{name}"]) for name in ("lr_policies_inner", "lr_policies_outer")}
    state = ExactState(
        params=jnp.asarray(golden[f"{case}/logits_initial"]),
        models=(),
        game=make_game(float(golden[f"{case}/base_cf_no_scale"]), float(golden[f"{case}/gamma"])),
        rates=rates(
            inner_lr=settings["lr_policies_inner"],
            outer_lr=settings["lr_policies_outer"],
            outer_beta=float(golden[f"{case}/outer_beta"]),
        ),
        unconverged=jnp.zeros(2, jnp.int32),
    )
    update = jax.jit(ExactUpdate(parameterisation, rule, None))
    for expected in golden[f"{case}/policies_after_each_epoch"]:
        state, metrics = update(jax.random.key(0), state)
        np.testing.assert_allclose(cooperation(parameterisation, state.params), expected, rtol=0, atol=tolerance)
    returns = [metrics["return/player_0"], metrics["return/player_1"]]
    np.testing.assert_allclose(returns, golden[f"{case}/returns_final"], rtol=0, atol=100 * tolerance)
    np.testing.assert_array_equal(state.unconverged, 0)


@pytest.mark.slow
@pytest.mark.parametrize("player", [0, 1])
def test_lolas_gradient_is_the_slope_of_the_loss_after_the_opponents_step(make_game, player):
    game, (own, other) = matchup(make_game(), player, inner_lr=0.7), logits(0)

    def loss(each: jax.Array) -> jax.Array:
        return losses(game, each, opponent_step(game, each, other)).own

    gradient, step = lola_gradient(game, own, other), 1e-6
    for entry in range(5):
        offset = jnp.zeros(5).at[entry].set(step)
        slope = (loss(own + offset) - loss(own - offset)) / (2 * step)
        np.testing.assert_allclose(gradient[entry], slope, rtol=1e-6, atol=1e-8)


def test_a_small_lookahead_makes_the_taylor_form_exact(make_game):
    own, other = logits(1)
    differences = []
    for inner_lr in (0.02, 0.01):
        game = matchup(make_game(), inner_lr=inner_lr)
        differences.append(jnp.abs(lola_gradient(game, own, other) - taylor_gradient(game, own, other)).max())
    np.testing.assert_allclose(differences[0] / differences[1], 4, rtol=0.05)


@pytest.mark.parametrize("gradient", [lola_gradient, taylor_gradient])
def test_without_a_lookahead_every_rule_is_naive_learning(make_game, gradient):
    game, (own, other) = matchup(make_game(), inner_lr=0.0), logits(2)
    np.testing.assert_allclose(gradient(game, own, other), naive_gradient(game, own, other), rtol=1e-12)


def test_the_players_are_mirror_images(make_game):
    own, other = logits(3)
    mirror = jnp.array([0, 2, 1, 3, 4])
    first = lola_gradient(matchup(make_game(), 0, inner_lr=0.5), own, other)
    second = lola_gradient(matchup(make_game(), 1, inner_lr=0.5), own[mirror], other[mirror])
    np.testing.assert_allclose(first, second[mirror], rtol=1e-10)


def test_leaving_the_transformation_out_of_the_outer_loss_changes_the_gradient(make_game):
    own, other = logits(4)
    game = matchup(make_game(), own=PAPER, other=PAPER, inner_lr=0.4)
    difference = lola_gradient(game, own, other) - untransformed_outer_gradient(game, own, other)
    assert jnp.abs(difference).max() > 0.1


def test_the_lookahead_of_several_steps_starts_each_from_the_last(make_game):
    game, (own, other) = matchup(make_game(), inner_lr=0.3), logits(5)
    by_hand = other
    for _ in range(3):
        by_hand = opponent_step(game, own, by_hand)
    np.testing.assert_allclose(look_ahead(game, own, other, 3), by_hand, rtol=1e-12)


def test_the_inner_penalty_holds_the_opponent_back(make_game):
    own, other = logits(6)
    moves = [
        bernoulli_kl(other, look_ahead(matchup(make_game(), inner_lr=0.05, inner_beta=beta), own, other, 60))
        for beta in (0.0, 30.0)
    ]
    assert moves[1] < 0.5 * moves[0]


def test_a_fixed_point_has_almost_no_gradient_left(make_game):
    own, other = logits(7)
    game = matchup(make_game(), inner_lr=1.0, outer_lr=0.1, outer_beta=1.0, threshold=1e-16)
    end = PROXIMAL.descend(game, own, other)
    gradient = outer_gradient(game, end.params, other, reference=own, inner_steps=1)
    assert bool(end.converged)
    assert 10 < end.steps < 5000
    assert jnp.abs(gradient).max() < 1e-6


def test_a_fixed_point_that_does_not_converge_is_reported(make_game):
    own, other = logits(8)
    game = matchup(make_game(), inner_lr=1.0, outer_lr=0.01, outer_beta=1.0)
    end = ProximalRule(inner_steps=1, outer_steps=None, max_steps=7).descend(game, own, other)
    assert not bool(end.converged)
    assert int(end.steps) == 7


def test_every_mapped_run_stops_on_its_own(make_game):
    starts = jnp.stack([logits(seed)[0] * scale for seed, scale in ((9, 0.1), (10, 2.0))])
    other = logits(11)[1]
    game = matchup(make_game(), inner_lr=1.0, outer_lr=0.1, outer_beta=1.0)

    def update(own: jax.Array):
        return PROXIMAL.descend(game, own, other)

    together, apart = jax.vmap(update)(starts), [update(own) for own in starts]
    assert together.steps[0] != together.steps[1]
    for run in range(2):
        assert together.steps[run] == apart[run].steps
        np.testing.assert_allclose(together.params[run], apart[run].params, rtol=1e-12)


def test_one_outer_step_without_penalty_is_lola(make_game):
    own, other = logits(12)
    game = matchup(make_game(), inner_lr=0.8, outer_lr=2.0)
    end = ProximalRule(inner_steps=1, outer_steps=1, max_steps=1).descend(game, own, other)
    np.testing.assert_allclose(end.params, own - 2.0 * lola_gradient(game, own, other), rtol=1e-12)


def test_outer_steps_are_counted_out(make_game):
    own, other = logits(13)
    game = matchup(make_game(), inner_lr=0.8, outer_lr=0.1, outer_beta=0.5)
    end = ProximalRule(inner_steps=2, outer_steps=3, max_steps=1).descend(game, own, other)
    by_hand = own
    for _ in range(3):
        by_hand = by_hand - 0.1 * outer_gradient(game, by_hand, other, reference=own, inner_steps=2)
    np.testing.assert_allclose(end.params, by_hand, rtol=1e-10)
    assert int(end.steps) == 3


def test_polas_update_hardly_depends_on_how_the_policy_is_written_and_lolas_does(make_game):
    """The same policies, once as logits and once pre-conditioned: where do the updates lead?"""
    own, other = (0.2 * each for each in logits(14))
    written = [PAPER_INVERSE @ own, PAPER_INVERSE_SECOND @ other]
    game = {"inner_lr": 0.0, "outer_lr": 0.005, "outer_beta": 20.0, "threshold": 1e-15}
    plain, transformed = matchup(make_game(), **game), matchup(make_game(), own=PAPER, other=PAPER, **game)

    def proximal(where: Matchup, first: jax.Array, second: jax.Array) -> jax.Array:
        end = ProximalRule(inner_steps=1, outer_steps=None, max_steps=20_000).descend(where, first, second)
        assert bool(end.converged)
        return jax.nn.sigmoid(where.own.logits(end.params, 0))

    def gradient(where: Matchup, first: jax.Array, second: jax.Array) -> jax.Array:
        return jax.nn.sigmoid(where.own.logits(first - 0.1 * lola_gradient(where, first, second), 0))

    apart = [jnp.abs(learn(plain, own, other) - learn(transformed, *written)).max() for learn in (proximal, gradient)]
    assert apart[0] < 1e-4
    assert apart[1] > 0.1


def inverse_of(column: int) -> np.ndarray:
    matrix = np.eye(5)
    matrix[:, column] = -2
    matrix[column, column] = 1
    return np.linalg.inv(matrix)


PAPER_INVERSE, PAPER_INVERSE_SECOND = inverse_of(2), inverse_of(1)


FIRST_UNIT = (1.1074687263023, 0.275260757781574, 0.489599039857568)
SECOND_UNIT = (0.0142691805853789, 0.933207934425381, -0.0153849853273826)
NETWORKS = {
    "net A": ([[-1.0, 1, -1, 1, -1, 1]] * 2, [0.0, 0], [-1.0, 1], 0.0),
    "net B": (
        [
            [*FIRST_UNIT, 0.130220650429065, 0.130220650428934, -0.0416038405697266],
            [*SECOND_UNIT, 0.170635830969251, 0.17063583096918, 0.985901625511033],
        ],
        [0.286705849, -0.00180708],
        [1.0, 0.5],
        -1.0,
    ),
}


def network(name: str) -> MlpParams:
    return MlpParams(*(jnp.asarray(value) for value in NETWORKS[name]))


def test_both_networks_of_figure_1_toss_a_coin_in_every_state():
    for name in NETWORKS:
        np.testing.assert_allclose(jax.nn.sigmoid(Mlp(2).logits(network(name), 0)), 0.5, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("net A", [0.3908, 0.5113, 0.4350, 0.4683, 0.4479]), ("net B", [0.4318, 0.4418, 0.4204, 0.4352, 0.4375])],
)
def test_lolas_update_of_figure_1_is_the_published_one(make_game, name, expected):
    game = matchup(make_game(), own=Mlp(2), other=Mlp(2), inner_lr=0.2)
    params = network(name)
    moved = jax.tree.map(lambda leaf, slope: leaf - 0.05 * slope, params, lola_gradient(game, params, params))
    np.testing.assert_allclose(jax.nn.sigmoid(Mlp(2).logits(moved, 0)), expected, rtol=0, atol=5e-5 + 1e-7)


@pytest.mark.parametrize(
    ("name", "steps", "expected"),
    [
        ("net A", 206, [0.2199, 0.5447, 0.3444, 0.5965, 0.4811]),
        ("net B", 351, [0.2237, 0.5215, 0.3258, 0.6115, 0.4871]),
    ],
)
def test_polas_update_of_figure_1_passes_through_the_published_one(make_game, name, steps, expected):
    """Deviation 1: the published program stops early, its single-precision KL being wrong by ten thresholds."""
    game = matchup(make_game(), own=Mlp(2), other=Mlp(2), inner_lr=0.2, outer_lr=0.005, outer_beta=5.0)
    params = network(name)
    policies = [
        jax.nn.sigmoid(
            Mlp(2).logits(
                ProximalRule(inner_steps=1, outer_steps=count, max_steps=5000).descend(game, params, params).params, 0
            )
        )
        for count in (steps, None)
    ]
    np.testing.assert_allclose(policies[0], expected, rtol=0, atol=5e-5 + 1e-7)
    assert 1e-4 < jnp.abs(policies[1] - jnp.array(expected)).max() < 4e-3


def test_a_model_is_fitted_until_it_is_the_opponent():
    target = Target(jnp.array([0.5, -1.0, 2.0, 0.0, 1.0]), jnp.int32(1))
    for model in (Tabular(), Mlp(16), PROGRAM):
        start = model.init(jax.random.key(1))
        fit = fit_model(target, start, FIT_RATES, model=Model(model, 10_000))
        assert bool(fit.converged)
        assert fit.divergence < 1e-7
        assert 1 < fit.steps < 10_000
        np.testing.assert_allclose(model.logits(fit.params, 1), target.logits, atol=5e-3)


def test_a_fit_that_is_given_up_is_reported():
    target = Target(jnp.array([3.0, -3.0, 2.0, 0.0, 1.0]), jnp.int32(1))
    fit = fit_model(target, jnp.zeros(5), FIT_RATES, model=Model(Tabular(), 3))
    assert not bool(fit.converged)
    assert int(fit.steps) == 3
    assert fit.divergence > 1e-3


def test_a_fitted_model_needs_no_further_step():
    target = Target(jnp.zeros(5), jnp.int32(0))
    fit = fit_model(target, jnp.zeros(5), FIT_RATES, model=Model(Tabular(), 9))
    assert int(fit.steps) == 0
