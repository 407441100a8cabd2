"""Rules of all players at once: each equals its formula with full Hessians, and does in known games what is known."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import polax
import pytest
from polax.algorithms.exact import ExactGame, discounted_returns, public_goods_rewards
from polax.algorithms.exact import games as games_module
from polax.algorithms.exact.cgd import cgd_direction
from polax.algorithms.exact.cola import consistent_direction
from polax.algorithms.exact.consensus import consensus_direction
from polax.algorithms.exact.derivatives import higher_order_lola, shaping, simultaneous_gradient
from polax.algorithms.exact.extragradient import extragradient_direction
from polax.algorithms.exact.games import BALDUZZI, HAMILTONIAN, TANDEM, TEST_BENCH, DifferentiableGame, public_goods
from polax.algorithms.exact.hola import HolaRule
from polax.algorithms.exact.lola import JointLola, lola_gradient, shaping_gradient, taylor_gradient
from polax.algorithms.exact.lookahead import lookahead_direction
from polax.algorithms.exact.lss import lss_direction
from polax.algorithms.exact.matchup import Matchup
from polax.algorithms.exact.matchup import Rates as MatchupRates
from polax.algorithms.exact.naive import joint_direction
from polax.algorithms.exact.parameterisations import Tabular
from polax.algorithms.exact.sga import sga_direction
from polax.algorithms.exact.sos import shaping_share, sos_direction
from polax.options import OptionError

pytestmark = pytest.mark.usefixtures("float64")
KEY = jax.random.key(0)
NUMBERS = {
    "outer_lr": 1.0,
    "inner_lr": 0.7,
    "shaping_limit": 0.5,
    "shaping_radius": 0.1,
    "consensus_weight": 0.8,
    "alignment_bias": 0.1,
    "damping": 0.0,
}


def ipd(theta: jax.Array) -> jax.Array:
    payoffs = jnp.asarray(public_goods_rewards(1.33).reshape(2, 2, 2))
    return -discounted_returns(jax.nn.sigmoid(theta), ExactGame(payoffs, jnp.asarray(0.96)))


def polynomial(theta: jax.Array) -> jax.Array:
    """Three players with two parameters each, every loss coupled to everybody's parameters."""
    weights = jnp.arange(1.0, 37.0).reshape(6, 6) % 7 / 5
    flat = theta.reshape(-1)
    return jnp.stack([flat @ jnp.roll(weights, player, 0) @ jnp.sin(flat + player) for player in range(3)])


CASES = {
    "ipd": (ipd, (2, 5)),
    "polynomial": (polynomial, (3, 2)),
    "public goods": (public_goods(3, 1.8).losses, (3, 9)),
}


class Textbook:
    """The rules of the papers, with every block of every Hessian written out."""

    def __init__(self, losses, theta: jax.Array, rates: dict[str, float]) -> None:
        players, size = theta.shape
        self.losses, self.theta, self.rates = losses, theta, rates

        def flat(vector: jax.Array) -> jax.Array:
            return losses(vector.reshape(players, size))

        slopes = np.asarray(jax.jacfwd(flat)(theta.reshape(-1))).reshape(players, players, size)
        curvature = np.asarray(jax.hessian(flat)(theta.reshape(-1))).reshape(players, players, size, players, size)
        self.xi = np.concatenate([slopes[i, i] for i in range(players)])
        blocks = [[curvature[i, i, :, j] for j in range(players)] for i in range(players)]
        self.h = np.block(blocks)
        self.h_o = np.block(
            [[np.zeros((size, size)) if i == j else blocks[i][j] for j in range(players)] for i in range(players)]
        )
        self.chi = np.concatenate(
            [sum(blocks[j][i].T @ slopes[i, j] for j in range(players) if j != i) for i in range(players)]
        )
        self.identity = np.eye(players * size)

    def naive(self):
        return self.xi

    def lookahead(self):
        return (self.identity - self.rates["inner_lr"] * self.h_o) @ self.xi

    def lola(self):
        return self.lookahead() - self.rates["inner_lr"] * self.chi

    def lola_as_published(self):
        return self.xi - self.rates["inner_lr"] * self.chi

    def sos(self):
        alpha, safe = self.rates["inner_lr"], self.lookahead()
        along = -alpha * self.chi @ safe
        first = 1 if along >= 0 else min(1, -self.rates["shaping_limit"] * safe @ safe / along)
        length = np.sqrt(self.xi @ self.xi)
        second = length**2 if length < self.rates["shaping_radius"] else 1
        return safe - min(first, second) * alpha * self.chi

    def cgd(self):
        return np.linalg.inv(self.identity + self.rates["inner_lr"] * self.h_o) @ self.xi

    def lss(self):
        if self.rates["damping"]:
            inverse = np.linalg.inv(self.h.T @ self.h + self.rates["damping"] * self.identity) @ self.h.T
        else:
            inverse = np.linalg.inv(self.h)
        return (self.identity + self.h.T @ inverse) @ self.xi / 2

    def sga(self):
        antisymmetric = (self.h - self.h.T) / 2
        adjustment, uphill = antisymmetric.T @ self.xi, self.h.T @ self.xi
        alignment = (self.xi @ uphill) * (adjustment @ uphill) / len(self.xi)
        return self.xi + np.sign(alignment + self.rates["alignment_bias"]) * adjustment

    def consensus(self):
        return self.xi + self.rates["consensus_weight"] * self.h.T @ self.xi

    def extragradient(self):
        ahead = self.theta - self.rates["inner_lr"] * self.xi.reshape(self.theta.shape)
        return Textbook(self.losses, ahead, self.rates).xi


RULES = {
    "naive": joint_direction,
    "lookahead": lookahead_direction,
    "lola": JointLola("taylor"),
    "lola_as_published": JointLola("shaping"),
    "sos": sos_direction,
    "cgd": cgd_direction,
    "lss": lss_direction,
    "sga": sga_direction,
    "consensus": consensus_direction,
    "extragradient": extragradient_direction,
}


def rates(**changes: float) -> dict[str, jax.Array]:
    return {name: jnp.asarray(value) for name, value in {**NUMBERS, **changes}.items()}


def start(shape: tuple[int, int], seed: int) -> jax.Array:
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape))


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=[] if name == "polynomial" else [pytest.mark.slow]) for name in CASES],
)
def compiled(request):
    """The losses of a case, the shape of its parameters, and the directions of all rules as one program."""
    losses, shape = CASES[request.param]

    def directions(theta: jax.Array, numbers: dict[str, jax.Array]) -> dict[str, jax.Array]:
        return {name: rule(losses, theta, numbers) for name, rule in RULES.items()}

    return losses, shape, jax.jit(directions)


@pytest.mark.parametrize("seed", range(3))
def test_a_rule_is_its_formula_with_full_hessians(compiled, seed):
    losses, shape, directions = compiled
    theta = start(shape, seed)
    book = Textbook(losses, theta, NUMBERS)
    for rule, found in directions(theta, rates()).items():
        expected = getattr(book, rule)().reshape(shape)
        scale = np.abs(expected).max()
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10 * scale, err_msg=rule)


@pytest.mark.parametrize("seed", range(3))
def test_without_an_imagined_step_every_rule_is_naive_learning(compiled, seed):
    _, shape, directions = compiled
    found = directions(start(shape, seed), rates(inner_lr=0.0))
    scale = np.abs(found["naive"]).max()
    for rule in found.keys() - {"lss", "sga", "consensus"}:
        np.testing.assert_allclose(found[rule], found["naive"], rtol=1e-12, atol=1e-12 * scale, err_msg=rule)


def test_damped_surgery_is_defined_where_the_hessian_is_singular():
    theta = start((2, 1), 0)
    expected = Textbook(TANDEM.losses, theta, {**NUMBERS, "damping": 0.1}).lss().reshape(2, 1)
    np.testing.assert_allclose(lss_direction(TANDEM.losses, theta, rates(damping=0.1)), expected, rtol=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize("sign", [1, -1])
def test_the_adjustment_turns_the_way_that_the_alignment_says(sign):
    """Near a stable fixed point it adds A^T xi, near an unstable one it takes it away (bias 0)."""

    def losses(theta: jax.Array) -> jax.Array:
        return sign * theta[:, 0] ** 2 / 2 + jnp.array([1, -1]) * theta.prod()

    theta, numbers = jnp.array([[1.0], [0.5]]), {**NUMBERS, "alignment_bias": 0.0}
    found = sga_direction(losses, theta, rates(alignment_bias=0.0))
    np.testing.assert_allclose(found, Textbook(losses, theta, numbers).sga().reshape(2, 1), rtol=1e-12)
    antisymmetric = jnp.array([[0.0, 1], [-1, 0]])
    xi = simultaneous_gradient(losses, theta)
    np.testing.assert_allclose(found - xi, sign * antisymmetric.T @ xi, rtol=1e-12)


def test_sos_without_shaping_is_lookahead_and_with_all_of_it_is_lola(monkeypatch):
    theta = start((3, 2), 4)
    for share, other in ((0.0, lookahead_direction), (1.0, JointLola("taylor"))):
        monkeypatch.setattr("polax.algorithms.exact.sos.shaping_share", lambda *_, share=share: share)
        found, expected = jax.jit(
            lambda at, other=other: (sos_direction(polynomial, at, rates()), other(polynomial, at, rates()))
        )(theta)
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_the_share_of_shaping_keeps_half_of_the_progress_and_fades_near_fixed_points():
    xi, safe = jnp.ones((2, 1)), jnp.array([[1.0], [0.0]])
    helpful, mild, strong = (jnp.array([[step], [3.0]]) for step in (0.5, -0.25, -2.0))
    assert shaping_share(xi, safe, helpful, rates()) == 1
    assert shaping_share(xi, safe, mild, rates()) == 1
    assert shaping_share(xi, safe, strong, rates()) == 0.25  # (1 - 0.25 * 2) is half of what LookAhead makes
    np.testing.assert_allclose(shaping_share(0.05 * xi, safe, helpful, rates()), 0.005)


@pytest.mark.slow
def test_higher_order_lola_begins_with_naive_learning_and_lola():
    theta = start((3, 2), 5)
    zero = higher_order_lola(polynomial, theta, 0.7, 0)
    np.testing.assert_array_equal(zero, simultaneous_gradient(polynomial, theta))
    one = HolaRule(1)(polynomial, theta, rates())
    np.testing.assert_allclose(one, JointLola("actual")(polynomial, theta, rates()), rtol=1e-14)


def test_each_order_imagines_that_the_others_use_the_one_below():
    theta, rate, step = start((3, 2), 6), 0.3, 1e-6

    @jax.jit
    def loss(at: jax.Array) -> jax.Array:
        """Return player 1's loss after the others' steps of order 1."""
        ahead = at - rate * higher_order_lola(polynomial, at, rate, 1)
        return polynomial(ahead.at[1].set(at[1]))[1]

    offsets = jnp.zeros((2, 3, 2)).at[:, 1].set(step * jnp.eye(2))
    slopes = [(loss(theta + offset) - loss(theta - offset)) / (2 * step) for offset in offsets]
    found = jax.jit(lambda at: higher_order_lola(polynomial, at, rate, 2))(theta)
    np.testing.assert_allclose(found[1], jnp.array(slopes), rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("form", "gradient"), [("actual", lola_gradient), ("taylor", taylor_gradient), ("shaping", shaping_gradient)]
)
def test_lola_of_all_players_is_lola_of_each(make_game, form, gradient):
    theta, game = start((2, 5), 7), make_game()
    numbers = jax.tree.map(jnp.asarray, MatchupRates(inner_lr=0.7))
    together = JointLola(form)(ipd, theta, rates())
    for player in (0, 1):
        matchup = Matchup(game, numbers, jnp.int32(player), Tabular(), Tabular())
        np.testing.assert_allclose(together[player], gradient(matchup, theta[player], theta[1 - player]), rtol=1e-10)


@pytest.mark.parametrize("game", [HAMILTONIAN, BALDUZZI], ids=lambda game: game.name)
@pytest.mark.parametrize("rule", sorted(RULES.keys() - {"naive", "lola", "lola_as_published", "sga"}))
def test_a_fixed_point_stays_one(game, rule):
    direction = RULES[rule](game.losses, jnp.zeros((2, 1)), rates())
    np.testing.assert_allclose(direction, 0, atol=1e-15)


def test_lola_moves_stable_fixed_points_and_the_others_do_not():
    """Tandem: with x + y = 1 the simultaneous gradient is 0, and LOLA still pushes forward (its arrogance)."""
    theta = jnp.array([[0.3], [0.7]])
    assert float(shaping(TANDEM.losses, theta).min()) > 1
    for rule in ("naive", "lookahead", "sos", "cgd", "sga", "consensus", "extragradient"):
        np.testing.assert_allclose(RULES[rule](TANDEM.losses, theta, rates()), 0, atol=1e-14)


def run(name: str, game: DifferentiableGame, updates: int, theta: jax.Array | None = None, **options):
    algorithm = polax.make_algorithm(name, game, None, **options)
    state, update = algorithm.init(KEY), jax.jit(algorithm.update)
    if theta is not None:
        state = state.replace(params=theta)
    for _ in range(updates):
        state, metrics = update(KEY, state)
    return state.params, metrics


ALPHA = 0.1


@pytest.mark.parametrize("name", ["lookahead-exact", "sos-exact", "cgd-exact", "extragradient-exact"])
def test_stable_rules_reach_the_best_of_the_tandem_game(name):
    theta, metrics = run(name, TANDEM, 300, outer_lr=ALPHA, inner_lr=ALPHA)
    np.testing.assert_allclose(theta.sum(), 1, atol=1e-3)
    np.testing.assert_allclose(metrics["loss/player_0"] + metrics["loss/player_1"], 0, atol=1e-3)


def test_lola_overshoots_in_the_tandem_game_to_where_its_own_gradient_vanishes():
    theta, _ = run("lola-exact", TANDEM, 300, form="taylor", outer_lr=ALPHA, inner_lr=ALPHA)
    np.testing.assert_allclose(theta.sum(), (1 - 2 * ALPHA) / (1 - 4 * ALPHA), atol=1e-9)


@pytest.mark.parametrize("name", ["lookahead", "lola", "sos", "cgd", "sga", "extragradient", "consensus"])
def test_in_the_hamiltonian_game_naive_learning_spirals_out_and_the_others_in(name):
    theta = jnp.array([[1.0], [0.5]])
    inner = {} if name in ("sga", "consensus") else {"inner_lr": 0.5}
    assert jnp.linalg.norm(run("naive-exact", HAMILTONIAN, 50, theta, outer_lr=0.1)[0]) > 1.3
    options = {"form": "taylor"} if name == "lola" else {}
    assert jnp.linalg.norm(run(f"{name}-exact", HAMILTONIAN, 50, theta, outer_lr=0.1, **inner, **options)[0]) < 0.5


@pytest.mark.parametrize("name", ["naive", "lola", "lookahead", "hola", "cgd", "sga", "consensus", "extragradient"])
def test_rules_for_any_number_of_players_take_three(name):
    game = DifferentiableGame("polynomial", polynomial, 3, 2)
    theta, metrics = run(f"{name}-exact", game, 1, outer_lr=0.01)
    assert theta.shape == (3, 2)
    assert set(metrics) == {"loss/player_0", "loss/player_1", "loss/player_2"}
    np.testing.assert_allclose([metrics[f"loss/player_{player}"] for player in range(3)], polynomial(theta))


def test_three_shaping_players_leave_defection_where_naive_ones_do_not():
    earned = {}
    for name in ("naive-exact", "sos-exact"):
        algorithm = polax.make_algorithm(name, public_goods(3, 2.4), None, outer_lr=1.0)
        update = jax.vmap(algorithm.update, in_axes=(None, 0))
        states = jax.vmap(algorithm.init)(jax.random.split(KEY, 4))
        learn = jax.jit(lambda at, update=update: jax.lax.scan(lambda s, _: update(KEY, s), at, None, length=200)[1])
        losses = learn(states)
        returns = -sum(losses[f"loss/player_{player}"][-1] for player in range(3)) / 3
        earned[name] = returns * (1 - 0.96) / (2.4 - 1)  # as a share of what three contributors earn
    assert earned["naive-exact"].max() < 0.15
    assert earned["sos-exact"].min() > 0.95


@pytest.mark.parametrize("game", TEST_BENCH.values(), ids=TEST_BENCH)
def test_the_test_bench_can_be_learned(game):
    algorithm = polax.make_algorithm("sos-exact", game, None, outer_lr=0.01)
    state, metrics = jax.jit(algorithm.update)(KEY, algorithm.init(KEY))
    assert np.isfinite(np.asarray(state.params)).all()
    assert algorithm.policies(state) == ()
    assert set(metrics) == {"loss/player_0", "loss/player_1"}


def test_the_losses_of_the_test_bench_are_the_published_ones():
    theta = jnp.array([[0.4], [-1.1]])
    x, y = 0.4, -1.1
    p, q = 1 / (1 + np.exp(-x)), 1 / (1 + np.exp(-y))
    chances = np.array([p * q, p * (1 - q), (1 - p) * q, (1 - p) * (1 - q)])
    expected = {
        "tandem": [(x + y) ** 2 - 2 * x, (x + y) ** 2 - 2 * y],
        "hamiltonian": [x * y, -x * y],
        "balduzzi": [x**2 / 2 + 10 * x * y, y**2 / 2 - 10 * x * y],
        "ultimatum": [-(5 * p + 8 * (1 - p) * q), -(5 * p + 2 * (1 - p) * q)],
        "matching-pennies": [-chances @ [1, -1, -1, 1], chances @ [1, -1, -1, 1]],
        "stag-hunt": [-chances @ [4, 1, 3, 2], -chances @ [4, 3, 1, 2]],
        "chicken": [-chances @ [0, -1, 1, -100], -chances @ [0, 1, -1, -100]],
    }
    assert expected.keys() == TEST_BENCH.keys()
    for name, losses in expected.items():
        np.testing.assert_allclose(TEST_BENCH[name].losses(theta), losses, rtol=1e-12)


def test_a_stag_hunt_played_once_is_the_environments_without_a_future():
    _, params = polax.make_env("StagHunt-v0")
    logits = jnp.array([[0.4], [-1.1]])
    # The environment's action 1 is the stag.
    returns = discounted_returns(jax.nn.sigmoid(jnp.tile(logits, 5)), ExactGame(params.payoffs, jnp.asarray(0.0)))
    np.testing.assert_allclose(games_module.STAG_HUNT.losses(logits), -returns, rtol=1e-6)


def test_two_players_of_the_public_goods_game_are_the_iterated_prisoners_dilemma():
    theta = start((2, 5), 9)
    np.testing.assert_allclose(public_goods(2, 1.33).losses(theta), ipd(theta), rtol=1e-12)


@pytest.mark.parametrize("parameterisation", ["mlp", "preconditioned"])
def test_a_rule_descends_in_the_parameters_however_the_policy_is_written(parameterisation):
    env, params = polax.make_env("IPD-v0")
    options = {"parameterisation": parameterisation, "outer_lr": 1.0}
    learners = (
        polax.make_algorithm("extragradient-exact", env, params, inner_lr=0.0, **options),
        polax.make_algorithm("naive-exact", env, params, **options),
    )
    ends = [jax.jit(learner.update)(KEY, learner.init(KEY))[0].params for learner in learners]
    jax.tree.map(lambda *both: np.testing.assert_allclose(*both, rtol=1e-9, atol=1e-12), *ends)


def test_building_again_gives_equal_functions_and_numbers_do_not_matter_to_update():
    for make in (
        lambda **options: polax.make_algorithm("sos-exact", *polax.make_env("IPD-v0"), **options),
        lambda **options: polax.make_algorithm("sos-exact", TANDEM, None, **options),
    ):
        assert make() == make()
        assert hash(make().update) == hash(make().update)
        assert make(inner_lr=0.1, shaping_limit=0.2).update == make().update
        assert make(inner_lr=0.1).init != make().init


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("sos-exact", {"shaping_limit": 1.0}, "shaping_limit must be a finite number above 0 and below 1"),
        ("sos-exact", {"shaping_radius": 0.0}, "shaping_radius must be a finite number above 0 and below 1"),
        ("lookahead-exact", {"inner_lr": -1.0}, "inner_lr must be a finite number at least 0"),
        ("cgd-exact", {"outer_lr": 0.0}, "outer_lr must be a finite number above 0"),
        ("consensus-exact", {"consensus_weight": float("nan")}, "consensus_weight must be a finite number at least 0"),
        ("sga-exact", {"alignment_bias": -0.1}, "alignment_bias must be a finite number at least 0"),
        ("lss-exact", {"damping": -0.1}, "damping must be a finite number at least 0"),
        ("hola-exact", {"order": 0}, "order must be a whole number of at least 1"),
        ("lola-exact", {"form": "tailor"}, "form must be one of 'actual', 'taylor', 'shaping'"),
        ("sos-exact", {"initial_std": 0.0}, "initial_std must be a finite number above 0"),
        ("sos-exact", {"discount": 0.5}, "discount is about the policies of a repeated game, and tandem has none"),
        ("sos-exact", {"parameterisation": "mlp"}, "parameterisation is about the policies of a repeated game"),
        ("lola-exact", {"opponent_model": "mlp"}, "opponent_model is about the policies of a repeated game"),
        ("pola-exact", {}, "tandem has no exact returns: an exact learner needs a repeated game"),
    ],
)
def test_options_out_of_range_are_refused_in_one_clear_line(name, options, message):
    with pytest.raises(OptionError, match=message) as caught:
        polax.make_algorithm(name, TANDEM, None, **options)
    assert "\n" not in str(caught.value)


def test_a_rule_for_two_players_refuses_a_game_of_three():
    with pytest.raises(OptionError, match="public goods of 3 has 3 players: this rule is defined for 2; take one"):
        polax.make_algorithm("lss-exact", public_goods(3, 1.8), None)


@pytest.mark.parametrize("name", ["sos-exact", "cgd-exact", "hola-exact", "lss-exact"])
def test_a_game_without_exact_losses_is_refused(name):
    env, params = polax.make_env("CoinGame-v0")
    with pytest.raises(OptionError, match="CoinGame-v0 has no exact returns"):
        polax.make_algorithm(name, env, params)


def test_losses_of_the_wrong_shape_are_refused():
    with pytest.raises(
        ValueError, match=r"the losses of one have shape \(\): 2 players need \(2,\), one loss for each"
    ):
        DifferentiableGame("one", lambda theta: theta.sum())


@pytest.mark.parametrize(
    ("players", "factor", "discount", "message"),
    [(3, 3.0, 0.9, "1 < contribution_factor < 3"), (3, 2.0, 1.0, "0 <= discount < 1")],
)
def test_numbers_of_the_public_goods_game_out_of_range_are_refused(players, factor, discount, message):
    with pytest.raises(ValueError, match=message):
        public_goods(players, factor, discount=discount)


def consistent_in_the_tandem_game(theta: jax.Array, rate: float) -> jax.Array:
    """Return the linear update functions that are consistent, ``a (x + y) + c``, from comparing coefficients."""
    a = (1 + 4 * rate - np.sqrt(1 + 8 * rate)) / (4 * rate**2)
    c = -2 / (1 + 2 * rate * (1 - rate * a))
    return jnp.full((2, 1), a * theta.sum() + c)


def test_higher_orders_tend_to_the_consistent_update():
    theta, rate = jnp.array([[0.3], [-0.5]]), 0.1
    expected = consistent_in_the_tandem_game(theta, rate)
    gaps = [
        float(jnp.abs(jax.jit(partial(higher_order_lola, TANDEM.losses, order=n))(theta, rate) - expected).max())
        for n in (1, 2, 3)
    ]
    assert gaps[2] < 0.5 * gaps[1] < 0.25 * gaps[0]
    assert gaps[2] < 0.05


def test_fitted_update_functions_are_consistent_and_followed():
    options = {"outer_lr": 0.1, "inner_lr": 0.1, "fit_steps": 4000, "fit_range": 1.0, "fit_lr": 3e-3}
    algorithm = polax.make_algorithm("cola-exact", TANDEM, None, **options)
    state = jax.jit(algorithm.init)(KEY)
    for theta in (jnp.array([[0.3], [-0.5]]), jnp.array([[0.6], [0.2]])):
        found = consistent_direction(state.networks, theta)
        np.testing.assert_allclose(found, consistent_in_the_tandem_game(theta, 0.1), atol=0.03)
    assert float(state.networks.reach) == 1.0
    after, metrics = jax.jit(algorithm.update)(KEY, state)
    step = consistent_direction(state.networks, state.exact.params)
    np.testing.assert_allclose(after.exact.params, state.exact.params - 0.1 * step, rtol=1e-12)
    assert float(metrics["inconsistency"]) < 0.05
    assert algorithm.policies(after) == ()


def test_consistency_is_defined_for_two_players():
    with pytest.raises(OptionError, match="this rule is defined for 2"):
        polax.make_algorithm("cola-exact", public_goods(3, 1.8), None)
