"""The coin game: players collect coins on a torus, and a coin has a colour that says whom taking it hurts.

References: Lerer and Peysakhovich (arXiv:1707.01068); LOLA (arXiv:1709.04326); POLA (arXiv:2210.10125), whose game is
the default here; M-FOS (arXiv:2205.01447) and JaxMARL (arXiv:2311.10090) for the variant with two coins; LOQA
(arXiv:2405.01035) for three players; Reciprocator (arXiv:2406.01641) for the penalty by the number of players.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from operator import add, or_
from typing import Any, Literal, get_args

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct

from ..options import check_choice
from .base import (
    OBSERVATION_LAYOUTS,
    EnvironmentPlugin,
    Game,
    Measure,
    ObservationLayout,
    PageProgram,
    StrategyFactory,
    Symmetries,
    Threshold,
)
from .grid import cell_at, draw_below, draw_free_cell, move, place_by_place, position, positions, random_word, stir
from .gymnax import environment, spaces
from .rendering.frame import PLAYER, Board, Piece
from .settings import Setting, choice, number

CoinColour = Literal["alternating", "random"]

MOVES = ("right", "left", "down", "up")
_STEPS = ((0, 1), (0, -1), (1, 0), (-1, 0))
"""(rows, columns) of each move."""

COLOURS = ("red", "blue", "purple", "green")

LISTED = 20_000
"""More observations than this are not listed where there are more than two players."""

COINS = "coins a step"
OWN_COLOUR = Measure("own_coin_proportion", "Own-colour coins", "proportion", plot=True)

Cells = tuple[jax.Array, ...]
"""Scalars; a cell's number is row * grid_size + column."""


@struct.dataclass(kw_only=True)
class CoinGameState(environment.EnvState):
    """Where everything is; with two coins ``coin`` is ``[2, 2]`` and ``coin_owner`` ``[2]``, coin i for player i."""

    players: jax.Array  # [N, (row, column)] int32
    coin: jax.Array  # [(row, column)] int32
    coin_owner: jax.Array  # [] int32: the player whose colour the coin has
    time: jax.Array  # [] int32: steps taken in this episode


@struct.dataclass(kw_only=True)
class CoinGameParams(environment.EnvParams):
    """The numbers of the coin game, all leaves: map over them with ``jax.vmap``."""

    own_coin_reward: jax.Array = number(1.0, "To the collector of a coin of its own colour.")
    other_coin_reward: jax.Array = number(1.0, "To the collector of a coin of another one's colour.")
    stolen_coin_reward: jax.Array = number(-2.0, "To the owner of a coin that somebody else collected.")
    max_steps_in_episode: jax.Array = number(50, "Steps in an episode.", at_least=1)


@dataclass(frozen=True, kw_only=True)
class CoinGame(Game[CoinGameState, CoinGameParams]):
    """N players, red (0), blue (1), purple (2) and green (3), on a torus of ``grid_size`` x ``grid_size`` cells.

    - Observation ``[N, 2 N n n]`` float32: 2 N planes, row by row: own player, the other players in turn order after
      it, own coin, coins of the others in the same order. In the layout ``shared`` both of two players see player 0's
      view: red player, blue player, red coin, blue coin.
    - Action ``[N]`` int32: 0 right, 1 left, 2 down, 3 up, and 4 stay where `stay_action` is set. All move at once and
      may share a cell. Inside compiled code any other number stays.
    - Reward ``[N]`` float32, from the positions after the move: a player on the coin collects it and gets
      ``own_coin_reward`` or ``other_coin_reward`` (1); if others than its owner did, the owner gets
      ``stolen_coin_reward`` (-2), once. Where several are on it, all collect.
    - A collected coin is followed by one on a cell drawn uniformly from those that hold no player.
    - Start: players uniform over all cells, coin uniform over the free ones, colour uniform, all independent.
    - End: never terminated, truncated at ``params.max_steps_in_episode``.
    - ``info``: ``red_took_red``, ``red_took_blue``, ``blue_took_red``, ``blue_took_blue`` and so on, 0 or 1 each.
    """

    name: str = "CoinGame-v0"
    num_players: int = choice(2, (2, 3, 4), "Players, and colours, which take turns: 2 (POLA), 3 (LOQA) or 4.")
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
        if self.num_players > 2 and self.num_coins == 2:
            raise ValueError(f"num_coins=2 is a game of two players; with num_players={self.num_players} leave it out")
        if self.num_players > 2 and self.observation_layout == "shared":
            raise ValueError(
                f"observation_layout shared is for two players; with num_players={self.num_players} leave it out"
            )

    @property
    def action_names(self) -> tuple[str, ...]:
        """The four directions, and "stay" where there is one."""
        return (*MOVES, "stay") if self.stay_action else MOVES

    @property
    def base_params(self) -> CoinGameParams:
        """The published numbers."""
        return CoinGameParams()

    def reset_env(self, key: jax.Array, params: CoinGameParams) -> tuple[jax.Array, CoinGameState]:
        """Place the players, the coin or coins, and draw the colour."""
        num_cells = self.grid_size**2
        word = rest = random_word(key)
        players: Cells = ()
        for _ in range(self.num_players):
            player, rest = draw_below(rest, num_cells)
            players += (player,)
        if self.num_players > 2:  # 32 bits are few for so many places
            rest = stir(~word)
        coin, rest = draw_free_cell(rest, num_cells, *players)
        if self.num_coins == 2:
            second, _ = draw_free_cell(rest, num_cells, *players, coin)
            return self._arrange(players, (coin, second), None, jnp.int32(0))
        return self._arrange(players, (coin,), draw_below(rest, self.num_players)[0], jnp.int32(0))

    def step_env(
        self, key: jax.Array, state: CoinGameState, action: jax.Array, params: CoinGameParams
    ) -> tuple[jax.Array, CoinGameState, jax.Array, jax.Array, dict[str, jax.Array]]:
        """Move the players, pay for collected coins, and replace them."""
        self.check_joint_action(action)
        everybody = range(self.num_players)
        players = tuple(move(state.players[player], action[player], self.grid_size) for player in everybody)
        coins = self._coin_cells(state)
        took = [[player == coin for coin in coins] for player in players]  # [player][colour]
        reward = place_by_place([self._pay(params, took, player) for player in everybody])
        gone = tuple(reduce(or_, [row[colour] for row in took]) for colour in everybody)
        word = random_word(key)
        if self.num_coins == 2:
            coins, owner = self._replace_two(word, players, coins, gone), None
        else:
            coins, owner = self._replace_one(word, players, state, reduce(or_, gone))
        observation, state = self._arrange(players, coins, owner, state.time + 1)
        info = {
            f"{player}_took_{coin}": took[i][j].astype(jnp.float32)
            for i, player in enumerate(self.player_names)
            for j, coin in enumerate(self.player_names)
        }
        return observation, state, reward, jnp.zeros((), bool), info

    def _pay(self, params: CoinGameParams, took: list[list[jax.Array]], player: int) -> jax.Array:
        """Return a player's reward: it took its own coin, took another one's, had its own taken."""
        others = [each for each in range(self.num_players) if each != player]
        other = reduce(or_, [took[player][colour] for colour in others])
        stolen = reduce(or_, [took[thief][player] for thief in others])
        return (
            jnp.where(took[player][player], params.own_coin_reward, 0.0)
            + jnp.where(other, params.other_coin_reward, 0.0)
            + jnp.where(stolen, params.stolen_coin_reward, 0.0)
        ).astype(jnp.float32)

    def observe(
        self, key: jax.Array, state: CoinGameState, action: jax.Array | None, params: CoinGameParams
    ) -> jax.Array:
        """Return what each player sees, ``[N, 2 N n n]`` float32."""
        players = tuple(cell_at(place, self.grid_size) for place in state.players)
        if self.num_coins == 2:
            return self._planes(players, tuple(cell_at(place, self.grid_size) for place in state.coin), None)
        return self._planes(players, (cell_at(state.coin, self.grid_size),), state.coin_owner)

    def _replace_one(
        self, word: jax.Array, players: Cells, state: CoinGameState, collected: jax.Array
    ) -> tuple[Cells, jax.Array]:
        """Return the coin's cell and owner, both new where it was collected."""
        cell, rest = draw_free_cell(word, self.grid_size**2, *players)
        if self.coin_colour == "random":
            owner = draw_below(rest, self.num_players)[0]
        else:
            owner = jnp.where(state.coin_owner == self.num_players - 1, 0, state.coin_owner + 1)
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
            coin, owner = positions(coins, self.grid_size), jnp.arange(2, dtype=jnp.int32)
        else:
            coin = position(coins[0], self.grid_size)
        state = CoinGameState(players=positions(players, self.grid_size), coin=coin, coin_owner=owner, time=time)
        return observation, state

    def _coin_cells(self, state: CoinGameState) -> Cells:
        """Return the cell of the coin of each colour; -1 for a colour that no coin has."""
        if self.num_coins == 2:
            return cell_at(state.coin[0], self.grid_size), cell_at(state.coin[1], self.grid_size)
        coin, owner = cell_at(state.coin, self.grid_size), state.coin_owner
        return tuple(jnp.where(owner == colour, coin, -1) for colour in range(self.num_players))

    def _planes(self, players: Cells, coins: Cells, owner: jax.Array | None) -> jax.Array:
        """Return the one-hot planes that each player sees, from cells; ``owner`` is None with two coins."""
        num_cells, count = self.grid_size**2, self.num_players
        ranks = np.arange(count)
        order = [ranks if self.observation_layout == "shared" else (viewer + ranks) % count for viewer in ranks]
        # One flat row of constants for all viewers: with the viewers apart, XLA's loops are twice as slow. The planes
        # of the colours count as one of as many times more places, so that one coin needs one comparison.
        plane = np.repeat(np.concatenate([[*own, *(own + count)] for own in order]), num_cells)
        place = np.tile(np.arange(num_cells), 2 * count**2) + num_cells * np.maximum(plane - count, 0)
        coin = coins[0] + num_cells * (owner if owner is not None else 0)
        if owner is None:
            coin = jnp.where(plane == 2, coin, coins[1] + num_cells)
        occupied = coin
        for player in reversed(ranks):
            occupied = jnp.where(plane == player, players[player], occupied)
        return (occupied == place).astype(jnp.float32).reshape(count, -1)

    def observation_space(self, params: CoinGameParams | None = None) -> spaces.Box:
        """The space of all players' observations, ``[N, 2 N n n]``."""
        return spaces.Box(0.0, 1.0, (self.num_players, 2 * self.num_players * self.grid_size**2), jnp.float32)

    @property
    def num_observations(self) -> int | None:
        """Cells of the players and a coin, and whose the coin is: 1458 of two players on the 3 x 3 torus.

        None with two coins, and of more than two players where there are more than `LISTED`.
        """
        rows = self.num_players * self.grid_size ** (2 * self.num_players + 2)
        return None if self.num_coins == 2 or (self.num_players > 2 and rows > LISTED) else rows

    def observation_table(self) -> jax.Array:
        """Return the observations in the order (own cell, others' cells, coin cell, 0 own or 1 next player's coin).

        Cells that cannot be combined in play (a player on the coin) have rows too: the index stays a plain sum.

        Returns:
            ``[num_observations, 2 N n n]`` float32.

        Raises:
            ValueError: the observations are not listed.
        """
        self._require_listed()
        num_cells, count = self.grid_size**2, self.num_players
        rows = np.indices((*(num_cells,) * (count + 1), count)).reshape(count + 2, -1)
        *players, coin, owner = rows
        planes = np.stack([*players, *(np.where(owner == colour, coin, -1) for colour in range(count))], axis=1)
        return jnp.asarray((planes[:, :, None] == np.arange(num_cells)).reshape(rows.shape[1], -1), jnp.float32)

    def observation_index(self, state: CoinGameState) -> jax.Array:
        """Return the row of `observation_table` that each player sees, ``[N]`` int32."""
        self._require_listed()
        num_cells, count = self.grid_size**2, self.num_players
        players = [cell_at(place, self.grid_size) for place in state.players]
        viewers = np.zeros(count, np.int32) if self.observation_layout == "shared" else np.arange(count)
        row = jnp.zeros(count, jnp.int32)
        for rank in range(count):
            row = row * num_cells + place_by_place([players[(viewer + rank) % count] for viewer in viewers])
        whose = jnp.where(state.coin_owner < viewers, state.coin_owner + count, state.coin_owner) - viewers
        return (row * num_cells + cell_at(state.coin, self.grid_size)) * count + whose

    def _require_listed(self) -> None:
        if self.num_observations is None:
            which = "two coins" if self.num_coins == 2 else f"{self.num_players} players on a torus of this size"
            raise ValueError(f"{self.name} with {which} does not list its observations: num_observations is None")

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
        same_rules = (self.num_players, self.grid_size, self.num_coins, self.coin_colour) == (2, 3, 1, "alternating")
        numbers = (params.own_coin_reward, params.other_coin_reward, params.stolen_coin_reward)
        if not same_rules or tuple(map(float, numbers)) != (1.0, 1.0, -2.0) or int(params.max_steps_in_episode) != 50:
            return {}
        return {"optimum": 0.35, "always cooperate": 0.3322, "mutual defection": 0.0}

    def thresholds(self, params: CoinGameParams) -> tuple[Threshold, ...]:
        """Return LOQA's thresholds (arXiv:2405.01035), which its program states for rewards times 2 (n // 2)."""
        if self.num_players > 2:
            return ()
        longest = 2 * (self.grid_size // 2)  # the longest way to a coin: on a larger torus rewards are rarer
        return (
            Threshold("weak", 0.05 / longest, -1.2 / longest),
            Threshold("medium", 0.1 / longest, -0.5 / longest),
            Threshold("strong", 0.2 / longest, -0.2 / longest),
        )

    def is_symmetric(self, params: CoinGameParams) -> bool:
        """All colours are paid alike; each player must see itself first."""
        return self.observation_layout == "egocentric"

    @property
    def symmetries(self) -> Symmetries:
        """The torus shifted, mirrored and turned: ``8 n n`` renamings of cells and moves, the same in every plane."""
        cells = np.indices((self.grid_size, self.grid_size)).reshape(2, -1)  # [(row, column), cell]
        observations, actions = [], []
        for transposed, *signs in itertools.product((False, True), (1, -1), (1, -1)):
            mapping = np.diag(signs)[:, ::-1] if transposed else np.diag(signs)
            moves = [_STEPS.index(tuple(mapping @ step)) for step in _STEPS]
            for shift in np.ndindex(self.grid_size, self.grid_size):
                row, column = (mapping @ cells + np.reshape(shift, (2, 1))) % self.grid_size
                planes = self.grid_size**2 * np.arange(2 * self.num_players)[:, None]
                observations.append((planes + row * self.grid_size + column).ravel())
                actions.append([*moves, len(MOVES)] if self.stay_action else moves)
        return Symmetries(np.array(observations), np.array(actions))

    @property
    def measures(self) -> tuple[Measure, ...]:
        """Who took which coins, and how many of all that were collected went to their owner."""
        counts = (
            Measure(f"{player}_took_{coin}", f"{coin.capitalize()} coins taken by {player}", COINS)
            for player in self.player_names
            for coin in self.player_names
        )
        return (self._own_colour, *counts)

    def summarise(self, info: Mapping[str, jax.Array]) -> dict[str, jax.Array]:
        """Return the mean counts and the proportion of own-colour coins among all that were collected.

        Where no coin was collected, ``own_coin_proportion`` is 1/N, as for players that ignore colours.
        """
        names = self.player_names
        own = reduce(add, [info[f"{name}_took_{name}"] for name in names])
        total = reduce(add, [info[f"{each}_took_{coin}"] for each in names for coin in names if each != coin], own)
        proportion = jnp.where(total > 0, own / jnp.where(total > 0, total, 1.0), 1 / self.num_players)
        return {**info, "own_coin_proportion": proportion}

    @property
    def _own_colour(self) -> Measure:
        return OWN_COLOUR._replace(references={"blind to colour": 1 / self.num_players})

    @property
    def player_measures(self) -> tuple[Measure, ...]:
        """Which coins a player took, and how many of its own it lost."""
        return (
            self._own_colour,
            Measure("own_coins", "Own coins taken", COINS),
            Measure("other_coins", "Other's coins taken", COINS),
            Measure("lost_coins", "Own coins lost", COINS),
        )

    def summarise_player(self, infos: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Return the player's coins a step, and the proportion of its own colour among those it took."""
        names, count = self.player_names, self.num_players
        pairs = [(infos[index], name, other) for index, name in enumerate(names) for other in names if other != name]
        own = reduce(add, [info[f"{name}_took_{name}"] for name, info in zip(names, infos, strict=True)]) / count
        others = reduce(add, [info[f"{name}_took_{other}"] for info, name, other in pairs]) / count
        lost = reduce(add, [info[f"{other}_took_{name}"] for info, name, other in pairs]) / count
        share = own / (own + others) if own + others > 0 else np.nan
        return {"own_coin_proportion": share, "own_coins": own, "other_coins": others, "lost_coins": lost}

    @property
    def player_names(self) -> tuple[str, ...]:
        """The players' colours."""
        return COLOURS[: self.num_players]

    def page_program(self, params: CoinGameParams) -> PageProgram | None:
        """Return the rules for a page in the browser, of two players."""
        if self.num_players > 2:
            return None
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


def _numbers(game: CoinGame, config: Any) -> dict[str, Any]:
    """Return the penalty that the options ask for."""
    if not config.penalty_by_players:
        return {}
    return {"stolen_coin_reward": config.stolen_coin_reward * game.num_players / (2 * (game.num_players - 1))}


PENALTY_BY_PLAYERS = Setting(
    default=False,
    about="Multiply ``stolen_coin_reward`` by N / (2 (N - 1)), so that the usual -2 becomes -N / (N - 1) "
    "(Reciprocator): as it is with two players, -1.5 with three.",
    read=partial(check_choice, allowed=(False, True)),
    kind=bool,
)

COIN_GAME = EnvironmentPlugin.of(
    CoinGame(),
    "Coin game on a torus: coins of the other's colour are worth as much, but cost the other twice that",
    extra={"penalty_by_players": PENALTY_BY_PLAYERS},
    numbers=_numbers,
)
