"""Iterated games of two players with two actions each, given by their payoffs.

The iterated prisoner's dilemma in its public-goods form, the stag hunt, chicken and matching pennies are one class
with different numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct

from ..options import LARGEST_NUMBER, shown
from .base import (
    OBSERVATION_LAYOUTS,
    EnvironmentPlugin,
    Game,
    Measure,
    ObservationLayout,
    PageProgram,
    StrategyFactory,
    as_tuples,
)
from .gymnax import environment, spaces
from .rendering.frame import DEFAULT_SIZE, Frame, payoff_lines, score_line
from .settings import Setting, choice, number, numeric

if TYPE_CHECKING:
    from PIL.Image import Image

START = 2
"""The entry of ``last_actions`` before the first action."""

InitialState = Literal["start", "mutual-cooperation"]

RATE = "proportion of steps"

Matrix = tuple[tuple[float, float], tuple[float, float]]
Payoffs = Matrix | tuple[Matrix, Matrix]

IPD_MATRIX: Matrix = ((0.0, 0.665), (-0.335, 0.33))
STAG_HUNT_MATRIX: Matrix = ((2.0, 3.0), (1.0, 4.0))
CHICKEN_MATRIX: Matrix = ((-10.0, 1.0), (-1.0, 0.0))
MATCHING_PENNIES_MATRICES: Payoffs = (((1.0, -1.0), (-1.0, 1.0)), ((-1.0, 1.0), (1.0, -1.0)))


@struct.dataclass(kw_only=True)
class MatrixGameState(environment.EnvState):
    """What the players did last, and when."""

    last_actions: jax.Array  # [2] int32: 0, 1, or 2 = start
    time: jax.Array  # [] int32: steps taken in this episode


@struct.dataclass(kw_only=True)
class MatrixGameParams(environment.EnvParams):
    """The numbers of a matrix game, all leaves: map over them with ``jax.vmap``."""

    payoffs: jax.Array  # [player, action of player 0, action of player 1] float32
    max_steps_in_episode: jax.Array = number(50, "Steps in an episode.", at_least=1)


def public_goods_payoffs(contribution_factor: float | jax.Array) -> jax.Array:
    """Payoffs of the prisoner's dilemma as a public-goods game of two players.

    Player i gets ``f * (number of contributors) / 2 - [i contributed]``; action 1 contributes. It is a dilemma for
    ``1 < f < 2``.

    Args:
        contribution_factor: f, a scalar; may be traced. Concrete numbers are rounded to float32 once, at the end.

    Returns:
        ``[player, action of player 0, action of player 1]`` float32.

    Example:
        >>> public_goods_payoffs(1.5)[0].tolist()
        [[0.0, 0.75], [-0.25, 0.5]]
    """
    contributed = np.stack(np.meshgrid([0, 1], [0, 1], indexing="ij"))  # [player, action 0, action 1]
    return jnp.asarray(contribution_factor * (contributed.sum(0) / 2) - contributed, jnp.float32)


def matrix_payoffs(payoff_matrix: Payoffs) -> jax.Array:
    """Payoffs from matrices whose row is the player's own action and whose column is the other's.

    Args:
        payoff_matrix: one 2x2 matrix for both players (a symmetric game), or one for each player.

    Returns:
        ``[player, action of player 0, action of player 1]`` float32.
    """
    own_first = np.asarray(payoff_matrix, np.float32)
    if own_first.ndim == 2:
        own_first = np.stack([own_first, own_first])
    return jnp.asarray(np.stack([own_first[0], own_first[1].T]))


@dataclass(frozen=True, kw_only=True)
class MatrixGame(Game[MatrixGameState, MatrixGameParams]):
    """An iterated game of two players and two actions.

    - Observation ``[2, 6]`` float32: one-hot of the own last action over (action 0, action 1, start), then of the
      other's. In the layout ``shared`` both rows are player 0's view.
    - Action ``[2]`` int32: 0 or 1. Inside compiled code another number counts as 0.
    - Reward ``[2]`` float32: ``params.payoffs[:, action of player 0, action of player 1]``.
    - End: never terminated, truncated at ``params.max_steps_in_episode``.
    - ``info``: which joint action was played, 0 or 1 for each, by name (``defect_cooperate`` and so on).
    """

    name: str = "IPD-v0"
    action_names: tuple[str, str] = ("defect", "cooperate")
    observation_layout: ObservationLayout = choice(
        "egocentric",
        OBSERVATION_LAYOUTS,
        "``egocentric``: own action first; ``shared``: both players see player 0's view.",
    )
    initial_state: InitialState = choice(
        "start",
        get_args(InitialState),
        "What is observed first: ``start``, or ``mutual-cooperation`` as if both had just played action 1.",
    )
    cooperative_action: int | None = 1
    """The cooperative one of both actions, so that strategies such as tit-for-tat make sense; or None."""
    base_payoffs: Payoffs = IPD_MATRIX
    """The payoffs of `base_params`; rows are a player's own action, for both players or one matrix for each."""

    @property
    def base_params(self) -> MatrixGameParams:
        """The payoffs of `base_payoffs`, 50 steps."""
        return MatrixGameParams(payoffs=matrix_payoffs(self.base_payoffs))

    def reset_env(self, key: jax.Array, params: MatrixGameParams) -> tuple[jax.Array, MatrixGameState]:
        """Start an episode; nothing is random."""
        first = START if self.initial_state == "start" else 1
        state = MatrixGameState(last_actions=jnp.full(2, first, jnp.int32), time=jnp.int32(0))
        return self.observe(key, state, None, params), state

    def step_env(
        self, key: jax.Array, state: MatrixGameState, action: jax.Array, params: MatrixGameParams
    ) -> tuple[jax.Array, MatrixGameState, jax.Array, jax.Array, dict[str, jax.Array]]:
        """Pay both players and remember what they did."""
        self.check_joint_action(action)
        played = jnp.asarray(action, jnp.int32) == 1
        state = MatrixGameState(last_actions=played.astype(jnp.int32), time=state.time + 1)
        payoffs = jnp.asarray(params.payoffs)
        # Selecting is exact and, unlike indexing, stays a plain elementwise operation under vmap.
        by_own = jnp.where(played[0], payoffs[:, 1], payoffs[:, 0])  # [player, action of player 1]
        reward = jnp.where(played[1], by_own[:, 1], by_own[:, 0])
        info = {
            f"{first}_{second}": ((played[0] == bool(i)) & (played[1] == bool(j))).astype(jnp.float32)
            for i, first in enumerate(self.action_names)
            for j, second in enumerate(self.action_names)
        }
        return self.observe(key, state, action, params), state, reward, jnp.zeros((), bool), info

    def observe(
        self, key: jax.Array, state: MatrixGameState, action: jax.Array | None, params: MatrixGameParams
    ) -> jax.Array:
        """Return what each player sees, ``[2, 6]`` float32."""
        viewer_first = np.array([[0, 1], [0, 1] if self.observation_layout == "shared" else [1, 0]])
        seen = jnp.where(viewer_first == 0, state.last_actions[0], state.last_actions[1])  # [viewer, own or other]
        return (seen[:, :, None] == np.arange(3)).reshape(2, 6).astype(jnp.float32)

    def observation_space(self, params: MatrixGameParams | None = None) -> spaces.Box:
        """The space of both players' observations, ``[2, 6]``."""
        return spaces.Box(0.0, 1.0, (2, 6), jnp.float32)

    @property
    def num_observations(self) -> int:
        """Four joint actions, and the start where there is one."""
        return 5 if self.initial_state == "start" else 4

    def observation_table(self) -> jax.Array:
        """Return the observations after (own, other) = 00, 01, 10, 11 and at the start, ``[5 or 4, 6]`` float32."""
        pairs = np.array([(0, 0), (0, 1), (1, 0), (1, 1), (START, START)])[: self.num_observations]
        return jnp.asarray((pairs[:, :, None] == np.arange(3)).reshape(-1, 6), jnp.float32)

    def observation_index(self, state: MatrixGameState) -> jax.Array:
        """Return the row of `observation_table` that each player sees, ``[2]`` int32."""
        last = state.last_actions
        first_view = jnp.where(last[0] == START, 4, 2 * last[0] + last[1])
        if self.observation_layout == "shared":
            return jnp.stack([first_view, first_view])
        return jnp.stack([first_view, jnp.where(last[0] == START, 4, 2 * last[1] + last[0])])

    def memory_one_payoffs(self, params: MatrixGameParams) -> jax.Array | None:
        """Return the payoffs, unless an episode starts from a joint action."""
        return params.payoffs if self.initial_state == "start" else None

    @property
    def strategies(self) -> Mapping[str, StrategyFactory]:
        """The scripted players that make sense in this game."""
        from .policies.strategies import COIN_TOSS_STRATEGIES, DILEMMA_STRATEGIES

        return COIN_TOSS_STRATEGIES if self.cooperative_action is None else DILEMMA_STRATEGIES

    def reference_scores(self, params: MatrixGameParams) -> dict[str, float]:
        """Return player 0's score when both always play action 1, and when both always play action 0."""
        payoffs = np.asarray(params.payoffs, np.float64)
        if self.cooperative_action is None:
            return {"both at random": float(payoffs[0].mean())}
        return {"mutual cooperation": float(payoffs[0, 1, 1]), "mutual defection": float(payoffs[0, 0, 0])}

    def is_symmetric(self, params: MatrixGameParams) -> bool:
        """Tell whether both players see their own action first and have the same payoffs."""
        first, second = np.asarray(params.payoffs)
        return self.observation_layout == "egocentric" and np.array_equal(first, second.T)

    @property
    def measures(self) -> tuple[Measure, ...]:
        """How often each player chose action 1, and how often each joint action was played."""
        word = self._rate.replace("_", " ").capitalize()
        rates = (Measure(f"{self._rate}/player_{player}", f"{word} of player {player}", RATE) for player in range(2))
        joint = (
            Measure(f"joint_action/{first}_{second}", f"{first.capitalize()} against {second}", RATE)
            for first in self.action_names
            for second in self.action_names
        )
        return (*rates, *joint)

    def summarise(self, info: Mapping[str, jax.Array]) -> dict[str, jax.Array]:
        """Return the rate of each joint action and how often each player chose action 1."""
        zero, one = self.action_names
        both = info[f"{one}_{one}"]
        return {
            f"{self._rate}/player_0": info[f"{one}_{zero}"] + both,
            f"{self._rate}/player_1": info[f"{zero}_{one}"] + both,
            **{f"joint_action/{name}": value for name, value in info.items()},
        }

    @property
    def _rate(self) -> str:
        return f"{self.action_names[1]}_rate" if self.cooperative_action is None else "cooperation_rate"

    def draw(self, frame: Frame, *, size: int = DEFAULT_SIZE) -> Image:
        """Draw the payoffs with the cell just played, and what both played so far."""
        from .rendering.pictures import payoff_picture

        return payoff_picture(
            self.name,
            frame,
            np.asarray(frame.params.payoffs),
            action_names=self.action_names,
            player_names=self.player_names,
            size=size,
        )

    def page_program(self, params: MatrixGameParams) -> PageProgram:
        """Return the rules for a page in the browser."""
        return PageProgram.beside(
            __file__,
            {
                "payoffs": np.asarray(params.payoffs).tolist(),
                "first": START if self.initial_state == "start" else 1,
                "shared": self.observation_layout == "shared",
            },
        )

    def describe(self, frame: Frame) -> str:
        """Return the payoffs (rows: player 0) with the cell just played in brackets, and what both played so far."""
        lines = payoff_lines(frame, np.asarray(frame.params.payoffs), self.action_names)
        return "\n".join([f"{self.name}, {frame.caption}", score_line(frame, self.player_names), *lines])


def _read_matrices(option: str, given: Any) -> Any:
    """Return one 2x2 matrix, or one for each player, as nested tuples, or None; ValueError for anything else."""
    if given is None:
        return None
    try:
        array = np.asarray(given, np.float64)
    except (TypeError, ValueError):
        array = np.empty(0)
    if array.shape not in ((2, 2), (2, 2, 2)) or not (np.abs(array) <= LARGEST_NUMBER).all():
        raise ValueError(
            f"{option} must be one 2x2 matrix of numbers of a size of at most {LARGEST_NUMBER:g} (rows: own action, "
            f"columns: the other's), or one for each player; got {shown(given)}"
        )
    return as_tuples(array.tolist())


PAYOFF_MATRIX = Setting(
    None,
    "Rows: a player's own action, columns: the other's. One matrix for both players or one for each; None: the game's "
    "usual payoffs.",
    _read_matrices,
    Payoffs | None,
)
CONTRIBUTION_FACTOR = numeric(
    float,
    1.33,
    "Factor f on what is contributed, 1 < f < 2. Unused where a payoff matrix is given.",
    above=1.0,
    below=2.0,
    hint=" (for other payoffs give payoff_matrix)",
)


def _payoffs(game: MatrixGame, config: Any) -> dict[str, Any]:
    """Return the payoffs that the options ask for."""
    if config.payoff_matrix is not None:
        return {"payoffs": matrix_payoffs(config.payoff_matrix)}
    factor = getattr(config, "contribution_factor", None)
    return {} if factor is None else {"payoffs": public_goods_payoffs(factor)}


def _plugin(game: MatrixGame, summary: str, **extra: Setting) -> EnvironmentPlugin:
    return EnvironmentPlugin.of(game, summary, extra={"payoff_matrix": PAYOFF_MATRIX, **extra}, numbers=_payoffs)


IPD = _plugin(
    MatrixGame(),
    "Iterated prisoner's dilemma with the payoffs of a public-goods game",
    contribution_factor=CONTRIBUTION_FACTOR,
)
STAG_HUNT = _plugin(
    MatrixGame(name="StagHunt-v0", action_names=("hare", "stag"), base_payoffs=STAG_HUNT_MATRIX),
    "Stag hunt: both want to hunt the stag, if only the other comes along",
)
CHICKEN = _plugin(
    MatrixGame(name="Chicken-v0", action_names=("straight", "swerve"), base_payoffs=CHICKEN_MATRIX),
    "Chicken: each would rather that the other swerves, both lose most when neither does",
)
MATCHING_PENNIES = _plugin(
    MatrixGame(
        name="MatchingPennies-v0",
        action_names=("heads", "tails"),
        base_payoffs=MATCHING_PENNIES_MATRICES,
        cooperative_action=None,
    ),
    "Matching pennies: player 0 wins when the coins match, player 1 when they differ",
)
