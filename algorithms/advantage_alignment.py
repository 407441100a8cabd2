"""Advantage Alignment (Duque et al. 2024, arXiv:2406.14662): LOQA whose past counts wholly, whatever was expected."""

from __future__ import annotations

from dataclasses import dataclass

from .base import AlgorithmPlugin, Preset
from .core.self_play import build_self_play
from .core.self_play_config import SelfPlayConfig


@dataclass(frozen=True, kw_only=True)
class AdvantageAlignmentConfig(SelfPlayConfig):
    """Options of Advantage Alignment."""


ADVANTAGE_ALIGNMENT = AlgorithmPlugin(
    config=AdvantageAlignmentConfig,
    build=build_self_play,
    summary="Advantage Alignment: reinforces what is good for an opponent that was good to the learner; first order.",
    presets={("laptop", "CoinGame-v0"): Preset(updates=100, options={"residual_lambda": 0.3, "shaping_end": 0.3})},
)
