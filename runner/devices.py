"""How many devices a CPU is split into, so that seeds, or the two players of one seed, learn side by side."""

from __future__ import annotations

import os

import jax


def split_cpu(num_seeds: int) -> None:
    """Ask jax for as many CPU devices as the seeds, or the players of one seed, can be spread over.

    It must come before the first computation of the process; later it changes nothing. Other kinds of devices are left
    alone.

    Args:
        num_seeds: how many seeds will train together.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        jax.config.update("jax_num_cpu_devices", cpu_devices(num_seeds, cores))
    except RuntimeError:  # the devices are there already, in the number that somebody chose
        return


def cpu_devices(num_seeds: int, cores: int) -> int:
    """Return the largest number of devices that shares the seeds evenly; two for seeds that cannot be shared."""
    shared = max(devices for devices in range(1, cores + 1) if num_seeds % devices == 0)
    return min(2, cores) if shared == 1 else shared
