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


@pytest.mark.parametrize(("columns", "seat"), [((2, 1), 0), ((2, 1), 1), ((0, 0), 1)])
def test_preconditioning_is_the_identity_with_minus_two_in_one_column(columns, seat):
    matrix = np.eye(5)
    matrix[:, columns[seat]] = -2
    matrix[columns[seat], columns[seat]] = 1
    params = jax.random.normal(KEY, (5,))
    np.testing.assert_allclose(Preconditioned(columns).logits(params, seat), matrix @ params, rtol=1e-5, atol=1e-6)


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


def test_an_unknown_parameterisation_names_the_nearest_and_all():
    with pytest.raises(ValueError, match=r"did you mean 'tabular'.*tabular, mlp, preconditioned"):
        make_parameterisation("tabula")


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
