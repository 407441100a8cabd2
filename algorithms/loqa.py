"""LOQA: learning with opponent Q-learning awareness (Aghajohari et al. 2024, arXiv:2405.01035)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..options import check_number
from .base import AlgorithmPlugin, Preset
from .core.self_play import build_self_play
from .core.self_play_config import Coefficients, SelfPlayConfig, Structure


@dataclass(frozen=True, kw_only=True)
class LoqaConfig(SelfPlayConfig):
    """Options of LOQA."""

    temperature: float = 1.0
    """Temperature of the softmax of action values by which the opponent is assumed to act."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number("temperature", self.temperature, above=0)

    def coefficients(self) -> Coefficients:
        """Return the settings that travel in the state."""
        return replace(super().coefficients(), temperature=self.temperature)

    def structure(self, num_steps: int) -> Structure:
        """Return the settings that the program for episodes of ``num_steps`` is compiled for."""
        return replace(super().structure(num_steps), weigh_by_surprise=True)


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
