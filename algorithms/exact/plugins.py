"""The plug-ins ``naive-exact``, ``lola-exact`` and ``pola-exact``."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...envs.base import Game
from ..base import Algorithm, AlgorithmPlugin
from .config import LolaExactConfig, NaiveExactConfig, OpponentModelConfig, PolaExactConfig
from .environments import exact_payoffs
from .learner import ExactInit, ExactPolicies, ExactUpdate, GradientRule, ModelFit, Numbers, ProximalRule
from .lola import Rates, lola_gradient, naive_gradient, taylor_gradient, untransformed_outer_gradient
from .parameterisations import Parameterisation, make_parameterisation
from .presets import LOLA_PRESETS, NAIVE_PRESETS, POLA_PRESETS


def _build_naive(env: Game[Any, Any], params: Any, config: NaiveExactConfig) -> Algorithm:
    return _build(env, params, config, GradientRule(naive_gradient))


def _build_lola(env: Game[Any, Any], params: Any, config: LolaExactConfig) -> Algorithm:
    if not config.outer_preconditioning:
        return _build(env, params, config, GradientRule(untransformed_outer_gradient))
    return _build(env, params, config, GradientRule(taylor_gradient if config.taylor else lola_gradient))


def _build_pola(env: Game[Any, Any], params: Any, config: PolaExactConfig) -> Algorithm:
    rule = ProximalRule(inner_steps=config.inner_steps, outer_steps=config.outer_steps, max_steps=config.max_steps)
    return _build(env, params, config, rule)


def _build(env: Game[Any, Any], params: Any, config: NaiveExactConfig, rule: GradientRule | ProximalRule) -> Algorithm:
    payoffs = exact_payoffs(env, params)
    parameterisation = _parameterisation(config, config.parameterisation)
    model = None
    if isinstance(config, OpponentModelConfig) and config.opponent_model is not None:
        model = ModelFit(_parameterisation(config, config.opponent_model), config.model_max_steps)
    rates = {name: getattr(config, name, 0.0) for name in Rates.__dataclass_fields__}
    game = {"payoffs": _nested(payoffs), "discount": config.discount}
    return Algorithm(
        init=ExactInit(parameterisation, model, Numbers(tuple(game.items())), Numbers(tuple(rates.items()))),
        update=ExactUpdate(parameterisation, rule, model),
        policies=ExactPolicies(parameterisation, env.observation_layout),
    )


def _parameterisation(config: NaiveExactConfig, name: str) -> Parameterisation:
    return make_parameterisation(name, hidden_size=config.hidden_size, columns=config.preconditioned_columns)


def _nested(payoffs: np.ndarray) -> Any:
    return tuple(tuple(tuple(float(entry) for entry in row) for row in matrix) for matrix in payoffs)


NAIVE_EXACT = AlgorithmPlugin(
    config=NaiveExactConfig,
    build=_build_naive,
    summary="Gradient ascent on the exact return of memory-one policies (the baseline that defects)",
    presets=NAIVE_PRESETS,
)

LOLA_EXACT = AlgorithmPlugin(
    config=LolaExactConfig,
    build=_build_lola,
    summary="LOLA on exact returns of memory-one policies: actual update or first-order Taylor form",
    presets=LOLA_PRESETS,
)

POLA_EXACT = AlgorithmPlugin(
    config=PolaExactConfig,
    build=_build_pola,
    summary="POLA on exact returns of memory-one policies: proximal steps to a fixed point",
    presets=POLA_PRESETS,
)
