"""The exact learners as plug-ins: contract, learning, players in the sampled game, and what they refuse."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import polax
import pytest
from polax.algorithms.exact import STATES, mean_rewards
from polax.algorithms.exact.learner import ExactConfig
from polax.algorithms.exact.naive import NAIVE_EXACT
from polax.envs.base import Policy
from polax.envs.policies.play import play
from polax.options import OptionError

LEARNERS = ("naive-exact", "lola-exact", "pola-exact")
KEY = jax.random.key(0)
RUNS = 5


def make(name: str, env_options: dict | None = None, **options):
    return polax.make_algorithm(name, *polax.make_env("IPD-v0", **(env_options or {})), **options)


def learn(algorithm, updates: int, runs: int = RUNS):
    """Return final states and metrics of several runs, and which of them found tit-for-tat at some update."""
    states = jax.vmap(algorithm.init)(jax.random.split(KEY, runs))
    update = jax.jit(jax.vmap(algorithm.update, in_axes=(None, 0)))
    found = np.zeros(runs, bool)
    for _ in range(updates):
        states, metrics = update(KEY, states)
        found |= np.asarray(metrics["tit_for_tat"]) == 1
    return states, metrics, found


def table(metrics, run: int = 0) -> np.ndarray:
    """Return the policies ``[2, 5]`` of one run from its metrics."""
    return np.array(
        [[float(metrics[f"cooperation/{state}/player_{player}"][run]) for state in STATES] for player in (0, 1)]
    )


def test_lola_finds_tit_for_tat_where_naive_learning_defects():
    _, metrics, found = learn(make("lola-exact"), updates=30)
    assert found.all()
    np.testing.assert_allclose(table(metrics), [[0, 1, 0, 1, 1], [0, 0, 1, 1, 1]], atol=0.02)
    _, metrics, found = learn(make("naive-exact"), updates=30)
    assert not found.any()
    assert metrics["return/player_0"].max() < 0.05 * 0.33 / 0.04


@pytest.mark.parametrize("double", [False, True])
def test_pola_finds_tit_for_tat_in_two_updates_and_converges(double):
    with jax.enable_x64(double):
        states, metrics, found = learn(make("pola-exact"), updates=2)
    assert found.all()
    assert metrics["converged/player_0"].all()
    assert np.asarray(metrics["outer_steps/player_1"]).max() < 5000
    np.testing.assert_array_equal(states.unconverged, 0)


def test_a_fixed_point_that_is_given_up_is_counted_in_state_and_metrics():
    states, metrics, _ = learn(make("pola-exact", max_steps=3), updates=2, runs=2)
    np.testing.assert_array_equal(states.unconverged, 2)
    np.testing.assert_array_equal(metrics["converged/player_0"], 0)
    np.testing.assert_array_equal(metrics["unconverged/player_1"], 2)


def test_a_model_that_is_given_up_is_counted():
    options = {"opponent_model": "mlp", "model_max_steps": 1, "outer_lr": 1.0, "inner_lr": 0.2}
    states, metrics, _ = learn(make("lola-exact", **options), updates=2, runs=2)
    np.testing.assert_array_equal(states.unconverged, 2)
    np.testing.assert_array_equal(metrics["model_converged/player_0"], 0)
    assert (metrics["model_divergence/player_0"] > 1e-7).all()


@pytest.mark.slow
@pytest.mark.parametrize("model", ["tabular", "mlp"])
def test_learning_through_a_good_model_is_close_to_learning_through_the_opponent(model):
    options = {"inner_lr": 0.2, "outer_lr": 1.0}
    with jax.enable_x64(True):
        fitted = learn(make("lola-exact", opponent_model=model, **options), updates=1, runs=2)
    assert fitted[1]["model_converged/player_0"].all()
    if model == "tabular":  # the same parameters, so the same imagined step
        with jax.enable_x64(True):
            direct = learn(make("lola-exact", **options), updates=1, runs=2)
        np.testing.assert_allclose(table(fitted[1]), table(direct[1]), atol=1e-3)


@pytest.mark.parametrize("name", LEARNERS)
def test_building_again_gives_equal_functions_and_numbers_do_not_matter_to_update(name):
    one, two = make(name), make(name)
    assert one == two
    assert hash(one.update) == hash(two.update)
    other = make(name, {"contribution_factor": 1.6}, outer_lr=0.5, discount=0.9)
    assert other.update == one.update
    assert other.init != one.init


def test_the_second_update_compiles_nothing():
    algorithm = make("lola-exact")
    update = jax.jit(algorithm.update)
    state = algorithm.init(KEY)
    for _ in range(2):
        state, _ = update(KEY, state)
    assert update._cache_size() == 1


@pytest.mark.parametrize("parameterisation", ["tabular", "mlp", "preconditioned"])
def test_metrics_are_finite_scalars_and_the_state_keeps_its_shape(parameterisation):
    algorithm = make("lola-exact", parameterisation=parameterisation, inner_lr=0.1, outer_lr=0.1)
    state = algorithm.init(KEY)
    after, metrics = jax.eval_shape(algorithm.update, KEY, state)
    assert jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), after) == jax.tree.map(
        lambda leaf: (leaf.shape, leaf.dtype), state
    )
    assert {value.shape for value in metrics.values()} == {()}


def test_numbers_are_leaves_so_a_sweep_is_one_program():
    states = [make("lola-exact", {"contribution_factor": f}, outer_lr=lr).init(KEY) for f, lr in ((1.1, 1), (1.6, 25))]
    update = jax.jit(jax.vmap(make("lola-exact").update, in_axes=(None, 0)))
    together = update(KEY, jax.tree.map(lambda *leaves: jnp.stack(leaves), *states))[1]
    for index, state in enumerate(states):
        alone = update(KEY, jax.tree.map(lambda leaf: jnp.stack([leaf, leaf]), state))[1]
        np.testing.assert_allclose(together["return/player_0"][index], alone["return/player_0"][0], rtol=1e-5)
    assert update._cache_size() == 1


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["egocentric", "shared"])
def test_learned_policies_score_in_the_sampled_game_what_the_formula_says(layout):
    env, params = polax.make_env("IPD-v0", observation_layout=layout)
    algorithm = polax.make_algorithm("lola-exact", env, params, outer_lr=1.0)
    state, update = algorithm.init(jax.random.key(3)), jax.jit(algorithm.update)
    for _ in range(4):
        state, _ = update(KEY, state)
    # The players differ, so a player that reads the other's observation would show.
    state = state.replace(params=state.params + jnp.array([[2.0, 1, 2, 1, 2], [-1, -1, 2, 0.5, -2]]))
    players = algorithm.policies(state)
    statistics = play(jax.random.key(1), env, params, players, num_envs=4000, num_steps=50)
    expected = mean_rewards(jax.nn.sigmoid(state.params), params.payoffs, 50)
    assert abs(expected[0] - expected[1]) > 0.03
    deviation = (statistics.reward - expected) / statistics.reward_standard_error
    np.testing.assert_allclose(deviation, 0, atol=3)
    assert statistics.reward_standard_error.max() < 0.005


def test_discounted_sampled_rewards_agree_with_the_exact_return():
    env, params = polax.make_env("IPD-v0")
    algorithm = polax.make_algorithm("lola-exact", env, params, discount=0.8)
    state, metrics = jax.jit(algorithm.update)(KEY, algorithm.init(KEY))
    players = algorithm.policies(state)
    rewards = sampled_rewards(env, params, players, num_envs=20_000, num_steps=60)
    totals = np.tensordot(0.8 ** np.arange(60), rewards, 1)  # [B, 2]
    error = totals.std(axis=0, ddof=1) / np.sqrt(len(totals))
    exact = np.array([metrics["return/player_0"], metrics["return/player_1"]])
    np.testing.assert_allclose((totals.mean(axis=0) - exact) / error, 0, atol=3)


def sampled_rewards(env, params, players, *, num_envs: int, num_steps: int) -> np.ndarray:
    def step(carry, key):
        observation, state = carry
        act_keys, env_keys = jax.random.split(key, 3)[:2], jax.random.split(jax.random.fold_in(key, 9), num_envs)
        actions = jnp.stack(
            [policy.act(act_keys[player], observation[:, player], ())[0] for player, policy in enumerate(players)],
            axis=1,
        )
        observation, state, reward, *_ = jax.vmap(env.step_env, in_axes=(0, 0, 0, None))(
            env_keys, state, actions, params
        )
        return (observation, state), reward

    start = jax.vmap(env.reset_env, in_axes=(0, None))(jax.random.split(KEY, num_envs), params)
    return np.asarray(jax.jit(lambda: jax.lax.scan(step, start, jax.random.split(jax.random.key(5), num_steps)))()[1])


@pytest.mark.parametrize("layout", ["egocentric", "shared"])
def test_what_is_learned_acts_on_what_its_player_sees(layout):
    env, params = polax.make_env("IPD-v0", observation_layout=layout)
    algorithm = polax.make_algorithm("naive-exact", env, params)
    state = algorithm.init(KEY)
    # Tit-for-tat, in the states DD DC CD CC start with player 0's action first.
    logits = 40 * jnp.array([[-1.0, 1, -1, 1, 1], [-1, -1, 1, 1, 1]])
    first, second = algorithm.policies(state.replace(params=logits))
    own, other = [0, 1, 0, 1, 1], [0, 0, 1, 1, 1]
    for policy, expected in ((first, own), (second, own if layout == "egocentric" else other)):
        assert isinstance(policy, Policy)
        actions, _ = policy.act(KEY, env.observation_table(), policy.initial_memory(5))
        np.testing.assert_array_equal(actions, expected)
        assert actions.dtype == jnp.int32


@pytest.mark.parametrize("name", LEARNERS)
def test_an_environment_without_exact_returns_is_refused_in_one_sentence_that_says_what_it_takes(name):
    env, params = polax.make_env("CoinGame-v0")
    message = "CoinGame-v0 has no exact returns: an exact learner needs a repeated game of two players and two actions"
    with pytest.raises(OptionError, match=message) as caught:
        polax.make_algorithm(name, env, params)
    assert "\n" not in str(caught.value)


def test_any_game_that_gives_memory_one_payoffs_can_be_learned():
    """The contract decides, not the class or the number of observations."""

    @dataclass(frozen=True, kw_only=True)
    class Renamed(type(polax.make_env("IPD-v0")[0])):
        name: str = "ThirdParty-v0"

        def memory_one_payoffs(self, params):
            return np.arange(8.0).reshape(2, 2, 2)

    env, params = Renamed(), polax.make_env("IPD-v0")[1]
    state = NAIVE_EXACT.build(env, params, ExactConfig()).init(KEY)
    np.testing.assert_array_equal(state.game.payoffs, np.arange(8.0).reshape(2, 2, 2))


def test_payoffs_that_are_not_finite_are_refused():
    env, params = polax.make_env("IPD-v0")
    with pytest.raises(OptionError, match="the payoffs of IPD-v0 are not all finite"):
        polax.make_algorithm("lola-exact", env, params.replace(payoffs=params.payoffs * np.nan))


def test_a_game_that_starts_from_mutual_cooperation_is_refused():
    with pytest.raises(OptionError, match="last joint action or the start"):
        make("lola-exact", {"initial_state": "mutual-cooperation"})


@pytest.mark.parametrize("game", ["StagHunt-v0", "Chicken-v0", "MatchingPennies-v0"])
def test_other_matrix_games_can_be_learned(game):
    env, params = polax.make_env(game)
    algorithm = polax.make_algorithm("naive-exact", env, params, outer_lr=0.1)
    _, metrics = jax.jit(algorithm.update)(KEY, algorithm.init(KEY))
    assert all(np.isfinite(float(value)) for value in metrics.values())


@pytest.mark.parametrize("contribution_factor", [0.8, 1.0, 2.0, 3.0])
def test_a_contribution_factor_outside_the_dilemma_is_refused(contribution_factor):
    with pytest.raises(OptionError, match="contribution_factor must be a finite number above 1 and below 2"):
        make("lola-exact", {"contribution_factor": contribution_factor})


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("lola-exact", {"discount": 1.0}, "0 <= discount < 1"),
        ("lola-exact", {"discount": -0.1}, "0 <= discount < 1"),
        ("naive-exact", {"parameterisation": "tabular5"}, "did you mean 'tabular'"),
        ("lola-exact", {"opponent_model": "mpl"}, "did you mean 'mlp'"),
        ("lola-exact", {"inner_lr": -1.0}, "inner_lr must be a finite number at least 0"),
        ("lola-exact", {"outer_lr": 0.0}, "outer_lr must be a finite number above 0"),
        ("lola-exact", {"outer_preconditioning": False}, "parameterisation='preconditioned'"),
        ("lola-exact", {"model_lr": float("nan")}, "model_lr"),
        ("pola-exact", {"inner_steps": 0}, "inner_steps must be a whole number of at least 1"),
        ("pola-exact", {"outer_steps": 0}, "outer_steps must be a whole number of at least 1"),
        ("pola-exact", {"max_steps": 0}, "max_steps"),
        ("pola-exact", {"threshold": 0.0}, "threshold"),
        ("pola-exact", {"outer_beta": float("inf")}, "outer_beta"),
        ("pola-exact", {"preconditioned_columns": (0, 7), "parameterisation": "preconditioned"}, "column 7"),
        ("pola-exact", {"hidden_size": 0, "parameterisation": "mlp"}, "hidden unit"),
        ("pola-exact", {"taylor": True}, "no option 'taylor'"),
    ],
)
def test_options_out_of_range_are_refused_in_one_clear_line(name, options, message):
    with pytest.raises(OptionError, match=message) as caught:
        make(name, **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", LEARNERS)
def test_every_preset_can_be_built(name):
    presets = polax.registry.algorithm_plugin(name).presets
    assert presets
    for (_, env_id), preset in presets.items():
        env, params = polax.make_env(env_id, **preset.env_options)
        assert polax.make_algorithm(name, env, params, **preset.options).pure
        assert preset.updates > 0


@pytest.mark.parametrize(("double", "dtype"), [(False, "float32"), (True, "float64")])
def test_precision_follows_the_caller(double, dtype):
    with jax.enable_x64(double):
        algorithm = make("lola-exact")
        state, metrics = jax.eval_shape(algorithm.update, KEY, algorithm.init(KEY))
    leaves = jax.tree.leaves((state.params, state.game, state.rates, metrics))
    assert {str(leaf.dtype) for leaf in leaves} == {dtype}
