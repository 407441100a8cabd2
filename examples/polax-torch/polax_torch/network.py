"""A player's network and optimiser, and their way into arrays and back.

polax keeps the state of a learner as a pytree of arrays: that is what checkpoints hold (no code, so that loading one
from a stranger runs nothing) and what makes a resumed run equal to one without a break. So an update unpacks the arrays
into a module and an optimiser, trains, and packs them again; the cost is a copy of the parameters.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import torch

__all__ = ["ActorCritic", "PlayerState", "new_player", "one_thread", "pack", "unpack"]

Arrays = dict[str, np.ndarray]


class PlayerState(NamedTuple):
    """One player between two updates."""

    network: Arrays
    """Parameters by name."""

    adam: dict[int, Arrays]
    """For each parameter, in order: ``step``, ``exp_avg`` and ``exp_avg_sq``."""


class ActorCritic(torch.nn.Module):
    """Two layers with tanh, shared by the logits of the actions and the value."""

    def __init__(self, num_features: int, hidden_size: int, num_actions: int) -> None:
        """Draw the parameters from torch's global random numbers."""
        super().__init__()
        self.body = torch.nn.Sequential(
            torch.nn.Linear(num_features, hidden_size),
            torch.nn.Tanh(),
            torch.nn.Linear(hidden_size, hidden_size),
            torch.nn.Tanh(),
        )
        self.actor = torch.nn.Linear(hidden_size, num_actions)
        self.critic = torch.nn.Linear(hidden_size, 1)

    def forward(self, observation: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return logits ``[..., A]`` and values ``[...]`` of observations ``[..., F]``."""
        features = self.body(observation)
        return self.actor(features), self.critic(features)[..., 0]


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch use one thread: for networks of this size more of them only wait for each other.

    On two busy cores an update takes 0.04 s of processor time with one thread, 1 s with two. It also makes the results
    independent of the number of cores.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def new_player(seed: int, sizes: tuple[int, int, int]) -> PlayerState:
    """Draw a player; torch's own random numbers are left as they were.

    Args:
        seed: of the parameters.
        sizes: features, hidden size, actions.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = ActorCritic(*sizes)
    parameters = [parameter.detach().numpy() for parameter in network.parameters()]
    # Adam makes its moments in the first step; a learner's state keeps its form, so here they are from the start.
    adam = {
        index: {"step": np.zeros((), np.float32), "exp_avg": np.zeros_like(each), "exp_avg_sq": np.zeros_like(each)}
        for index, each in enumerate(parameters)
    }
    return PlayerState({name: value.numpy().copy() for name, value in network.state_dict().items()}, adam)


def unpack(
    player: PlayerState, sizes: tuple[int, int, int], learning_rate: float
) -> tuple[ActorCritic, torch.optim.Optimizer]:
    """Make the network and the optimiser of a player; they share no memory with the arrays."""
    with torch.device("meta"):  # the form only: nothing is drawn
        network = ActorCritic(*sizes)
    network.load_state_dict({name: _tensor(value) for name, value in player.network.items()}, assign=True)
    optimizer = torch.optim.Adam(network.parameters(), lr=learning_rate)
    moments = {index: {name: _tensor(value) for name, value in each.items()} for index, each in player.adam.items()}
    optimizer.load_state_dict({**optimizer.state_dict(), "state": moments})
    return network, optimizer


def pack(network: ActorCritic, optimizer: torch.optim.Optimizer) -> PlayerState:
    """Return the arrays of a network and its optimiser."""
    moments = optimizer.state_dict()["state"]
    return PlayerState(
        {name: value.numpy().copy() for name, value in network.state_dict().items()},
        {index: {name: value.numpy().copy() for name, value in each.items()} for index, each in moments.items()},
    )


def _tensor(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.array(array))  # a copy: what polax hands out is not ours to write into
