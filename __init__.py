"""Learning with opponent-learning awareness: social dilemmas and opponent-shaping learners in JAX.

Importing polax is quick: no environment, no algorithm and no numerical library is loaded until its name is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .envs.views import ids as gym_ids
from .options import MissingExtraError, OptionError, PolaxError
from .registry import (
    Listing,
    PluginError,
    UnknownNameError,
    algorithm_plugin,
    environment_plugin,
    list_algorithms,
    list_environments,
    list_policies,
    make_algorithm,
    make_env,
    make_policy,
    policy_resolver,
    register_algorithm,
    register_environment,
    register_policy,
)

if TYPE_CHECKING:
    from .runner.api import Run, TrainingError, TrainingInterrupted, evaluate, load, train

__all__ = [
    "Listing",
    "MissingExtraError",
    "OptionError",
    "PluginError",
    "PolaxError",
    "Run",
    "TrainingError",
    "TrainingInterrupted",
    "UnknownNameError",
    "__version__",
    "algorithm_plugin",
    "environment_plugin",
    "evaluate",
    "list_algorithms",
    "list_environments",
    "list_policies",
    "load",
    "make_algorithm",
    "make_env",
    "make_policy",
    "policy_resolver",
    "register_algorithm",
    "register_environment",
    "register_policy",
    "train",
]


_IN_API = ("Run", "TrainingError", "TrainingInterrupted", "evaluate", "load", "train")


def __getattr__(name: str) -> Any:
    """Read ``__version__`` from the installed metadata, and load what trains, when they are asked for."""
    if name == "__version__":
        from importlib.metadata import version

        return version("polax")
    if name in _IN_API:
        from .runner import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


gym_ids.install()
