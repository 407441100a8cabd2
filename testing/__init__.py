"""Check environments, algorithms and players of your own against the contracts, in your tests.

Each check raises `ContractError`, which names the broken clause and how to fix it, or returns None. A check takes
seconds: it plays a few steps and takes a few updates at the sizes you give.

Example:
    >>> import polax.testing
    >>> polax.testing.check_algorithm("naive", options={"num_envs": 4, "hidden_size": 3})  # doctest: +SKIP
"""

from .algorithms import check_algorithm
from .clauses import CLAUSES, Clause, ContractError
from .environments import check_environment
from .policies import check_policy

__all__ = ["CLAUSES", "Clause", "ContractError", "check_algorithm", "check_environment", "check_policy"]
