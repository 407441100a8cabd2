"""The contract of an algorithm: three functions, a configuration, and what a listing shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import jax

from ..envs.base import Experience, Game, Policy

API_VERSION = 1
"""Version of the algorithm contract; a plug-in written for another version is refused."""

SEEDS_AXIS, ENVS_AXIS, PLAYERS_AXIS = "seeds", "envs", "players"
"""Axes of the mesh of devices on which a run trains: each device has some of the seeds, some of the episodes of a
batch, and some of the players."""

ANY_ENV = "*"
"""In place of an environment's id: a preset for every environment that has no own preset of that name."""

State = Any
"""Everything that learning carries from one update to the next: a pytree of arrays."""

Metrics = dict[str, jax.Array]
"""Scalars by name; names are paths such as ``loss/player_0``."""


class EpisodeLearner(NamedTuple):
    """How one player learns from nothing but the episodes that it has played itself, whoever plays the others.

    A meta-game needs it: there the opponent is a learner, and somebody else's agent plays against it. Its functions are
    pure, and hashable by value like those of an `Algorithm`.
    """

    num_episodes: int
    """B, how many episodes a step of learning takes."""

    numbers: Any
    """What ``init`` puts into the state: rates, penalties, discount; a pytree of arrays."""

    init: Callable[[jax.Array, Any], State]
    """``init(key, numbers) -> State``, of one player."""

    learn: Callable[[jax.Array, State, Experience], tuple[State, Metrics]]
    """``learn(key, state, experience) -> (state, metrics)``; the policy of ``state`` has played the experience."""

    policy: Callable[[State], Policy]
    """``policy(state)`` -> the player's present policy."""


class Algorithm(NamedTuple):
    """A multi-agent learner: it trains every player of one game.

    An algorithm written in JAX is pure, and its functions are hashable by value: building it again from an equal
    game and equal sizes gives equal functions, so nothing is compiled twice. Numbers (rates, penalties, discount, the
    environment's params) are leaves of the state; sizes and counts belong to the functions.
    """

    init: Callable[[jax.Array], State]
    """``init(key) -> State``"""

    update: Callable[[jax.Array, State], tuple[State, Metrics]]
    """``update(key, state) -> (state, metrics)``"""

    policies: Callable[[State], tuple[Policy, ...]]
    """``policies(state)`` -> one `Policy` for each player."""

    pure: bool = True
    """True: may be compiled, vmapped over seeds and sharded. False: ordinary Python, run seed after seed."""

    self_play: bool = False
    """True: one policy plays as every player, so what the players earn together is *self-play*. False: each player has
    learned a policy of its own, and it is *co-play*. Tables, curves and progress use the word that fits."""

    trained_against: tuple[str, ...] = ()
    """Strategies of the game that are opponents in training: scores against them are not held out, which is said."""

    pieces: Mapping[str, int] = MappingProxyType({})
    """Into how many equal pieces, by axis of the mesh (`ENVS_AXIS`, `PLAYERS_AXIS`), devices can divide an update; the
    number of devices along the axis is a divisor of it. Along an axis that is not here, all compute the same."""

    episode_learner: EpisodeLearner | None = None
    """How a player of it learns from its own episodes; None: it cannot, since it looks at its opponent's parameters,
    needs a model of it, or samples episodes of its own. With one it can be the opponent of `polax.meta_game`."""


class Shown(NamedTuple):
    """What one player lets the others see of itself."""

    policy: Policy
    """How it plays."""

    parameters: Any = None
    """What a learner with a lookahead needs to imagine this player's learning, of a type among the ``needs`` of such
    learners. None: there is nothing to see but how it plays."""


class PlayerLearner(NamedTuple):
    """A learner of one player of a game, whatever plays as the others.

    All players learn at once, each from what the others showed before the update. Like those of an `Algorithm`, the
    functions are hashable by value.
    """

    init: Callable[[jax.Array], State]
    """``init(key) -> State``"""

    update: Callable[[jax.Array, State, tuple[Shown, ...]], tuple[State, Metrics]]
    """``update(key, state, shown) -> (state, metrics)``; ``shown`` has one entry for each player, its own included."""

    show: Callable[[State], Shown]
    """``show(state) -> Shown``."""

    needs: tuple[type, ...] = ()
    """Types of which every other player must show one, as its parameters or as its policy. Empty: it takes any."""

    num_episodes: int | None = None
    """Episodes of a batch, which the devices along `ENVS_AXIS` can share; None: all of them compute the same."""

    reason: str = ""
    """Why it needs that and what else to do, for the message where a player does not show it: ``"it ..."``."""


class Preset(NamedTuple):
    """Settings under which a learner is known to do what its table says."""

    updates: int
    options: Mapping[str, Any] = MappingProxyType({})
    env_options: Mapping[str, Any] = MappingProxyType({})
    command: str = ""
    """The command that it is made for, which lists it apart; empty: for training."""


def _no_steps(config: Any) -> Mapping[str, int]:
    del config
    return {}


class AlgorithmPlugin(NamedTuple):
    """What an entry point of the group ``polax.algorithms`` (or `register_algorithm`) provides."""

    config: type
    """Frozen dataclass; its fields with their defaults are the options, validated in ``__post_init__``."""

    build: Callable[[Game[Any, Any], Any, Any], Algorithm]
    """``build(env, params, config) -> Algorithm``"""

    summary: str
    """One line for listings."""

    api_version: int = API_VERSION

    presets: Mapping[tuple[str, str], Preset] = MappingProxyType({})
    """Named settings by ``(preset, environment id)``; the id may be `ANY_ENV`. ``best-response`` is the preset with
    which a tournament trains a learner against a player that does not learn."""

    steps_per_update: Callable[[Any], Mapping[str, int]] = _no_steps
    """``steps_per_update(config)`` -> how many steps of which kind one update takes, such as ``{"outer-steps": 50}``;
    learning curves can be drawn over each kind. A kind is called like the option that sets it."""

    build_player: Callable[[Game[Any, Any], Any, Any, int], PlayerLearner] | None = None
    """``build_player(env, params, config, player) -> PlayerLearner``: the learner of one player, beside another learner
    or a policy that does not learn. None: it trains all players, and nothing can learn beside it."""
