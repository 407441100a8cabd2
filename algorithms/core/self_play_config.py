"""Options of the learners in self-play, and what a compiled program is made for."""

from __future__ import annotations

import math
from dataclasses import MISSING, dataclass, fields, replace
from typing import Literal, get_args

import jax
from flax import struct

from ...options import check_choice, check_number, check_whole_number

__all__ = ["Coefficients", "Scalar", "SelfPlayConfig", "Structure", "SurpriseConfig"]

Opponents = Literal["past", "current"]
Players = Literal["shared", "two"]

Scalar = jax.Array | float


@dataclass(frozen=True, kw_only=True)
class SelfPlayConfig:
    """Options of every learner of this family."""

    num_envs: int = 256
    """Episodes in a batch; every gradient step plays a fresh batch."""
    hidden_size: int = 32
    """Width of the dense layer and of the GRU."""
    gradient_steps: int = 100
    """Gradient steps in an update."""
    players: Players = "shared"
    """``shared``: one set of parameters plays as both players; ``two``: two sets, each against the other's past."""
    opponents: Opponents = "past"
    """``past``: opponents are drawn from a pool of snapshots; ``current``: the opponent as it is now."""
    num_opponents: int = 2
    """Opponents drawn from the pool for each batch; each plays an equal part of the episodes."""
    pool_size: int = 600
    """Snapshots in the pool, a uniform sample of all that were taken."""
    snapshot_every: int = 10
    """Gradient steps from one snapshot to the next."""

    learning_rate: float = 0.003
    """Rate of Adam on the policy, and on the action values where the network is shared."""
    learning_rate_end: float = 0.003
    """The rate at the end of ``anneal_steps``."""
    max_gradient_norm: float | None = 1.0
    """Gradients are scaled down to this norm; None: they are not."""
    entropy: float = 0.1
    """Weight of the entropy of the policy."""
    entropy_end: float = 0.1
    """That weight at the end of ``anneal_steps``."""
    shaping: float = 1.0
    """Weight of the shaping; 0 leaves an actor-critic learner."""
    shaping_end: float = 1.0
    """That weight at the end of ``anneal_steps``; it moves from the first step on."""
    anneal_steps: int = 10_000
    """Gradient steps after which rate and weights stay what they are."""
    anneal_from: float = 0.5
    """Share of ``anneal_steps`` after which rate and entropy begin to move."""

    discount: float = 0.96
    """Discount of later rewards."""
    gae_lambda: float = 0.9
    """Lambda of the learner's advantages; 0: one-step advantages, as published."""
    residual_lambda: float = 0.0
    """Lambda of the residuals by which the opponent's past is judged; 0: one-step advantages, as published."""
    opponent_lambda: float = 1.0
    """Lambda of the opponent's advantages; 1: its whole return, as published."""
    shaping_decay: float = 0.9
    """How much of an action's influence on the opponent is left after a step, beside the discount."""
    bootstrap_opponent: bool = True
    """Whether the opponent's return goes on after the last step with its value there; not so as published."""
    stop_advantages: bool = True
    """Whether the learner's advantages are constants for its gradient; not so in the published program."""
    exploration: float = 0.0
    """Probability with which either player's action is replaced by a uniform one."""

    value_lambda: float = 0.9
    """Lambda of the targets of the action values (SARSA); 0: one-step targets, as published."""
    huber_delta: float = 1.0
    """Error of an action value from which on its loss is linear."""
    value_hidden_size: int | None = None
    """Width of a network of its own for the action values; None: they are outputs of the policy's network."""
    value_lr: float = 0.01
    """Rate of Adam on that network."""
    step_input: bool = False
    """Whether that network also sees the number of the step."""
    target_decay: float | None = None
    """Decay of the moving average of the parameters that gives the targets of the action values; None: there is none,
    the present parameters give them."""

    def __post_init__(self) -> None:
        sizes = (
            "num_envs", "hidden_size", "gradient_steps", "num_opponents", "pool_size", "snapshot_every", "anneal_steps"
        )  # fmt: skip
        for name in sizes:
            check_whole_number(name, getattr(self, name), at_least=1)
        check_choice("players", self.players, get_args(Players))
        check_choice("opponents", self.opponents, get_args(Opponents))
        for name in ("learning_rate", "huber_delta", "value_lr"):
            check_number(name, getattr(self, name), above=0)
        for name in ("learning_rate_end", "entropy", "entropy_end", "shaping", "shaping_end"):
            check_number(name, getattr(self, name), at_least=0)
        for name in ("discount", "anneal_from"):
            check_number(name, getattr(self, name), at_least=0, below=1)
        lambdas = ("gae_lambda", "residual_lambda", "opponent_lambda", "shaping_decay", "exploration", "value_lambda")
        for name in lambdas:
            check_number(name, getattr(self, name), at_least=0, at_most=1)
        if self.max_gradient_norm is not None:
            check_number("max_gradient_norm", self.max_gradient_norm, above=0)
        if self.value_hidden_size is not None:
            check_whole_number("value_hidden_size", self.value_hidden_size, at_least=1)
        if self.target_decay is not None:
            check_number("target_decay", self.target_decay, at_least=0, below=1)
        self._check_together()

    def _check_together(self) -> None:
        """Check what one option alone does not tell."""
        if self.gradient_steps % self.snapshot_every:
            raise ValueError(
                f"gradient_steps must be a multiple of snapshot_every {self.snapshot_every}; got {self.gradient_steps}"
            )
        if self.num_envs % self.num_opponents:
            raise ValueError(f"num_envs must be a multiple of num_opponents {self.num_opponents}; got {self.num_envs}")
        if self.step_input and self.value_hidden_size is None:
            raise ValueError("step_input needs a network of its own for the action values: give value_hidden_size")

    def coefficients(self) -> Coefficients:
        """Return the settings that travel in the state."""
        unlike = {
            "max_gradient_norm": math.inf if self.max_gradient_norm is None else self.max_gradient_norm,
            "target_decay": 0.0 if self.target_decay is None else self.target_decay,
        }
        needed = [field.name for field in fields(Coefficients) if field.default is MISSING]
        return Coefficients(**{name: getattr(self, name) for name in needed} | unlike)

    def structure(self, num_steps: int) -> Structure:
        """Return the settings that the program for episodes of ``num_steps`` is compiled for."""
        past = self.opponents == "past"
        return Structure(
            num_envs=self.num_envs,
            num_steps=num_steps,
            hidden_size=self.hidden_size,
            value_hidden_size=self.value_hidden_size,
            step_input=self.step_input,
            gradient_steps=self.gradient_steps,
            snapshot_every=self.snapshot_every,
            num_learners=1 if self.players == "shared" else 2,
            num_opponents=self.num_opponents if past else 1,
            pool_size=self.pool_size if past else None,
            bootstrap_opponent=self.bootstrap_opponent,
            stop_advantages=self.stop_advantages,
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
    temperature: Scalar = 1.0
    goodwill: Scalar = 0.0
    goodwill_end: Scalar = 0.0


@dataclass(frozen=True, kw_only=True)
class Structure:
    """Settings that the compiled program is made for."""

    num_envs: int
    num_steps: int
    hidden_size: int
    value_hidden_size: int | None
    step_input: bool
    gradient_steps: int
    snapshot_every: int
    num_learners: int
    num_opponents: int
    pool_size: int | None
    """None: opponents are not drawn from the past."""
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


@dataclass(frozen=True, kw_only=True)
class SurpriseConfig(SelfPlayConfig):
    """Options of the learners that weigh the past by how much the opponent's model did not expect it."""

    temperature: float = 1.0
    """Temperature of the softmax of action values by which the opponent is assumed to act."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number("temperature", self.temperature, above=0)

    def coefficients(self) -> Coefficients:
        """Return the settings that travel in the state."""
        return replace(super().coefficients(), temperature=self.temperature)

    def structure(self, num_steps: int) -> Structure:
        """Return the settings that the program for episodes of ``num_steps`` is compiled for."""
        return replace(super().structure(num_steps), weigh_by_surprise=True)
