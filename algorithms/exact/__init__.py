"""Learning from exact returns of memory-one policies in repeated 2x2 games, one file a rule; nothing is sampled.

May import `algorithms.base`, the contract of a game, its policies, and option checks. A rule's file imports no other
rule's.
"""

from .opponent_model import Fit, Model, fit_model
from .parameterisations import Mlp, MlpParams, Preconditioned, Tabular, bernoulli_kl, make_parameterisation
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
    "Mlp",
    "MlpParams",
    "Model",
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
