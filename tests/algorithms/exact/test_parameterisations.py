"""How policies are written."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from polax.algorithms.exact import Mlp, MlpParams, Preconditioned, Tabular, bernoulli_kl, make_parameterisation

KEY = jax.random.key(0)


def test_tabular_parameters_are_the_logits():
    params = jnp.arange(5.0)
    np.testing.assert_array_equal(Tabular().logits(params, 0), params)


@pytest.mark.parametrize(("columns", "player"), [((2, 1), 0), ((2, 1), 1), ((0, 0), 1)])
def test_preconditioning_is_the_identity_with_minus_two_in_one_column(columns, player):
    matrix = np.eye(5)
    matrix[:, columns[player]] = -2
    matrix[columns[player], columns[player]] = 1
    params = jax.random.normal(KEY, (5,))
    np.testing.assert_allclose(Preconditioned(columns).logits(params, player), matrix @ params, rtol=1e-5, atol=1e-6)


def test_the_network_sees_two_one_hots_of_the_joint_state():
    first_cooperated, second_started = jnp.array([[0.0, 1, 0, 0, 0, 0]]), jnp.array([[0.0, 0, 0, 0, 0, 1]])
    for weights, active in ((first_cooperated, [0, 0, 1, 1, 0]), (second_started, [0, 0, 0, 0, 1])):
        params = MlpParams(weights, jnp.zeros(1), jnp.ones(1), jnp.zeros(()))
        np.testing.assert_allclose(Mlp(1).logits(params, 0), np.tanh(active), rtol=1e-6)


def test_initial_logits_have_a_standard_deviation_of_a_tenth():
    drawn = jax.vmap(Tabular().init)(jax.random.split(KEY, 4000))
    np.testing.assert_allclose([drawn.mean(), drawn.std()], [0, 0.1], atol=0.003)


def test_initial_weights_are_uniform_within_the_inverse_root_of_the_inputs():
    drawn = jax.vmap(Mlp(16).init)(jax.random.split(KEY, 500))
    for weights, inputs in zip(jax.tree.leaves(drawn), (6, 6, 16, 16), strict=True):
        bound = inputs**-0.5
        assert 0.98 * bound < jnp.abs(weights).max() <= bound
        np.testing.assert_allclose(weights.std(), bound / 3**0.5, rtol=0.06)


def test_the_divergence_is_summed_over_states_and_actions():
    reference, current = jnp.array([0.2, 0.9, 0.5, 0.4, 0.7]), jnp.array([0.3, 0.8, 0.5, 0.1, 0.6])
    both = jnp.stack([reference, 1 - reference]), jnp.stack([current, 1 - current])
    expected = jnp.sum(both[0] * jnp.log(both[0] / both[1]))
    logits = (jnp.log(each / (1 - each)) for each in (reference, current))
    np.testing.assert_allclose(bernoulli_kl(*logits), expected, rtol=1e-5)


def test_the_divergence_and_its_gradient_stay_finite_at_certainty():
    sure = jnp.array([200.0, -200, 0, 90, -90])
    value, slope = jax.value_and_grad(lambda logits: bernoulli_kl(sure, logits))(sure + 1)
    assert np.isfinite(value)
    assert np.isfinite(slope).all()


def test_single_precision_resolves_the_divergence_of_successive_policies():
    reference = np.array([0.3, -2.0, 4.0, 0.0, -9.0])
    change = np.array([1e-4, -3e-4, 2e-4, 1e-5, 1e-3])
    chance = 1 / (1 + np.exp(-reference))
    expected = np.sum(chance * (1 - chance) * change**2) / 2
    found = bernoulli_kl(jnp.float32(reference), jnp.float32(reference) + jnp.float32(change))
    np.testing.assert_allclose(found, expected, rtol=5e-3)
    assert found < 1e-8


def test_the_two_ways_of_computing_the_divergence_meet():
    for distance in (0.999, 1.001):
        with jax.enable_x64(True):
            reference = jnp.array([0.3, -2.0, 4.0, 0.0, -9.0])
            current = reference + distance
            chances = jax.nn.sigmoid(reference), jax.nn.sigmoid(current)
            expected = sum(
                first * jnp.log(first / second)
                for first, second in zip((chances[0], 1 - chances[0]), (chances[1], 1 - chances[1]), strict=True)
            ).sum()
            np.testing.assert_allclose(bernoulli_kl(reference, current), expected, rtol=1e-10)


@pytest.mark.parametrize(
    ("name", "hint"), [("tabula", "did you mean 'tabular'"), ("zzz", "there are tabular, mlp, preconditioned")]
)
def test_an_unknown_parameterisation_names_the_nearest_or_all(name, hint):
    with pytest.raises(ValueError, match=f"unknown parameterisation '{name}'; {hint}"):
        make_parameterisation(name)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("preconditioned", {"columns": (2, 5)}, "position of one of DD, DC, CD, CC, start"),
        ("preconditioned", {"columns": (-1, 0)}, "0 to 4"),
        ("mlp", {"hidden_size": 0}, "at least one hidden unit"),
    ],
)
def test_options_out_of_range_are_refused(name, options, message):
    with pytest.raises(ValueError, match=message):
        make_parameterisation(name, **options)


def test_equal_parameterisations_are_equal_and_hash_alike():
    assert make_parameterisation("mlp", hidden_size=4) == Mlp(4)
    assert hash(make_parameterisation("preconditioned", columns=(0, 0))) == hash(Preconditioned((0, 0)))
