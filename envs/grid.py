"""Scalar arithmetic for games on a grid: random cells from few random bits, in operations that stay fast under vmap."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np


def cell_at(place: jax.Array, size: int) -> jax.Array:
    """Return the number of the cell at ``place`` (row, column): row * size + column."""
    number: jax.Array = place[0] * size + place[1]
    return number


def position(cell: jax.Array, size: int) -> jax.Array:
    """Return (row, column) of a cell, ``[2]``."""
    # Selecting with a constant is vectorised; stacking is not.
    return jnp.where(np.arange(2) == 0, jax.lax.div(cell, jnp.int32(size)), jax.lax.rem(cell, jnp.int32(size)))


def positions(cells: Sequence[jax.Array], size: int) -> jax.Array:
    """Return (row, column) of some cells, ``[cells, 2]``."""
    return place_by_place([position(cell, size) for cell in cells])


def place_by_place(values: Sequence[jax.Array]) -> jax.Array:
    """Do what ``jnp.stack`` does, by selecting with a constant."""
    places = np.arange(len(values)).reshape(-1, *(1,) * values[0].ndim)
    stacked = values[-1]
    for place in reversed(range(len(values) - 1)):
        stacked = jnp.where(places == place, values[place], stacked)
    return stacked


def move(start: jax.Array, action: jax.Array, size: int) -> jax.Array:
    """Return the cell that an action (0 right, 1 left, 2 down, 3 up, others stay) leads to from (row, column)."""
    row = jax.lax.rem(start[0] + (action == 2) - (action == 3) + size, jnp.int32(size))
    column = jax.lax.rem(start[1] + (action == 0) - (action == 1) + size, jnp.int32(size))
    cell: jax.Array = row * size + column
    return cell


def random_word(key: jax.Array) -> jax.Array:
    """Return 32 random bits for a key.

    They are the key's own words, which are random wherever keys come from ``jax.random.split``, stirred by an integer
    hash, so that keys made from successive seeds serve as well. ``jax.random.bits`` would do, but it is a loop of a
    hundred small kernels on CPUs: with it, a vectorised step of the coin game takes a fifth longer.
    """
    word = jnp.uint32(0)
    key_words = jax.random.key_data(key).ravel()
    for index in range(key_words.size):
        word = stir(word ^ key_words[index])
    return word


def stir(word: jax.Array) -> jax.Array:
    """Hash 32 bits one to one (the "lowbias32" function of Wellons' hash prospector)."""
    word = (word ^ (word >> 16)) * jnp.uint32(0x7FEB352D)
    word = (word ^ (word >> 15)) * jnp.uint32(0x846CA68B)
    stirred: jax.Array = word ^ (word >> 16)
    return stirred


def draw_below(word: jax.Array, bound: int | jax.Array) -> tuple[jax.Array, jax.Array]:
    """Cut an integer below ``bound`` (at most 2**16) off a random word.

    The word is read as a binary fraction; times ``bound``, its whole part is the integer and its fraction, again 32
    bits, is the rest. Every combination of the integers drawn from one word has its uniform probability to within
    2**-32.
    """
    bound = jnp.asarray(bound, jnp.uint32)
    low = (word & 0xFFFF) * bound
    whole = ((word >> 16) * bound + (low >> 16)) >> 16
    return whole.astype(jnp.int32), word * bound


def draw_free_cell(word: jax.Array, num_cells: int, *taken: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Cut a cell that is none of the (not necessarily distinct) ``taken`` cells off a random word."""
    occupied: list[jax.Array] = []
    num_free = jnp.int32(num_cells)
    for index, cell in enumerate(taken):
        repeated = jnp.zeros((), bool)
        for before in taken[:index]:
            repeated |= cell == before
        num_free -= ~repeated
        occupied.append(jnp.where(repeated, num_cells, cell))
    drawn, rest = draw_below(word, num_free)
    # Passing the taken cells in ascending order, step over each that is not above the number so far.
    for cell in _sorted(occupied):
        drawn += drawn >= cell
    return drawn, rest


def _sorted(values: list[jax.Array]) -> list[jax.Array]:
    """Sort a few scalars by exchanges, which stay elementwise under vmap."""
    values = list(values)
    for last in range(len(values) - 1, 0, -1):
        for index in range(last):
            pair = values[index], values[index + 1]
            values[index], values[index + 1] = jnp.minimum(*pair), jnp.maximum(*pair)
    return values
