"""Sampling: recurrent policies play a batch of episodes, and everything a lookahead needs later is recorded."""

from __future__ import annotations

from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
from flax import struct

from ...envs.base import Game, PageProgram, Policy
from . import networks
from .devices import WHOLE, Episodes, steps_at_once
from .networks import NetworkParams, Observations


class Side(NamedTuple):
    """One player's side of a batch of episodes."""

    observations: Observations  # values [T+1, B] or [T+1, B, F]; the last is what follows the last step
    actions: jax.Array  # [T, B] int32
    rewards: jax.Array  # [T, B]
    logits: jax.Array  # [T, B, A], of the policy that acted
    hidden: jax.Array  # [T, B, H], its hidden state before each step

    @property
    def acted_on(self) -> Observations:
        """The observations that an action followed, ``T`` of them."""
        return self.observations._replace(values=self.observations.values[:-1])


class Batch(NamedTuple):
    """A batch of episodes, seen from both sides; of more than two players, from those of two."""

    self: Side
    other: Side


@struct.dataclass
class RecurrentPolicy:
    """A learned player: samples its actions from a recurrent network's logits."""

    params: NetworkParams

    def initial_memory(self, num_envs: int) -> jax.Array:
        """Return the hidden state at the start of an episode, ``[B, H]``."""
        return networks.initial_hidden(self.params, num_envs)

    def act(self, key: jax.Array, observation: jax.Array, memory: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Sample one action ``[B]`` for each observation ``[B, F]``."""
        logits, memory = networks.step(self.params.encoder, self.params.recurrent, memory, observation)
        return sample_actions(jax.random.uniform(key, logits.shape[:1]), logits), memory

    def page_program(self) -> PageProgram:
        """Return the network for a page in the browser."""
        encoder, recurrent = self.params.encoder, self.params.recurrent
        numbers = {name: getattr(encoder, name) for name in ("kernel", "bias", "gate_kernel", "gate_bias")}
        numbers |= {name: getattr(recurrent, name) for name in ("candidate_bias", "output_kernel", "output_bias")}
        return PageProgram.beside(networks.__file__, {**numbers, "recurrent_kernel": recurrent.gate_kernel})


def sample_actions(uniforms: jax.Array, logits: jax.Array) -> jax.Array:
    """Draw actions ``[B]`` int32 from logits ``[B, A]`` by inverting their distribution at ``uniforms`` ``[B]``."""
    cumulative = jnp.cumsum(jax.nn.softmax(logits)[..., :-1], axis=-1)
    return jnp.sum(uniforms[..., None] >= cumulative, axis=-1, dtype=jnp.int32)


def network_of(policy: NetworkParams | Policy) -> NetworkParams | None:
    """Return the network that a policy samples its actions from, or None."""
    if isinstance(policy, RecurrentPolicy):
        return policy.params
    return policy if isinstance(policy, NetworkParams) else None


def sample(
    key: jax.Array,
    env: Game[Any, Any],
    params: Any,
    policies: tuple[NetworkParams | Policy, ...],
    *,
    player: jax.Array,
    num_envs: int,
    num_steps: int,
    episodes: Episodes = WHOLE,
) -> Batch:
    """Let policies play ``num_envs`` episodes of ``num_steps`` steps from the start of the game.

    Nothing is differentiated through sampling: the result is data.

    Args:
        key: a typed key, used once.
        env: the game.
        params: its params.
        policies: the network of the player called ``self`` and, in turn order after it, those of the others. Of an only
            other one that is no network, only what it does is recorded: its logits are zero, its hidden states empty.
        player: which player ``self`` is; may be traced.
        num_envs: ``B``.
        num_steps: ``T``.
        episodes: which of them are played here; what is drawn for each does not depend on that.

    Returns:
        The sides of ``self`` and of the player after it, of these episodes.
    """
    count = len(policies)
    found = [network_of(policy) for policy in policies]
    stranger = found[-1] is None
    key_reset, key_actions, key_env, *key_other = jax.random.split(key, 4 if stranger else 3)
    table = None if env.num_observations is None else env.observation_table()
    here = episodes.count(num_envs)
    uniforms = episodes.take(jax.random.uniform(key_actions, (num_steps, count, num_envs)), axis=2)
    draws: list[jax.Array] = [uniforms[:, role] for role in range(count)]
    players: list[_NetworkPlayer | _PolicyPlayer] = [
        _NetworkPlayer(network, networks.prepare(network.encoder, table)) for network in found if network is not None
    ]
    if stranger:
        players.append(_PolicyPlayer(cast("Policy", policies[-1]), table, env.num_actions, num_envs, episodes))
        draws[-1] = jax.random.split(key_other[0], num_steps)
    own_side = (player + jnp.arange(count)) % count  # the player in each role
    in_order = (jnp.arange(count) - player) % count  # the role of each player

    def view(observation: jax.Array, state: Any) -> jax.Array:
        """Arrange what the players see as (self, the others), batch first."""
        seen = observation if table is None else jax.vmap(env.observation_index)(state)
        return jnp.take(seen, own_side, axis=1)

    def play(carry: tuple[Any, ...], given: tuple[list[jax.Array], jax.Array]) -> tuple[tuple[Any, ...], Any]:
        state, seen, memories = carry
        drawn, key_step = given
        moves = [each.move(drawn[role], seen[:, role], memories[role]) for role, each in enumerate(players)]
        joint = jnp.take(jnp.stack([move.action for move in moves], axis=1), in_order, axis=1)
        observation, state, reward, _, _ = jax.vmap(env.step_env, in_axes=(0, 0, 0, None))(
            episodes.take(jax.random.split(key_step, num_envs)), state, joint, params
        )
        record = (seen, jnp.take(reward, own_side, axis=1), [(each.action, each.logits, each.hidden) for each in moves])
        return (state, view(observation, state), [each.memory for each in moves]), record

    keys_reset = episodes.take(jax.random.split(key_reset, num_envs))
    observation, state = jax.vmap(env.reset_env, in_axes=(0, None))(keys_reset, params)
    start = (state, view(observation, state), [each.initial_memory(here) for each in players])
    given = (draws, jax.random.split(key_env, num_steps))
    (_, last, _), (seen, rewards, moves) = jax.lax.scan(play, start, given, unroll=steps_at_once())
    sides = (
        Side(
            observations=Observations(jnp.concatenate([seen[:, :, role], last[None, :, role]]), table),
            actions=actions,
            rewards=rewards[:, :, role],
            logits=logits,
            hidden=hidden,
        )
        for role, (actions, logits, hidden) in enumerate(moves[:2])
    )
    return jax.lax.stop_gradient(Batch(*sides))


class _Move(NamedTuple):
    """What a player does in one step of a batch."""

    action: jax.Array  # [B] int32
    logits: jax.Array  # [B, A]
    hidden: jax.Array  # [B, H], before the step
    memory: Any  # after it


class _NetworkPlayer(NamedTuple):
    """A network that plays; it is recorded whole."""

    network: NetworkParams
    lookup: Any

    def initial_memory(self, num_envs: int) -> jax.Array:
        return networks.initial_hidden(self.network, num_envs)

    def move(self, uniforms: jax.Array, seen: jax.Array, memory: jax.Array) -> _Move:
        """Act on what is seen; ``uniforms`` are ``[B]``."""
        logits, after = networks.step(self.lookup, self.network.recurrent, memory, seen)
        return _Move(sample_actions(uniforms, logits), logits, memory, after)


class _PolicyPlayer(NamedTuple):
    """Any other policy: only its actions are recorded."""

    policy: Policy
    table: jax.Array | None
    num_actions: int
    num_envs: int
    episodes: Episodes

    def initial_memory(self, num_envs: int) -> Any:
        del num_envs
        return self.policy.initial_memory(self.num_envs)

    def move(self, key: jax.Array, seen: jax.Array, memory: Any) -> _Move:
        """Act on what is seen, with a key of its own.

        It acts in all episodes of the batch, wherever they are played: what a policy draws depends on their number.
        """
        observation = self.episodes.spread(seen if self.table is None else self.table[seen])
        action, after = self.policy.act(key, observation, memory)
        action = self.episodes.take(action)
        count = action.shape[0]
        return _Move(action, jnp.zeros((count, self.num_actions)), jnp.zeros((count, 0)), after)
