"""PettingZoo's module of the stag hunt."""

from .views.pettingzoo import makers

env, raw_env, parallel_env = makers("StagHunt-v0")

__all__ = ["env", "parallel_env", "raw_env"]
