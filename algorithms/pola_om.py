"""POLA-OM: POLA-DiCE that sees the opponent's actions instead of its parameters (arXiv:2210.10125, section 5.3)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..options import Count, Positive
from .base import AlgorithmPlugin, Preset
from .core.learner import BEST_RESPONSE, ProximalConfig, build_learner, build_player
from .core.lookahead import Coefficients


@dataclass(frozen=True, kw_only=True)
class PolaOmConfig(ProximalConfig):
    """Options of POLA-OM."""

    model_batches: Count = 200
    """Fresh batches of real play at the start of every update, to fit the model of the opponent to."""
    model_steps_per_batch: Count = 1
    """Steps of Adam on each of them."""
    model_lr: Positive | None = None
    """Learning rate of the model's policy; None: ``outer_lr``, as in the published runs."""
    model_critic_lr: Positive | None = None
    """Learning rate of the model's critic; None: ``critic_lr``, as in the published runs."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.opponents == "past":
            raise ValueError(
                "opponents must be current for pola-om, which models one opponent and not its past; got past"
            )

    def coefficients(self) -> Coefficients:
        """Return the settings that travel in the state."""
        return replace(
            super().coefficients(),
            model_lr=self.outer_lr if self.model_lr is None else self.model_lr,
            model_critic_lr=self.critic_lr if self.model_critic_lr is None else self.model_critic_lr,
        )


_PUBLISHED = {"observation_layout": "shared"}

POLA_OM = AlgorithmPlugin(
    config=PolaOmConfig,
    build=build_learner,
    build_player=build_player,
    steps_per_update=PolaOmConfig.steps_per_update,
    summary="POLA with opponent models: the opponent's parameters are not seen, a model of them is fitted.",
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
