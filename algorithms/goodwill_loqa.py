"""Goodwill LOQA: LOQA with a social preference that grows, and with scripted players among its past selves.

It is not LOQA. See docs/loqa.md for what it adds and for what each addition does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..checks import check_number, check_whole_number
from ..envs.base import Game
from .base import Algorithm, AlgorithmPlugin, Preset
from .core.self_play import Rule, build_self_play
from .loqa import LoqaConfig


@dataclass(frozen=True, kw_only=True)
class GoodwillLoqaConfig(LoqaConfig):
    """Options of goodwill LOQA; the defaults are those of the coin game's laptop preset."""

    shaping: float = 1.6
    """Weight of the shaping."""
    shaping_end: float = 1.6
    """That weight at the end of ``anneal_steps``."""
    shaping_decay: float = 0.95
    """How much of an action's influence on the opponent is left after a step, beside the discount."""
    learning_rate_end: float = 0.0003
    """The rate at the end of ``anneal_steps``."""
    entropy_end: float = 0.03
    """The weight of the entropy at the end of ``anneal_steps``."""
    anneal_steps: int = 8000
    """Gradient steps after which rate and weights stay what they are."""
    anneal_from: float = 0.7
    """Share of ``anneal_steps`` after which rate and entropy begin to move."""
    goodwill: float = 0.22
    """What ``shaping * discount`` times this is of the opponent's present advantage is added to the learner's own."""
    goodwill_end: float = 0.38
    """The goodwill at the end of ``anneal_steps``."""
    state_baseline: bool = True
    """Whether the opponent's past is judged against what is usual after the same observation, over all opponents."""
    scripted_players: tuple[str, ...] = ("tit-for-tat",)
    """Strategies that take the opponent's place in some episodes of each batch."""
    scripted_percent: int = 15
    """Per cent of the episodes that they play."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("goodwill", "goodwill_end"):
            check_number(name, getattr(self, name), at_least=0)
        check_whole_number("scripted_percent", self.scripted_percent, at_least=0)
        if self.scripted_percent > 100:
            raise ValueError(f"scripted_percent must be at most 100; got {self.scripted_percent}")


def build(env: Game[Any, Any], params: Any, config: GoodwillLoqaConfig) -> Algorithm:
    """Make the learner for a game."""
    scripted_envs = round(config.num_envs * config.scripted_percent / 100) if config.scripted_players else 0
    rule = Rule(
        weigh_by_surprise=True,
        state_baseline=config.state_baseline,
        scripted=config.scripted_players if scripted_envs else (),
        scripted_envs=scripted_envs,
    )
    return build_self_play(
        env,
        params,
        config,
        rule=rule,
        temperature=config.temperature,
        goodwill=config.goodwill,
        goodwill_end=config.goodwill_end,
    )


GOODWILL_LOQA = AlgorithmPlugin(
    config=GoodwillLoqaConfig,
    build=build,
    summary="LOQA with a growing goodwill towards the opponent and tit-for-tat among its past selves; not LOQA proper.",
    presets={("laptop", "CoinGame-v0"): Preset(updates=80)},
)
