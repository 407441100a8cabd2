"""PettingZoo's module of the public goods game."""

from .views.pettingzoo import makers

env, raw_env, parallel_env = makers("PublicGoods-v0")

__all__ = ["env", "parallel_env", "raw_env"]
