"""LOQA: learning with opponent Q-learning awareness (Aghajohari et al. 2024, arXiv:2405.01035)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..checks import check_number
from ..envs.base import Game
from .base import Algorithm, AlgorithmPlugin, Preset
from .core.self_play import Rule, SelfPlayConfig, build_self_play


@dataclass(frozen=True, kw_only=True)
class LoqaConfig(SelfPlayConfig):
    """Options of LOQA."""

    temperature: float = 1.0
    """Temperature of the softmax of action values by which the opponent is assumed to act."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number("temperature", self.temperature, above=0)


def build(env: Game[Any, Any], params: Any, config: LoqaConfig) -> Algorithm:
    """Make the learner for a game."""
    return build_self_play(env, params, config, rule=Rule(weigh_by_surprise=True), temperature=config.temperature)


LOQA = AlgorithmPlugin(
    config=LoqaConfig,
    build=build,
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
