"""How a memory-one policy is written: parameters -> five logits of cooperating.

POLA's update should not depend on this choice, LOLA's does (Zhao et al. 2022, section 3.1 and Figure 1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct

from ...options import suggest
from .returns import STATES

Params = Any
"""Parameters of one policy: a pytree of arrays."""

INITIAL_STD = 0.1


class Parameterisation(Protocol):
    """A family of memory-one policies. Hashable by value, so that equal ones share what is compiled."""

    def init(self, key: jax.Array, std: float = INITIAL_STD) -> Params:
        """Draw the parameters of one player; ``std`` is for those that are drawn from a normal distribution."""
        ...

    def logits(self, params: Params, player: jax.Array) -> jax.Array:
        """Return the logits of cooperating ``[5]`` in `STATES` of ``player`` (0 or 1)."""
        ...


@dataclass(frozen=True)
class Tabular:
    """One logit a state, initialised N(0, std^2)."""

    def init(self, key: jax.Array, std: float = INITIAL_STD) -> jax.Array:
        """Draw the five logits ``[5]``."""
        return std * jax.random.normal(key, (len(STATES),), dtype=float)

    def logits(self, params: jax.Array, player: jax.Array) -> jax.Array:
        """Return the parameters themselves, ``[5]``."""
        del player
        return params


@dataclass(frozen=True)
class Preconditioned:
    """Five logits multiplied by Q, the identity with -2 in one column on every row but the diagonal's.

    The column depends on the player. The POLA paper (section 3.1, Figure 3, Table 1) takes the state "I cooperated, the
    other defected", CD (2) for player 0 and DC (1) for player 1; its appendix B.1.6 (Table 2) takes DD (0) for both.

    Raises:
        ValueError: if a column is not a state.
    """

    columns: tuple[int, int] = (2, 1)

    def __post_init__(self) -> None:
        for column in self.columns:
            if not 0 <= column < len(STATES):
                raise ValueError(
                    f"preconditioned column {column}: give each player the position of one of {', '.join(STATES)}, "
                    f"0 to {len(STATES) - 1}"
                )

    def init(self, key: jax.Array, std: float = INITIAL_STD) -> jax.Array:
        """Draw the five logits before the transformation, ``[5]``."""
        return Tabular().init(key, std)

    def logits(self, params: jax.Array, player: jax.Array) -> jax.Array:
        """Return ``Q params``, ``[5]``."""
        column = jnp.where(player == 0, *self.columns)
        diagonal = jnp.arange(len(STATES)) == column
        entry = jnp.sum(jnp.where(diagonal, params, 0))
        return params - 2 * jnp.where(diagonal, 0, entry)


@struct.dataclass
class MlpParams:
    """Weights of `Mlp`."""

    hidden_weights: jax.Array  # [hidden, 6]
    hidden_biases: jax.Array  # [hidden]
    output_weights: jax.Array  # [hidden]
    output_bias: jax.Array  # []


@dataclass(frozen=True)
class Mlp:
    """Linear, tanh, Linear on two one-hots (defect, cooperate, start), of player 0's last action and of player 1's.

    Weights and biases are initialised uniformly in +-1/sqrt(inputs of the layer).

    Raises:
        ValueError: if the hidden size is not positive.
    """

    hidden_size: int = 16

    def __post_init__(self) -> None:
        if self.hidden_size < 1:
            raise ValueError(f"hidden_size={self.hidden_size}: the network needs at least one hidden unit")

    def init(self, key: jax.Array, std: float = INITIAL_STD) -> MlpParams:
        """Draw the weights of one network, whose scale follows from its sizes."""
        del std
        keys = jax.random.split(key, 4)
        hidden_bound, output_bound = 1 / np.sqrt(_OBSERVATIONS.shape[1]), 1 / np.sqrt(self.hidden_size)
        return MlpParams(
            hidden_weights=_uniform(keys[0], (self.hidden_size, _OBSERVATIONS.shape[1]), hidden_bound),
            hidden_biases=_uniform(keys[1], (self.hidden_size,), hidden_bound),
            output_weights=_uniform(keys[2], (self.hidden_size,), output_bound),
            output_bias=_uniform(keys[3], (), output_bound),
        )

    def logits(self, params: MlpParams, player: jax.Array) -> jax.Array:
        """Return the network's output in every state, ``[5]``."""
        del player
        hidden = jnp.tanh(_OBSERVATIONS @ params.hidden_weights.T + params.hidden_biases)
        return jnp.sum(hidden * params.output_weights, axis=-1) + params.output_bias


_ACTIONS = np.array([[0, 0], [0, 1], [1, 0], [1, 1], [2, 2]])
_OBSERVATIONS = np.eye(3)[_ACTIONS].reshape(5, 6)
"""The joint state as two one-hots, a row for each of `STATES`."""


def make_parameterisation(name: str, *, hidden_size: int = 16, columns: tuple[int, int] = (2, 1)) -> Parameterisation:
    """Return the parameterisation called ``name``.

    Args:
        name: ``tabular``, ``mlp`` or ``preconditioned``.
        hidden_size: width of ``mlp``; the others ignore it.
        columns: the pre-conditioned state of each player, for ``preconditioned``; the others ignore it.

    Raises:
        ValueError: if the name is unknown, or an option of the one asked for is out of range.
    """
    known: dict[str, Callable[[], Parameterisation]] = {
        "tabular": Tabular,
        "mlp": partial(Mlp, hidden_size),
        "preconditioned": partial(Preconditioned, columns),
    }
    if name not in known:
        raise ValueError(f"unknown parameterisation {name!r}; {suggest(name, known)}")
    return known[name]()


def bernoulli_kl(reference_logits: jax.Array, logits: jax.Array) -> jax.Array:
    """Return KL(reference || current), summed over the states and both actions, from logits ``[..., 5]``.

    From logits it is finite and differentiable where a probability rounds to 0 or 1. For logits that are close, with
    difference d and reference probability p, it is computed as ``log1p(p expm1(d)) - p d``: the terms of first order,
    which cancel, are never rounded apart, so that float32 resolves the KL of successive policies of a descent.
    """
    cooperate, change = jax.nn.sigmoid(reference_logits), logits - reference_logits
    near = jnp.abs(change) < 1
    small = jnp.where(near, change, 0)
    of_near = jnp.log1p(cooperate * jnp.expm1(small)) - cooperate * small
    gain = jax.nn.log_sigmoid(reference_logits) - jax.nn.log_sigmoid(logits)
    loss = jax.nn.log_sigmoid(-reference_logits) - jax.nn.log_sigmoid(-logits)
    of_distant = cooperate * gain + (1 - cooperate) * loss
    return jnp.sum(jnp.where(near, of_near, of_distant), axis=-1)


def _uniform(key: jax.Array, shape: tuple[int, ...], bound: float) -> jax.Array:
    return jax.random.uniform(key, shape, dtype=float, minval=-bound, maxval=bound)
