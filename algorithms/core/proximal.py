"""What POLA-DiCE and POLA-OM have in common: a lookahead with penalties on moving away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...checks import check_choice, check_number
from ...envs.base import Game
from ..base import Algorithm
from .learner import LookaheadConfig, ModelFit, build_learner

__all__ = ["ProximalConfig", "build_proximal"]

KL_DIRECTIONS = ("forward", "reverse")


@dataclass(frozen=True, kw_only=True)
class ProximalConfig(LookaheadConfig):
    """Options of a lookahead with penalties."""

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
        check_number("inner_beta", self.inner_beta, at_least=0)
        check_number("outer_beta", self.outer_beta, at_least=0)
        check_choice("kl_direction", self.kl_direction, KL_DIRECTIONS)


def build_proximal(
    env: Game[Any, Any], params: Any, config: ProximalConfig, *, model_fit: ModelFit | None = None
) -> Algorithm:
    """Make the learner for a game; with ``model_fit``, one that models its opponent."""
    return build_learner(
        env,
        params,
        config,
        inner_steps=config.inner_steps,
        penalties=True,
        reverse_kl=config.kl_direction == "reverse",
        model_fit=model_fit,
    )
