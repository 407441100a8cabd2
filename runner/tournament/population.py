"""Which player takes over a population: replicator dynamics on the payoffs of a tournament."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

GENERATIONS = 301
"""Moments that are kept, the start among them."""

SELECTION = 0.1
"""How much a generation favours those who earn more: by this share for each range of the payoffs."""


class Population(NamedTuple):
    """The shares of the players over time."""

    generations: np.ndarray  # [G] whole numbers from 0
    shares: np.ndarray  # [G, players], each row sums to 1


def replicate(payoffs: np.ndarray) -> Population:
    """Let players multiply by what they earn from a population in which all are equally many at first.

    In each generation a player's share is multiplied by ``exp(w (e_i - E))``, where ``e_i`` is what it earns from the
    whole population, itself included, and ``E`` the population's mean. These are small steps of the replicator equation
    ``dx_i/dt = x_i (e_i - E)`` (Taylor and Jonker 1978). ``w`` is `SELECTION` divided by the range of the payoffs, so
    that the course does not depend on their unit.

    Args:
        payoffs: ``[players, players]``, what the row's player earns from the column's.

    Returns:
        Start and generations.
    """
    span = float(np.ptp(payoffs))
    weight = SELECTION / span if span > 0 else 0.0
    logs = np.zeros(len(payoffs))
    shares = []
    for _ in range(GENERATIONS):
        now = np.exp(logs - logs.max())
        shares.append(now / now.sum())
        earned = payoffs @ shares[-1]
        logs = logs + weight * (earned - shares[-1] @ earned)
    return Population(np.arange(GENERATIONS), np.array(shares))
