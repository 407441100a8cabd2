"""PettingZoo's module of the game of chicken."""

from .views.pettingzoo import makers

env, raw_env, parallel_env = makers("Chicken-v0")

__all__ = ["env", "parallel_env", "raw_env"]
