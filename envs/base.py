"""The contract of an environment: what a game offers beyond gymnax, and what a player is."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    NamedTuple,
    Protocol,
    Self,
    TypeVar,
    get_args,
    runtime_checkable,
)

import jax
import jax.numpy as jnp
import numpy as np

from .gymnax import environment, spaces
from .rendering.frame import DEFAULT_SIZE, Board, Frame, board_lines, score_line, state_lines
from .settings import Setting, read_settings, settings_of

if TYPE_CHECKING:
    from PIL.Image import Image

API_VERSION = 1
"""Version of the environment contract; a plug-in written for another one is refused."""

Memory = Any
"""What a policy carries from step to step: any pytree whose leaves start with the batch axis ``[B, ...]``."""

ObservationLayout = Literal["egocentric", "shared"]
"""Own features first, or player 0's view for both players."""
OBSERVATION_LAYOUTS: tuple[ObservationLayout, ...] = get_args(ObservationLayout)

TState = TypeVar("TState", bound=environment.EnvState)
TParams = TypeVar("TParams", bound=environment.EnvParams)


class Symmetries(NamedTuple):
    """Ways to rename what a player sees and does after which a game is the same, the identity among them."""

    observations: np.ndarray
    """``[S, F]``: under renaming s, feature f becomes feature ``observations[s, f]``."""
    actions: np.ndarray
    """``[S, A]``: under renaming s, action a becomes action ``actions[s, a]``."""


@runtime_checkable
class Policy(Protocol):
    """A player, learned or scripted: a pytree that acts on a batch of observations.

    Being a pytree, a policy goes through ``jax.jit`` as an argument, is mapped over by ``jax.vmap``
    (several seeds of one learner) and is saved like any other array.
    """

    def initial_memory(self, num_envs: int) -> Memory:
        """Return the memory at the start of ``num_envs`` episodes."""
        ...

    def act(self, key: jax.Array, observation: jax.Array, memory: Memory) -> tuple[jax.Array, Memory]:
        """Choose one action for each environment.

        Args:
            key: a typed key, used once.
            observation: ``[B, features]``, this player's view.
            memory: what the call before returned, or ``initial_memory(B)``.

        Returns:
            The actions ``[B]`` int32 and the memory for the next step.
        """
        ...


class Experience(NamedTuple):
    """A batch of B episodes of T steps as one player lived through them."""

    observations: jax.Array
    """``[T+1, B]`` int32, rows of `Game.observation_table`, where the game lists its observations; else ``[T+1, B,
    features]``. The last is what follows the last step."""
    actions: jax.Array  # [T, B] int32
    rewards: jax.Array  # [T, B]


StrategyFactory = Callable[[Any, int], Policy]
"""``(game, player) -> Policy``: a scripted policy for that player of that game."""


class Measure(NamedTuple):
    """A number that a game defines from its ``info``: what it is, and how to show it."""

    name: str
    """As `Game.summarise` or `Game.summarise_player` gives it."""
    title: str
    """A few words for a heading."""
    unit: str = ""
    """Words for an axis: ``proportion``, ``coins a step``."""
    references: Mapping[str, float] = {}
    """Values to read it against, by name."""
    plot: bool = False
    """Whether it is one of the few to draw beside scores: in learning curves, benchmarks, findings."""


class Threshold(NamedTuple):
    """What a learner's mean rewards per step must exceed in one evaluation, for it to have come so far."""

    name: str
    self_play: float
    against_defector: float


class PageProgram(NamedTuple):
    """What a page for the browser, where there is no Python, needs to play a game or as a policy.

    The script is an expression, ``(numbers) => ({...})``. For a game it makes an object with

    - ``start(below)``: a state; ``below(n)`` draws a whole number from 0 to n - 1;
    - ``step(state, actions, below)``: an object with the next ``state`` and the ``rewards``;
    - ``observe(state, player)``: an array like the game's observations;
    - ``board(state)``: an object with ``rows``, ``columns`` and ``pieces``, lists of the fields of
      `polax.envs.rendering.frame.Piece`; or ``matrix``: the rewards by the actions of player 0 and player 1.

    For a policy it makes an object with ``initialMemory()`` and ``act(observation, memory)``, which returns an object
    with the ``probabilities`` of the actions and the next ``memory``.
    """

    script: str
    numbers: Mapping[str, Any]
    """Plain values, and arrays, which the script gets as objects of ``values`` (float32, row by row) and ``shape``."""

    @classmethod
    def beside(cls, module: str, numbers: Mapping[str, Any]) -> PageProgram:
        """Return the program whose script is the file beside a module (``__file__``), with the suffix ``.js``."""
        return cls(Path(module).with_suffix(".js").read_text(encoding="utf-8"), numbers)


PolicyResolver = Callable[[Any, Any, Any, int], Policy]
"""``(reference, game, params, player) -> Policy``: what an entry point of the group ``polax.policies`` provides.

``reference`` is the text that follows the prefix in ``prefix:reference``, or an object of the library of that name. It
raises ``ValueError`` or a `PolaxError` where the reference names nothing, or nothing that can play this game. An
attribute ``own_game(reference)`` of it may return the game that a reference brings with it.
"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Game(environment.Environment[TState, TParams]):
    """A simultaneous-move game of fixed length as a gymnax environment.

    Every concrete game is a frozen dataclass of its structural settings, so that an equal instance
    reuses what is compiled; numeric settings are leaves of its ``EnvParams``, so that they can be mapped over.

    Observations are ``[players, features]`` float32, actions ``[players]`` int32, rewards ``[players]`` float32.
    ``terminated`` is always False; ``truncated`` is True at ``params.max_steps_in_episode``.

    A concrete game gives `base_params`, ``reset_env``, ``step_env``, ``observe`` and ``observation_space``; gymnax's
    ``step`` and ``reset`` stay as they are.

    A setting that is a number is declared in the params with `polax.envs.settings.number`, one of the structure in the
    game with `polax.envs.settings.choice`; `EnvironmentPlugin.of` makes the options of both.
    """

    default_overrides: tuple[tuple[str, Any], ...] = ()
    """Numbers by which `default_params` differs from `base_params`, set by `with_default_params`."""

    def __post_init__(self) -> None:
        """Check the structure; ValueError: a setting is not allowed."""
        read_settings(self)

    @property
    def base_params(self) -> TParams:
        """The numbers this game has unless something else is asked for."""
        raise NotImplementedError

    @property
    def default_params(self) -> TParams:
        """The numbers ``step`` and ``reset`` use when they are given none."""
        return with_numbers(self.base_params, dict(self.default_overrides))

    def with_default_params(self, params: TParams) -> Self:
        """Return this game with ``params`` as its `default_params`.

        The numbers become part of the game's value, so two games with different defaults are not equal, and each
        compiles on its own. Where many values are tried, pass ``params`` to ``step`` and ``reset`` instead.

        Args:
            params: concrete numbers (not traced), in the shapes of `base_params`.

        Returns:
            A game equal to this one where ``params`` equals `base_params`.
        """
        base, overrides = self.base_params, []
        for field in dataclasses.fields(base):
            usual, value = (np.asarray(getattr(source, field.name)) for source in (base, params))
            if not np.array_equal(usual, value):
                overrides.append((field.name, as_tuples(value.tolist())))
        return dataclasses.replace(self, default_overrides=tuple(overrides))

    @property
    def num_players(self) -> int:
        """How many players there are: two. A game of another number makes this a field of its own."""
        return 2

    @property
    def action_names(self) -> tuple[str, ...]:
        """A word for each action, in order."""
        raise NotImplementedError

    @property
    def num_actions(self) -> int:
        """Number of actions of each player."""
        return len(self.action_names)

    @property
    def strategies(self) -> Mapping[str, StrategyFactory]:
        """The scripted players of this game by name."""
        return {}

    @property
    def num_observations(self) -> int | None:
        """How many distinct observations there are, or None where they cannot be listed.

        A game that lists its observations implements `observation_table` and `observation_index`;
        learners then evaluate what depends on the observation alone once for each row.
        """
        return None

    def observation_table(self) -> jax.Array:
        """Return every distinct observation, ``[num_observations, features]`` float32."""
        raise NotImplementedError

    def observation_index(self, state: TState) -> jax.Array:
        """Return the row of `observation_table` that each player sees in ``state``, ``[players]`` int32."""
        raise NotImplementedError

    @property
    def observation_layout(self) -> ObservationLayout:
        """The layout of the observations. A game that offers both makes this a field of its own."""
        return "egocentric"

    def in_layout(self, layout: ObservationLayout) -> Self:
        """Return this game as it is seen in another layout.

        Raises:
            ValueError: the game does not offer that layout.
        """
        if layout == self.observation_layout:
            return self
        offered = "observation_layout" in {field.name for field in dataclasses.fields(self)}
        if not offered or layout not in OBSERVATION_LAYOUTS:
            raise ValueError(f"{self.name} is not seen in the layout {layout!r}")
        changes: dict[str, Any] = {"observation_layout": layout}
        return dataclasses.replace(self, **changes)

    def is_symmetric(self, params: TParams) -> bool:
        """Tell whether the players can be exchanged, which self-play (one policy for every player) needs.

        They can where all see the same kind of observation, their own side first, and have the same payoffs. Of more
        than two players, each sees the others in turn order after itself, as around a table.
        """
        return False

    @property
    def symmetries(self) -> Symmetries | None:
        """Ways to rename observations and actions after which the game is the same, such as its mirror image.

        The same renaming for every player changes no transition and no payoff. Learners that train against their past
        selves can let these play under renamings, so that nothing is learned that is a mere convention (Hu et al. 2020,
        arXiv:2003.02979). None where the game names no such thing.
        """
        return None

    @property
    def cooperative_action(self) -> int | None:
        """The action that is cooperation, None where no single action is."""
        return None

    def memory_one_payoffs(self, params: TParams) -> jax.Array | None:
        """Return the payoffs of a repeated game of two actions whose players see the last joint action or the start.

        Where they see nothing else, the return of memory-one policies is a formula, which the exact learners need. Of
        more than two players, each sees the others in turn order after itself, `is_symmetric` or not.

        Returns:
            ``[player, action of player 0, ..., action of player N - 1]``; None for every other game.
        """
        return None

    def reference_scores(self, params: TParams) -> dict[str, float]:
        """Return named scores (mean reward per player and step) to draw beside learning curves."""
        return {}

    def thresholds(self, params: TParams) -> tuple[Threshold, ...]:
        """Return the levels by which the literature on this game says how fast a learner is, the easiest first."""
        return ()

    @property
    def measures(self) -> tuple[Measure, ...]:
        """What the numbers of `summarise` mean; those that are not described here are recorded all the same."""
        return ()

    def summarise(self, info: Mapping[str, jax.Array]) -> dict[str, jax.Array]:
        """Turn the mean of each ``info`` entry over steps and episodes into metrics worth recording."""
        return dict(info)

    @property
    def player_measures(self) -> tuple[Measure, ...]:
        """What the numbers of `summarise_player` mean."""
        return ()

    def summarise_player(self, infos: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Return the measures of one player that has been each of the game's players in turn.

        Args:
            infos: for each player index, the mean of each ``info`` entry while it was that player.

        Returns:
            A number for each of `player_measures`, NaN where it is undefined.
        """
        return {}

    @property
    def player_names(self) -> tuple[str, ...]:
        """A word for each player, for pictures and texts."""
        return tuple(f"player {player}" for player in range(self.num_players))

    def board(self, state: TState) -> Board | None:
        """Return what stands where, for games that are played on a grid: pictures, texts and reports are made of it.

        Args:
            state: one state, outside compiled code.
        """
        return None

    def draw(self, frame: Frame, *, size: int = DEFAULT_SIZE) -> Image:
        """Draw a moment of an episode: the board where there is one, else the text.

        Args:
            frame: the moment.
            size: width in pixels; everything is drawn afresh for it, so that any size is crisp.

        Returns:
            An RGB picture.

        Raises:
            ValueError: a width below 120 pixels, where nothing could be read.
        """
        from .rendering.pictures import board_picture, text_picture

        board = self.board(frame.state)
        if board is None:
            return text_picture(self.describe(frame), size)
        return board_picture(self.name, frame, board, player_names=self.player_names, size=size)

    def describe(self, frame: Frame) -> str:
        """Return a moment of an episode as lines of text."""
        board = self.board(frame.state)
        lines = state_lines(frame.state) if board is None else board_lines(board, self.player_names)
        return "\n".join([f"{self.name}, {frame.caption}", score_line(frame, self.player_names), *lines])

    def page_program(self, params: TParams) -> PageProgram | None:
        """Return the rules of this game for a page in the browser; None where there are none."""
        return None

    def action_space(self, params: TParams | None = None) -> spaces.Discrete:
        """Return the action space of one player."""
        return spaces.Discrete(self.num_actions)

    def check_joint_action(self, action: Any) -> None:
        """Raise ValueError unless a joint action has one entry for each player; it may be traced.

        Compiled indexing would take the last entry for every one that is missing.
        """
        shape = jnp.asarray(action).shape  # gymnax traces each entry of a list by itself
        if shape != (self.num_players,):
            raise ValueError(f"{self.name} needs one action for each of {self.num_players} players, got shape {shape}")

    def check_actions(self, actions: Any) -> np.ndarray:
        """Check a joint action outside compiled code, where nothing can be raised.

        Args:
            actions: one integer for each player, ``[..., players]``.

        Returns:
            The actions as int32.

        Raises:
            TypeError: the actions are not integers.
            ValueError: not one action for each player, or an action out of range; names the player.
        """
        array = np.asarray(actions)
        if array.shape[-1:] != (self.num_players,):
            raise ValueError(
                f"{self.name} needs one action for each of {self.num_players} players in the last axis, "
                f"got shape {array.shape}"
            )
        if not np.issubdtype(array.dtype, np.integer):
            raise TypeError(f"actions of {self.name} are integers from 0 to {self.num_actions - 1}, got {actions!r}")
        bad = np.argwhere((array < 0) | (array >= self.num_actions))
        if len(bad):
            place = tuple(bad[0])
            meanings = ", ".join(f"{index} {name}" for index, name in enumerate(self.action_names))
            raise ValueError(
                f"action {array[place]} of player_{place[-1]} is out of range in {self.name}: "
                f"allowed are 0 to {self.num_actions - 1} ({meanings})"
            )
        return array.astype(np.int32)


def as_tuples(value: Any) -> Any:
    """Return nested lists as nested tuples, which can be hashed."""
    return tuple(as_tuples(entry) for entry in value) if isinstance(value, list) else value


def with_numbers(params: TParams, numbers: Mapping[str, Any]) -> TParams:
    """Return params with some numbers replaced, each as an array of the dtype that it had."""
    arrays = {name: jnp.asarray(value, jnp.asarray(getattr(params, name)).dtype) for name, value in numbers.items()}
    changed: TParams = params.replace(**arrays)
    return changed


class EnvironmentPlugin(NamedTuple):
    """What an entry point of the group ``polax.envs`` (or `register_environment`) provides."""

    config: type
    """Frozen dataclass; its fields with their defaults are the game's options, validated in ``__post_init__``."""

    build: Callable[[Any], tuple[Game[Any, Any], Any]]
    """``build(config) -> (game, params)``. Configurations that differ in numbers only give equal games."""

    summary: str
    """One line for listings."""

    api_version: int = API_VERSION

    @classmethod
    def of(
        cls,
        game: Game[Any, Any],
        summary: str,
        *,
        extra: Mapping[str, Setting] = MappingProxyType({}),
        numbers: Callable[[Any, Any], Mapping[str, Any]] = lambda game, config: {},
    ) -> EnvironmentPlugin:
        """Return the plug-in of a game whose settings are declared: in its class, and in that of its params.

        Args:
            game: as it is where every option has its default.
            summary: one line for listings.
            extra: further options, which ``numbers`` turns into numbers of the params.
            numbers: ``numbers(game, config)`` returns numbers by name, in place of those of ``game.base_params``;
                ValueError: options that do not go together.
        """
        structure, declared = settings_of(type(game)), settings_of(type(game.base_params))
        options = {**extra, **structure, **declared}
        defaults = {name: getattr(game, name) for name in structure}

        def build(config: Any) -> tuple[Game[Any, Any], Any]:
            built = dataclasses.replace(game, **{name: getattr(config, name) for name in structure})
            given = {name: getattr(config, name) for name in declared}
            return built, with_numbers(built.base_params, {**given, **numbers(built, config)})

        def check(config: Any) -> None:
            read_settings(config)
            numbers(dataclasses.replace(game, **{name: getattr(config, name) for name in structure}), config)

        config = dataclasses.make_dataclass(
            f"{type(game).__name__}Options",
            [
                (
                    name,
                    Annotated[setting.kind, setting.read],
                    setting.field(default=defaults.get(name, setting.default)),
                )
                for name, setting in options.items()
            ],
            namespace={"__post_init__": check, "__doc__": f"Options of {game.name}."},
            frozen=True,
            kw_only=True,
        )
        return cls(config=config, build=build, summary=summary)
