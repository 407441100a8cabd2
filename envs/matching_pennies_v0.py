"""PettingZoo's module of the matching pennies."""

from .views.pettingzoo import makers

env, raw_env, parallel_env = makers("MatchingPennies-v0")

__all__ = ["env", "parallel_env", "raw_env"]
