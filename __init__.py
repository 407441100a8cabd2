"""Learning with opponent-learning awareness: social dilemmas and opponent-shaping learners in JAX.

Importing polax is quick: no environment, no algorithm and no numerical library is loaded until its name is asked for.
"""

from __future__ import annotations

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

__all__ = [
    "Listing",
    "MissingExtraError",
    "OptionError",
    "PluginError",
    "PolaxError",
    "UnknownNameError",
    "__version__",
    "algorithm_plugin",
    "environment_plugin",
    "list_algorithms",
    "list_environments",
    "list_policies",
    "make_algorithm",
    "make_env",
    "make_policy",
    "policy_resolver",
    "register_algorithm",
    "register_environment",
    "register_policy",
]


def __getattr__(name: str) -> str:
    """Read ``__version__`` from the installed metadata when it is asked for."""
    if name == "__version__":
        from importlib.metadata import version

        return version("polax")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


gym_ids.install()
