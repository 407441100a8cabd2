"""The recurrent network of every player, and its derivatives on recorded observations.

A policy or a critic is flax's ``Dense`` with ReLU, ``GRUCell`` and ``Dense`` with the derivatives written out;
`flax_module` translates the parameters in both directions. A lookahead differentiates the network many times on
trajectories whose observations and hidden states are already recorded, so beside `unroll` there are its
derivatives given those states: `unroll_backward` (reverse), `unroll_tangent` (forward) and
`unroll_backward_tangent` (forward over reverse, a Hessian-vector product). Each walks through time once and
recomputes the gates of a step instead of storing them: on every machine tried, reading stored gates back costs more.
"""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar, Literal, NamedTuple

import jax
import jax.numpy as jnp
from flax import struct
from jax.nn import initializers

_ONE_HOT_ROWS = 64
"""Tables up to this many rows are looked up by a matrix product with one-hot rows, larger ones by a gather."""

_WIDE = 64
"""From this many hidden units on, one product for the hidden state and the one-hot rows is faster than two."""


@struct.dataclass
class EncoderParams:
    """What comes before the recurrence: a dense layer with ReLU, then the input gates."""

    kernel: jax.Array  # [F, H]
    bias: jax.Array  # [H]
    gate_kernel: jax.Array  # [H, 3H]
    gate_bias: jax.Array  # [3H]

    access: ClassVar[Literal["encode"]] = "encode"

    def gates(self, observations: jax.Array) -> jax.Array:
        """Return the input gates ``[..., 3H]`` of observations ``[..., F]``."""
        features = jax.nn.relu(observations @ self.kernel + self.bias)
        return features @ self.gate_kernel + self.gate_bias


@struct.dataclass
class Table:
    """The input gates of all observations that an environment lists, computed once and then looked up by row."""

    rows: jax.Array  # [N, 3H]

    @property
    def access(self) -> Literal["product", "gather"]:
        """How rows are looked up: by a product with one-hot rows, or one by one."""
        return "product" if self.rows.shape[0] <= _ONE_HOT_ROWS else "gather"

    def gates(self, seen: jax.Array) -> jax.Array:
        """Return the input gates ``[B, 3H]`` of the observations numbered ``seen`` ``[B]``."""
        return self.rows[seen] if self.access == "gather" else self.one_hot(seen) @ self.rows

    def plus(self, gates_bar: jax.Array, seen: jax.Array) -> Table:
        """Add to derivatives by the rows those that reach them through `gates`, given ``gates_bar`` ``[B, 3H]``."""
        if self.access == "gather":  # in place: to sum whole tables costs more than the rest of a step
            return Table(self.rows.at[seen].add(gates_bar))
        return Table(self.rows + self.one_hot(seen).T @ gates_bar)

    def one_hot(self, seen: jax.Array) -> jax.Array:
        """Return a row of zeros and a one for each observation, ``[B, N]``."""
        return jax.nn.one_hot(seen, self.rows.shape[0], dtype=self.rows.dtype)


@struct.dataclass
class RecurrentParams:
    """The recurrence and what comes after it: hidden state to gates, hidden state to outputs."""

    gate_kernel: jax.Array  # [H, 3H]
    candidate_bias: jax.Array  # [H], multiplied by the reset gate
    output_kernel: jax.Array  # [O, H]
    output_bias: jax.Array  # [O]


@struct.dataclass
class NetworkParams:
    """Parameters of one network; gates are in the order reset, update, candidate."""

    encoder: EncoderParams
    recurrent: RecurrentParams


class Observations(NamedTuple):
    """What one player saw: rows of a table where the environment lists its observations, else the observations."""

    values: jax.Array  # [T, B] int32 rows of the table, or [T, B, F]
    table: jax.Array | None = None  # [N, F]


class Unrolled(NamedTuple):
    """A network's way through a batch of episodes."""

    outputs: jax.Array  # [T, B, O]
    hidden: jax.Array  # [T, B, H], the hidden state before each step


class Tangents(NamedTuple):
    """How the inputs of `unroll_backward` move along a direction of the parameters."""

    params: NetworkParams
    hidden: jax.Array  # [T, B, H]
    cotangents: jax.Array  # [T, B, O]


def init_network(key: jax.Array, *, num_features: int, hidden_size: int, num_outputs: int) -> NetworkParams:
    """Draw initial parameters: kernels LeCun normal, recurrent kernels orthogonal, biases zero."""
    key_encoder, key_input, key_recurrent, key_output = jax.random.split(key, 4)
    normal = initializers.lecun_normal()
    gates = [_orthogonal(k, hidden_size) for k in jax.random.split(key_recurrent, 3)]
    return NetworkParams(
        encoder=EncoderParams(
            kernel=normal(key_encoder, (num_features, hidden_size)),
            bias=jnp.zeros(hidden_size),
            gate_kernel=normal(key_input, (hidden_size, 3 * hidden_size)),
            gate_bias=jnp.zeros(3 * hidden_size),
        ),
        recurrent=RecurrentParams(
            gate_kernel=jnp.concatenate(gates, axis=1),
            candidate_bias=jnp.zeros(hidden_size),
            output_kernel=normal(key_output, (hidden_size, num_outputs)).T,
            output_bias=jnp.zeros(num_outputs),
        ),
    )


def _orthogonal(key: jax.Array, size: int) -> jax.Array:
    """Draw a uniformly distributed orthogonal matrix: the polar factor of a Gaussian one, by Newton and Schulz.

    A QR factorisation would do, but several of them in one program can wait for each other forever on a CPU
    with few threads (seen with jaxlib 0.10 on two cores).
    """
    gaussian = jax.random.normal(key, (size, size))

    def approach(_: int, x: jax.Array) -> jax.Array:
        return 1.5 * x - 0.5 * x @ (x.T @ x)

    # Small singular values grow by half at each step, so 60 steps reach one from any that float32 tells from zero.
    return jax.lax.fori_loop(0, 60, approach, gaussian / jnp.linalg.norm(gaussian))


def initial_hidden(params: NetworkParams, num_envs: int) -> jax.Array:
    """Return the hidden state at the start of an episode, zeros ``[B, H]``."""
    bias = params.recurrent.candidate_bias
    return jnp.zeros((num_envs, bias.shape[-1]), bias.dtype)


def unroll(params: NetworkParams, observations: Observations) -> Unrolled:
    """Evaluate a network on recorded observations of whole episodes (teacher forcing)."""
    lookup = prepare(params.encoder, observations.table)

    def forwards(hidden: jax.Array, seen: jax.Array) -> tuple[jax.Array, Unrolled]:
        outputs, after = step(lookup, params.recurrent, hidden, seen)
        return after, Unrolled(outputs, hidden)

    start = initial_hidden(params, observations.values.shape[1])
    return jax.lax.scan(forwards, start, observations.values)[1]


def unroll_backward(
    params: NetworkParams, observations: Observations, hidden: jax.Array, cotangents: jax.Array
) -> NetworkParams:
    """Vector-Jacobian product of `unroll`'s outputs, given the hidden states it passed through.

    Args:
        params: the network.
        observations: of ``T`` steps.
        hidden: hidden state before each step, ``[T, B, H]``.
        cotangents: derivatives of a scalar by the outputs, ``[T, B, O]``.

    Returns:
        The derivatives of that scalar by the parameters.
    """
    inputs = (prepare(params.encoder, observations.table), params.recurrent)

    def backwards(carry: tuple[Any, jax.Array], recorded: tuple[jax.Array, ...]) -> tuple[tuple[Any, jax.Array], None]:
        gradients, after_bar = carry
        seen, before, outputs_bar = recorded
        back = _step_backward(inputs, before, outputs_bar, after_bar, seen=seen)
        return (_accumulate(gradients, back, seen), back.before_bar), None

    start = (jax.tree.map(jnp.zeros_like, inputs), jnp.zeros_like(hidden[0]))
    ((by_lookup, recurrent), _), _ = jax.lax.scan(
        backwards, start, (observations.values, hidden, cotangents), reverse=True
    )
    return NetworkParams(
        encoder=_prepare_backward(params.encoder, by_lookup, table=observations.table),
        recurrent=recurrent.replace(output_bias=jnp.sum(cotangents, axis=(0, 1))),
    )


def unroll_tangent(
    params: NetworkParams, tangents: NetworkParams, observations: Observations, hidden: jax.Array
) -> Unrolled:
    """Jacobian-vector product of `unroll`, given the hidden states it passed through.

    Args:
        params: the network.
        tangents: direction in which the parameters move.
        observations: of ``T`` steps.
        hidden: hidden state before each step, ``[T, B, H]``.

    Returns:
        The derivatives of the outputs and of the hidden states in that direction.
    """
    lookup, lookup_dot = jax.jvp(
        lambda encoder: prepare(encoder, observations.table), (params.encoder,), (tangents.encoder,)
    )

    def forwards(before_dot: jax.Array, recorded: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, Unrolled]:
        seen, before = recorded
        _, (outputs_dot, after_dot) = jax.jvp(
            partial(step, seen=seen),
            (lookup, params.recurrent, before),
            (lookup_dot, tangents.recurrent, before_dot),
        )
        return after_dot, Unrolled(outputs_dot, before_dot)

    return jax.lax.scan(forwards, jnp.zeros_like(hidden[0]), (observations.values, hidden))[1]


def unroll_backward_tangent(
    params: NetworkParams, observations: Observations, hidden: jax.Array, cotangents: jax.Array, *, tangents: Tangents
) -> NetworkParams:
    """Derivative of `unroll_backward`'s result when its three inputs move along ``tangents``.

    With the hidden states' tangents from `unroll_tangent` and those of the cotangents of a scalar loss of the outputs,
    this is the Hessian-vector product of that loss by the parameters.
    """
    table = observations.table
    lookup, lookup_dot = jax.jvp(partial(prepare, table=table), (params.encoder,), (tangents.params.encoder,))
    inputs, inputs_dot = (lookup, params.recurrent), (lookup_dot, tangents.params.recurrent)

    def backwards(carry: tuple[Any, ...], recorded: tuple[Any, ...]) -> tuple[tuple[Any, ...], None]:
        by_lookup, gradients_dot, after_bar, after_bar_dot = carry
        seen, values, values_dot = recorded
        back, back_dot = jax.jvp(
            partial(_step_backward, seen=seen), (inputs, *values, after_bar), (inputs_dot, *values_dot, after_bar_dot)
        )
        # Of the gradients themselves only this part is needed, and by itself it costs little.
        if table is not None:
            by_lookup = by_lookup.plus(back.gates_bar, seen)
        gradients_dot = _accumulate(gradients_dot, back_dot, seen)
        return (by_lookup, gradients_dot, back.before_bar, back_dot.before_bar), None

    nothing, none_yet = jax.tree.map(jnp.zeros_like, inputs), jnp.zeros_like(hidden[0])
    (by_lookup, (by_lookup_dot, recurrent_dot), _, _), _ = jax.lax.scan(
        backwards,
        (nothing[0], nothing, none_yet, none_yet),
        (observations.values, (hidden, cotangents), (tangents.hidden, tangents.cotangents)),
        reverse=True,
    )
    _, encoder_dot = jax.jvp(
        partial(_prepare_backward, table=table),
        (params.encoder, by_lookup),
        (tangents.params.encoder, by_lookup_dot),
    )
    return NetworkParams(
        encoder=encoder_dot,
        recurrent=recurrent_dot.replace(output_bias=jnp.sum(tangents.cotangents, axis=(0, 1))),
    )


def prepare(encoder: EncoderParams, table: jax.Array | None) -> EncoderParams | Table:
    """Return where `step` finds input gates: in the encoder, or, given a table of observations, in one of gates."""
    return encoder if table is None else Table(encoder.gates(table))


def _prepare_backward(encoder: EncoderParams, by_lookup: Any, *, table: jax.Array | None) -> EncoderParams:
    """Vector-Jacobian product of `prepare`."""
    gradient: EncoderParams = jax.vjp(partial(prepare, table=table), encoder)[1](by_lookup)[0]
    return gradient


def step(
    lookup: EncoderParams | Table, recurrent: RecurrentParams, hidden: jax.Array, seen: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Advance one time step.

    Args:
        lookup: from `prepare`.
        recurrent: of the same network.
        hidden: ``[B, H]``.
        seen: rows of the table ``[B]``, or observations ``[B, F]`` where there is no table.

    Returns:
        The outputs ``[B, O]`` and the next hidden state ``[B, H]``.
    """
    after = _gru(_gate_sums(lookup, recurrent, hidden, seen), hidden)
    # In this order the product's transpose is the long-by-short product that CPUs do well.
    return (recurrent.output_kernel @ after.T).T + recurrent.output_bias, after


class _Back(NamedTuple):
    """The vector-Jacobian product of one `step`."""

    gradients: tuple[Any, RecurrentParams]  # by the lookup and the recurrence, the output bias left out
    before_bar: jax.Array  # [B, H]
    gates_bar: jax.Array  # [B, 3H], by the input gates


def _step_backward(
    inputs: tuple[EncoderParams | Table, RecurrentParams],
    before: jax.Array,
    outputs_bar: jax.Array,
    after_bar: jax.Array,
    *,
    seen: jax.Array,
) -> _Back:
    """Walk back through one `step` with the cotangents ``[B, O]`` of its outputs and ``[B, H]`` of what came later."""
    lookup, recurrent = inputs
    sums = _gate_sums(lookup, recurrent, before, seen)
    through_sums = jax.vjp(
        lambda lookup, recurrent: _gate_sums(lookup, recurrent, before, seen, merge=True), lookup, recurrent
    )[1]
    after_bar = after_bar + outputs_bar @ recurrent.output_kernel
    after, sums_bar, carried_bar = _gru_backward(sums, before, after_bar)
    by_lookup, by_recurrent = through_sums(sums_bar)
    size = before.shape[-1]
    return _Back(
        gradients=(by_lookup, by_recurrent.replace(output_kernel=outputs_bar.T @ after)),
        before_bar=sums_bar.product @ recurrent.gate_kernel.T + carried_bar,
        gates_bar=jnp.concatenate([sums_bar.product[:, : 2 * size], sums_bar.candidate], axis=1),
    )


def _accumulate(gradients: tuple[Any, RecurrentParams], back: _Back, seen: jax.Array) -> tuple[Any, RecurrentParams]:
    """Add what one step contributes to the derivatives by the lookup and the recurrence."""
    by_lookup, by_recurrent = gradients
    if by_lookup.access == "gather":
        by_lookup = by_lookup.plus(back.gates_bar, seen)
    else:
        by_lookup = jax.tree.map(jnp.add, by_lookup, back.gradients[0])
    return by_lookup, jax.tree.map(jnp.add, by_recurrent, back.gradients[1])


class _GateSums(NamedTuple):
    """What a GRU's gates are functions of: everything linear in its inputs and its hidden state."""

    product: jax.Array  # [B, 3H]: reset and update whole, of the candidate what the reset gate multiplies
    candidate: jax.Array  # [B, H]: the rest of the candidate


def _gate_sums(
    lookup: EncoderParams | Table,
    recurrent: RecurrentParams,
    hidden: jax.Array,
    seen: jax.Array,
    *,
    merge: bool | None = None,
) -> _GateSums:
    """Everything linear of one step.

    Looking rows up by a product with one-hot rows can be one product with the hidden state's (``merge``). The
    derivative by the parameters is always faster so, the sums themselves in wide networks only (None).
    """
    size = hidden.shape[-1]
    merge = size >= _WIDE if merge is None else merge
    if not merge or lookup.access != "product":
        gates = lookup.gates(seen)
        bias = jnp.broadcast_to(recurrent.candidate_bias, hidden.shape)
        beside = jnp.concatenate([gates[:, : 2 * size], bias], axis=1)
        return _GateSums(hidden @ recurrent.gate_kernel + beside, gates[:, 2 * size :])
    rows = lookup.one_hot(seen)
    by_row = lookup.rows.at[:, 2 * size :].set(recurrent.candidate_bias)
    kernel = jnp.concatenate([recurrent.gate_kernel, by_row])
    return _GateSums(jnp.concatenate([hidden, rows], axis=1) @ kernel, rows @ lookup.rows[:, 2 * size :])


def _gates(sums: _GateSums) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Reset gate, update gate and candidate, ``[B, H]`` each (Cho et al. 2014; the reset gate after the product)."""
    size = sums.candidate.shape[-1]
    reset_update = jax.nn.sigmoid(sums.product[:, : 2 * size])
    reset, update = reset_update[:, :size], reset_update[:, size:]
    return reset, update, jnp.tanh(sums.candidate + reset * sums.product[:, 2 * size :])


def _gru(sums: _GateSums, hidden: jax.Array) -> jax.Array:
    """The next hidden state."""
    _, update, candidate = _gates(sums)
    return (1.0 - update) * candidate + update * hidden


def _gru_backward(sums: _GateSums, hidden: jax.Array, after_bar: jax.Array) -> tuple[jax.Array, _GateSums, jax.Array]:
    """`_gru` and its derivative, written out: what automatic differentiation makes of slices costs more than the rest.

    Returns:
        The next hidden state, and the cotangents of the sums and of ``hidden`` for ``after_bar`` of the next one.
    """
    reset, update, candidate = _gates(sums)
    size = hidden.shape[-1]
    after = (1.0 - update) * candidate + update * hidden
    candidate_bar = after_bar * (1.0 - update) * (1.0 - candidate * candidate)
    update_bar = after_bar * (hidden - candidate) * update * (1.0 - update)
    reset_bar = candidate_bar * sums.product[:, 2 * size :] * reset * (1.0 - reset)
    product_bar = jnp.concatenate([reset_bar, update_bar, candidate_bar * reset], axis=1)
    return after, _GateSums(product_bar, candidate_bar), after_bar * update
