"""The networks as a flax module: parameters translated both ways, for taking a trained policy to other programs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from .networks import EncoderParams, NetworkParams, RecurrentParams

_GATES = "rzn"
"""flax's letters for reset, update and candidate, in the order of `NetworkParams`."""


class DenseGruDense(nn.Module):
    """A dense layer with ReLU, a GRU cell and a dense layer, made of flax's own modules."""

    hidden_size: int
    num_outputs: int

    @nn.compact
    def __call__(self, memory: jax.Array, observation: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Advance one step.

        Args:
            memory: hidden state ``[B, H]``, zeros at the start of an episode.
            observation: ``[B, F]``.

        Returns:
            The next hidden state ``[B, H]`` and the outputs ``[B, O]``: logits of a policy, or a critic's value.
        """
        features = nn.relu(nn.Dense(self.hidden_size, name="encoder")(observation))
        memory, features = nn.GRUCell(self.hidden_size, name="gru")(memory, features)
        return memory, nn.Dense(self.num_outputs, name="head")(features)


def to_flax(params: NetworkParams) -> tuple[DenseGruDense, dict[str, Any]]:
    """Return a flax module and its variables that compute what ``params`` do.

    Args:
        params: of one network, such as ``algorithm.policies(state)[0].params``.

    Returns:
        The module and ``{"params": ...}``, to be used as ``module.apply(variables, memory, observation)``.
    """
    encoder, recurrent = params.encoder, params.recurrent
    kernels, biases = (jnp.split(leaf, 3, axis=-1) for leaf in (encoder.gate_kernel, encoder.gate_bias))
    gru: dict[str, Any] = {}
    for gate, kernel, bias, own in zip(
        _GATES, kernels, biases, jnp.split(recurrent.gate_kernel, 3, axis=-1), strict=True
    ):
        gru |= {f"i{gate}": {"kernel": kernel, "bias": bias}, f"h{gate}": {"kernel": own}}
    gru["hn"]["bias"] = recurrent.candidate_bias
    num_outputs, hidden_size = recurrent.output_kernel.shape
    variables = {
        "encoder": {"kernel": encoder.kernel, "bias": encoder.bias},
        "gru": gru,
        "head": {"kernel": recurrent.output_kernel.T, "bias": recurrent.output_bias},
    }
    return DenseGruDense(hidden_size, num_outputs), {"params": variables}


def from_flax(variables: Mapping[str, Any]) -> NetworkParams:
    """Return the parameters that compute what a `DenseGruDense` with these variables does.

    Args:
        variables: ``{"params": ...}`` as `to_flax` or the module's ``init`` gives them.

    Returns:
        The parameters, for `RecurrentPolicy` say.
    """
    encoder, gru, head = (variables["params"][name] for name in ("encoder", "gru", "head"))

    def joined(source: str, leaf: str) -> jax.Array:
        return jnp.concatenate([gru[source + gate][leaf] for gate in _GATES], axis=-1)

    return NetworkParams(
        encoder=EncoderParams(
            kernel=encoder["kernel"],
            bias=encoder["bias"],
            gate_kernel=joined("i", "kernel"),
            gate_bias=joined("i", "bias"),
        ),
        recurrent=RecurrentParams(
            gate_kernel=joined("h", "kernel"),
            candidate_bias=gru["hn"]["bias"],
            output_kernel=head["kernel"].T,
            output_bias=head["bias"],
        ),
    )
