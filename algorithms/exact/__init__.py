"""Learning from exact returns: memory-one policies in repeated 2x2 games, no sampling."""

from .opponent_model import Fit, fit_model
from .parameterisations import Mlp, MlpParams, Preconditioned, Tabular, bernoulli_kl, make_parameterisation
from .policy import MemoryOnePolicy
from .returns import (
    STATES,
    ExactGame,
    discounted_returns,
    mean_rewards,
    public_goods_returns,
    public_goods_rewards,
    social_optimum,
)

__all__ = [
    "STATES",
    "ExactGame",
    "Fit",
    "MemoryOnePolicy",
    "Mlp",
    "MlpParams",
    "Preconditioned",
    "Tabular",
    "bernoulli_kl",
    "discounted_returns",
    "fit_model",
    "make_parameterisation",
    "mean_rewards",
    "public_goods_returns",
    "public_goods_rewards",
    "social_optimum",
]
