"""LOLA-DiCE: a gradient step through one imagined step of the opponent (arXiv:1709.04326, arXiv:1802.05098)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..checks import check_number, check_whole_number
from ..envs.base import Game
from .base import Algorithm, AlgorithmPlugin, Preset
from .learner import TrajectoryConfig, build_learner
from .lookahead import Sizes


@dataclass(frozen=True, kw_only=True)
class LolaDiceConfig(TrajectoryConfig):
    """Options of LOLA-DiCE."""

    inner_steps: int = 1
    """Imagined gradient steps of the opponent."""
    outer_steps: int = 1
    """Gradient steps in an update, each through a lookahead that starts from the opponent before the update."""
    inner_lr: float = 0.05
    """Rate of the opponent's imagined gradient descent."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_whole_number("inner_steps", self.inner_steps, at_least=1)
        check_whole_number("outer_steps", self.outer_steps, at_least=1)
        check_number("inner_lr", self.inner_lr, at_least=0)


def build(env: Game[Any, Any], params: Any, config: LolaDiceConfig) -> Algorithm:
    """Make the learner for a game."""

    def sizes(num_steps: int) -> Sizes:
        return Sizes(
            num_envs=config.num_envs,
            num_steps=num_steps,
            hidden_size=config.hidden_size,
            inner_steps=config.inner_steps,
            outer_steps=config.outer_steps,
            penalties=False,
            reverse_kl=False,
        )

    return build_learner(env, params, config, sizes=sizes, inner_beta=0.0, outer_beta=0.0)


_PUBLISHED = {"observation_layout": "shared"}

LOLA_DICE = AlgorithmPlugin(
    config=LolaDiceConfig,
    build=build,
    summary="Learning with opponent-learning awareness on sampled trajectories (LOLA with DiCE).",
    presets={
        ("published", "IPD-v0"): Preset(updates=20001, env_options=_PUBLISHED),
        ("published", "CoinGame-v0"): Preset(updates=50001, options={"inner_lr": 0.003}, env_options=_PUBLISHED),
        ("laptop", "IPD-v0"): Preset(
            updates=1250, options={"num_envs": 128, "hidden_size": 16, "outer_lr": 0.003, "critic_lr": 0.0005}
        ),
    },
)
