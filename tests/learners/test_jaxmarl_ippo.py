"""Independent PPO on the JaxMARL view.

The package jaxmarl ships no baselines (they are scripts of its repository), so this is a small one of our own. It asks
of an environment what those scripts ask: JaxMARL's `LogWrapper`, dictionaries turned into one batch of actors, one
network for all players, and ``info`` with a number for each actor.
"""

import contextlib
import io
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax
import pytest
from flax import struct

pytestmark = pytest.mark.learners

NUM_ENVS, NUM_STEPS, NUM_UPDATES, EPOCHS = 32, 25, 40, 4
DISCOUNT, TRACE, CLIP = 0.9, 0.9, 0.2


class ActorCritic(nn.Module):
    """Logits and a value."""

    num_actions: int

    @nn.compact
    def __call__(self, observation):
        hidden = nn.tanh(nn.Dense(32)(observation))
        return nn.Dense(self.num_actions)(hidden), nn.Dense(1)(hidden)[..., 0]


class Transition(NamedTuple):
    """One step of all actors, ``[actors]`` each."""

    observation: Any
    action: Any
    log_prob: Any
    value: Any
    reward: Any
    done: Any
    info: Any


@struct.dataclass
class Train:
    """What learning carries."""

    params: Any
    optimizer: Any
    env_state: Any
    observation: Any  # by player
    key: Any


class IPPO:
    """The learner; every method is pure."""

    def __init__(self, env):
        self.env = env
        self.network = ActorCritic(env.action_space(env.agents[0]).n)
        self.optimizer = optax.chain(optax.clip_by_global_norm(0.5), optax.adam(5e-3))
        self.num_actors = env.num_agents * NUM_ENVS

    def actors(self, by_player):
        """All players' values as one batch, player after player."""
        stacked = jnp.stack([by_player[agent] for agent in self.env.agents])
        return stacked.reshape(self.num_actors, *stacked.shape[2:])

    def players(self, actors):
        return dict(zip(self.env.agents, actors.reshape(self.env.num_agents, NUM_ENVS), strict=True))

    def init(self, key):
        params_key, reset_key, key = jax.random.split(key, 3)
        observation, env_state = jax.vmap(self.env.reset)(jax.random.split(reset_key, NUM_ENVS))
        params = self.network.init(params_key, self.actors(observation))
        return Train(params, self.optimizer.init(params), env_state, observation, key)

    def step(self, train, _):
        key, action_key, env_key = jax.random.split(train.key, 3)
        seen = self.actors(train.observation)
        logits, value = self.network.apply(train.params, seen)
        action = jax.random.categorical(action_key, logits)
        observation, env_state, reward, done, info = jax.vmap(self.env.step)(
            jax.random.split(env_key, NUM_ENVS), train.env_state, self.players(action)
        )
        info = jax.tree.map(lambda leaf: leaf.reshape(self.num_actors), info)
        log_prob = chosen(logits, action)
        transition = Transition(seen, action, log_prob, value, self.actors(reward), self.actors(done), info)
        return train.replace(env_state=env_state, observation=observation, key=key), transition

    def update(self, train, _):
        train, batch = jax.lax.scan(self.step, train, length=NUM_STEPS)
        _, last = self.network.apply(train.params, self.actors(train.observation))
        advantages = generalised_advantages(batch, last)
        targets = advantages + batch.value

        def epoch(carry, _):
            params, optimizer = carry
            gradient = jax.grad(self.loss)(params, batch, advantages, targets)
            changes, optimizer = self.optimizer.update(gradient, optimizer)
            return (optax.apply_updates(params, changes), optimizer), None

        (params, optimizer), _ = jax.lax.scan(epoch, (train.params, train.optimizer), length=EPOCHS)
        ended = batch.info["returned_episode"]
        score = jnp.where(ended, batch.info["returned_episode_returns"], 0).sum() / jnp.maximum(ended.sum(), 1)
        return train.replace(params=params, optimizer=optimizer), score

    def loss(self, params, batch, advantages, targets):
        logits, value = self.network.apply(params, batch.observation)
        ratio = jnp.exp(chosen(logits, batch.action) - batch.log_prob)
        weights = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
        actor = jnp.minimum(ratio * weights, jnp.clip(ratio, 1 - CLIP, 1 + CLIP) * weights).mean()
        return 0.5 * jnp.square(value - targets).mean() - actor


def chosen(logits, action):
    return jnp.take_along_axis(nn.log_softmax(logits), action[..., None], -1)[..., 0]


def generalised_advantages(batch, last):
    def back(carry, step):
        following, value_after = carry
        goes_on = 1.0 - step.done
        surprise = step.reward + DISCOUNT * goes_on * value_after - step.value
        following = surprise + DISCOUNT * TRACE * goes_on * following
        return (following, step.value), following

    return jax.lax.scan(back, (jnp.zeros_like(last), last), batch, reverse=True)[1]


@pytest.mark.parametrize(
    ("env_id", "begins", "ends"),
    # Both learn to defect, for 0 a step; at random they earn (0 + .665 - .335 + .33) / 4 = .165. In the stag hunt they
    # earn 2.5 at random and, from there, settle for the hare: it pays 2 whatever the other hunts.
    [("IPD-v0", (0.1, 0.25), (-0.02, 0.03)), ("StagHunt-v0", (2.2, 2.8), (1.95, 2.05))],
)
def test_independent_ppo_trains(env_id, begins, ends):
    with contextlib.redirect_stdout(io.StringIO()):  # JaxMARL prints when it is imported
        from jaxmarl.wrappers.baselines import LogWrapper
        from polax.envs.views import jaxmarl as jaxmarl_view

    learner = IPPO(LogWrapper(jaxmarl_view.make(env_id, max_steps_in_episode=NUM_STEPS)))
    train = jax.jit(learner.init)(jax.random.key(0))
    _, scores = jax.jit(lambda train: jax.lax.scan(learner.update, train, length=NUM_UPDATES))(train)
    per_step = scores / NUM_STEPS
    assert begins[0] < per_step[0] < begins[1]
    assert ends[0] < per_step[-1] < ends[1], per_step
