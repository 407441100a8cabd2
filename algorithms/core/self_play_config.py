"""Options of the learners in self-play, and what a compiled program is made for."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import jax
from flax import struct

from ...options import Count, Discount, NotNegative, Positive, Share, check_options, select
from .players import Opponents, Players, number_of_learners

__all__ = ["Coefficients", "Scalar", "SelfPlayConfig", "Structure", "SurpriseConfig"]

Scalar = jax.Array | float


@dataclass(frozen=True, kw_only=True)
class SelfPlayConfig:
    """Options of every learner of this family."""

    num_envs: Count = 256
    """Episodes in a batch; every gradient step plays a fresh batch."""
    hidden_size: Count = 32
    """Width of the dense layer and of the GRU."""
    gradient_steps: Count = 100
    """Gradient steps in an update, each on a batch of its own (see ``epochs``)."""
    epochs: Count = 1
    """Steps of Adam on each batch; from the second on, ratios of probabilities take the place of log-probabilities, as
    in PPO (arXiv:1707.06347)."""
    ratio_clip: Positive | None = None
    """How far from 1 such a ratio may move before it counts no further; None: there is no bound."""
    players: Players = "shared"
    """``shared``: one set of parameters plays as all players; ``two``: two sets, each against the other's past."""
    opponents: Opponents = "past"
    """``past``: opponents are drawn from a pool of snapshots; ``current``: the opponent as it is now."""
    num_opponents: Count = 2
    """Opponents drawn from the pool for each batch; each plays an equal part of the episodes, or with more than two
    players of the others' places in them."""
    pool_size: Count = 600
    """Snapshots in the pool, a uniform sample of all that were taken."""
    snapshot_every: Count = 10
    """Gradient steps from one snapshot to the next."""
    other_play: bool = True
    """Whether each opponent of a batch sees and acts under a random symmetry of the game, such as its mirror image, so
    that no convention with it can be learned (Other-Play, arXiv:2003.02979); nothing changes in a game without any."""

    learning_rate: Positive = 0.003
    """Rate of Adam on the policy, and on the action values where the network is shared."""
    learning_rate_end: NotNegative = 0.0003
    """The rate at the end of ``anneal_steps``."""
    max_gradient_norm: Positive | None = 1.0
    """Gradients are scaled down to this norm; None: they are not."""
    entropy: NotNegative = 0.1
    """Weight of the entropy of the policy."""
    entropy_end: NotNegative = 0.1
    """That weight at the end of ``anneal_steps``."""
    shaping: NotNegative = 1.0
    """Weight of the shaping; 0 leaves an actor-critic learner."""
    shaping_end: NotNegative = 1.0
    """That weight at the end of ``anneal_steps``; it moves from the first step on."""
    anneal_steps: Count = 10_000
    """Gradient steps after which rate and weights stay what they are."""
    anneal_from: Discount = 0.7
    """Share of ``anneal_steps`` after which rate and entropy begin to move."""

    discount: Discount = 0.96
    """Discount of later rewards."""
    gae_lambda: Share = 0.9
    """Lambda of the learner's advantages; 0: one-step advantages, as published."""
    residual_lambda: Share = 0.0
    """Lambda of the residuals by which the opponent's past is judged; 0: one-step advantages, as published."""
    opponent_lambda: Share = 1.0
    """Lambda of the opponent's advantages; 1: its whole return, as published."""
    shaping_decay: Share = 0.9
    """How much of an action's influence on the opponent is left after a step, beside the discount."""
    bootstrap_opponent: bool = True
    """Whether the opponent's return goes on after the last step with its value there; not so as published."""
    stop_advantages: bool = True
    """Whether the learner's advantages are constants for its gradient; not so in the published program."""
    exploration: Share = 0.0
    """Probability with which either player's action is replaced by a uniform one."""

    value_lambda: Share = 0.9
    """Lambda of the targets of the action values (SARSA); 0: one-step targets, as published."""
    huber_delta: Positive = 1.0
    """Error of an action value from which on its loss is linear."""
    value_hidden_size: Count | None = None
    """Width of a network of its own for the action values; None: they are outputs of the policy's network."""
    value_lr: Positive = 0.01
    """Rate of Adam on that network."""
    step_input: bool = False
    """Whether that network also sees the number of the step."""
    target_decay: Discount | None = None
    """Decay of the moving average of the parameters that gives the targets of the action values; None: there is none,
    the present parameters give them."""

    def __post_init__(self) -> None:
        check_options(self)
        self._check_together()

    def _check_together(self) -> None:
        """Check what one option alone does not tell."""
        if self.gradient_steps % self.snapshot_every:
            raise ValueError(
                f"gradient_steps must be a multiple of snapshot_every {self.snapshot_every}; got {self.gradient_steps}"
            )
        if self.num_envs % self.num_opponents:
            raise ValueError(f"num_envs must be a multiple of num_opponents {self.num_opponents}; got {self.num_envs}")
        if self.ratio_clip is not None and self.epochs == 1:
            raise ValueError("ratio_clip needs epochs of at least 2: before the first step all ratios are 1")
        if self.step_input and self.value_hidden_size is None:
            raise ValueError("step_input needs a network of its own for the action values: give value_hidden_size")

    def coefficients(self) -> Coefficients:
        """Return the settings that travel in the state."""
        return select(
            Coefficients,
            self,
            max_gradient_norm=math.inf if self.max_gradient_norm is None else self.max_gradient_norm,
            target_decay=0.0 if self.target_decay is None else self.target_decay,
            ratio_clip=math.inf if self.ratio_clip is None else self.ratio_clip,
        )

    def structure(self, num_steps: int) -> Structure:
        """Return the settings that the program for episodes of ``num_steps`` is compiled for."""
        past = self.opponents == "past"
        return select(
            Structure,
            self,
            num_steps=num_steps,
            num_learners=number_of_learners(self.players, 2),
            num_opponents=self.num_opponents if past else 1,
            pool_size=self.pool_size if past else None,
            keep_target=self.target_decay is not None,
        )


@struct.dataclass
class Coefficients:
    """Settings that may change without compiling again; scalars. What a learner does not have keeps its default."""

    learning_rate: Scalar
    learning_rate_end: Scalar
    max_gradient_norm: Scalar
    entropy: Scalar
    entropy_end: Scalar
    shaping: Scalar
    shaping_end: Scalar
    anneal_steps: Scalar
    anneal_from: Scalar
    discount: Scalar
    gae_lambda: Scalar
    residual_lambda: Scalar
    opponent_lambda: Scalar
    shaping_decay: Scalar
    exploration: Scalar
    value_lambda: Scalar
    huber_delta: Scalar
    value_lr: Scalar
    target_decay: Scalar
    ratio_clip: Scalar
    temperature: Scalar = 1.0
    goodwill: Scalar = 0.0
    goodwill_end: Scalar = 0.0
    baseline_rate: Scalar = 0.0


@dataclass(frozen=True, kw_only=True)
class Structure:
    """Settings that the compiled program is made for."""

    num_envs: int
    num_steps: int
    hidden_size: int
    value_hidden_size: int | None
    step_input: bool
    gradient_steps: int
    epochs: int
    snapshot_every: int
    num_learners: int
    num_opponents: int
    pool_size: int | None
    """None: opponents are not drawn from the past."""
    other_play: bool
    bootstrap_opponent: bool
    stop_advantages: bool
    keep_target: bool
    """Whether a moving average of the parameters gives the targets of the action values."""
    weigh_by_surprise: bool = False
    """Whether the past counts as much as the opponent's model does not expect what it did (LOQA), or wholly."""
    state_baseline: bool = False
    """Whether the past is judged against a table of values by observation alone, or against the learner's values."""
    scripted: tuple[str, ...] = ()
    """Strategies that take the opponent's place in some episodes of every batch."""
    scripted_envs: int = 0
    """How many episodes."""

    @property
    def num_parts(self) -> int:
        """Parts of a batch that are learnt from one by one, with opponents of their own, so that two cores share it."""
        return 2 if self.num_envs % 2 == 0 and (self.num_opponents == 1 or self.num_opponents % 2 == 0) else 1

    @property
    def pieces(self) -> int:
        """Into how many pieces devices can divide a batch: each has as many episodes with every opponent."""
        return self.num_parts * (self.num_envs // self.num_parts // self.opponents_per_part)

    @property
    def opponents_per_part(self) -> int:
        """Opponents that each part meets; a single one is met by both."""
        return max(1, self.num_opponents // self.num_parts)


@dataclass(frozen=True, kw_only=True)
class SurpriseConfig(SelfPlayConfig):
    """Options of the learners that weigh the past by how much the opponent's model did not expect it."""

    temperature: Positive = 1.0
    """Temperature of the softmax of action values by which the opponent is assumed to act."""

    def structure(self, num_steps: int) -> Structure:
        """Return the settings that the program for episodes of ``num_steps`` is compiled for."""
        return replace(super().structure(num_steps), weigh_by_surprise=True)
