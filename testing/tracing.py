"""Trace functions without computing anything: forms, keys used twice, and what Python decided while tracing."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np

from .clauses import Subject


class Program(NamedTuple):
    """A traced function."""

    shapes: Any
    """What it returns, as shapes and dtypes."""

    returned: Any
    """The very tree that it returned while it was traced: tracers, and whatever else was in it."""

    text: str
    constants: tuple[np.ndarray, ...]


def trace(subject: Subject, clause: str, function: Callable[..., Any], *arguments: Any) -> Program:
    """Trace a function; a key used twice or an error is a breach.

    Args:
        subject: whose function it is.
        clause: the clause that an error breaks.
        function: to be traced, as under ``jax.jit``.
        *arguments: arrays, or their shapes.
    """
    returned: list[Any] = []

    def watched(*given: Any) -> Any:
        returned.append(function(*given))
        return returned[-1]

    with subject.running(clause):
        traced = jax.jit(watched).trace(*arguments)
    closed = traced.jaxpr
    if not _transposes_keys(closed.jaxpr):
        _check_keys(subject, function, *arguments)
    constants = tuple(np.asarray(each) for each in closed.consts if not _is_key(each))
    return Program(traced.out_info, returned[-1], re.sub("0x[0-9a-f]+", "", str(closed)), constants)


def demand_same_program(
    subject: Subject, clause: str, function: Callable[..., Any], *arguments: Any, errors: str
) -> Program:
    """Trace a function twice: numbers drawn or counted in Python have become constants, and differ.

    Args:
        subject: whose function it is.
        clause: what asks for equal results.
        function: to be traced.
        *arguments: arrays, or their shapes.
        errors: the clause that an error breaks.

    Returns:
        The traced function.
    """
    first, second = (trace(subject, errors, function, *arguments) for _ in range(2))
    same = first.text == second.text and len(first.constants) == len(second.constants)
    same = same and all(
        np.array_equal(one, other) for one, other in zip(first.constants, second.constants, strict=True)
    )
    subject.demand(clause, same, "traced again it is another program: something outside its arguments has changed")
    return first


def _check_keys(subject: Subject, function: Callable[..., Any], *arguments: Any) -> None:
    with jax.debug_key_reuse(True):
        try:
            jax.eval_shape(lambda *given: function(*given), *arguments)
        except jax.errors.KeyReuseError as cause:
            raise subject.breach("key-used-once", str(cause).splitlines()[0]) from cause


def _transposes_keys(program: Any) -> bool:
    """Tell whether keys are transposed, as by ``jax.vmap`` of a scan over keys: jax takes that for a use of the key.

    Seen in jax 0.10 and 0.11, whose check of such a program always fails; it says nothing then.
    """
    for equation in program.eqns:
        if equation.primitive.name == "transpose" and _is_key(equation.invars[0].aval):
            return True
        for inner in jax.tree.leaves(list(equation.params.values()), is_leaf=lambda value: hasattr(value, "eqns")):
            inner = getattr(inner, "jaxpr", inner)
            if hasattr(inner, "eqns") and _transposes_keys(inner):
                return True
    return False


def _is_key(value: Any) -> bool:
    return hasattr(value, "dtype") and jax.numpy.issubdtype(value.dtype, jax.dtypes.prng_key)
