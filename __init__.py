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
    list_loggers,
    list_policies,
    make_algorithm,
    make_env,
    make_policy,
    policy_resolver,
    register_algorithm,
    register_environment,
    register_logger,
    register_policy,
)

if TYPE_CHECKING:
    from .envs.views.meta_game import meta_game
    from .envs.views.single_agent import single_agent
    from .runner.api import Run, TrainingError, TrainingInterrupted, evaluate, load, read_config, train
    from .runner.training.callbacks import Callback

__all__ = [
    "Callback",
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
    "list_loggers",
    "list_policies",
    "load",
    "make_algorithm",
    "make_env",
    "make_policy",
    "meta_game",
    "policy_resolver",
    "read_config",
    "register_algorithm",
    "register_environment",
    "register_logger",
    "register_policy",
    "single_agent",
    "train",
]


_LOADED_LATER = {
    **dict.fromkeys(
        ("Run", "TrainingError", "TrainingInterrupted", "evaluate", "load", "read_config", "train"), "runner.api"
    ),
    "Callback": "runner.training.callbacks",
    "meta_game": "envs.views.meta_game",
    "single_agent": "envs.views.single_agent",
}
"""What needs a numerical library, and the modules that have it."""


def __getattr__(name: str) -> Any:
    """Read ``__version__`` from the installed metadata, and load what trains, when they are asked for."""
    if name == "__version__":
        from importlib.metadata import version

        return version("polax")
    if name in _LOADED_LATER:
        from importlib import import_module

        return getattr(import_module(f".{_LOADED_LATER[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


gym_ids.install()
