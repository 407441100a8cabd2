"""Advantage Alignment (Duque et al. 2024, arXiv:2406.14662): LOQA whose past counts wholly, whatever was expected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..envs.base import Game
from .base import Algorithm, AlgorithmPlugin, Preset
from .core.self_play import Rule, SelfPlayConfig, build_self_play


@dataclass(frozen=True, kw_only=True)
class AdvantageAlignmentConfig(SelfPlayConfig):
    """Options of Advantage Alignment."""


def build(env: Game[Any, Any], params: Any, config: AdvantageAlignmentConfig) -> Algorithm:
    """Make the learner for a game."""
    return build_self_play(env, params, config, rule=Rule(weigh_by_surprise=False))


ADVANTAGE_ALIGNMENT = AlgorithmPlugin(
    config=AdvantageAlignmentConfig,
    build=build,
    summary="Advantage Alignment: reinforces what is good for an opponent that was good to the learner; first order.",
    presets={("laptop", "CoinGame-v0"): Preset(updates=100, options={"residual_lambda": 0.3, "shaping_end": 0.3})},
)
