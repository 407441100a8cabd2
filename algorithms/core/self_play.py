"""Learners that shape the opponent's learning by policy gradients alone, in self-play with their own past.

What LOQA, Advantage Alignment and goodwill LOQA share: state, options, and one update as one compiled program of many
gradient steps. `shaping` has the estimator, `encounters` the play, `pool` the past selves.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, NamedTuple, get_args

import jax
import jax.numpy as jnp
import optax
from flax import struct

from ...checks import check_choice, check_number, check_whole_number
from ...envs.base import Game, Policy
from ..base import Algorithm, Metrics
from . import pool as pools
from . import shaping
from .encounters import Agent, Encounter, Reader, gradient, init_agent, play, policy_network, unroll
from .pool import Pool
from .rollout import RecurrentPolicy

__all__ = ["LearnerState", "Rule", "SelfPlayConfig", "SelfPlayState", "build_self_play"]

Opponents = Literal["past", "current"]
Players = Literal["shared", "two"]

_ADAM = optax.scale_by_adam()

_FEW_ROWS = 4096
"""Tables of observations up to this size are evaluated as a whole at every step of learning."""


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
            raise ValueError(
                f"num_envs must be a multiple of num_opponents {self.num_opponents}; got {self.num_envs}"
            )
        if self.step_input and self.value_hidden_size is None:
            raise ValueError("step_input needs a network of its own for the action values: give value_hidden_size")


class Rule(NamedTuple):
    """What the learners of this family differ in."""

    weigh_by_surprise: bool
    """Whether the past counts as much as the opponent's model does not expect what it did (LOQA), or wholly."""
    state_baseline: bool = False
    """Whether the past is judged against a table of values by observation alone, or against the learner's values."""
    scripted: tuple[str, ...] = ()
    """Strategies that take the opponent's place in some episodes of every batch."""
    scripted_envs: int = 0
    """How many episodes."""


@struct.dataclass
class Numbers:
    """Settings that may change without compiling again; scalars."""

    learning_rate: jax.Array
    learning_rate_end: jax.Array
    max_gradient_norm: jax.Array
    entropy: jax.Array
    entropy_end: jax.Array
    shaping: jax.Array
    shaping_end: jax.Array
    goodwill: jax.Array
    goodwill_end: jax.Array
    anneal_steps: jax.Array
    anneal_from: jax.Array
    discount: jax.Array
    gae_lambda: jax.Array
    residual_lambda: jax.Array
    opponent_lambda: jax.Array
    shaping_decay: jax.Array
    temperature: jax.Array
    exploration: jax.Array
    value_lambda: jax.Array
    huber_delta: jax.Array
    value_lr: jax.Array
    target_decay: jax.Array


@struct.dataclass
class LearnerState:
    """What one learner carries from step to step."""

    agent: Agent
    target: Agent | None  # moving average of the parameters, where targets come from it
    optimizer: Any  # Adam's moments
    value_optimizer: Any  # of the network for the action values, where there is one
    baseline: jax.Array | None  # [N], values by observation
    pool: Pool | None  # None where opponents are not drawn from the past


@struct.dataclass
class SelfPlayState:
    """What learning carries from update to update; every leaf of ``learners`` starts with the learner axis."""

    learners: LearnerState  # [1 or 2, ...]
    step: jax.Array  # [] int32: gradient steps so far
    numbers: Numbers
    env_params: Any


class Now(NamedTuple):
    """The scheduled numbers at one gradient step."""

    learning_rate: jax.Array
    entropy: jax.Array
    shaping: jax.Array
    goodwill: jax.Array


def build_self_play(
    env: Game[Any, Any],
    params: Any,
    config: SelfPlayConfig,
    *,
    rule: Rule,
    temperature: float = 1.0,
    goodwill: float = 0.0,
    goodwill_end: float = 0.0,
) -> Algorithm:
    """Make the algorithm of one configuration.

    Args:
        env: a symmetric game of two players.
        params: its params; the episode's length is read here, the rest travels in the state.
        config: the options.
        rule: which learner it is.
        temperature: of the opponent's model.
        goodwill: at the start.
        goodwill_end: after ``anneal_steps``.

    Returns:
        The algorithm. Equal games, sizes and rules give equal functions.

    Raises:
        ValueError: the game does not suit, the pool does not fit into memory, or there is no such strategy.
    """
    _check_game(env, params)
    program = _Program(
        env=env,
        num_features=env.observation_space(params).shape[-1],
        num_steps=int(params.max_steps_in_episode),
        rule=rule,
        sizes=_Sizes.of(config),
    )
    program.check()
    extra = {"temperature": temperature, "goodwill": goodwill, "goodwill_end": goodwill_end}
    values = {name: extra[name] if name in extra else getattr(config, name) for name in Numbers.__dataclass_fields__}
    values["max_gradient_norm"] = jnp.inf if config.max_gradient_norm is None else config.max_gradient_norm
    values["target_decay"] = 0.0 if config.target_decay is None else config.target_decay

    def init(key: jax.Array) -> SelfPlayState:
        numbers = Numbers(**{name: jnp.asarray(value, jnp.float32) for name, value in values.items()})
        return program.init(key, numbers, jax.tree.map(jnp.asarray, params))

    return Algorithm(init=init, update=program, policies=partial(_policies, env.num_actions))


def _check_game(env: Game[Any, Any], params: Any) -> None:
    if env.num_players != 2:
        raise ValueError(f"this learner is for two players; {env.name} has {env.num_players}")
    if getattr(env, "observation_layout", "egocentric") == "shared":
        raise ValueError(
            f"self-play needs {env.name} with observation_layout egocentric: with shared ones a player cannot tell "
            "which of the two it is"
        )
    if not env.is_symmetric(params):
        raise ValueError(f"self-play needs a game with the same payoffs for both players, which {env.name} is not")


@dataclass(frozen=True)
class _Sizes:
    """Settings that the compiled program is made for."""

    num_envs: int
    hidden_size: int
    value_hidden_size: int | None
    step_input: bool
    gradient_steps: int
    snapshot_every: int
    num_learners: int
    num_opponents: int
    pool_size: int | None
    bootstrap_opponent: bool
    stop_advantages: bool
    target: bool

    @classmethod
    def of(cls, config: SelfPlayConfig) -> _Sizes:
        past = config.opponents == "past"
        return cls(
            num_envs=config.num_envs,
            hidden_size=config.hidden_size,
            value_hidden_size=config.value_hidden_size,
            step_input=config.step_input,
            gradient_steps=config.gradient_steps,
            snapshot_every=config.snapshot_every,
            num_learners=1 if config.players == "shared" else 2,
            num_opponents=config.num_opponents if past else 1,
            pool_size=config.pool_size if past else None,
            bootstrap_opponent=config.bootstrap_opponent,
            stop_advantages=config.stop_advantages,
            target=config.target_decay is not None,
        )


@dataclass(frozen=True)
class _Program:
    """One update as a function that is hashable by value."""

    env: Game[Any, Any]
    num_features: int
    num_steps: int
    rule: Rule
    sizes: _Sizes

    @property
    def reader(self) -> Reader:
        """How the networks see the game."""
        rows = self.env.num_observations
        return Reader(self.env, listed=rows is not None and rows <= _FEW_ROWS, step_input=self.sizes.step_input)

    @property
    def env_steps(self) -> int:
        """Steps of the game that one update samples."""
        sizes = self.sizes
        return sizes.num_learners * sizes.gradient_steps * sizes.num_envs * self.num_steps

    def check(self) -> None:
        """Raise ValueError for what cannot be run."""
        for name in self.rule.scripted:
            if name not in self.env.strategies:
                known = ", ".join(self.env.strategies)
                raise ValueError(f"scripted_players must be strategies of {self.env.name} ({known}); got {name!r}")
        if self.rule.state_baseline and self.env.num_observations is None:
            raise ValueError(
                f"state_baseline needs a game that lists its observations, which {self.env.name} as it is set does not"
            )
        if self.sizes.pool_size is not None:
            agent = jax.eval_shape(self._init_agent, jax.random.key(0))
            numbers = sum(leaf.size for leaf in jax.tree.leaves(agent))
            needed = 4 * numbers * self.sizes.pool_size * self.sizes.num_learners
            there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
            if needed > there:
                raise ValueError(
                    f"pool_size must fit into memory; {self.sizes.pool_size} snapshots take {needed / 2**30:,.1f} GiB "
                    f"of {there / 2**30:.1f}"
                )

    def _init_agent(self, key: jax.Array) -> Agent:
        return init_agent(
            key,
            num_features=self.num_features,
            num_actions=self.env.num_actions,
            hidden_size=self.sizes.hidden_size,
            value_size=self.sizes.value_hidden_size,
            step_input=self.sizes.step_input,
        )

    @partial(jax.jit, static_argnums=0)
    def init(self, key: jax.Array, numbers: Numbers, params: Any) -> SelfPlayState:
        """Draw the learner, or both."""

        def learner(key: jax.Array) -> LearnerState:
            agent, sizes = self._init_agent(key), self.sizes
            return LearnerState(
                agent=agent,
                target=agent if sizes.target else None,
                optimizer=_ADAM.init(self._under_policy_rate(agent)),
                value_optimizer=None if agent.values is None else _ADAM.init(agent.values),
                baseline=jnp.zeros(self.env.num_observations) if self.rule.state_baseline else None,
                pool=None if sizes.pool_size is None else pools.empty_pool(agent, sizes.pool_size),
            )

        return SelfPlayState(
            learners=jax.vmap(learner)(jax.random.split(key, self.sizes.num_learners)),
            step=jnp.int32(0),
            numbers=numbers,
            env_params=params,
        )

    def _under_policy_rate(self, agent: Agent) -> Agent:
        """Return the part of an agent that the policy's optimiser moves."""
        return agent.replace(values=None) if self.sizes.stop_advantages else agent

    @partial(jax.jit, static_argnums=0)
    def __call__(self, key: jax.Array, state: SelfPlayState) -> tuple[SelfPlayState, Metrics]:
        """Take all gradient steps of one update."""
        sizes = self.sizes

        def between_snapshots(state: SelfPlayState, key: jax.Array) -> tuple[SelfPlayState, Metrics]:
            key_push, key_draw, key_learn = jax.random.split(key, 3)
            learners, drawn = state.learners, None
            if learners.pool is not None:
                pool = jax.vmap(pools.push)(
                    jax.random.split(key_push, sizes.num_learners), learners.pool, learners.agent
                )
                learners = learners.replace(pool=pool)
                shape = (sizes.snapshot_every, sizes.num_opponents)
                drawn = jax.vmap(lambda key, pool: pools.draw(key, pool, shape), out_axes=1)(
                    jax.random.split(key_draw, sizes.num_learners), pool
                )  # [steps, learner, opponent, ...]
            state = state.replace(learners=learners.replace(pool=None))
            keys = jax.random.split(key_learn, sizes.snapshot_every)
            state, metrics = jax.lax.scan(self._step, state, (keys, drawn))
            return state.replace(learners=state.learners.replace(pool=learners.pool)), metrics

        keys = jax.random.split(key, sizes.gradient_steps // sizes.snapshot_every)
        state, metrics = jax.lax.scan(between_snapshots, state, keys)
        means = {name: jnp.mean(values, axis=(0, 1)) for name, values in metrics.items()}
        if state.learners.pool is not None:
            means["pool_size"] = jax.vmap(pools.size)(state.learners.pool).astype(float)
        shared = sizes.num_learners == 1
        named = {
            name if shared else f"{name}/player_{index}": values[index]
            for name, values in means.items()
            for index in range(sizes.num_learners)
        }
        return state, named | {"env_steps": jnp.asarray(self.env_steps, float)}

    def _step(self, state: SelfPlayState, given: tuple[jax.Array, Any]) -> tuple[SelfPlayState, Metrics]:
        """Take one gradient step of every learner, each against the other one's snapshots (or the only one's)."""
        key, drawn = given
        if drawn is None:
            drawn = jax.tree.map(lambda leaf: leaf[:, None], state.learners.agent)
        against = jax.tree.map(lambda leaf: leaf[::-1], drawn)
        now = schedule(state.numbers, state.step)
        keys = jax.random.split(key, self.sizes.num_learners)
        learners, metrics = _for_each(partial(self._learn, state, now), keys, state.learners, against)
        return state.replace(learners=learners, step=state.step + 1), metrics

    def _learn(
        self, state: SelfPlayState, now: Now, key: jax.Array, learner: LearnerState, opponents: Agent
    ) -> tuple[LearnerState, Metrics]:
        """Play one batch and take one gradient step."""
        sizes, numbers = self.sizes, state.numbers
        encounter = play(
            key,
            self.reader,
            state.env_params,
            (
                learner.agent,
                [jax.tree.map(lambda leaf, i=i: leaf[i], opponents) for i in range(sizes.num_opponents)],
            ),
            num_envs=sizes.num_envs,
            num_steps=self.num_steps,
            exploration=numbers.exploration,
            scripted=[self.env.strategies[name](self.env, 1) for name in self.rule.scripted],
            num_scripted=self.rule.scripted_envs,
        )
        weights, baseline, metrics = self._weigh(encounter, learner.baseline, numbers, now)
        bars, losses = self._derivatives(encounter, learner, weights, numbers, now)
        learner, norm = self._move(learner, encounter, bars, numbers, now)
        played = {"train_reward/self": encounter.learner.rewards, "train_reward/other": encounter.opponent.rewards}
        means = {name: jnp.mean(values) for name, values in played.items()}
        return learner.replace(baseline=baseline), means | metrics | losses | {"gradient_norm": norm}

    def _weigh(
        self, encounter: Encounter, baseline: jax.Array | None, numbers: Numbers, now: Now
    ) -> tuple[_Weights, jax.Array | None, Metrics]:
        """Return what each log-probability of the learner is weighted by, and the baseline after this batch."""
        own, other, discount = encounter.learner, encounter.opponent, numbers.discount
        values = shaping.expected_values(own.logits, own.action_values)
        own_advantages = shaping.advantages(own.rewards, values, discount=discount, gae_lambda=numbers.gae_lambda)
        usual = values
        if baseline is not None:
            usual = baseline[encounter.rows]
            baseline = _refine(baseline, encounter.rows[:-1], own_advantages + values[:-1])
        residuals = shaping.advantages(own.rewards, usual, discount=discount, gae_lambda=numbers.residual_lambda)
        other_values = shaping.expected_values(other.logits, other.action_values)
        if not self.sizes.bootstrap_opponent:
            other_values = other_values.at[-1].set(0.0)
        other_advantages = shaping.advantages(
            other.rewards, other_values, discount=discount, gae_lambda=numbers.opponent_lambda
        )
        returns = other_advantages + other_values[:-1]
        following = jnp.concatenate([returns[1:], other_values[-1:]])
        probabilities = shaping.predicted_probabilities(
            other.action_values[:-1],
            other.actions,
            other.rewards + discount * following,
            temperature=numbers.temperature,
        )
        openness = (1.0 - probabilities) / numbers.temperature if self.rule.weigh_by_surprise else 1.0
        shaped = shaping.shaping_weights(
            residuals,
            other_advantages,
            openness,
            weight=now.shaping,
            discount=discount,
            decay=numbers.shaping_decay,
            goodwill=now.goodwill,
        )
        metrics = {
            "weight/own": _root_mean_square(own_advantages),
            "weight/shaping": _root_mean_square(shaped),
            "surprise": jnp.mean(1.0 - probabilities),
        }
        return _Weights(own_advantages + shaped, jnp.log(probabilities)), baseline, metrics

    def _derivatives(
        self, encounter: Encounter, learner: LearnerState, weights: _Weights, numbers: Numbers, now: Now
    ) -> tuple[_Bars, Metrics]:
        """Return the derivatives of the losses by the learner's logits and action values."""
        side = encounter.learner

        def policy_loss(logits: jax.Array, action_values: jax.Array) -> tuple[jax.Array, jax.Array]:
            log_probs = jax.nn.log_softmax(logits[:-1])
            entropy = -jnp.mean(jnp.sum(jnp.exp(log_probs) * log_probs, axis=-1))
            chosen = _pick(log_probs, side.actions)
            loss = -jnp.mean(weights.total * chosen) - now.entropy * entropy
            if not self.sizes.stop_advantages:
                values = shaping.expected_values(logits, action_values)
                advantages = shaping.advantages(
                    side.rewards, values, discount=numbers.discount, gae_lambda=numbers.gae_lambda
                )
                constant = jax.lax.stop_gradient(chosen + now.shaping * weights.log_probabilities)
                loss -= jnp.mean(constant * advantages)
            return loss, entropy

        def value_loss(action_values: jax.Array) -> jax.Array:
            errors = optax.huber_loss(_pick(action_values[:-1], side.actions), targets, delta=numbers.huber_delta)
            return jnp.mean(errors)

        targets = self._value_targets(encounter, learner, numbers)
        (logits_bar, by_policy), entropy = jax.grad(policy_loss, argnums=(0, 1), has_aux=True)(
            side.logits, side.action_values
        )
        loss, by_values = jax.value_and_grad(value_loss)(side.action_values)
        return _Bars(logits_bar, by_policy, by_values), {"entropy": entropy, "value_loss": loss}

    def _value_targets(self, encounter: Encounter, learner: LearnerState, numbers: Numbers) -> jax.Array:
        """Return the targets of the learner's action values, SARSA(lambda), ``[T, B]``."""
        side = encounter.learner
        logits, values = side.logits, side.action_values
        if learner.target is not None:
            logits, values = unroll(self.reader, learner.target, side)
        played = _pick(values[:-1], side.actions)
        last = shaping.expected_values(logits[-1:], values[-1:])
        return played + shaping.advantages(
            side.rewards,
            jnp.concatenate([played, last]),
            discount=numbers.discount,
            gae_lambda=numbers.value_lambda,
        )

    def _move(
        self, learner: LearnerState, encounter: Encounter, bars: _Bars, numbers: Numbers, now: Now
    ) -> tuple[LearnerState, jax.Array]:
        """Take the step of Adam and move the average; returns the norm of the gradient before it is clipped too."""
        agent, side = learner.agent, encounter.learner
        back = partial(gradient, self.reader, agent, side)
        if agent.values is None:
            whole = back(bars.logits, bars.by_policy + bars.by_values)
            agent, optimizer, norm = self._adam(agent, whole, learner.optimizer, numbers, now)
            value_optimizer = None
        else:
            whole = back(bars.logits, bars.by_values)
            by_values = whole.values
            if not self.sizes.stop_advantages:
                whole = back(bars.logits, bars.by_policy)
            moved, optimizer, norm = self._adam(
                self._under_policy_rate(agent), self._under_policy_rate(whole), learner.optimizer, numbers, now
            )
            direction, value_optimizer = _ADAM.update(by_values, learner.value_optimizer)
            values = agent.values if moved.values is None else moved.values
            agent = moved.replace(values=_against(values, direction, numbers.value_lr))
        target = learner.target
        if target is not None:
            decay = numbers.target_decay
            target = jax.tree.map(lambda mean, leaf: decay * mean + (1.0 - decay) * leaf, target, agent)
        return learner.replace(
            agent=agent, target=target, optimizer=optimizer, value_optimizer=value_optimizer
        ), norm

    @staticmethod
    def _adam(agent: Agent, grads: Agent, moments: Any, numbers: Numbers, now: Now) -> tuple[Agent, Any, jax.Array]:
        norm = optax.global_norm(grads)
        scale = jnp.minimum(1.0, numbers.max_gradient_norm / jnp.maximum(norm, 1e-12))
        direction, moments = _ADAM.update(jax.tree.map(lambda leaf: scale * leaf, grads), moments)
        return _against(agent, direction, now.learning_rate), moments, norm


class _Weights(NamedTuple):
    """What the policy's gradient is made of."""

    total: jax.Array  # [T, B], of each log-probability
    log_probabilities: jax.Array  # [T, B], of what the opponent did, by its model


class _Bars(NamedTuple):
    """Derivatives of the losses, ``[T+1, B, A]`` each."""

    logits: jax.Array  # of the policy's loss by the logits
    by_policy: jax.Array  # of the policy's loss by the action values, zero where advantages are constants
    by_values: jax.Array  # of the action values' own loss


def schedule(numbers: Numbers, step: jax.Array) -> Now:
    """Return the scheduled numbers: shaping and goodwill move from the start, rate and entropy near the end."""
    done = jnp.minimum(step / numbers.anneal_steps, 1.0)
    late = jnp.maximum(done - numbers.anneal_from, 0.0) / (1.0 - numbers.anneal_from)

    def between(start: jax.Array, end: jax.Array, share: jax.Array) -> jax.Array:
        return start + (end - start) * share

    return Now(
        learning_rate=between(numbers.learning_rate, numbers.learning_rate_end, late),
        entropy=between(numbers.entropy, numbers.entropy_end, late),
        shaping=between(numbers.shaping, numbers.shaping_end, done),
        goodwill=between(numbers.goodwill, numbers.goodwill_end, done),
    )


def _refine(baseline: jax.Array, rows: jax.Array, returns: jax.Array) -> jax.Array:
    """Move the value of every observation that was seen towards the mean of the returns that followed it."""
    errors = jnp.stack([returns - baseline[rows], jnp.ones_like(returns)], axis=-1)
    sums = jnp.zeros((baseline.shape[0], 2)).at[rows].add(errors)
    return baseline + sums[:, 0] / (sums[:, 1] + 1.0)


def _pick(values: jax.Array, actions: jax.Array) -> jax.Array:
    """Return the entries of the actions: ``[..., A]`` to ``[...]``. A sum with one-hot rows is faster than a gather."""
    return jnp.sum(values * jax.nn.one_hot(actions, values.shape[-1], dtype=values.dtype), axis=-1)


def _against(params: Any, direction: Any, rate: jax.Array) -> Any:
    return jax.tree.map(lambda leaf, move: leaf - rate * move, params, direction)


def _root_mean_square(values: jax.Array) -> jax.Array:
    return jnp.sqrt(jnp.mean(jnp.square(values)))


def _for_each(function: Callable[..., Any], *stacked: Any) -> Any:
    """Map a function over the learner axis: one alone without an axis, two one after the other on a CPU."""
    if jax.tree.leaves(stacked)[0].shape[0] == 1:
        alone = function(*jax.tree.map(lambda leaf: leaf[0], stacked))
        return jax.tree.map(lambda leaf: leaf[None], alone)
    if jax.default_backend() == "cpu":
        return jax.lax.map(lambda slices: function(*slices), stacked)
    return jax.vmap(function)(*stacked)


def _policies(num_actions: int, state: SelfPlayState) -> tuple[Policy, ...]:
    """Return a policy for each player; one learner alone plays as both."""
    count = jax.tree.leaves(state.learners.agent)[0].shape[0]
    agents = [jax.tree.map(lambda leaf, i=i: leaf[i], state.learners.agent) for i in range(count)]
    return tuple(RecurrentPolicy(policy_network(agents[player % count], num_actions)) for player in (0, 1))
