"""PettingZoo's module of the iterated prisoner's dilemma."""

from .views.pettingzoo import makers

env, raw_env, parallel_env = makers("IPD-v0")

__all__ = ["env", "parallel_env", "raw_env"]
