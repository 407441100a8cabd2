"""The coin game: two players collect coins on a torus, and a coin has a colour that says whom taking it hurts.

References: Lerer and Peysakhovich (arXiv:1707.01068); LOLA (arXiv:1709.04326); POLA (arXiv:2210.10125), whose game is
the default here; M-FOS (arXiv:2205.01447) and JaxMARL (arXiv:2311.10090) for the variant with two coins.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from gymnax.environments import environment, spaces

from .base import (
    OBSERVATION_LAYOUTS,
    EnvironmentPlugin,
    Game,
    Measure,
    ObservationLayout,
    PageProgram,
    StrategyFactory,
    Threshold,
)
from .grid import cell_at, draw_below, draw_free_cell, move, position, positions, random_word
from .rendering.frame import PLAYER, Board, Piece
from .settings import choice, number

CoinColour = Literal["alternating", "random"]

MOVES = ("right", "left", "down", "up")

COINS = "coins a step"
OWN_COLOUR = Measure(
    "own_coin_proportion", "Own-colour coins", "proportion", references={"blind to colour": 0.5}, plot=True
)

Cells = tuple[jax.Array, ...]
"""Scalars; a cell's number is row * grid_size + column."""


@struct.dataclass(kw_only=True)
class CoinGameState(environment.EnvState):
    """Where everything is; with two coins ``coin`` is ``[2, 2]`` and ``coin_owner`` ``[2]``, coin i for player i."""

    players: jax.Array  # [player, (row, column)] int32
    coin: jax.Array  # [(row, column)] int32
    coin_owner: jax.Array  # [] int32: the player whose colour the coin has
    time: jax.Array  # [] int32: steps taken in this episode


@struct.dataclass(kw_only=True)
class CoinGameParams(environment.EnvParams):
    """The numbers of the coin game, all leaves: map over them with ``jax.vmap``."""

    own_coin_reward: jax.Array = number(1.0, "To the collector of a coin of its own colour.")
    other_coin_reward: jax.Array = number(1.0, "To the collector of a coin of the other's colour.")
    stolen_coin_reward: jax.Array = number(-2.0, "To the owner of a coin that the other collected.")
    max_steps_in_episode: jax.Array = number(50, "Steps in an episode.", at_least=1)


@dataclass(frozen=True, kw_only=True)
class CoinGame(Game[CoinGameState, CoinGameParams]):
    """Two players, red (0) and blue (1), on a torus of ``grid_size`` x ``grid_size`` cells.

    - Observation ``[2, 4 n n]`` float32: four planes, row by row: own player, other player, own coin, other's coin. In
      the layout ``shared`` both players see player 0's view: red player, blue player, red coin, blue coin.
    - Action ``[2]`` int32: 0 right, 1 left, 2 down, 3 up, and 4 stay where `stay_action` is set. Both move at once and
      may share a cell. Inside compiled code any other number stays.
    - Reward ``[2]`` float32, from the positions after the move: a player on the coin collects it and gets
      ``own_coin_reward`` or ``other_coin_reward`` (1); if its colour is the other's, the other gets
      ``stolen_coin_reward`` (-2). Where both are on it, both collect.
    - A collected coin is followed by one on a cell drawn uniformly from those that hold no player.
    - Start: players uniform over all cells, coin uniform over the free ones, colour uniform, all independent.
    - End: never terminated, truncated at ``params.max_steps_in_episode``.
    - ``info``: ``red_took_red``, ``red_took_blue``, ``blue_took_red``, ``blue_took_blue``, 0 or 1 each.
    """

    name: str = "CoinGame-v0"
    grid_size: int = choice(3, (3, 4, 5, 6, 7), "Side of the torus, 3 to 7.")
    observation_layout: ObservationLayout = choice(
        "egocentric",
        OBSERVATION_LAYOUTS,
        "``egocentric``: own player and coin first; ``shared``: both players see player 0's view.",
    )
    coin_colour: CoinColour = choice(
        "alternating",
        get_args(CoinColour),
        "Colour of the next coin: ``alternating`` (POLA), or ``random`` at each respawn (LOLA).",
    )
    num_coins: int = choice(
        1,
        (1, 2),
        "1, or 2: one coin of each colour at all times; a collected coin comes back in its colour, on a cell that "
        "holds neither a player nor the other coin (M-FOS, JaxMARL).",
    )
    stay_action: bool = choice(default=False, allowed=(False, True), about='A fifth action, "stay" (M-FOS, JaxMARL).')

    def __post_init__(self) -> None:
        """Check the settings, alone and together."""
        super().__post_init__()
        if self.num_coins == 2 and self.coin_colour != "alternating":
            raise ValueError("coin_colour has no meaning with num_coins=2 (there is always one of each); leave it out")

    @property
    def action_names(self) -> tuple[str, ...]:
        """The four directions, and "stay" where there is one."""
        return (*MOVES, "stay") if self.stay_action else MOVES

    @property
    def base_params(self) -> CoinGameParams:
        """The published numbers."""
        return CoinGameParams()

    def reset_env(self, key: jax.Array, params: CoinGameParams) -> tuple[jax.Array, CoinGameState]:
        """Place both players, the coin or coins, and draw the colour."""
        num_cells = self.grid_size**2
        red, rest = draw_below(random_word(key), num_cells)
        blue, rest = draw_below(rest, num_cells)
        coin, rest = draw_free_cell(rest, num_cells, red, blue)
        if self.num_coins == 2:
            second, _ = draw_free_cell(rest, num_cells, red, blue, coin)
            return self._arrange((red, blue), (coin, second), None, jnp.int32(0))
        return self._arrange((red, blue), (coin,), draw_below(rest, 2)[0], jnp.int32(0))

    def step_env(
        self, key: jax.Array, state: CoinGameState, action: jax.Array, params: CoinGameParams
    ) -> tuple[jax.Array, CoinGameState, jax.Array, jax.Array, dict[str, jax.Array]]:
        """Move both players, pay for collected coins, and replace them."""
        self.check_joint_action(action)
        red, blue = (move(state.players[player], action[player], self.grid_size) for player in range(2))
        red_coin, blue_coin = self._coin_cells(state)
        took = {
            "red_took_red": red == red_coin,
            "red_took_blue": red == blue_coin,
            "blue_took_red": blue == red_coin,
            "blue_took_blue": blue == blue_coin,
        }
        reward = _by_player(
            _pay(params, own=took["red_took_red"], other=took["red_took_blue"], stolen=took["blue_took_red"]),
            _pay(params, own=took["blue_took_blue"], other=took["blue_took_red"], stolen=took["red_took_blue"]),
        )
        red_gone = took["red_took_red"] | took["blue_took_red"]
        blue_gone = took["red_took_blue"] | took["blue_took_blue"]
        word = random_word(key)
        if self.num_coins == 2:
            coins, owner = self._replace_two(word, (red, blue), (red_coin, blue_coin), (red_gone, blue_gone)), None
        else:
            coins, owner = self._replace_one(word, (red, blue), state, red_gone | blue_gone)
        observation, state = self._arrange((red, blue), coins, owner, state.time + 1)
        info = {name: happened.astype(jnp.float32) for name, happened in took.items()}
        return observation, state, reward, jnp.zeros((), bool), info

    def observe(
        self, key: jax.Array, state: CoinGameState, action: jax.Array | None, params: CoinGameParams
    ) -> jax.Array:
        """Return what each player sees, ``[2, 4 n n]`` float32."""
        players = tuple(cell_at(place, self.grid_size) for place in state.players)
        if self.num_coins == 2:
            return self._planes(players, tuple(cell_at(place, self.grid_size) for place in state.coin), None)
        return self._planes(players, (cell_at(state.coin, self.grid_size),), state.coin_owner)

    def _replace_one(
        self, word: jax.Array, players: Cells, state: CoinGameState, collected: jax.Array
    ) -> tuple[Cells, jax.Array]:
        """Return the coin's cell and owner, both new where it was collected."""
        cell, rest = draw_free_cell(word, self.grid_size**2, *players)
        owner = 1 - state.coin_owner if self.coin_colour == "alternating" else draw_below(rest, 2)[0]
        coin = jnp.where(collected, cell, cell_at(state.coin, self.grid_size))
        return (coin,), jnp.where(collected, owner, state.coin_owner)

    def _replace_two(self, word: jax.Array, players: Cells, coins: Cells, collected: Cells) -> Cells:
        """Return the cells of the red and the blue coin, new where they were collected."""
        num_cells = self.grid_size**2
        # A blue coin that was collected too holds no cell: name a player's cell in its place.
        red_coin, word = draw_free_cell(word, num_cells, *players, jnp.where(collected[1], players[0], coins[1]))
        red_coin = jnp.where(collected[0], red_coin, coins[0])
        blue_coin, _ = draw_free_cell(word, num_cells, *players, red_coin)
        return red_coin, jnp.where(collected[1], blue_coin, coins[1])

    def _arrange(
        self, players: Cells, coins: Cells, owner: jax.Array | None, time: jax.Array
    ) -> tuple[jax.Array, CoinGameState]:
        """Return observation and state from cells; ``owner`` is None with two coins."""
        observation = self._planes(players, coins, owner)
        if owner is None:
            coin, owner = positions(coins[0], coins[1], self.grid_size), jnp.arange(2, dtype=jnp.int32)
        else:
            coin = position(coins[0], self.grid_size)
        state = CoinGameState(
            players=positions(players[0], players[1], self.grid_size), coin=coin, coin_owner=owner, time=time
        )
        return observation, state

    def _coin_cells(self, state: CoinGameState) -> Cells:
        """Return the cells of the red and the blue coin; -1 for a colour that no coin has."""
        if self.num_coins == 2:
            return cell_at(state.coin[0], self.grid_size), cell_at(state.coin[1], self.grid_size)
        coin, owner = cell_at(state.coin, self.grid_size), state.coin_owner
        return jnp.where(owner == 0, coin, -1), jnp.where(owner == 1, coin, -1)

    def _planes(self, players: Cells, coins: Cells, owner: jax.Array | None) -> jax.Array:
        """Return the one-hot planes that each player sees, from cells; ``owner`` is None with two coins."""
        num_cells = self.grid_size**2
        order = [0, 1, 2, 3, *([0, 1, 2, 3] if self.observation_layout == "shared" else [1, 0, 3, 2])]
        # One flat row of constants for both viewers: with the viewers apart, XLA's loops are twice as slow. The planes
        # of the two colours count as one of twice as many places, so that one coin needs one comparison.
        plane = np.repeat(order, num_cells)
        place = np.tile(np.arange(num_cells), 8) + np.where(plane == 3, num_cells, 0)
        coin = coins[0] + num_cells * (owner if owner is not None else 0)
        if owner is None:
            coin = jnp.where(plane == 2, coin, coins[1] + num_cells)
        occupied = jnp.where(plane == 0, players[0], jnp.where(plane == 1, players[1], coin))
        return (occupied == place).astype(jnp.float32).reshape(2, -1)

    def observation_space(self, params: CoinGameParams | None = None) -> spaces.Box:
        """The space of both players' observations, ``[2, 4 n n]``."""
        return spaces.Box(0.0, 1.0, (2, 4 * self.grid_size**2), jnp.float32)

    @property
    def num_observations(self) -> int | None:
        """Cells of two players and a coin, and whose the coin is: 1458 on the 3 x 3 torus. None with two coins."""
        return None if self.num_coins == 2 else 2 * self.grid_size**6

    def observation_table(self) -> jax.Array:
        """Return the observations in the order (own cell, other's cell, coin cell, 0 own or 1 other's coin).

        Cells that cannot be combined in play (a player on the coin) have rows too: the index stays a plain sum.

        Returns:
            ``[num_observations, 4 n n]`` float32.

        Raises:
            ValueError: with two coins the observations are not listed.
        """
        self._require_listed()
        num_cells = self.grid_size**2
        rows = np.indices((num_cells, num_cells, num_cells, 2)).reshape(4, -1)
        own, other, coin, owner = rows
        planes = np.stack([own, other, np.where(owner == 0, coin, -1), np.where(owner == 1, coin, -1)], axis=1)
        return jnp.asarray((planes[:, :, None] == np.arange(num_cells)).reshape(rows.shape[1], -1), jnp.float32)

    def observation_index(self, state: CoinGameState) -> jax.Array:
        """Return the row of `observation_table` that each player sees, ``[2]`` int32."""
        self._require_listed()
        num_cells = self.grid_size**2
        red, blue = cell_at(state.players[0], self.grid_size), cell_at(state.players[1], self.grid_size)
        coin = cell_at(state.coin, self.grid_size)
        swapped = np.array([False, self.observation_layout == "egocentric"])
        own, other = jnp.where(swapped, blue, red), jnp.where(swapped, red, blue)
        whose = jnp.where(swapped, 1 - state.coin_owner, state.coin_owner)
        return ((own * num_cells + other) * num_cells + coin) * 2 + whose

    def _require_listed(self) -> None:
        if self.num_observations is None:
            raise ValueError(f"{self.name} with two coins does not list its observations: num_observations is None")

    @property
    def strategies(self) -> Mapping[str, StrategyFactory]:
        """The scripted players by name; with two coins only ``random`` is defined."""
        from .policies.strategies import COIN_GAME_STRATEGIES, RANDOM_ONLY

        return RANDOM_ONLY if self.num_coins == 2 else COIN_GAME_STRATEGIES

    def reference_scores(self, params: CoinGameParams) -> dict[str, float]:
        """Return the known scores of the published 3 x 3 game, or nothing where rules or numbers differ.

        The optimum is that of long episodes: a coin takes 10/7 steps where the player whose turn comes next keeps two
        steps away from the coin (0.3486 over 50 steps). Always-cooperate does not do so and needs 1.5.
        """
        same_rules = self.grid_size == 3 and self.num_coins == 1 and self.coin_colour == "alternating"
        numbers = (params.own_coin_reward, params.other_coin_reward, params.stolen_coin_reward)
        if not same_rules or tuple(map(float, numbers)) != (1.0, 1.0, -2.0) or int(params.max_steps_in_episode) != 50:
            return {}
        return {"optimum": 0.35, "always cooperate": 0.3322, "mutual defection": 0.0}

    def thresholds(self, params: CoinGameParams) -> tuple[Threshold, ...]:
        """Return LOQA's thresholds (arXiv:2405.01035), which its program states for rewards times 2 (n // 2)."""
        longest = 2 * (self.grid_size // 2)  # the longest way to a coin: on a larger torus rewards are rarer
        return (
            Threshold("weak", 0.05 / longest, -1.2 / longest),
            Threshold("medium", 0.1 / longest, -0.5 / longest),
            Threshold("strong", 0.2 / longest, -0.2 / longest),
        )

    def is_symmetric(self, params: CoinGameParams) -> bool:
        """Red and blue are paid alike; each must see itself first."""
        return self.observation_layout == "egocentric"

    @property
    def measures(self) -> tuple[Measure, ...]:
        """Who took which coins, and how many of all that were collected went to their owner."""
        counts = (
            Measure(f"{player}_took_{coin}", f"{coin.capitalize()} coins taken by {player}", COINS)
            for player in self.player_names
            for coin in self.player_names
        )
        return (OWN_COLOUR, *counts)

    def summarise(self, info: Mapping[str, jax.Array]) -> dict[str, jax.Array]:
        """Return the four mean counts and the proportion of own-colour coins among all that were collected.

        Where no coin was collected, ``own_coin_proportion`` is 0.5, as for players that ignore colours.
        """
        own = info["red_took_red"] + info["blue_took_blue"]
        total = own + info["red_took_blue"] + info["blue_took_red"]
        proportion = jnp.where(total > 0, own / jnp.where(total > 0, total, 1.0), 0.5)
        return {**info, "own_coin_proportion": proportion}

    @property
    def player_measures(self) -> tuple[Measure, ...]:
        """Which coins a player took, and how many of its own it lost."""
        return (
            OWN_COLOUR,
            Measure("own_coins", "Own coins taken", COINS),
            Measure("other_coins", "Other's coins taken", COINS),
            Measure("lost_coins", "Own coins lost", COINS),
        )

    def summarise_player(self, infos: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Return the player's coins a step, and the proportion of its own colour among those it took."""
        red, blue = infos
        own = (red["red_took_red"] + blue["blue_took_blue"]) / 2
        others = (red["red_took_blue"] + blue["blue_took_red"]) / 2
        lost = (red["blue_took_red"] + blue["red_took_blue"]) / 2
        share = own / (own + others) if own + others > 0 else np.nan
        return {"own_coin_proportion": share, "own_coins": own, "other_coins": others, "lost_coins": lost}

    @property
    def player_names(self) -> tuple[str, ...]:
        """The players' colours."""
        return ("red", "blue")

    def page_program(self, params: CoinGameParams) -> PageProgram:
        """Return the rules for a page in the browser."""
        return PageProgram.beside(
            __file__,
            {
                "size": self.grid_size,
                "coins": self.num_coins,
                "random": self.coin_colour == "random",
                "shared": self.observation_layout == "shared",
                "own": float(params.own_coin_reward),
                "other": float(params.other_coin_reward),
                "stolen": float(params.stolen_coin_reward),
            },
        )

    def board(self, state: CoinGameState) -> Board:
        """Return the torus with its coins and players."""
        size = self.grid_size
        coins = zip(np.reshape(state.coin, (-1, 2)).tolist(), np.ravel(state.coin_owner).tolist(), strict=True)
        pieces = [Piece("coin", row, column, owner) for (row, column), owner in coins]
        players = enumerate(np.asarray(state.players).tolist())
        return Board(size, size, (*pieces, *(Piece(PLAYER, row, column, player) for player, (row, column) in players)))


def _by_player(first: jax.Array, second: jax.Array) -> jax.Array:
    """Return ``[2]``, a scalar for each player. Unlike stacking, selecting with a constant is vectorised."""
    return jnp.where(np.arange(2) == 0, first, second)


def _pay(params: CoinGameParams, *, own: jax.Array, other: jax.Array, stolen: jax.Array) -> jax.Array:
    """Return a player's reward: it took its own coin, took the other's, had its own taken."""
    return (
        jnp.where(own, params.own_coin_reward, 0.0)
        + jnp.where(other, params.other_coin_reward, 0.0)
        + jnp.where(stolen, params.stolen_coin_reward, 0.0)
    ).astype(jnp.float32)


COIN_GAME = EnvironmentPlugin.of(
    CoinGame(), "Coin game on a torus: coins of the other's colour are worth as much, but cost the other twice that"
)
