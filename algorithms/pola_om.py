"""POLA-OM: POLA-DiCE that sees what the opponent does, not its parameters (arXiv:2210.10125, section 5.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..envs.base import Game
from ..options import check_number, check_whole_number
from .base import Algorithm, AlgorithmPlugin, Preset
from .core.learner import BEST_RESPONSE, ModelFit, build_learner
from .core.opponent_model import FitCounts, FitRates
from .core.proximal import ProximalConfig


@dataclass(frozen=True, kw_only=True)
class PolaOmConfig(ProximalConfig):
    """Options of POLA-OM."""

    model_batches: int = 200
    """Fresh batches of real play at the start of every update, to fit the model of the opponent to."""
    model_steps_per_batch: int = 1
    """Steps of Adam on each of them."""
    model_lr: float | None = None
    """Learning rate of the model's policy; None: ``outer_lr``, as in the published runs."""
    model_critic_lr: float | None = None
    """Learning rate of the model's critic; None: ``critic_lr``, as in the published runs."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_whole_number("model_batches", self.model_batches, at_least=1)
        check_whole_number("model_steps_per_batch", self.model_steps_per_batch, at_least=1)
        for name in ("model_lr", "model_critic_lr"):
            if getattr(self, name) is not None:
                check_number(name, getattr(self, name), above=0)


def build(env: Game[Any, Any], params: Any, config: PolaOmConfig) -> Algorithm:
    """Make the learner for a game."""
    model_fit = ModelFit(
        counts=FitCounts(batches=config.model_batches, steps_per_batch=config.model_steps_per_batch),
        rates=FitRates(
            policy_lr=config.outer_lr if config.model_lr is None else config.model_lr,
            critic_lr=config.critic_lr if config.model_critic_lr is None else config.model_critic_lr,
        ),
    )
    return build_learner(env, params, config, model_fit=model_fit)


_PUBLISHED = {"observation_layout": "shared"}

POLA_OM = AlgorithmPlugin(
    config=PolaOmConfig,
    build=build,
    summary="POLA with opponent models: the other's parameters are not seen, a model of them is fitted.",
    steps_per_update=PolaOmConfig.steps_per_update,
    presets={
        **BEST_RESPONSE,
        ("published", "IPD-v0"): Preset(updates=101, env_options=_PUBLISHED),
        ("published", "CoinGame-v0"): Preset(
            updates=251,
            options={"num_envs": 1000, "inner_steps": 6, "inner_lr": 0.01, "inner_beta": 15.0, "outer_beta": 150.0},
            env_options=_PUBLISHED,
        ),
        ("laptop", "IPD-v0"): Preset(
            updates=30,
            options={
                "num_envs": 128,
                "hidden_size": 16,
                "outer_steps": 50,
                # A fitted model moves several times as far in an inner step as the opponent itself would.
                "inner_lr": 0.01,
                "outer_lr": 0.02,
                "critic_lr": 0.002,
                "outer_beta": 50.0,
                "model_lr": 0.01,
                "model_critic_lr": 0.005,
            },
        ),
        ("laptop", "CoinGame-v0"): Preset(
            updates=36,
            options={
                "num_envs": 256,
                "hidden_size": 32,
                "outer_steps": 50,
                "inner_lr": 0.4,
                "outer_lr": 0.01,
                "critic_lr": 0.001,
                "inner_beta": 0.0,
                "outer_beta": 75.0,
                "gae_lambda": 0.8,
                "dice_lambda": 0.8,
                "model_batches": 100,
                "model_lr": 0.01,
                "model_critic_lr": 0.005,
            },
        ),
    },
)
