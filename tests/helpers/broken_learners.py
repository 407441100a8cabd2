"""Learners that break in one function each, around the toy."""

import dataclasses
import sys
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from polax.algorithms.base import Algorithm, AlgorithmPlugin
from toy_learner import TOY, ToyConfig


class Odd(BaseException):
    """Neither an Exception nor an exit."""


class UnprintableError(Exception):
    """Its message cannot be made."""

    def __str__(self) -> str:
        raise RuntimeError("no message")


def _raise(error: BaseException) -> Any:
    raise error


def _raises(error: BaseException) -> Callable[..., Any]:
    return lambda *arguments: _raise(error)


def _broken(**changes: Any) -> AlgorithmPlugin:
    def build(env: Any, params: Any, config: Any) -> Algorithm:
        return TOY.build(env, params, config)._replace(**changes)

    return AlgorithmPlugin(ToyConfig, build, "A broken toy")


def _renamed(name: Any) -> Callable[..., Any]:
    """Return an update that gives its metric another name."""

    def update(key: jax.Array, state: Any) -> Any:
        return state, {name: jnp.zeros(())}

    return update


@dataclasses.dataclass(frozen=True)
class _Chooses:
    """A policy that always chooses one action."""

    action: int

    def initial_memory(self, num_envs: int) -> Any:
        return ()

    def act(self, key: jax.Array, observation: jax.Array, memory: Any) -> Any:
        return jnp.full(observation.shape[:1], self.action, jnp.int32), memory


jax.tree_util.register_dataclass(_Chooses, data_fields=[], meta_fields=["action"])


def _fails_later(key: jax.Array, state: Any) -> Any:
    if state["count"] == 3:
        sys.exit(0)
    return {"count": state["count"] + 1}, {"loss": 0.0}


def _build_later(env: Any, params: Any, config: Any) -> Algorithm:
    import numpy as np

    return Algorithm(
        init=lambda key: {"count": np.zeros((), np.int64)},
        update=_fails_later,
        policies=lambda state: (_Chooses(0), _Chooses(1)),
        pure=False,
    )


BROKEN = {
    "build": (AlgorithmPlugin(ToyConfig, _raises(KeyError("x")), ""), "build failed: KeyError: 'x'"),
    "build-exits": (AlgorithmPlugin(ToyConfig, _raises(SystemExit(0)), ""), "build failed: SystemExit: 0"),
    "build-odd": (AlgorithmPlugin(ToyConfig, _raises(Odd("two\nlines")), ""), "build failed: Odd: two lines"),
    "build-unprintable": (AlgorithmPlugin(ToyConfig, _raises(UnprintableError()), ""), "its message cannot be shown"),
    "build-nothing": (AlgorithmPlugin(ToyConfig, lambda *arguments: None, ""), "must return an Algorithm, not None"),
    "steps": (TOY._replace(steps_per_update=_raises(OSError("x"))), "steps_per_update failed: OSError: x"),
    "init": (_broken(init=_raises(ZeroDivisionError("x"))), "init failed: ZeroDivisionError: x"),
    "init-exits": (_broken(init=_raises(SystemExit(0))), "init failed: SystemExit: 0"),
    "update": (_broken(update=_raises(ValueError("x"))), "update 1 failed: ValueError: x"),
    "update-exits": (_broken(update=_raises(SystemExit(0))), "update 1 failed: SystemExit: 0"),
    "update-nothing": (_broken(update=lambda key, state: None), "update 1 failed: TypeError: "),
    "policies": (_broken(policies=_raises(ValueError("x"))), "policies at update 0 failed: ValueError: x"),
    "policies-few": (_broken(policies=lambda state: (_Chooses(0),)), "act, evaluated at update 0, failed: "),
    "act": (_broken(policies=lambda state: (jnp.zeros(()), jnp.zeros(()))), "act, evaluated at update 0, failed: "),
    "act-too-high": (
        _broken(policies=lambda state: (_Chooses(0), _Chooses(2))),
        "the policy of player 1 chose actions from 2 to 2; IPD-v0 has the actions 0 to 1",
    ),
    "act-below": (_broken(policies=lambda state: (_Chooses(-1), _Chooses(0))), "player 0 chose actions from -1 to -1"),
    **{
        f"metric-{name.replace('/', '-')}": (_broken(update=_renamed(name)), f"its metric {name!r} has a name that ")
        for name in ("update", "seed", "seconds", "score/player_0")
    },
    "later": (
        AlgorithmPlugin(ToyConfig, _build_later, ""),
        "update 4 failed: SystemExit: 0; stopped after update 3 of 5 and saved",
    ),
}
"""Plug-ins by name, with a part of what is said of each."""
