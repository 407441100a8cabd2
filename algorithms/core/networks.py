"""The recurrent network of every player, and its derivatives on recorded observations.

A policy or a critic is flax's ``Dense`` with ReLU, ``GRUCell`` and ``Dense`` with the derivatives written out;
`flax_module` translates the parameters in both directions. A lookahead differentiates the network many times on
trajectories whose observations and hidden states are already recorded, so beside `unroll` there are its
derivatives given those states: `unroll_backward` (reverse), `unroll_tangent` (forward) and
`unroll_backward_tangent` (forward over reverse, a Hessian-vector product). Each walks through time once and
recomputes the gates of a step instead of storing them: on every machine tried, reading stored gates back costs more.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar, Literal, NamedTuple

import jax
import jax.numpy as jnp
from flax import struct
from jax.nn import initializers

from .devices import on_cpu, steps_at_once

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
        # A product is faster than a gather on a CPU only.
        return self.one_hot(seen) @ self.rows if self.access == "product" and on_cpu() else self.rows[seen]

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
    lookup, recurrent = prepare(params.encoder, observations.table), params.recurrent
    merge = _merges(lookup, recurrent)

    def recur(hidden: jax.Array, entering: jax.Array) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
        after = _gru(_gate_sums(lookup, recurrent, hidden, entering, merge=merge), hidden)
        return after, (hidden, after)

    def record(_: jax.Array, trail: tuple[jax.Array, jax.Array]) -> Unrolled:
        hidden, after = trail
        return Unrolled(_outputs(recurrent, after), hidden)

    return _through_time(
        initial_hidden(params, observations.values.shape[1]),
        observations.values,
        ahead=lambda seen: _enter(lookup, seen, merge=merge),
        recur=recur,
        behind=record,
    )


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

    def contribute(recorded: tuple[jax.Array, ...], behind: _Behind) -> _Contribution:
        seen, hidden, outputs_bar = recorded
        return _contribution(inputs, hidden, outputs_bar, behind, seen=seen)

    by_lookup, by_recurrent = _through_time(
        jnp.zeros_like(hidden[0]),
        (observations.values, hidden, cotangents),
        ahead=lambda recorded: _before_backward(inputs, *recorded[1:], seen=recorded[0]),
        recur=partial(_step_backward, params.recurrent),
        behind=contribute,
        total=_Total(jax.tree.map(jnp.zeros_like, inputs), _accumulate),
        reverse=True,
    )
    return NetworkParams(
        encoder=_prepare_backward(params.encoder, by_lookup, table=observations.table),
        recurrent=by_recurrent.replace(output_bias=jnp.sum(cotangents, axis=(0, 1))),
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
    recurrent, recurrent_dot = params.recurrent, tangents.recurrent

    def ahead(recorded: tuple[jax.Array, jax.Array]) -> tuple[_GateSums, _GateSums, jax.Array]:
        """Return the sums, how they move where the hidden state does not, and that state."""
        seen, before = recorded
        sums = jax.jvp(partial(_sums, hidden=before, seen=seen), (lookup, recurrent), (lookup_dot, recurrent_dot))
        return *sums, before

    def recur(before_dot: jax.Array, ahead: tuple[_GateSums, _GateSums, jax.Array]) -> tuple[jax.Array, Any]:
        sums, sums_dot, before = ahead
        sums_dot = sums_dot._replace(product=sums_dot.product + before_dot @ recurrent.gate_kernel)
        after, after_dot = jax.jvp(_gru, (sums, before), (sums_dot, before_dot))
        return after_dot, (before_dot, after, after_dot)

    def record(_: Any, trail: tuple[jax.Array, ...]) -> Unrolled:
        before_dot, after, after_dot = trail
        return Unrolled(jax.jvp(_outputs, (recurrent, after), (recurrent_dot, after_dot))[1], before_dot)

    start = jnp.zeros_like(hidden[0])
    return _through_time(start, (observations.values, hidden), ahead=ahead, recur=recur, behind=record)


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

    def ahead(recorded: tuple[Any, ...]) -> tuple[_Before, _Before]:
        seen, values, values_dot = recorded
        return jax.jvp(partial(_before_backward, seen=seen), (inputs, *values), (inputs_dot, *values_dot))

    def recur(carry: tuple[jax.Array, jax.Array], ahead: tuple[_Before, _Before]) -> tuple[Any, Any]:
        (after_bar, after_bar_dot), (before, before_dot) = carry, ahead
        (before_bar, trail), (before_bar_dot, trail_dot) = jax.jvp(
            _step_backward, (inputs[1], after_bar, before), (inputs_dot[1], after_bar_dot, before_dot)
        )
        return (before_bar, before_bar_dot), (trail, trail_dot)

    def contribute(recorded: tuple[Any, ...], trails: tuple[_Behind, _Behind]) -> tuple[_Contribution, _Contribution]:
        (seen, values, values_dot), (trail, trail_dot) = recorded, trails
        return jax.jvp(
            partial(_contribution, seen=seen), (inputs, *values, trail), (inputs_dot, *values_dot, trail_dot)
        )

    def accumulate(totals: Any, found: tuple[_Contribution, _Contribution], recorded: tuple[Any, ...]) -> Any:
        (by_lookup, gradients_dot), (contribution, contribution_dot) = totals, found
        # Of the gradients themselves only this part is needed, and by itself it costs little.
        if table is not None:
            by_lookup = by_lookup.plus(contribution.gates_bar, recorded[0])
        return by_lookup, _accumulate(gradients_dot, contribution_dot, recorded)

    nothing, none_yet = jax.tree.map(jnp.zeros_like, inputs), jnp.zeros_like(hidden[0])
    by_lookup, (by_lookup_dot, recurrent_dot) = _through_time(
        (none_yet, none_yet),
        (observations.values, (hidden, cotangents), (tangents.hidden, tangents.cotangents)),
        ahead=ahead,
        recur=recur,
        behind=contribute,
        total=_Total((nothing[0], nothing), accumulate),
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


class _Total(NamedTuple):
    """What the steps of recorded episodes add up to."""

    start: Any
    add: Callable[[Any, Any, Any], Any]
    """Of the total, what a step contributes and the step's inputs."""


def _through_time(
    start: Any,
    inputs: Any,
    *,
    ahead: Callable[[Any], Any],
    recur: Callable[[Any, Any], tuple[Any, Any]],
    behind: Callable[[Any, Any], Any],
    total: _Total | None = None,
    reverse: bool = False,
) -> Any:
    """Walk through the steps of recorded episodes.

    A CPU does everything of a step while it is in the cache. On a GPU, where a step is many small kernels that cost
    more to start than to run, only the recurrence goes step by step, and the rest takes all steps at once.

    Args:
        start: what the recurrence carries.
        inputs: every leaf ``[T, B, ...]``.
        ahead: of the inputs of a step: what the recurrence needs of them.
        recur: of the carry and of that: the next carry, and what the recurrence leaves.
        behind: of the inputs of a step and of what the recurrence left: what is recorded, or contributed to the total.
        total: how contributions are added up; None: what is recorded is returned.
        reverse: whether the last step comes first.

    Returns:
        The total, or the records, every leaf ``[T, B, ...]``.
    """
    if on_cpu():

        def body(carry: tuple[Any, Any], recorded: Any) -> tuple[tuple[Any, Any], Any]:
            state, so_far = carry
            state, trail = recur(state, ahead(recorded))
            found = behind(recorded, trail)
            if total is None:
                return (state, None), found
            return (state, total.add(so_far, found, recorded)), None

        first = None if total is None else total.start
        (_, added), records = jax.lax.scan(body, (start, first), inputs, reverse=reverse)
        return records if total is None else added
    found = jax.vmap(ahead)(inputs)
    _, trail = jax.lax.scan(recur, start, found, reverse=reverse, unroll=steps_at_once())
    records = jax.vmap(behind)(inputs, trail)
    if total is None:
        return records
    # Products of all steps that are added up must not become one over a long dimension: it would keep a fraction of
    # the processors busy, and took half the time of an outer step.
    records = jax.lax.optimization_barrier(records)
    return total.add(total.start, *_as_one_step(records, inputs))


def _as_one_step(contributions: Any, inputs: Any) -> tuple[Any, Any]:
    """Return the contributions and the inputs of many steps as those of one step on a long batch."""

    def added(found: Any) -> Any:
        gradients = jax.tree.map(lambda leaf: jnp.sum(leaf, axis=0), found.gradients)
        return found._replace(gradients=gradients, gates_bar=flat(found.gates_bar))

    def flat(leaf: jax.Array) -> jax.Array:
        return leaf.reshape(-1, *leaf.shape[2:])

    one = jax.tree.map(added, contributions, is_leaf=lambda node: isinstance(node, _Contribution))
    return one, jax.tree.map(flat, inputs)


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
    after = _gru(_sums(lookup, recurrent, hidden, seen), hidden)
    return _outputs(recurrent, after), after


def _outputs(recurrent: RecurrentParams, after: jax.Array) -> jax.Array:
    """Return the outputs ``[B, O]`` of a step that ends in the hidden state ``after``."""
    # In this order the product's transpose is the long-by-short product that CPUs do well.
    return (recurrent.output_kernel @ after.T).T + recurrent.output_bias


class _Before(NamedTuple):
    """What the way back through one step needs, and what does not wait for the step after it."""

    sums: _GateSums
    hidden: jax.Array  # [B, H], before the step
    after_bar: jax.Array  # [B, H], of the hidden state after it, through this step's outputs


class _Behind(NamedTuple):
    """What the way back through one step leaves."""

    after: jax.Array  # [B, H], the hidden state after the step
    sums_bar: _GateSums


class _Contribution(NamedTuple):
    """What one step contributes to the derivatives."""

    gradients: tuple[Any, RecurrentParams]  # by the lookup and the recurrence, the output bias left out
    gates_bar: jax.Array  # [B, 3H], by the input gates


def _before_backward(
    inputs: tuple[EncoderParams | Table, RecurrentParams], hidden: jax.Array, outputs_bar: jax.Array, *, seen: jax.Array
) -> _Before:
    """Prepare the way back through a step with the cotangents ``[B, O]`` of its outputs."""
    return _Before(_sums(*inputs, hidden, seen), hidden, outputs_bar @ inputs[1].output_kernel)


def _step_backward(recurrent: RecurrentParams, after_bar: jax.Array, before: _Before) -> tuple[jax.Array, _Behind]:
    """Walk back through one step: from the cotangents ``[B, H]`` of what came later to those of what came before."""
    after, sums_bar, carried_bar = _gru_backward(before.sums, before.hidden, after_bar + before.after_bar)
    return sums_bar.product @ recurrent.gate_kernel.T + carried_bar, _Behind(after, sums_bar)


def _contribution(
    inputs: tuple[EncoderParams | Table, RecurrentParams],
    hidden: jax.Array,
    outputs_bar: jax.Array,
    behind: _Behind,
    *,
    seen: jax.Array,
) -> _Contribution:
    """Return what a step contributes, after the way back through it."""
    merge = inputs[0].access == "product"
    # One product for hidden state and one-hot rows is always faster here.
    through = jax.vjp(partial(_sums, hidden=hidden, seen=seen, merge=merge), *inputs)[1]
    by_lookup, by_recurrent = through(behind.sums_bar)
    product_bar, candidate_bar = behind.sums_bar
    size = hidden.shape[-1]
    return _Contribution(
        gradients=(by_lookup, by_recurrent.replace(output_kernel=outputs_bar.T @ behind.after)),
        gates_bar=jnp.concatenate([product_bar[:, : 2 * size], candidate_bar], axis=1),
    )


def _accumulate(
    gradients: tuple[Any, RecurrentParams], found: _Contribution, recorded: tuple[Any, ...]
) -> tuple[Any, RecurrentParams]:
    """Add what one step contributes to the derivatives by the lookup and the recurrence."""
    by_lookup, by_recurrent = gradients
    if by_lookup.access == "gather":
        by_lookup = by_lookup.plus(found.gates_bar, recorded[0])
    else:
        by_lookup = jax.tree.map(jnp.add, by_lookup, found.gradients[0])
    return by_lookup, jax.tree.map(jnp.add, by_recurrent, found.gradients[1])


class _GateSums(NamedTuple):
    """What a GRU's gates are functions of: everything linear in its inputs and its hidden state."""

    product: jax.Array  # [B, 3H]: reset and update whole, of the candidate what the reset gate multiplies
    candidate: jax.Array  # [B, H]: the rest of the candidate


def _sums(
    lookup: EncoderParams | Table,
    recurrent: RecurrentParams,
    hidden: jax.Array,
    seen: jax.Array,
    *,
    merge: bool | None = None,
) -> _GateSums:
    """Everything linear of one step; ``merge`` as in `_gate_sums`, None where that is faster."""
    merge = _merges(lookup, recurrent) if merge is None else merge
    return _gate_sums(lookup, recurrent, hidden, _enter(lookup, seen, merge=merge), merge=merge)


def _merges(lookup: EncoderParams | Table, recurrent: RecurrentParams) -> bool:
    """Tell whether the sums themselves are faster in one product: on a CPU, in wide networks."""
    return lookup.access == "product" and recurrent.candidate_bias.shape[-1] >= _WIDE and on_cpu()


def _enter(lookup: EncoderParams | Table, seen: jax.Array, *, merge: bool) -> jax.Array:
    """Return what `_gate_sums` needs of the observations: one-hot rows to merge, else the input gates."""
    return lookup.one_hot(seen) if merge and lookup.access == "product" else lookup.gates(seen)


def _gate_sums(
    lookup: EncoderParams | Table, recurrent: RecurrentParams, hidden: jax.Array, entering: jax.Array, *, merge: bool
) -> _GateSums:
    """Everything linear of one step, given what entered.

    Looking rows up by a product with one-hot rows can be one product with the hidden state's (``merge``).
    """
    size = hidden.shape[-1]
    if not merge or lookup.access != "product":
        bias = jnp.broadcast_to(recurrent.candidate_bias, hidden.shape)
        beside = jnp.concatenate([entering[:, : 2 * size], bias], axis=1)
        return _GateSums(hidden @ recurrent.gate_kernel + beside, entering[:, 2 * size :])
    by_row = lookup.rows.at[:, 2 * size :].set(recurrent.candidate_bias)
    kernel = jnp.concatenate([recurrent.gate_kernel, by_row])
    return _GateSums(jnp.concatenate([hidden, entering], axis=1) @ kernel, entering @ lookup.rows[:, 2 * size :])


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
