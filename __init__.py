"""Learning with opponent-learning awareness: social dilemmas and opponent-shaping learners in JAX.

Importing polax is quick: no environment, no algorithm and no numerical library is loaded until its name is asked for.
"""

from __future__ import annotations

from importlib import import_module
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
    list_executors,
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
    from .envs.policies.rollout import Rollout, rollout
    from .envs.views.meta_game import meta_game
    from .envs.views.single_agent import single_agent
    from .runner.api import (
        Agent,
        Run,
        TrainingError,
        TrainingInterrupted,
        estimate,
        evaluate,
        load,
        read_config,
        render,
        train,
        write_page,
    )
    from .runner.compare import Interrupted, benchmark, league, sweep, tournament
    from .runner.report.document import Document
    from .runner.training.callbacks import Callback

__all__ = [
    "Agent",
    "Callback",
    "Document",
    "Interrupted",
    "Listing",
    "MissingExtraError",
    "OptionError",
    "PluginError",
    "PolaxError",
    "Rollout",
    "Run",
    "TrainingError",
    "TrainingInterrupted",
    "UnknownNameError",
    "__version__",
    "algorithm_plugin",
    "benchmark",
    "environment_plugin",
    "estimate",
    "evaluate",
    "league",
    "list_algorithms",
    "list_environments",
    "list_executors",
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
    "render",
    "rollout",
    "single_agent",
    "sweep",
    "tournament",
    "train",
    "write_page",
]


_HOMES = {
    "envs.policies.rollout": ("Rollout", "rollout"),
    "envs.views.meta_game": ("meta_game",),
    "envs.views.single_agent": ("single_agent",),
    "runner.api": (
        "Agent",
        "Run",
        "TrainingError",
        "TrainingInterrupted",
        "estimate",
        "evaluate",
        "load",
        "read_config",
        "render",
        "train",
        "write_page",
    ),
    "runner.compare": ("Interrupted", "benchmark", "league", "sweep", "tournament"),
    "runner.report.document": ("Document",),
    "runner.training.callbacks": ("Callback",),
}
"""Which module has what is loaded when it is asked for."""


def __getattr__(name: str) -> Any:
    """Read ``__version__`` from the installed metadata, and load what trains and plays, when they are asked for."""
    if name == "__version__":
        from importlib.metadata import version

        return version("polax")
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f".{module}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


gym_ids.install()
