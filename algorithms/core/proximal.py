"""What POLA-DiCE and POLA-OM have in common: a lookahead with penalties on moving away."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ...options import check_choice, check_number
from .learner import LookaheadConfig
from .lookahead import Coefficients, Structure

__all__ = ["ProximalConfig"]

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

    def coefficients(self) -> Coefficients:
        """Return the settings that travel in the state."""
        return replace(super().coefficients(), inner_beta=self.inner_beta, outer_beta=self.outer_beta)

    def structure(self, num_steps: int) -> Structure:
        """Return the settings that the program for episodes of ``num_steps`` is compiled for."""
        return replace(super().structure(num_steps), kl_direction=self.kl_direction)
