"""The repeated public goods game: N players, each of whom contributes to a common pot or keeps what it has.

References: Isaac and Walker (1988), "Group size effects in public goods provision"; Boyd and Richerson (1988), "The
evolution of reciprocity in sizable groups", for the strategies; POLA (arXiv:2210.10125), whose prisoner's dilemma is
this game with two players, and whose appendices A.9 and A.10 are for N.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct

from .base import EnvironmentPlugin, Game, Measure, StrategyFactory
from .grid import random_word, stir
from .gymnax import environment, spaces
from .rendering.frame import DEFAULT_SIZE, Frame, letters
from .settings import choice, number, numeric

if TYPE_CHECKING:
    from PIL.Image import Image

START = 2
"""The entry of ``last_actions`` before the first action."""

FEWEST, MOST = 2, 16
"""Players."""

LISTED = 1025
"""Above this many, ten players' joint actions and the start, observations are not listed."""

Observed = Literal["all", "count", "own"]

RATE = "proportion of steps"


@struct.dataclass(kw_only=True)
class PublicGoodsState(environment.EnvState):
    """What the players did last, which of it is seen wrongly, and when."""

    last_actions: jax.Array  # [N] int32: 0 keep, 1 contribute, or 2 = start
    misread: jax.Array  # [N] uint32: bit j of entry i: player i sees the j-th player after it do the opposite
    time: jax.Array  # [] int32: steps taken in this episode


@struct.dataclass(kw_only=True)
class PublicGoodsParams(environment.EnvParams):
    """The numbers of the game, all leaves: map over them with ``jax.vmap``."""

    rewards: jax.Array  # [own action, number of contributors 0..N] float32
    observation_noise: jax.Array = number(
        0.0,
        "Probability with which a player sees another one's action as its opposite, drawn for each player, action and "
        "step.",
        at_least=0.0,
        at_most=0.5,
    )
    max_steps_in_episode: jax.Array = number(50, "Steps in an episode.", at_least=1)


def public_goods_rewards(
    contribution_factor: Any, num_players: int, *, endowment: Any = 0.0, threshold: Any = 1
) -> jax.Array:
    """Rewards by what a player did and by how many contributed.

    ``endowment + f * k / N - [contributed]`` for ``k`` contributors, where ``k`` below ``threshold`` counts as none.

    Args:
        contribution_factor: f, a scalar; may be traced, as may the other numbers. Concrete numbers are rounded to
            float32 once, at the end.
        num_players: N.
        endowment: what everybody has before it contributes 1.
        threshold: the least number of contributors whose contributions are multiplied and shared.

    Returns:
        ``[own action, number of contributors]`` float32, ``[2, N + 1]``.

    Example:
        >>> public_goods_rewards(1.5, 3).tolist()
        [[0.0, 0.5, 1.0, 1.5], [-1.0, -0.5, 0.0, 0.5]]
    """
    contributors = np.arange(num_players + 1)
    share = contribution_factor * (contributors / num_players)
    paid = share * (contributors >= threshold)
    return jnp.asarray(endowment + (paid - np.arange(2)[:, None]), jnp.float32)


@dataclass(frozen=True, kw_only=True)
class PublicGoods(Game[PublicGoodsState, PublicGoodsParams]):
    """A repeated public goods game of N players.

    - Observation ``[N, features]`` float32, by `observed`. ``all``: one-hot of the own last action over (keep,
      contribute, start), then of every other player's, in turn order after the own. ``count``: one-hot of the own,
      then one-hot of how many of the others contributed, 0 to N - 1; all zeros at the start. ``own``: one-hot of the
      own.
    - Action ``[N]`` int32: 0 keep, 1 contribute. Inside compiled code another number counts as 0.
    - Reward ``[N]`` float32: ``params.rewards[own action, number of contributors]``.
    - End: never terminated, truncated at ``params.max_steps_in_episode``.
    - ``info``: ``contributed_0`` and so on, 0 or 1 for each player; ``everybody`` and ``nobody``, whether all
      contributed or none.
    """

    name: str = "PublicGoods-v0"
    num_players: int = choice(3, tuple(range(FEWEST, MOST + 1)), f"N, {FEWEST} to {MOST}.")
    observed: Observed = choice(
        "all",
        get_args(Observed),
        "What a player sees of the last step beside its own action: everybody's action (``all``), how many of the "
        "others contributed (``count``), or nothing (``own``).",
    )
    action_names: tuple[str, str] = ("keep", "contribute")
    cooperative_action: int = 1
    """To contribute."""

    @property
    def base_params(self) -> PublicGoodsParams:
        """The usual factor, no endowment, no threshold, 50 steps."""
        return PublicGoodsParams(rewards=public_goods_rewards(CONTRIBUTION_FACTOR.default, self.num_players))

    def reset_env(self, key: jax.Array, params: PublicGoodsParams) -> tuple[jax.Array, PublicGoodsState]:
        """Start an episode; nothing is random."""
        state = PublicGoodsState(
            last_actions=jnp.full(self.num_players, START, jnp.int32),
            misread=jnp.zeros(self.num_players, jnp.uint32),
            time=jnp.int32(0),
        )
        return self.observe(key, state, None, params), state

    def step_env(
        self, key: jax.Array, state: PublicGoodsState, action: jax.Array, params: PublicGoodsParams
    ) -> tuple[jax.Array, PublicGoodsState, jax.Array, jax.Array, dict[str, jax.Array]]:
        """Pay all players, remember what they did, and draw what is seen wrongly."""
        self.check_joint_action(action)
        played = jnp.asarray(action, jnp.int32) == 1  # [N]
        contributors = played.sum()
        rewards = jnp.asarray(params.rewards)
        # Selecting is exact and, unlike indexing, stays elementwise under vmap.
        by_own = jnp.where(np.arange(self.num_players + 1) == contributors, rewards, 0.0).sum(axis=1)  # [2]
        reward = jnp.where(played, by_own[1], by_own[0])
        state = PublicGoodsState(
            last_actions=played.astype(jnp.int32), misread=self._misread(key, params), time=state.time + 1
        )
        info = {f"contributed_{player}": played[player].astype(jnp.float32) for player in range(self.num_players)}
        info["everybody"] = (contributors == self.num_players).astype(jnp.float32)
        info["nobody"] = (contributors == 0).astype(jnp.float32)
        return self.observe(key, state, action, params), state, reward, jnp.zeros((), bool), info

    def _misread(self, key: jax.Array, params: PublicGoodsParams) -> jax.Array:
        """Draw which of the others' actions each player sees wrongly, ``[N]`` uint32."""
        others = np.arange(1, self.num_players, dtype=np.uint32)
        pairs = np.arange(self.num_players, dtype=np.uint32)[:, None] * MOST + others  # [viewer, place after it]
        words = stir(random_word(key) + pairs)
        # The upper 24 bits as a fraction: float32 holds them exactly.
        wrong = (words >> 8).astype(jnp.float32) * 2.0**-24 < params.observation_noise
        return (wrong * (np.uint32(1) << others)).sum(axis=1, dtype=jnp.uint32)

    def observe(
        self, key: jax.Array, state: PublicGoodsState, action: jax.Array | None, params: PublicGoodsParams
    ) -> jax.Array:
        """Return what each player sees, ``[N, features]`` float32."""
        seen = self._seen(state)
        own = (seen[:, :1] == np.arange(3)).astype(jnp.float32)
        if self.observed == "own":
            return own
        if self.observed == "all":
            return (seen[:, :, None] == np.arange(3)).reshape(self.num_players, -1).astype(jnp.float32)
        count = (seen[:, 1:] == 1).sum(axis=1, keepdims=True)
        counted = (count == np.arange(self.num_players)) & (seen[:, :1] != START)
        return jnp.concatenate([own, counted.astype(jnp.float32)], axis=1)

    def _seen(self, state: PublicGoodsState) -> jax.Array:
        """Return the last actions as each player sees them, its own first, ``[viewer, N]`` int32."""
        places = np.arange(self.num_players)
        last = state.last_actions[(places[:, None] + places) % self.num_players]
        wrong = (state.misread[:, None] >> places.astype(np.uint32)) & 1
        return jnp.where(last == START, START, last ^ wrong.astype(jnp.int32))

    def observation_space(self, params: PublicGoodsParams | None = None) -> spaces.Box:
        """The space of all players' observations, ``[N, features]``."""
        features = {"own": 3, "all": 3 * self.num_players, "count": 3 + self.num_players}[self.observed]
        return spaces.Box(0.0, 1.0, (self.num_players, features), jnp.float32)

    @property
    def num_observations(self) -> int | None:
        """What can be seen after a step, and the start; None where that is more than `LISTED`."""
        after = {"own": 2, "all": 2**self.num_players, "count": 2 * self.num_players}[self.observed]
        return after + 1 if after < LISTED else None

    def observation_table(self) -> jax.Array:
        """Return the observations with the own action as the leading digit, then what is seen of the others, the start.

        Returns:
            ``[num_observations, features]`` float32.

        Raises:
            ValueError: there are too many to list.
        """
        self._require_listed()
        own = np.eye(3, dtype=np.float32)
        if self.observed == "own":
            return jnp.asarray(own)
        if self.observed == "all":
            played = np.array([*np.ndindex(*(2,) * self.num_players), (START,) * self.num_players])
            return jnp.asarray(own[played].reshape(len(played), -1))
        counted = np.vstack([np.tile(np.eye(self.num_players), (2, 1)), np.zeros(self.num_players)])
        return jnp.asarray(np.hstack([own[[0] * self.num_players + [1] * self.num_players + [START]], counted]))

    def observation_index(self, state: PublicGoodsState) -> jax.Array:
        """Return the row of `observation_table` that each player sees, ``[N]`` int32."""
        self._require_listed()
        seen = self._seen(state)
        if self.observed == "own":
            return seen[:, 0]
        if self.observed == "all":
            index = (seen * 2 ** np.arange(self.num_players)[::-1]).sum(axis=1)
        else:
            index = seen[:, 0] * self.num_players + (seen[:, 1:] == 1).sum(axis=1)
        return jnp.where(seen[:, 0] == START, self.num_observations - 1, index).astype(jnp.int32)  # type: ignore[operator]

    def _require_listed(self) -> None:
        if self.num_observations is None:
            raise ValueError(
                f"{self.name} of {self.num_players} players does not list its observations: num_observations is None"
            )

    def memory_one_payoffs(self, params: PublicGoodsParams) -> jax.Array | None:
        """Return the rewards by joint action, where everybody's action is seen as it was."""
        if self.observed != "all" or float(params.observation_noise) > 0:
            return None
        played = np.stack(np.meshgrid(*([0, 1],) * self.num_players, indexing="ij"))  # [player, action of each player]
        return jnp.asarray(params.rewards)[played, played.sum(axis=0)]

    @property
    def strategies(self) -> Mapping[str, StrategyFactory]:
        """The scripted players by name; where the others are not seen, those that do not look."""
        from .policies.counting import BLIND_STRATEGIES, counting_strategies

        return BLIND_STRATEGIES if self.observed == "own" else counting_strategies(self.num_players)

    def reference_scores(self, params: PublicGoodsParams) -> dict[str, float]:
        """Return the score when all always contribute, and when nobody ever does."""
        rewards = np.asarray(params.rewards, np.float64)
        return {"everybody contributes": float(rewards[1, -1]), "nobody contributes": float(rewards[0, 0])}

    def is_symmetric(self, params: PublicGoodsParams) -> bool:
        """All see their own action first and have the same payoffs."""
        return True

    @property
    def measures(self) -> tuple[Measure, ...]:
        """How often players contributed, and how often all or none did."""
        players = (
            Measure(f"contribution_rate/player_{player}", f"Contributions of player {player}", RATE)
            for player in range(self.num_players)
        )
        return (
            Measure("contribution_rate", "Contributions", "proportion", plot=True),
            Measure("everybody", "All contribute", RATE),
            Measure("nobody", "Nobody contributes", RATE),
            *players,
        )

    def summarise(self, info: Mapping[str, jax.Array]) -> dict[str, jax.Array]:
        """Return the rate of contributions of all players and of each, and how often all or none contributed."""
        rates = [info[f"contributed_{player}"] for player in range(self.num_players)]
        return {
            "contribution_rate": sum(rates[1:], rates[0]) / self.num_players,
            "everybody": info["everybody"],
            "nobody": info["nobody"],
            **{f"contribution_rate/player_{player}": rate for player, rate in enumerate(rates)},
        }

    @property
    def player_measures(self) -> tuple[Measure, ...]:
        """How often a player contributed, and how often the others did."""
        return (
            Measure("contribution_rate", "Contributions", "proportion", plot=True),
            Measure("others_contribution_rate", "Contributions of the others", "proportion"),
        )

    def summarise_player(self, infos: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Return the player's rate of contributions, and that of the others."""
        rates = np.array([[info[f"contributed_{each}"] for each in range(self.num_players)] for info in infos])
        own = rates.diagonal().mean()
        others = (rates.sum() / self.num_players - own) / (self.num_players - 1)
        return {"contribution_rate": own, "others_contribution_rate": others}

    def draw(self, frame: Frame, *, size: int = DEFAULT_SIZE) -> Image:
        """Draw what everybody did so far, in a row a player with its score, and how many contributed last."""
        from .rendering.pictures import history_picture

        return history_picture(
            self.name,
            frame,
            action_names=self.action_names,
            player_names=self.player_names,
            note=self._last_step(frame),
            size=size,
        )

    def describe(self, frame: Frame) -> str:
        """Return what everybody did so far, in a line a player with its score, and how many contributed last."""
        signs = letters(self.action_names)
        rows = [
            f"{name:<9} {frame.totals[player]:+8.2f} (last {frame.rewards[player]:+.2f})  "
            + "".join(signs[joint[player]] for joint in frame.history)
            for player, name in enumerate(self.player_names)
        ]
        words = ", ".join(f"{sign} {name}" for sign, name in zip(signs, self.action_names, strict=True))
        return "\n".join([f"{self.name}, {frame.caption}", self._last_step(frame), *rows, words])

    def _last_step(self, frame: Frame) -> str:
        if not frame.history:
            return "nobody has acted yet"
        count = sum(action == 1 for action in frame.history[-1])
        return f"{count} of {self.num_players} contributed"


CONTRIBUTION_FACTOR = numeric(
    float,
    1.33,
    "Factor f on what is contributed, 1 < f < N: the pot is multiplied by it and shared by all N players.",
    above=1.0,
)
ENDOWMENT = numeric(
    float,
    0.0,
    "What every player has at each step, before it contributes 1 or does not; it is added to every reward.",
    at_least=0.0,
)
THRESHOLD = numeric(
    int,
    1,
    "The least number of contributors, 1 to N, whose contributions are multiplied and shared; those of fewer are lost. "
    "1: there is no threshold.",
    at_least=1,
)


def _numbers(game: PublicGoods, config: Any) -> dict[str, Any]:
    """Return the rewards that the options ask for.

    Raises:
        ValueError: there is no dilemma, or nobody could reach the threshold.
    """
    factor, threshold, players = config.contribution_factor, config.threshold, game.num_players
    if not isinstance(factor, jax.core.Tracer) and not factor < players:
        raise ValueError(
            f"contribution_factor must be below the number of players {players}; got {factor:g}, with which a "
            "contribution pays for itself and there is no dilemma"
        )
    if not isinstance(threshold, jax.core.Tracer) and threshold > players:
        raise ValueError(f"threshold must be at most the number of players {players}; got {threshold}")
    return {"rewards": public_goods_rewards(factor, players, endowment=config.endowment, threshold=threshold)}


PUBLIC_GOODS = EnvironmentPlugin.of(
    PublicGoods(),
    "Repeated public goods game of 2 to 16 players: the prisoner's dilemma for more than two",
    extra={"contribution_factor": CONTRIBUTION_FACTOR, "endowment": ENDOWMENT, "threshold": THRESHOLD},
    numbers=_numbers,
)
