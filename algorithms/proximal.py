"""What POLA-DiCE and POLA-OM have in common: the options of a penalised lookahead."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..checks import check_choice, check_number, check_whole_number
from .learner import TrajectoryConfig
from .lookahead import Sizes

__all__ = ["ProximalConfig", "proximal_sizes"]

KL_DIRECTIONS = ("forward", "reverse")


@dataclass(frozen=True, kw_only=True)
class ProximalConfig(TrajectoryConfig):
    """Options of a lookahead with penalties on moving away."""

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


def proximal_sizes(config: ProximalConfig) -> Callable[[int], Sizes]:
    """Return what makes the sizes of a configuration from the number of steps in an episode."""

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

    return sizes
