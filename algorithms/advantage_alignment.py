"""Advantage Alignment (Duque et al. 2024, arXiv:2406.14662): LOQA whose past counts wholly, whatever was expected."""

from __future__ import annotations

from .base import AlgorithmPlugin, Preset
from .core.self_play import build_self_play
from .core.self_play_config import SelfPlayConfig

_MATRIX_GAME = {
    "num_envs": 128,
    "hidden_size": 16,
    "shaping": 3.0,
    "shaping_end": 3.0,
    "entropy": 0.03,
    "entropy_end": 0.03,
    "anneal_steps": 4000,
    "anneal_from": 0.5,
}

ADVANTAGE_ALIGNMENT = AlgorithmPlugin(
    config=SelfPlayConfig,
    build=build_self_play,
    summary="Advantage Alignment: reinforces what is good for an opponent that was good to the learner; first order.",
    presets={
        ("laptop", "IPD-v0"): Preset(updates=40, options=_MATRIX_GAME),
        ("laptop", "PublicGoods-v0"): Preset(
            updates=40, options=_MATRIX_GAME, env_options={"contribution_factor": 2.0}
        ),
        # The past counts wholly, where in LOQA about half of it does: hence 0.6 of LOQA's weight.
        ("laptop", "CoinGame-v0"): Preset(
            updates=100, options={"residual_lambda": 0.3, "shaping": 0.6, "shaping_end": 0.36}
        ),
        ("published", "CoinGame-v0"): Preset(
            updates=60,
            options={
                "num_envs": 512,
                "hidden_size": 64,
                "value_hidden_size": 64,
                "pool_size": 100,
                "num_opponents": 8,
                "other_play": False,
                "learning_rate": 0.001,
                "learning_rate_end": 0.001,
                "max_gradient_norm": 10.0,
                "gae_lambda": 0.0,
                "bootstrap_opponent": False,
                "stop_advantages": False,
                "value_lambda": 0.0,
                "step_input": True,
                "target_decay": 0.99,
            },
        ),
    },
)
