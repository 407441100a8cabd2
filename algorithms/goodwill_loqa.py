"""Goodwill LOQA: LOQA with a social preference that grows.

It is not LOQA. See docs/loqa.md for what it adds and for what each addition does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..options import NotNegative, Percent, Share
from .base import AlgorithmPlugin, Preset
from .core.self_play import build_self_play
from .core.self_play_config import Structure, SurpriseConfig


@dataclass(frozen=True, kw_only=True)
class GoodwillLoqaConfig(SurpriseConfig):
    """Options of goodwill LOQA; the defaults are those of the coin game's laptop preset."""

    shaping: NotNegative = 1.6
    """Weight of the shaping."""
    shaping_end: NotNegative = 1.6
    """That weight at the end of ``anneal_steps``."""
    shaping_decay: Share = 0.95
    """How much of an action's influence on the opponent is left after a step, beside the discount."""
    entropy_end: NotNegative = 0.03
    """The weight of the entropy at the end of ``anneal_steps``."""
    goodwill: NotNegative = 0.25
    """What ``shaping * discount`` times this is of the opponent's present advantage is added to the learner's own."""
    goodwill_end: NotNegative = 0.55
    """The goodwill at the end of ``anneal_steps``."""
    state_baseline: bool = True
    """Whether the opponent's past is judged against what is usual after the same observation, over all opponents."""
    baseline_rate: Share = 0.1
    """How far that table moves towards the mean of each batch."""
    scripted_players: tuple[str, ...] = ()
    """Strategies that take the opponent's place in some episodes of each batch. Scores with these are not held out."""
    scripted_percent: Percent = 15
    """Per cent of the episodes that they play, where there are any."""

    def structure(self, num_steps: int) -> Structure:
        """Return the settings that the program for episodes of ``num_steps`` is compiled for."""
        structure = super().structure(num_steps)
        parts = structure.num_parts
        envs = parts * round(self.num_envs * self.scripted_percent / 100 / parts) if self.scripted_players else 0
        return replace(structure, scripted=self.scripted_players if envs else (), scripted_envs=envs)


GOODWILL_LOQA = AlgorithmPlugin(
    config=GoodwillLoqaConfig,
    build=build_self_play,
    summary="LOQA with a growing goodwill towards the opponent, a social preference; not LOQA proper.",
    presets={
        ("laptop", "CoinGame-v0"): Preset(updates=100),
        ("laptop-5x5", "CoinGame-v0"): Preset(
            updates=100, env_options={"grid_size": 5}, command="reproduce loqa-scalability"
        ),
        ("laptop-7x7", "CoinGame-v0"): Preset(
            updates=100, env_options={"grid_size": 7}, command="reproduce loqa-scalability"
        ),
    },
)
