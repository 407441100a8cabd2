"""The pool is a uniform sample of everything that was added to it, of bounded size."""

import jax
import jax.numpy as jnp
import numpy as np
from polax.algorithms.core import pool as pools

CAPACITY, PUSHED = 4, 12


def filled(key, count, capacity=CAPACITY):
    """A pool to which the numbers from 1 to ``count`` were added."""

    def add(pool, given):
        key, number = given
        return pools.push(key, pool, {"number": number}), None

    start = pools.empty_pool({"number": jnp.zeros(())}, capacity)
    return jax.lax.scan(add, start, (jax.random.split(key, count), jnp.arange(1.0, count + 1)))[0]


def test_until_it_is_full_it_holds_everything():
    pool = filled(jax.random.key(0), 3)
    assert int(pools.size(pool)) == 3
    np.testing.assert_array_equal(pool.snapshots["number"], [1, 2, 3, 0])
    drawn = pools.draw(jax.random.key(1), pool, (300, 2))["number"]
    assert drawn.shape == (300, 2)
    assert set(np.unique(drawn)) == {1, 2, 3}  # never what is not filled yet


def test_a_full_pool_stays_full_of_different_snapshots():
    pools_of_keys = jax.vmap(lambda key: filled(key, PUSHED))(jax.random.split(jax.random.key(2), 50))
    assert (np.asarray(jax.vmap(pools.size)(pools_of_keys)) == CAPACITY).all()
    for row in np.asarray(pools_of_keys.snapshots["number"]):
        assert len(set(row)) == CAPACITY


def test_everything_added_is_kept_equally_often():
    kept = jax.jit(jax.vmap(lambda key: filled(key, PUSHED)))(jax.random.split(jax.random.key(3), 3000))
    counts = np.bincount(np.asarray(kept.snapshots["number"], int).ravel(), minlength=PUSHED + 1)[1:]
    expected = 3000 * CAPACITY / PUSHED
    # Binomial with a standard deviation of 26; four of them.
    np.testing.assert_allclose(counts, expected, atol=4 * np.sqrt(expected * (1 - CAPACITY / PUSHED)))
