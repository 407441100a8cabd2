"""LOQA: learning with opponent Q-learning awareness (Aghajohari et al. 2024, arXiv:2405.01035)."""

from __future__ import annotations

from dataclasses import dataclass

from .base import AlgorithmPlugin, Preset
from .core.self_play import build_self_play
from .core.self_play_config import SurpriseConfig


@dataclass(frozen=True, kw_only=True)
class LoqaConfig(SurpriseConfig):
    """Options of LOQA."""


LOQA = AlgorithmPlugin(
    config=LoqaConfig,
    build=build_self_play,
    summary="LOQA: an opponent that acts by its action values will do more of what it is rewarded for; first order.",
    presets={
        ("laptop", "IPD-v0"): Preset(
            updates=40,
            options={
                "num_envs": 128,
                "hidden_size": 16,
                "temperature": 0.33,
                "entropy": 0.03,
                "entropy_end": 0.03,
                "learning_rate_end": 0.0003,
                "anneal_steps": 4000,
            },
        ),
        ("laptop", "CoinGame-v0"): Preset(
            updates=100,
            options={"residual_lambda": 0.3, "shaping_end": 0.3},
        ),
    },
)
