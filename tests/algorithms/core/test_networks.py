"""The recurrent network against flax's modules, and its derivatives against automatic differentiation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from polax.algorithms.core import networks
from polax.algorithms.core.flax_module import from_flax, to_flax
from polax.algorithms.core.networks import Observations, Tangents

T, B, H, F = 4, 3, 5, 6
LOOKUPS = ("short table", "long table", "no table")


@pytest.fixture(autouse=True)
def float64():
    with jax.enable_x64(True):
        yield


def random_network(seed, outputs=2):
    params = networks.init_network(jax.random.key(seed), num_features=F, hidden_size=H, num_outputs=outputs)
    leaves, tree = jax.tree.flatten(params)
    keys = jax.random.split(jax.random.key(seed + 100), len(leaves))
    return tree.unflatten([leaf + jax.random.normal(key, leaf.shape) for leaf, key in zip(leaves, keys, strict=True)])


def observations(lookup):
    rows = {"short table": 5, "long table": 100, "no table": 7}[lookup]
    table = jax.random.normal(jax.random.key(1), (rows, F))
    index = jax.random.randint(jax.random.key(2), (T, B), 0, rows)
    return Observations(table[index]) if lookup == "no table" else Observations(index, table)


@pytest.mark.slow
@pytest.mark.parametrize("device", ["CPU", "GPU"])
def test_network_is_flaxs_dense_gru_and_dense(device, monkeypatch):
    monkeypatch.setattr(networks, "on_cpu", lambda: device == "CPU")
    params, seen = random_network(0), observations("no table").values
    module, variables = to_flax(params)
    memory, expected = jnp.zeros((B, H)), []
    for observation in seen:
        memory, outputs = module.apply(variables, memory, observation)
        expected.append(outputs)
    np.testing.assert_allclose(networks.unroll(params, Observations(seen)).outputs, jnp.stack(expected), atol=1e-12)


def test_flax_s_own_parameters_have_the_names_and_shapes_of_ours():
    module, variables = to_flax(random_network(0))
    drawn = module.init(jax.random.key(0), jnp.zeros((B, H)), jnp.zeros((B, F)))
    assert jax.tree.map(jnp.shape, drawn) == jax.tree.map(jnp.shape, variables)
    assert jax.tree.map(jnp.shape, from_flax(drawn)) == jax.tree.map(jnp.shape, random_network(0))


def test_parameters_survive_the_way_to_flax_and_back():
    params = random_network(0)
    back = from_flax(to_flax(params)[1])
    assert jax.tree.structure(back) == jax.tree.structure(params)
    for one, other in zip(jax.tree.leaves(back), jax.tree.leaves(params), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("device", ["CPU", "GPU"])
def test_a_table_of_observations_gives_what_the_observations_give(device, monkeypatch):
    monkeypatch.setattr(networks, "on_cpu", lambda: device == "CPU")
    params = random_network(0)
    for lookup in ("short table", "long table"):
        seen = observations(lookup)
        plain = networks.unroll(params, Observations(seen.table[seen.values]))
        tabled = networks.unroll(params, seen)
        np.testing.assert_allclose(tabled.outputs, plain.outputs, atol=1e-12)
        np.testing.assert_allclose(tabled.hidden, plain.hidden, atol=1e-12)


def assert_trees_close(ours, theirs):
    for one, other in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-11, rtol=1e-10)


@pytest.mark.parametrize("device", ["CPU", "GPU"])
@pytest.mark.parametrize("lookup", LOOKUPS)
def test_derivatives_are_those_of_unroll(lookup, device, monkeypatch):
    """Reverse, forward, and forward over reverse of a loss whose own derivatives are not constant."""
    monkeypatch.setattr(networks, "on_cpu", lambda: device == "CPU")
    params, direction, seen = random_network(0), random_network(1), observations(lookup)
    weights = jax.random.normal(jax.random.key(3), (T, B, 2))

    def loss_of(outputs):
        return jnp.sum(weights * jnp.sin(outputs))

    @jax.jit
    def ours(params, direction):
        unrolled = networks.unroll(params, seen)
        moved = networks.unroll_tangent(params, direction, seen, unrolled.hidden)
        bars, bars_dot = jax.jvp(jax.grad(loss_of), (unrolled.outputs,), (moved.outputs,))
        gradient = networks.unroll_backward(params, seen, unrolled.hidden, bars)
        product = networks.unroll_backward_tangent(
            params, seen, unrolled.hidden, bars, tangents=Tangents(direction, moved.hidden, bars_dot)
        )
        return moved, gradient, product

    @jax.jit
    def automatic(params, direction):
        gradient = jax.grad(lambda params: loss_of(networks.unroll(params, seen).outputs))
        moved = jax.jvp(lambda params: networks.unroll(params, seen), (params,), (direction,))[1]
        return moved, *jax.jvp(gradient, (params,), (direction,))

    assert_trees_close(ours(params, direction), automatic(params, direction))


@pytest.mark.slow
@pytest.mark.parametrize("size", [1, 7, 64])
def test_recurrent_kernels_start_orthogonal(size):
    params = networks.init_network(jax.random.key(0), num_features=F, hidden_size=size, num_outputs=2)
    for kernel in jnp.split(params.recurrent.gate_kernel, 3, axis=1):
        np.testing.assert_allclose(kernel @ kernel.T, np.eye(size), atol=1e-10)


def test_one_product_for_hidden_state_and_rows_gives_what_two_give():
    params, seen = random_network(0), observations("short table")
    lookup = networks.prepare(params.encoder, seen.table)
    hidden = jax.random.normal(jax.random.key(3), (B, H))
    one, two = (
        networks._sums(lookup, params.recurrent, hidden, seen.values[0], merge=merge) for merge in (True, False)
    )
    np.testing.assert_allclose(one.product, two.product, atol=1e-12)
    np.testing.assert_allclose(one.candidate, two.candidate, atol=1e-12)
