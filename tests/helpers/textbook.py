"""The lookahead as a textbook would write it: the oracle that the fast path must agree with.

One function plays the episodes and is differentiated as a whole; the opponent's steps are `jax.grad` of it, the
learner's gradient is `jax.grad` through those. Networks are flax's own modules. Slow, and short enough to check by eye.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from polax.algorithms.core.flax_module import to_flax
from polax.algorithms.core.networks import NetworkParams

GAMMA, LAMBDA = 0.96, 0.9


def apply(params: NetworkParams, carry, observation):
    module, variables = to_flax(params)
    return module.apply(variables, carry, observation)


class Settings(NamedTuple):
    inner_steps: int
    inner_lr: float
    critic_lr: float
    inner_beta: float
    outer_beta: float
    num_envs: int
    num_steps: int
    kl_direction: str = "forward"
    dice_lambda: float = 1.0


class Trajectory(NamedTuple):
    """Time first, players in the order (self, other)."""

    log_probs: jax.Array  # [T, B, 2] of the chosen actions
    distributions: jax.Array  # [T, B, 2, A] log-probabilities
    rewards: jax.Array  # [T, B, 2]
    observations: jax.Array  # [T + 1, B, 2, F]


def rollout(key, env, params, policies, *, player, settings):
    """Play a batch with the same random numbers as the fast path; differentiable by the policies' parameters."""
    key_reset, key_actions, key_env = jax.random.split(key, 3)
    order = jnp.array([player, 1 - player])
    batch = settings.num_envs
    observation, state = jax.vmap(env.reset_env, (0, None))(jax.random.split(key_reset, batch), params)
    carries = [jnp.zeros((batch, policy.recurrent.candidate_bias.shape[0])) for policy in policies]
    uniforms = jax.random.uniform(key_actions, (settings.num_steps, 2, batch))

    def step(carry, randomness):
        observation, state, carries = carry
        uniform, key_step = randomness
        seen = observation[:, order]
        carries, logits = zip(*(apply(policies[i], carries[i], seen[:, i]) for i in (0, 1)), strict=True)
        distributions = [jax.nn.log_softmax(each) for each in logits]
        thresholds = [jnp.cumsum(jnp.exp(each), axis=-1)[:, :-1] for each in distributions]
        actions = [(uniform[i][:, None] >= thresholds[i]).sum(-1) for i in (0, 1)]
        chosen = [distributions[i][jnp.arange(batch), actions[i]] for i in (0, 1)]
        observation, state, reward, _, _ = jax.vmap(env.step_env, (0, 0, 0, None))(
            jax.random.split(key_step, batch), state, jnp.stack(actions, 1)[:, order], params
        )
        record = (jnp.stack(chosen, 1), jnp.stack(distributions, 1), reward[:, order], seen)
        return (observation, state, carries), record

    randomness = (uniforms, jax.random.split(key_env, settings.num_steps))
    (observation, _, _), record = jax.lax.scan(step, (observation, state, tuple(carries)), randomness)
    log_probs, distributions, rewards, observations = record
    return Trajectory(log_probs, distributions, rewards, jnp.concatenate([observations, observation[None, :, order]]))


def evaluate(network, observations):
    """Outputs of a network along the first axis of the observations."""
    start = jnp.zeros((observations.shape[1], network.recurrent.candidate_bias.shape[0]))
    return jax.lax.scan(lambda carry, observation: apply(network, carry, observation), start, observations)[1]


def policy_loss(trajectory, critic, *, i, settings):
    """Loaded DiCE for player ``i`` of (self, other), written as sums over time."""
    values = jax.lax.stop_gradient(evaluate(critic, trajectory.observations[:, :, i])[..., 0])
    rewards, steps = trajectory.rewards[..., i], trajectory.rewards.shape[0]
    advantage, advantages = jnp.zeros_like(rewards[0]), [None] * steps
    for t in reversed(range(steps)):
        advantage = rewards[t] + GAMMA * values[t + 1] - values[t] + GAMMA * LAMBDA * advantage
        advantages[t] = advantage
    total, loss = jnp.zeros_like(rewards[0]), 0.0
    box = lambda x: jnp.exp(x - jax.lax.stop_gradient(x))  # noqa: E731
    for t in range(steps):
        before = settings.dice_lambda * total
        total = before + trajectory.log_probs[t].sum(-1)
        loss -= jnp.mean(GAMMA**t * advantages[t] * (box(total) - box(before)))
    return loss


def critic_loss(trajectory, critic, *, i):
    values = evaluate(critic, trajectory.observations[:, :, i])[..., 0]
    target, loss = jax.lax.stop_gradient(values[-1]), 0.0
    for t in reversed(range(trajectory.rewards.shape[0])):
        target = trajectory.rewards[t, :, i] + GAMMA * target
        loss += jnp.mean((target - values[t]) ** 2)
    return loss


def penalty(trajectory, policy, *, i, settings):
    """KL between an earlier policy and the one that played, on what player ``i`` saw."""
    reference = jax.nn.log_softmax(evaluate(policy, trajectory.observations[:-1, :, i]))
    current = trajectory.distributions[:, :, i]
    if settings.kl_direction == "reverse":
        reference, current = current, reference
    return jnp.mean((jnp.exp(reference) * (reference - current)).sum(-1))


def imagine(own, key, env, params, opponent, *, player, settings):
    """The other's policy after its imagined steps against ``own``; ``opponent`` is its (policy, critic) before them."""
    other, critic = opponent
    policy = other
    for key_step in jax.random.split(key, settings.inner_steps):

        def losses(policy, critic, key_step=key_step):
            trajectory = rollout(key_step, env, params, (own, policy), player=player, settings=settings)
            kl = penalty(trajectory, other, i=1, settings=settings)
            value_loss = critic_loss(jax.lax.stop_gradient(trajectory), critic, i=1)
            return policy_loss(trajectory, critic, i=1, settings=settings) + settings.inner_beta * kl, value_loss

        policy_step = jax.grad(lambda policy, critic=critic, losses=losses: losses(policy, critic)[0])(policy)
        critic_step = jax.grad(lambda critic, policy=policy, losses=losses: losses(policy, critic)[1])(critic)
        policy = jax.tree.map(lambda p, g: p - settings.inner_lr * g, policy, policy_step)
        critic = jax.tree.map(lambda p, g: p - settings.critic_lr * g, critic, critic_step)
    return policy


def lookahead_gradients(key, env, params, learner, opponent, *, start, player, settings):
    """Derivatives of the learner's policy loss by its policy, and of its critic loss by its critic.

    ``learner`` and ``opponent`` are (policy, critic); ``start`` is the learner's policy before the update.
    """
    own, own_critic = learner
    key_inner, key_outer = jax.random.split(key)

    def losses(own, critic):
        other = imagine(own, key_inner, env, params, opponent, player=player, settings=settings)
        trajectory = rollout(key_outer, env, params, (own, other), player=player, settings=settings)
        kl = penalty(trajectory, start, i=0, settings=settings)
        value_loss = critic_loss(jax.lax.stop_gradient(trajectory), critic, i=0)
        return policy_loss(trajectory, critic, i=0, settings=settings) + settings.outer_beta * kl, value_loss

    by_policy = jax.grad(lambda own: losses(own, own_critic)[0])(own)
    by_critic = jax.grad(lambda critic: losses(own, critic)[1])(own_critic)
    return by_policy, by_critic
