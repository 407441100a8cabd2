"""Players that cannot be compiled, in a game that is stepped from Python."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from ..base import Memory, Policy
from .play import is_compiled

Policies = tuple[Policy | None, ...]
"""One entry a player: the policy that plays it, or None where actions come from outside."""


class PythonPlayers:
    """Those players of a game that are ordinary Python, with their memories; the others stay in the compiled step.

    Attributes:
        compiled: the policies with None in place of those that are played here.
    """

    def __init__(self, policies: Sequence[Policy | None]) -> None:
        self._policies = {
            seat: policy for seat, policy in enumerate(policies) if policy is not None and not is_compiled(policy)
        }
        self._memories: dict[int, Memory] = {}
        self.compiled: Policies = tuple(
            None if seat in self._policies else policy for seat, policy in enumerate(policies)
        )

    def __bool__(self) -> bool:
        return bool(self._policies)

    def start(self, num_envs: int) -> None:
        """Forget everything: ``num_envs`` episodes start."""
        self._memories = {seat: policy.initial_memory(num_envs) for seat, policy in self._policies.items()}

    def choose(self, key: jax.Array, observations: Any) -> dict[int, np.ndarray]:
        """Let each of these players act.

        Args:
            key: a typed key, used once.
            observations: ``[B, players, features]``.

        Returns:
            The actions ``[B]`` by seat.
        """
        chosen = {}
        for seat, policy in self._policies.items():
            seat_key = jax.random.fold_in(key, seat)
            actions, self._memories[seat] = policy.act(seat_key, observations[:, seat], self._memories[seat])
            chosen[seat] = np.asarray(actions)
        return chosen
