"""Learning with a lookahead: one player improves against an opponent that is about to learn.

The learner imagines ``inner_steps`` steps of stochastic gradient descent of its opponent (``other``) and takes
``outer_steps`` steps of Adam on its own loss against the result, *through* those steps. LOLA-DiCE (arXiv:1709.04326,
arXiv:1802.05098), POLA-DiCE (arXiv:2210.10125, algorithm 2) and, without inner steps, naive learning are this one rule
with different counts and penalties.

How the derivative is taken. Trajectories are data, and the losses see the networks only through logits
``[T, B, A]``. So the derivative through the inner steps is a chain of first-order passes through one network at a time:
with ``v`` the derivative of the outer loss by the opponent's parameters after inner step ``k``,

1. ``u``: how the opponent's logits of step ``k`` move when its parameters move along ``v`` (one tangent pass);
2. ``w``: derivative by the learner's logits of the inner loss's change along ``u`` (elementwise, no network);
3. the learner's gradient gains ``- inner_lr * J_self^T w`` (one backward pass);
4. ``v`` becomes ``v - inner_lr * H v`` with ``H`` the Hessian of the inner loss (one Hessian-vector product; not at the
   first step, before which the opponent does not depend on the learner).

The learner's network thus never appears inside a second derivative.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import struct

from ...envs.base import Game, Policy
from ...envs.policies.memory_one import AmongMemoryOne, names_other_first
from ..base import Metrics
from . import dice, networks, pool
from .devices import WHOLE, Episodes
from .dice import Scalar
from .networks import NetworkParams, Tangents
from .players import each_player
from .pool import Pool
from .rollout import Batch, RecurrentPolicy, Side, sample

_OPTIMIZER = optax.scale_by_adam()


@struct.dataclass
class ActorCritic:
    """What one player learns."""

    policy: NetworkParams
    critic: NetworkParams


@struct.dataclass
class Stranger:
    """An opponent of which nothing is seen but how it plays."""

    policy: Policy


@struct.dataclass
class Coefficients:
    """Settings that may change without compiling again; scalars. What an algorithm does not have keeps its default."""

    outer_lr: Scalar
    critic_lr: Scalar
    discount: Scalar
    gae_lambda: Scalar
    entropy: Scalar = 0.0
    inner_lr: Scalar = 0.0
    inner_beta: Scalar = 0.0
    outer_beta: Scalar = 0.0
    dice_lambda: Scalar = 1.0
    model_lr: Scalar = 0.0
    model_critic_lr: Scalar = 0.0


@dataclass(frozen=True, kw_only=True)
class Structure:
    """Settings that the compiled program is made for."""

    num_envs: int
    num_steps: int
    hidden_size: int
    inner_steps: int = 0
    outer_steps: int
    kl_direction: str | None = None
    """Of the losses' KL penalties: ``forward`` or ``reverse``; None: there are no penalties."""
    model_batches: int = 0
    """Batches of real play to which the model of the opponent is fitted; 0: the opponent's own parameters are used."""
    model_steps_per_batch: int = 1
    has_entropy: bool = False
    """Whether the learner's loss has a bonus for entropy."""
    memory_one_envs: int = 0
    """Episodes of a batch in which memory-one players drawn anew move in the opponent's place."""


@struct.dataclass
class Objective:
    """One player's loss on recorded episodes, as a function of both players' logits ``[T, B, A]``."""

    actions: jax.Array  # [T, B]
    other_actions: jax.Array  # [T, B]
    advantages: jax.Array  # [T, B]
    reference: jax.Array  # [T, B, A], logits to stay close to
    beta: Scalar
    discount: Scalar
    dice_lambda: Scalar
    kl_direction: str | None = struct.field(pytree_node=False)
    entropy: Scalar | None = None  # weight of the bonus for entropy, if there is one

    def loss(self, logits: jax.Array, other_logits: jax.Array) -> jax.Array:
        """Return the Loaded DiCE loss plus, in POLA, ``beta`` times the KL divergence, less the bonus for entropy."""
        log_probs = jax.nn.log_softmax(logits)
        loss = dice.loaded_dice_loss(
            chosen(log_probs, self.actions),
            chosen(jax.nn.log_softmax(other_logits), self.other_actions),
            self.advantages,
            discount=self.discount,
            dice_lambda=self.dice_lambda,
        )
        if self.entropy is not None:
            loss -= self.entropy * dice.entropy(log_probs)
        return loss if self.kl_direction is None else loss + self.beta * self.divergence(log_probs)

    def divergence(self, log_probs: jax.Array) -> jax.Array:
        """Return the KL divergence between the reference and the policy with these log-probabilities."""
        reference = jax.nn.log_softmax(self.reference)
        if self.kl_direction == "reverse":
            return dice.kl_divergence(log_probs, reference)
        return dice.kl_divergence(reference, log_probs)


class Imagined(NamedTuple):
    """One inner step as the derivative needs it again."""

    policy: NetworkParams  # of the opponent, before the step
    batch: Batch
    objective: Objective  # of the opponent


class Lookahead(NamedTuple):
    """What stays the same during one player's update."""

    env: Game[Any, Any]
    env_params: Any
    structure: Structure
    coefficients: Coefficients
    player: jax.Array  # the learner's index
    other: ActorCritic | Stranger  # before the update; of more than two players, all others in turn order, [N - 1, ...]
    start: NetworkParams  # the learner's policy before the update
    past: Pool | None = None  # of the opponent; every outer step draws another one from it
    episodes: Episodes = WHOLE  # those of each batch that are played and learned from here

    def sample(self, key: jax.Array, own: NetworkParams, other: NetworkParams | Policy) -> Batch:
        """Play a fresh batch of episodes."""
        others: tuple[NetworkParams | Policy, ...] = (self._among_memory_one(other),)
        if self.env.num_players > 2:
            others = each_player(other, self.env.num_players - 1)
        return sample(
            key,
            self.env,
            self.env_params,
            (own, *others),
            player=self.player,
            num_envs=self.structure.num_envs,
            num_steps=self.structure.num_steps,
            episodes=self.episodes,
        )

    def _among_memory_one(self, other: NetworkParams | Policy) -> NetworkParams | Policy:
        if not self.structure.memory_one_envs:
            return other
        policy = RecurrentPolicy(other) if isinstance(other, NetworkParams) else other
        swapped = names_other_first(self.env.observation_layout, 1 - self.player)
        return AmongMemoryOne(policy, swapped, self.structure.memory_one_envs)

    def objective(
        self,
        side: Side,
        other: Side,
        advantages: jax.Array,
        *,
        reference: jax.Array,
        beta: Scalar,
        entropy: Scalar | None = None,
    ) -> Objective:
        """Return the loss of the player of one side of a batch."""
        return Objective(
            actions=side.actions,
            other_actions=other.actions,
            advantages=advantages,
            reference=reference,
            beta=beta,
            discount=self.coefficients.discount,
            dice_lambda=self.coefficients.dice_lambda,
            kl_direction=self.structure.kl_direction,
            entropy=entropy,
        )

    def reference(self, policy: NetworkParams, side: Side) -> jax.Array:
        """Return an earlier policy's logits on a player's observations; none are needed without penalties."""
        if self.structure.kl_direction is None:
            return side.logits
        return networks.unroll(policy, side.acted_on).outputs


def improve(
    key: jax.Array, player: ActorCritic, optimizer_state: Any, lookahead: Lookahead
) -> tuple[ActorCritic, Any, Metrics]:
    """Take ``outer_steps`` steps of one player, each through ``inner_steps`` imagined steps of the opponent.

    Args:
        key: a typed key, used once.
        player: the learner before the update.
        optimizer_state: of Adam, from `init_optimizer`.
        lookahead: the opponent, the game and the settings.

    Returns:
        The learner after the update, its optimiser's state, and metrics of the last outer step.
    """

    def outer_step(carry: tuple[ActorCritic, Any], key: jax.Array) -> tuple[tuple[ActorCritic, Any], Metrics]:
        player, optimizer_state = carry
        against = lookahead
        if lookahead.past is not None:
            key, key_draw = jax.random.split(key)
            against = lookahead._replace(other=pool.draw(key_draw, lookahead.past, ()))
        gradient, metrics = outer_gradient(key, player, against)
        rates = lookahead.coefficients
        return adam_step(player, gradient, optimizer_state, rates.outer_lr, rates.critic_lr), metrics

    keys = jax.random.split(key, lookahead.structure.outer_steps)
    (player, optimizer_state), metrics = jax.lax.scan(outer_step, (player, optimizer_state), keys)
    return player, optimizer_state, jax.tree.map(lambda values: values[-1], metrics)


def draw_player(key: jax.Array, *, num_features: int, hidden_size: int, num_actions: int) -> ActorCritic:
    """Draw a player's networks."""
    key_policy, key_critic = jax.random.split(key)
    network = partial(networks.init_network, num_features=num_features, hidden_size=hidden_size)
    return ActorCritic(policy=network(key_policy, num_outputs=num_actions), critic=network(key_critic, num_outputs=1))


def init_optimizer(player: ActorCritic) -> Any:
    """Return Adam's state for a player."""
    return _OPTIMIZER.init(player)


def adam_step(
    player: ActorCritic, gradient: ActorCritic, optimizer_state: Any, policy_lr: Scalar, critic_lr: Scalar
) -> tuple[ActorCritic, Any]:
    """Return a player and Adam's state after one step with a learning rate for each network."""
    direction, optimizer_state = _OPTIMIZER.update(gradient, optimizer_state)
    policy = descend(player.policy, direction.policy, policy_lr)
    return ActorCritic(policy, descend(player.critic, direction.critic, critic_lr)), optimizer_state


def outer_gradient(key: jax.Array, player: ActorCritic, lookahead: Lookahead) -> tuple[ActorCritic, Metrics]:
    """Return the gradient of the learner's loss after the lookahead, by its policy and its critic."""
    key_inner, key_outer = jax.random.split(key)
    other, imagined = lookahead.other, None
    if isinstance(other, ActorCritic) and lookahead.structure.inner_steps:
        other, imagined = _imagine(key_inner, player.policy, other, lookahead)
    batch = lookahead.sample(key_outer, player.policy, other.policy)
    lesson = learn_from(player, batch, lookahead)
    gradient = lesson.gradient
    if isinstance(other, ActorCritic) and imagined is not None:
        by_policy = lookahead.episodes.mean(_backward(other.policy, batch.other, lesson.by_other))
        through = _through_imagined_steps(gradient.policy, by_policy, player.policy, imagined, lookahead)
        gradient = replace(gradient, policy=through)
    gradient, metrics = lookahead.episodes.mean((gradient, lesson.metrics))
    return gradient, metrics | {"gradient_norm": optax.tree.norm(gradient.policy)}


class Lesson(NamedTuple):
    """What a batch of episodes teaches a player."""

    gradient: ActorCritic  # of its losses by its own networks
    by_other: jax.Array  # [T, B, A], derivative of its loss by the opponent's logits
    metrics: Metrics


def learn_from(player: ActorCritic, batch: Batch, lookahead: Lookahead) -> Lesson:
    """Return what a batch that the player has played, as its ``self``, teaches it; nothing is sampled or imagined."""
    advantages, critic_loss, critic_gradient = evaluate_critic(player.critic, batch.self, lookahead.coefficients)
    objective = lookahead.objective(
        *batch,
        advantages,
        reference=lookahead.reference(lookahead.start, batch.self),
        beta=lookahead.coefficients.outer_beta,
        entropy=lookahead.coefficients.entropy if lookahead.structure.has_entropy else None,
    )
    by_own, by_other = jax.grad(objective.loss, argnums=(0, 1))(batch.self.logits, batch.other.logits)
    metrics = {"critic_loss": critic_loss}
    if objective.kl_direction is not None:
        metrics["kl"] = objective.divergence(jax.nn.log_softmax(batch.self.logits))
    gradient = ActorCritic(policy=_backward(player.policy, batch.self, by_own), critic=critic_gradient)
    return Lesson(gradient, by_other, metrics)


def _imagine(
    key: jax.Array, own: NetworkParams, start: ActorCritic, lookahead: Lookahead
) -> tuple[ActorCritic, Imagined]:
    """Return the opponent after its inner steps from ``start``, and a record of each step, stacked."""
    rates = lookahead.coefficients

    def inner_step(other: ActorCritic, inputs: tuple[jax.Array, jax.Array]) -> tuple[ActorCritic, Imagined]:
        step, key = inputs
        batch = lookahead.sample(key, own, other.policy)
        advantages, _, critic_gradient = evaluate_critic(other.critic, batch.other, rates)
        reference = jax.lax.cond(
            step == 0,
            lambda batch: batch.other.logits,
            lambda batch: lookahead.reference(start.policy, batch.other),
            batch,
        )
        objective = lookahead.objective(batch.other, batch.self, advantages, reference=reference, beta=rates.inner_beta)
        by_logits = jax.grad(objective.loss)(batch.other.logits, batch.self.logits)
        by_policy, by_critic = lookahead.episodes.mean(
            (_backward(other.policy, batch.other, by_logits), critic_gradient)
        )
        after = ActorCritic(
            policy=descend(other.policy, by_policy, rates.inner_lr),
            critic=descend(other.critic, by_critic, rates.critic_lr),
        )
        return after, Imagined(other.policy, batch, objective)

    steps = lookahead.structure.inner_steps
    return jax.lax.scan(inner_step, start, (jnp.arange(steps), jax.random.split(key, steps)))


def _through_imagined_steps(
    gradient: NetworkParams, by_other: NetworkParams, own: NetworkParams, imagined: Imagined, lookahead: Lookahead
) -> NetworkParams:
    """Add to the learner's gradient what reaches it through the opponent's inner steps (see the module's docstring).

    Both, unlike ``by_other``, are of the episodes here alone.
    """
    inner_lr = lookahead.coefficients.inner_lr

    def undo(carry: tuple[NetworkParams, NetworkParams], inputs: tuple[jax.Array, Imagined]) -> tuple[Any, None]:
        gradient, direction = carry
        step, (policy, batch, objective) = inputs
        mine, theirs = batch.self, batch.other
        moved = networks.unroll_tangent(policy, direction, theirs.acted_on, theirs.hidden)

        def change(own_logits: jax.Array) -> jax.Array:
            return jax.jvp(lambda logits: objective.loss(logits, own_logits), (theirs.logits,), (moved.outputs,))[1]

        gradient = descend(gradient, _backward(own, mine, jax.grad(change)(mine.logits)), inner_lr)

        def hessian_product(direction: NetworkParams) -> NetworkParams:
            cotangents, cotangents_dot = jax.jvp(
                lambda logits: jax.grad(objective.loss)(logits, mine.logits), (theirs.logits,), (moved.outputs,)
            )
            return lookahead.episodes.mean(
                networks.unroll_backward_tangent(
                    policy,
                    theirs.acted_on,
                    theirs.hidden,
                    cotangents,
                    tangents=Tangents(direction, moved.hidden, cotangents_dot),
                )
            )

        direction = jax.lax.cond(
            step == 0,
            lambda direction: direction,
            lambda direction: descend(direction, hessian_product(direction), inner_lr),
            direction,
        )
        return (gradient, direction), None

    steps = jnp.arange(lookahead.structure.inner_steps)
    return jax.lax.scan(undo, (gradient, by_other), (steps, imagined), reverse=True)[0][0]


def evaluate_critic(
    critic: NetworkParams, side: Side, coefficients: Coefficients
) -> tuple[jax.Array, jax.Array, NetworkParams]:
    """Return a player's advantages ``[T, B]``, its critic's loss and the gradient of that loss."""
    unrolled = networks.unroll(critic, side.observations)
    values = unrolled.outputs[..., 0]  # [T+1, B]
    advantages = dice.generalized_advantages(
        side.rewards, values[:-1], values[-1], discount=coefficients.discount, gae_lambda=coefficients.gae_lambda
    )

    def loss_of(values: jax.Array) -> jax.Array:
        return dice.critic_loss(side.rewards, values[:-1], values[-1], discount=coefficients.discount)

    loss, by_values = jax.value_and_grad(loss_of)(values)
    gradient = networks.unroll_backward(critic, side.observations, unrolled.hidden, by_values[..., None])
    return advantages, loss, gradient


def _backward(policy: NetworkParams, side: Side, by_logits: jax.Array) -> NetworkParams:
    return networks.unroll_backward(policy, side.acted_on, side.hidden, by_logits)


def chosen(log_probs: jax.Array, actions: jax.Array) -> jax.Array:
    """Return the log-probabilities ``[T, B]`` of the chosen actions ``[T, B]``, given those of all ``[T, B, A]``."""
    return jnp.sum(log_probs * jax.nn.one_hot(actions, log_probs.shape[-1], dtype=log_probs.dtype), axis=-1)


def descend(params: Any, gradient: Any, rate: Scalar) -> Any:
    """Return ``params - rate * gradient``."""
    return jax.tree.map(lambda value, slope: value - rate * slope, params, gradient)
