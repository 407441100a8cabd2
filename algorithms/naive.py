"""Naive learning: independent policy gradient with a critic, blind to the other's learning. The baseline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..checks import check_whole_number
from ..envs.base import Game
from .base import Algorithm, AlgorithmPlugin, Preset
from .learner import TrajectoryConfig, build_learner
from .lookahead import Sizes


@dataclass(frozen=True, kw_only=True)
class NaiveConfig(TrajectoryConfig):
    """Options of naive learning."""

    outer_steps: int = 1
    """Gradient steps in an update, all against the opponent as it was before the update."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_whole_number("outer_steps", self.outer_steps, at_least=1)


def build(env: Game[Any, Any], params: Any, config: NaiveConfig) -> Algorithm:
    """Make the learner for a game."""

    def sizes(num_steps: int) -> Sizes:
        return Sizes(
            num_envs=config.num_envs,
            num_steps=num_steps,
            hidden_size=config.hidden_size,
            inner_steps=0,
            outer_steps=config.outer_steps,
            penalties=False,
            reverse_kl=False,
        )

    return build_learner(env, params, config, sizes=sizes, inner_lr=0.0, inner_beta=0.0, outer_beta=0.0)


NAIVE = AlgorithmPlugin(
    config=NaiveConfig,
    build=build,
    summary="Independent policy gradient with a critic; the baseline that defects.",
    presets={
        ("laptop", "IPD-v0"): Preset(
            updates=20,
            options={"num_envs": 128, "hidden_size": 16, "outer_steps": 50, "outer_lr": 0.03, "critic_lr": 0.002},
        ),
    },
)
