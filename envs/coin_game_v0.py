"""PettingZoo's module of the coin game."""

from .views.pettingzoo import makers

env, raw_env, parallel_env = makers("CoinGame-v0")

__all__ = ["env", "parallel_env", "raw_env"]
