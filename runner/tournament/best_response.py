"""How much can be extorted from a player: the score of a learner trained against it while it does not learn.

The learner is any that polax knows and that is written in JAX. All players' responses are trained in one program.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ... import registry
from ...algorithms.base import Algorithm
from ...algorithms.core.devices import for_each_seed
from ...envs.frozen_game import FrozenGame, FrozenParams
from ...envs.policies.one_of import stack_policies
from ...envs.policies.play import play
from ...options import OptionError
from ..runs.spec import find_preset
from ..training.seeds import CompiledLearner, settle, stack, take_updates
from .line_up import LineUp, Participant

PRESET = "best-response"
"""The preset of a learner that is taken where it has one, under the options that are asked for."""

UPDATES, MANY_UPDATES = 20, 200
"""By default: in games with few observations, such as matrix games, and in others."""

FEW_OBSERVATIONS = 64


class Training(NamedTuple):
    """How responses are learned."""

    algorithm: str = "naive"
    updates: int = UPDATES
    options: Mapping[str, Any] = {}


class Response(NamedTuple):
    """The response to one player, averaged over playing as player 0 and as player 1."""

    score: float
    left_with: float
    """What the player gets."""


def usual_updates(line_up: LineUp) -> int:
    """Return how many updates a response takes in a game, unless something else is asked for."""
    count = line_up.game.num_observations
    return UPDATES if count is not None and count <= FEW_OBSERVATIONS else MANY_UPDATES


def check_training(training: Training, line_up: LineUp) -> None:
    """Raise `PolaxError` unless the learner is there, fits the game, and may be compiled."""
    if training.updates < 1:
        raise OptionError(f"--best-response-updates must be at least 1, not {training.updates}")
    algorithm = registry.make_algorithm(
        training.algorithm, line_up.game, line_up.params, **options_of(training, line_up.env)
    )
    if not algorithm.pure:
        raise OptionError(f"a best response needs a learner written in JAX; {training.algorithm} is not")


def best_responses(
    key: jax.Array,
    line_up: LineUp,
    participants: Sequence[Participant],
    training: Training,
    *,
    episodes: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Response | None]:
    """Train a response to every player and score it.

    Args:
        key: a typed key.
        line_up: the game.
        participants: the players.
        training: how to learn.
        episodes: of the final match as each player.
        progress: told after each update how many are done, and of how many.

    Returns:
        One for each player; None for those of ordinary Python, against which nothing can be trained in a compiled
        program.
    """
    compiled = [index for index, each in enumerate(participants) if each.compiled]
    responses: list[Response | None] = [None] * len(participants)
    if not compiled:
        return responses
    # An even number of players can be shared by two devices.
    padded = compiled + compiled[: len(compiled) % 2]
    game, params = _frozen([participants[index] for index in padded], line_up)
    learners = [
        registry.make_algorithm(training.algorithm, game, each, **options_of(training, line_up.env)) for each in params
    ]
    init_key, update_key, play_key = jax.random.split(key, 3)
    init_keys = jax.random.split(init_key, len(padded))
    states = [learner.init(each) for learner, each in zip(learners, init_keys, strict=True)]
    keys = jax.random.split(update_key, len(padded))
    for members in _alike(learners):
        own = np.array(members)
        stacked = settle(stack([states[member] for member in members]))
        course = take_updates(
            CompiledLearner(learners[members[0]]),
            keys[own],
            stacked,
            numbers=range(training.updates),
            alive=np.ones(len(own), bool),
        )
        for taken in course:
            stacked = taken.step.states
            progress(taken.number + 1, training.updates)
        for place, member in enumerate(members):
            states[member] = jax.tree.map(lambda leaf, place=place: leaf[place], stacked)
    policies = stack([learner.policies(state) for learner, state in zip(learners, states, strict=True)])
    keys = jax.random.split(play_key, len(padded))
    static = (game, episodes, int(line_up.params.max_steps_in_episode))
    rewards, left = jax.device_get(_score(static, stack(params), keys, policies))
    for place, index in enumerate(compiled):
        responses[index] = Response(float(rewards[place].mean()), float(left[place].mean()))
    return responses


def options_of(training: Training, env: str) -> dict[str, Any]:
    """Return the learner's options in a game: those asked for, over its preset for best responses."""
    preset = find_preset(registry.algorithm_plugin(training.algorithm), PRESET, env)
    return {**(preset.options if preset else {}), **training.options}


def _frozen(participants: Sequence[Participant], line_up: LineUp) -> tuple[FrozenGame, list[FrozenParams]]:
    """Return one game for all players, and for each player the numbers that put it into that game."""
    views = [each.view for each in participants]  # players that see different forms of the game share no structure
    first, second = (stack_policies([each.policies[player] for each in participants], views) for player in (0, 1))
    params = [
        FrozenParams.of(line_up.params, (first.pick(index), second.pick(index))) for index in range(len(participants))
    ]
    return FrozenGame(base=line_up.game, views=(first.views, second.views)), params


def _alike(learners: Sequence[Algorithm]) -> list[list[int]]:
    """Return the learners whose update is one function: where the contract is kept, all of them."""
    groups: dict[Any, list[int]] = {}
    for index, learner in enumerate(learners):
        groups.setdefault(learner.update, []).append(index)
    return list(groups.values())


@partial(jax.jit, static_argnums=0)
def _score(
    static: tuple[FrozenGame, int, int], params: Any, keys: jax.Array, policies: Any
) -> tuple[jax.Array, jax.Array]:
    """Play every response; what the learner gets and what it leaves, ``[players, 2]`` by the learner's player."""
    game, episodes, steps = static

    def one(key: jax.Array, params: Any, policies: Any) -> tuple[jax.Array, jax.Array]:
        result = play(key, game, params, policies, num_envs=episodes, num_steps=steps)
        return result.reward, jnp.stack([result.info["left_with_0"], result.info["left_with_1"]])

    return for_each_seed(one, keys, params, policies)
