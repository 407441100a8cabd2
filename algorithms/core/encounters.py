"""A batch of episodes of one learner against several opponents, played and evaluated in one scan.

The learner is player 0. All others are one side, whose batch is as many times larger: player 1's episodes, player 2's
and so on. Every network of both sides is evaluated while the game is played, at the observation after the
last step too, so nothing is unrolled a second time. All random numbers are drawn at once, before the scan.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import struct

from ...envs.base import Game, Policy
from . import networks
from .devices import WHOLE, Episodes
from .networks import NetworkParams, Observations

__all__ = ["Agent", "Encounter", "Reader", "Side", "gradient", "init_agent", "play", "policy_network", "revisit"]


@struct.dataclass
class Agent:
    """The networks of a player: logits and action values, in one recurrent network or in two."""

    policy: NetworkParams  # outputs: logits, and after them the action values where there is no second network
    values: NetworkParams | None = None  # outputs: action values


@dataclass(frozen=True)
class Reader:
    """How networks see a game."""

    env: Game[Any, Any]
    listed: bool
    """Whether networks look observations up in the environment's table, or evaluate each one."""
    step_input: bool
    """Whether the second network also sees the number of the step."""

    @property
    def table(self) -> jax.Array | None:
        """Every distinct observation, or None where they are not looked up."""
        return self.env.observation_table() if self.listed else None


class Side(NamedTuple):
    """One player's side of a batch of ``T`` steps; what networks gave has one row more, for what follows them.

    Of the opponents' side, ``B`` is the number of opponents times that of the episodes.
    """

    observations: jax.Array  # [T+1, B] int32 rows of the table, or [T+1, B, F]
    actions: jax.Array  # [T, B] int32
    rewards: jax.Array  # [T, B]
    logits: jax.Array  # [T+1, B, A]
    action_values: jax.Array  # [T+1, B, A]
    hidden: tuple[jax.Array, ...]  # of each network, [T+1, B, H], before each step


class Encounter(NamedTuple):
    """A batch of episodes."""

    learner: Side
    opponent: Side
    rows: jax.Array | None  # [T+1, B] int32: what the learner saw, where the environment lists its observations


def init_agent(
    key: jax.Array,
    *,
    num_features: int,
    num_actions: int,
    hidden_size: int,
    value_size: int | None = None,
    step_input: bool = False,
) -> Agent:
    """Draw the networks of a player.

    Args:
        key: a typed key, used once.
        num_features: of an observation.
        num_actions: ``A``.
        hidden_size: width of the policy.
        value_size: width of a network of its own for action values; None: they are outputs of the policy's network.
        step_input: whether that network sees the number of the step.

    Returns:
        The agent.
    """
    key_policy, key_values = jax.random.split(key)
    policy = networks.init_network(
        key_policy,
        num_features=num_features,
        hidden_size=hidden_size,
        num_outputs=2 * num_actions if value_size is None else num_actions,
    )
    if value_size is None:
        return Agent(policy)
    values = networks.init_network(
        key_values,
        num_features=num_features + 1 if step_input else num_features,
        hidden_size=value_size,
        num_outputs=num_actions,
    )
    return Agent(policy, values)


def renamed(agent: Agent, features: jax.Array, actions: jax.Array) -> Agent:
    """Return the agent that sees and acts under a symmetry of the game, as `polax.envs.base.Symmetries` has them.

    Args:
        agent: it needs no other parameters for that, but the same ones in another order.
        features: ``[F]``, what each feature of an observation becomes.
        actions: ``[A]``, what each action becomes.
    """
    if agent.values is None:
        return Agent(_reordered(agent.policy, features, jnp.concatenate([actions, actions + actions.size])))
    return Agent(_reordered(agent.policy, features, actions), _reordered(agent.values, features, actions))


def _reordered(network: NetworkParams, features: jax.Array, outputs: jax.Array) -> NetworkParams:
    encoder, recurrent = network.encoder, network.recurrent
    kernel = encoder.kernel.at[: features.size].set(encoder.kernel[features])  # a row more is for the step's number
    recurrent = replace(
        recurrent, output_kernel=recurrent.output_kernel[outputs], output_bias=recurrent.output_bias[outputs]
    )
    return NetworkParams(encoder=replace(encoder, kernel=kernel), recurrent=recurrent)


def policy_network(agent: Agent) -> NetworkParams:
    """Return the network whose outputs are an agent's logits and nothing else."""
    recurrent = agent.policy.recurrent
    count = recurrent.output_bias.shape[-1] // (2 if agent.values is None else 1)
    logits_only = replace(
        recurrent, output_kernel=recurrent.output_kernel[:count], output_bias=recurrent.output_bias[:count]
    )
    return replace(agent.policy, recurrent=logits_only)


def play(
    key: jax.Array,
    reader: Reader,
    params: Any,
    agents: tuple[Agent, Sequence[Agent]],
    *,
    num_envs: int,
    num_steps: int,
    exploration: jax.Array | float = 0.0,
    scripted: Sequence[Policy] = (),
    num_scripted: int = 0,
    episodes: Episodes = WHOLE,
) -> Encounter:
    """Play ``num_envs`` episodes of ``num_steps`` steps from the start of the game.

    Args:
        key: a typed key, used once.
        reader: of the game.
        params: its params.
        agents: the learner and its opponents; each opponent plays an equal part of the others' episodes.
        num_envs: ``B``.
        num_steps: ``T``.
        exploration: probability with which any player's action is replaced by a uniform one.
        scripted: players that move in the only opponent's place in equal parts of the first ``num_scripted`` episodes;
            action values and logits recorded there are still the opponent's.
        num_scripted: episodes with a scripted player.
        episodes: which of them are played here; there is a block for each opponent, so that each has an equal part of
            the others' episodes here too. What is drawn does not depend on that.

    Returns:
        Both sides of these episodes; data, nothing is differentiated through play.
    """
    learner, opponents = agents
    env, table = reader.env, reader.table
    key_reset, key_actions, key_steps, key_scripted = jax.random.split(key, 4)
    here, num_others = episodes.count(num_envs), env.num_players - 1
    uniforms = episodes.take(jax.random.uniform(key_actions, (num_steps + 1, env.num_players, num_envs)), axis=2)
    words = episodes.take(jax.random.bits(key_steps, (num_steps + 1, num_envs, 2), jnp.uint32), axis=1)
    script_words = jax.random.bits(key_scripted, (num_steps + 1, len(scripted), 2), jnp.uint32)
    own_lookups = _prepare(reader, learner, table)
    other_lookups = [_prepare(reader, opponent, table) for opponent in opponents]
    parts = _parts(num_others * here, len(opponents))

    def step(carry: tuple[Any, ...], given: tuple[jax.Array, ...]) -> tuple[tuple[Any, ...], Any]:
        state, (rows, seen), (hidden, other_hidden), memories = (*carry[:3], list(carry[3]))
        number, uniform, step_words, script_word = given
        own, after = _evaluate(reader, own_lookups, learner, hidden, (seen[:, 0], number, table))
        seen_by_others = _one_batch(seen)
        others = [
            _evaluate(
                reader,
                other_lookups[index],
                opponent,
                tuple(each[part] for each in other_hidden),
                (seen_by_others[part], number, table),
            )
            for index, (opponent, part) in enumerate(zip(opponents, parts, strict=True))
        ]
        other, other_after = jax.tree.map(lambda *pieces: jnp.concatenate(pieces), *others)
        actions = [
            _draw(drawn, logits, exploration)
            for drawn, (logits, _) in zip((uniform[0], uniform[1:].ravel()), (own, other), strict=True)
        ]
        if scripted:  # they act in all their episodes, wherever these are: what a policy draws depends on their number
            observed, moves = episodes.spread(seen_by_others), episodes.spread(actions[1])
            for index, (policy, part) in enumerate(zip(scripted, _parts(num_scripted, len(scripted)), strict=True)):
                view = observed[part] if table is None else table[observed[part]]
                chosen, memories[index] = policy.act(_as_key(script_word[index]), view, memories[index])
                moves = moves.at[part].set(chosen)
            actions[1] = episodes.take(moves)
        observation, state, reward, _, _ = jax.vmap(env.step_env, in_axes=(0, 0, 0, None))(
            _as_key(step_words), state, jnp.stack([actions[0], *actions[1].reshape(num_others, -1)], axis=1), params
        )
        watched = (seen[:, 0], seen_by_others)
        record = (
            rows,
            watched,
            tuple(actions),
            (reward[:, 0], _one_batch(reward)),
            (own, other),
            (hidden, other_hidden),
        )
        return (state, _view(reader, observation, state), (after, other_after), memories), record

    observation, state = jax.vmap(env.reset_env, in_axes=(0, None))(
        _as_key(episodes.take(jax.random.bits(key_reset, (num_envs, 2), jnp.uint32))), params
    )
    start = (
        state,
        _view(reader, observation, state),
        (_initial_hidden(learner, here), _initial_hidden(opponents[0], num_others * here)),
        [
            policy.initial_memory(part.stop - part.start)
            for policy, part in zip(scripted, _parts(num_scripted, len(scripted)), strict=True)
        ],
    )
    numbers = jnp.arange(num_steps + 1, dtype=jnp.float32)
    rows, seen, actions, rewards, outputs, hidden = jax.lax.scan(step, start, (numbers, uniforms, words, script_words))[
        1
    ]
    learner_side, opponent_side = (
        Side(
            observations=seen[role],
            actions=actions[role][:-1],
            rewards=rewards[role][:-1],
            logits=outputs[role][0],
            action_values=outputs[role][1],
            hidden=hidden[role],
        )
        for role in (0, 1)
    )
    return jax.lax.stop_gradient(Encounter(learner_side, opponent_side, rows))


def revisit(reader: Reader, agent: Agent, side: Side) -> Side:
    """Return a learner's side of a batch as another agent sees it: its networks along the same episodes."""
    unrolled = [networks.unroll(net, seen) for net, seen in _with_observations(reader, agent, side)]
    logits, action_values = _heads(reader, [each.outputs for each in unrolled])
    hidden = tuple(each.hidden for each in unrolled)
    return side._replace(logits=logits, action_values=action_values, hidden=hidden)


def gradient(reader: Reader, agent: Agent, side: Side, logits_bar: jax.Array, values_bar: jax.Array) -> Agent:
    """Return the derivatives of a scalar by an agent's networks.

    Args:
        reader: of the game.
        agent: the learner that played.
        side: its side of the batch.
        logits_bar: the scalar's derivatives by its logits, ``[T+1, B, A]``.
        values_bar: by its action values, ``[T+1, B, A]``.
    """
    bars = [jnp.concatenate([logits_bar, values_bar], -1)] if agent.values is None else [logits_bar, values_bar]
    gradients = [
        networks.unroll_backward(net, seen, hidden, bar)
        for (net, seen), hidden, bar in zip(_with_observations(reader, agent, side), side.hidden, bars, strict=True)
    ]
    return Agent(*gradients)


def _with_observations(reader: Reader, agent: Agent, side: Side) -> list[tuple[NetworkParams, Observations]]:
    """Return each network with the observations of a side as that network sees them."""
    table = reader.table
    plain = (agent.policy, Observations(side.observations, table))
    if agent.values is None:
        return [plain]
    if not reader.step_input:
        return [plain, (agent.values, plain[1])]
    planes = side.observations if table is None else table[side.observations]
    numbers = jnp.arange(planes.shape[0], dtype=planes.dtype)[:, None, None]
    timed = jnp.concatenate([planes, jnp.broadcast_to(numbers, (*planes.shape[:-1], 1))], axis=-1)
    return [plain, (agent.values, Observations(timed))]


def _prepare(reader: Reader, agent: Agent, table: jax.Array | None) -> tuple[Any, ...]:
    policy = networks.prepare(agent.policy.encoder, table)
    if agent.values is None:
        return (policy,)
    return policy, networks.prepare(agent.values.encoder, None if reader.step_input else table)


def _initial_hidden(agent: Agent, num_envs: int) -> tuple[jax.Array, ...]:
    nets = (agent.policy,) if agent.values is None else (agent.policy, agent.values)
    return tuple(networks.initial_hidden(net, num_envs) for net in nets)


def _evaluate(
    reader: Reader,
    lookups: tuple[Any, ...],
    agent: Agent,
    hidden: tuple[jax.Array, ...],
    seen: tuple[jax.Array, jax.Array, jax.Array | None],
) -> tuple[tuple[jax.Array, jax.Array], tuple[jax.Array, ...]]:
    """Advance one step; ``seen`` is what is observed, the step's number and the table."""
    observed, number, table = seen
    outputs, after = networks.step(lookups[0], agent.policy.recurrent, hidden[0], observed)
    if agent.values is None:
        return _heads(reader, [outputs]), (after,)
    if reader.step_input:
        planes = observed if table is None else table[observed]
        observed = jnp.concatenate([planes, jnp.full((planes.shape[0], 1), number)], axis=-1)
    values, values_after = networks.step(lookups[1], agent.values.recurrent, hidden[1], observed)
    return (outputs, values), (after, values_after)


def _heads(reader: Reader, outputs: Sequence[jax.Array]) -> tuple[jax.Array, jax.Array]:
    """Return logits and action values from the outputs of the networks."""
    if len(outputs) == 2:
        return outputs[0], outputs[1]
    num_actions = reader.env.num_actions
    return outputs[0][..., :num_actions], outputs[0][..., num_actions:]


def _view(reader: Reader, observation: jax.Array, state: Any) -> tuple[jax.Array | None, jax.Array]:
    """Return what the learner sees as a row of the table, if there is one, and what networks of both players read."""
    if reader.env.num_observations is None:
        return None, observation
    rows = jax.vmap(reader.env.observation_index)(state)
    return rows[:, 0], rows if reader.listed else observation


def _one_batch(by_player: jax.Array) -> jax.Array:
    """Return what all players but the first have as one batch: ``[B, N, ...]`` to ``[(N - 1) B, ...]``."""
    if by_player.shape[1] == 2:
        return by_player[:, 1]
    return jnp.swapaxes(by_player[:, 1:], 0, 1).reshape(-1, *by_player.shape[2:])


def _draw(uniforms: jax.Array, logits: jax.Array, exploration: jax.Array | float) -> jax.Array:
    """Draw actions ``[B]`` int32 by inverting the distribution of the policy mixed with a uniform one."""
    mixed = (1.0 - exploration) * jax.nn.softmax(logits) + exploration / logits.shape[-1]
    return jnp.sum(uniforms[:, None] >= jnp.cumsum(mixed[:, :-1], axis=-1), axis=-1, dtype=jnp.int32)


def _as_key(words: jax.Array) -> jax.Array:
    """Make keys of words that are random already, ``[..., 2]``: to split keys would cost more than the game."""
    return jax.random.wrap_key_data(words, impl="threefry2x32")


def _parts(total: int, number: int) -> list[slice]:
    """Divide ``total`` episodes into ``number`` runs of nearly equal length."""
    ends = [total * (index + 1) // number for index in range(number)]
    return [slice(start, end) for start, end in zip([0, *ends], ends, strict=False)]
