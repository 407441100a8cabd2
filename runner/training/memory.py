"""The memory that a run needs at least, estimated before anything is made.

The estimate is the largest array of its programs, as they are traced: every program of that size must hold it at once,
except where the compiler never makes it. It is compared with all the memory that there is, so that only what cannot
work is refused.
"""

from __future__ import annotations

import math
import os
import resource
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import jax

from ... import registry
from ...options import OptionError
from ..evaluation.evaluate import Evaluator
from ..runs.spec import RunSpec, Setup
from .seeds import CompiledLearner, Learner, SeedKeys, make_learner, mesh_for, seed_keys

CGROUP = Path("/sys/fs/cgroup/memory.max")
"""How much memory a container may have, on Linux."""


def check_memory(spec: RunSpec, setup: Setup) -> None:
    """Raise `OptionError` if a run needs more memory than there is, or cannot have the mesh that was asked for.

    Args:
        spec: the run.
        setup: its objects. A learner in ordinary Python is not traced, so nothing is known of it.
    """
    mesh = mesh_for(setup.algorithm, len(spec.seeds))
    learner, keys = make_learner(setup.algorithm, mesh), seed_keys(spec.seeds)
    evaluator = Evaluator(setup.env, setup.params, num_envs=spec.eval_envs, pure=setup.algorithm.pure, mesh=mesh)
    check_program(spec, learner, keys, evaluator)


def check_program(spec: RunSpec, learner: Learner, keys: SeedKeys, evaluator: Evaluator) -> None:
    """Raise `OptionError` if the programs of a run need more memory than there is; see `check_memory`."""
    if not isinstance(learner, CompiledLearner):
        return
    origin = registry.algorithm_origin(spec.algorithm)
    with registry.plugin_code(origin, "init"):
        states = learner.template(keys.init)
    _compare(sum(map(_bytes, jax.tree.leaves(states))), f"the state of {spec.algorithm}")
    with registry.plugin_code(origin, "update 1"):
        update = learner.trace(keys.update, states)
    _compare(largest_array(update.jaxpr), f"an update of {spec.algorithm}")
    with registry.plugin_code(origin, "policies at update 0"):
        policies = jax.eval_shape(learner.policies, states)
    with registry.plugin_code(origin, "act, evaluated at update 0,"):
        check_evaluation(evaluator, keys.evaluate, policies)


def check_evaluation(evaluator: Evaluator, keys: jax.Array, policies: Any) -> None:
    """Raise `OptionError` if scoring compiled players needs more memory than there is.

    Args:
        evaluator: of compiled players.
        keys: one for each seed.
        policies: from the learner's ``policies``, or their shapes.
    """
    program = evaluator.trace(keys, policies).jaxpr
    _compare(largest_array(program), f"an evaluation of {evaluator.num_envs} episodes")


def _compare(needed: int, what: str) -> None:
    have = memory_of_machine()
    if needed > have:
        raise OptionError(
            f"{what} needs about {size_in_words(needed)} of memory or more, this machine has {size_in_words(have)}; "
            "choose smaller numbers, such as fewer episodes or steps, or a smaller network"
        )


def largest_array(program: Any) -> int:
    """Return the bytes of the largest array that a program makes, those of its loops and branches included."""
    largest = 0
    for equation in program.eqns:
        sizes = [_bytes(variable.aval) for variable in equation.outvars]
        inner = [largest_array(each) for value in equation.params.values() for each in _programs(value)]
        largest = max([largest, *sizes, *inner])
    return largest


def _programs(value: Any) -> Iterator[Any]:
    """Yield the programs in a parameter of an operation, such as the body of a loop."""
    for each in value if isinstance(value, list | tuple) else (value,):
        inner = getattr(each, "jaxpr", each)
        if hasattr(inner, "eqns"):
            yield inner


def _bytes(array: Any) -> int:
    if not hasattr(array, "shape") or not hasattr(array, "dtype"):
        return 0
    return math.prod(array.shape) * getattr(array.dtype, "itemsize", 4)


def memory_of_machine() -> int:
    """Return the bytes of memory that the device, or the machine or container of a CPU, has in all."""
    limit = _of_device("bytes_limit")
    if limit:
        return limit
    found = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with suppress(OSError, ValueError):  # no container, or one without a limit ("max")
        found = min(found, int(CGROUP.read_text()))
    return found


def memory_used() -> int:
    """Return the most bytes that the device has held so far, or the process where that is a CPU."""
    peak = _of_device("peak_bytes_in_use")
    return peak or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _of_device(statistic: str) -> int:
    """Return what a device with memory of its own says of it; 0 for a CPU, and where it does not say."""
    device = jax.local_devices()[0]
    return 0 if device.platform == "cpu" else int((device.memory_stats() or {}).get(statistic) or 0)


def size_in_words(number: int) -> str:
    """Return a number of bytes such as 3.2 GiB."""
    units = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
    power = min(int(math.log2(max(number, 1))) // 10, len(units) - 1)
    return f"{number / 1024**power:.3g} {units[power]}"
