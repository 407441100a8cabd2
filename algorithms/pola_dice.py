"""POLA-DiCE: proximal learning with opponent-learning awareness on sampled trajectories (Zhao et al. 2022, arXiv:2210.10125)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..checks import check_choice, check_number, check_whole_number
from ..envs.base import Game
from .base import Algorithm, AlgorithmPlugin, Preset
from .learner import TrajectoryConfig, build_learner
from .lookahead import Sizes

KL_DIRECTIONS = ("forward", "reverse")


@dataclass(frozen=True, kw_only=True)
class PolaDiceConfig(TrajectoryConfig):
    """Options of POLA-DiCE."""

    inner_steps: int = 2
    """Imagined gradient steps of the opponent."""
    outer_steps: int = 200
    """Gradient steps in an update, each through a lookahead that starts from the opponent before the update."""
    inner_lr: float = 0.005
    """Rate of the opponent's imagined gradient descent."""
    inner_beta: float = 10.0
    """Weight of the penalty on the opponent's imagined policy moving away from its present one."""
    outer_beta: float = 100.0
    """Weight of the penalty on the learner's policy moving away from where the update started."""
    kl_direction: str = "forward"
    """``forward``: KL(before || now), as published; ``reverse``: KL(now || before)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_whole_number("inner_steps", self.inner_steps, at_least=1)
        check_whole_number("outer_steps", self.outer_steps, at_least=1)
        check_number("inner_lr", self.inner_lr, at_least=0)
        check_number("inner_beta", self.inner_beta, at_least=0)
        check_number("outer_beta", self.outer_beta, at_least=0)
        check_choice("kl_direction", self.kl_direction, KL_DIRECTIONS)


def build(env: Game[Any, Any], params: Any, config: PolaDiceConfig) -> Algorithm:
    """Make the learner for a game."""

    def sizes(num_steps: int) -> Sizes:
        return Sizes(
            num_envs=config.num_envs,
            num_steps=num_steps,
            hidden_size=config.hidden_size,
            inner_steps=config.inner_steps,
            outer_steps=config.outer_steps,
            penalties=True,
            reverse_kl=config.kl_direction == "reverse",
        )

    return build_learner(env, params, config, sizes=sizes)


_PUBLISHED = {"observation_layout": "shared"}

POLA_DICE = AlgorithmPlugin(
    config=PolaDiceConfig,
    build=build,
    summary="Proximal LOLA on sampled trajectories: penalties on moving make the update depend on behaviour only.",
    presets={
        ("published", "IPD-v0"): Preset(updates=101, env_options=_PUBLISHED),
        ("published", "CoinGame-v0"): Preset(
            updates=251,
            options={"num_envs": 1000, "inner_steps": 4, "inner_lr": 0.01, "inner_beta": 5.0, "outer_beta": 150.0},
            env_options=_PUBLISHED,
        ),
        ("laptop", "IPD-v0"): Preset(
            updates=25,
            options={
                "num_envs": 128,
                "hidden_size": 16,
                "outer_steps": 50,
                "inner_lr": 0.01,
                "outer_lr": 0.02,
                "critic_lr": 0.002,
            },
        ),
    },
)
