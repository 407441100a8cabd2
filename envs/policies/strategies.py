"""Scripted players of the matrix games and of the coin game, as `Policy` pytrees.

They see observations only, are either player and read either observation layout. What differs between two strategies
of one kind, and between players, is a number in a leaf: one compiled program serves them all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from types import MappingProxyType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct

from ...options import check_number, player_index, suggest
from ..base import Game, Policy, StrategyFactory
from ..grid import draw_below
from .memory_one import MemoryOnePlayer, names_other_first, split_views

Memory = Any


def make_strategy(name: str, game: Game[Any, Any], player: int = 0, **options: float) -> Policy:
    """Return a scripted player.

    Args:
        name: one of ``game.strategies``.
        game: the game it plays, which fixes how observations are read.
        player: the player it is, 0 or 1.
        **options: numbers of the strategy, such as ``p`` of ``random`` in a matrix game.

    Returns:
        The policy.

    Raises:
        ValueError: an unknown strategy (names the nearest), player or option.

    Example:
        >>> from polax.envs.matrix_game import MatrixGame
        >>> policy = make_strategy("random", MatrixGame(), player=1, p=0.25)
    """
    known = game.strategies
    if name not in known:
        raise ValueError(f"{game.name} has no strategy {name!r}; {suggest(name, known)}")
    player = player_index(player, game.num_players)
    try:
        return known[name](game, player, **options)
    except TypeError as error:
        raise ValueError(f"strategy {name!r} of {game.name} does not take {', '.join(options)}") from error


@struct.dataclass
class GrimPlayer:
    """Cooperates until the other defects once, then defects for good."""

    swapped: jax.Array  # [] bool: the observation names the other player first

    def initial_memory(self, num_envs: int) -> Memory:
        """No defection so far, ``[B]`` bool."""
        return jnp.zeros(num_envs, bool)

    def act(self, key: jax.Array, observation: jax.Array, memory: Memory) -> tuple[jax.Array, Memory]:
        """Return one action for each environment, ``[B]`` int32."""
        _, other = split_views(observation, self.swapped)
        betrayed = memory | (other[:, 0] > 0)
        return (~betrayed).astype(jnp.int32), betrayed


@struct.dataclass
class RandomPlayer:
    """Draws every action with the same probability."""

    num_actions: int = field(metadata={"pytree_node": False})

    def initial_memory(self, num_envs: int) -> Memory:
        """It remembers nothing."""
        return jnp.zeros((num_envs, 0))

    def act(self, key: jax.Array, observation: jax.Array, memory: Memory) -> tuple[jax.Array, Memory]:
        """Draw one action for each environment, ``[B]`` int32."""
        words = jax.random.bits(key, observation.shape[:1], jnp.uint32)
        return draw_below(words, self.num_actions)[0], memory


@struct.dataclass
class CoinChaser:
    """Always-defect and always-cooperate in the coin game.

    The defector takes the shortest way to the coin. The cooperator does so when the coin is its own and otherwise
    makes the opposite move. Where both axes need a move, the row comes first; where both ways round an axis are as
    long (grids of even size), the way down or right is taken.
    """

    cooperates: jax.Array  # [] bool
    swapped: jax.Array  # [] bool: the observation names the other player first
    grid_size: int = field(metadata={"pytree_node": False})

    def initial_memory(self, num_envs: int) -> Memory:
        """It remembers nothing."""
        return jnp.zeros((num_envs, 0))

    def act(self, key: jax.Array, observation: jax.Array, memory: Memory) -> tuple[jax.Array, Memory]:
        """Return one action for each environment, ``[B]`` int32."""
        return _chase(_read_board(observation, self.swapped, self.grid_size), self.cooperates, self.grid_size), memory


@struct.dataclass
class CoinWaiter:
    """Always-cooperate as LOQA's league has it: it waits for its turn two steps away from the other's coin.

    It makes the move after which its own coin is nearest, or the other's farthest; equal moves are drawn by lot.
    """

    swapped: jax.Array  # [] bool: the observation names the other player first
    grid_size: int = field(metadata={"pytree_node": False})

    def initial_memory(self, num_envs: int) -> Memory:
        """It remembers nothing."""
        return jnp.zeros((num_envs, 0))

    def act(self, key: jax.Array, observation: jax.Array, memory: Memory) -> tuple[jax.Array, Memory]:
        """Return one action for each environment, ``[B]`` int32."""
        board = _read_board(observation, self.swapped, self.grid_size)
        distances = _distances(board, self.grid_size)
        wanted = jnp.where(board.coin_is_own[:, None], distances, -distances)
        lot = jax.random.uniform(key, wanted.shape, maxval=0.5)
        return jnp.argmin(wanted + lot, axis=1).astype(jnp.int32), memory


@struct.dataclass
class CoinMemory:
    """What a retaliator keeps between steps."""

    board: Board  # where everything was, [B] each; before the first step the coin is nowhere, at -1
    wrongs: jax.Array  # [B] int32: coins that the other took from it since it last collected one, but forgiven ones
    cooperates: jax.Array  # [B] bool


@struct.dataclass
class CoinRetaliator:
    """Tit-for-tat and its kin: cooperates until others have taken its coins, defects until it has collected one.

    After each step a negative own reward is a wrong; as many as ``patience`` turn it to `CoinChaser`'s defection. A
    positive reward clears the account and turns it back to cooperation. It works the sign of its reward out from two
    successive observations, with the usual rewards (+1, +1, -2).
    """

    patience: jax.Array  # [] int32: wrongs that it takes to turn it
    generosity: jax.Array  # [] float32: probability with which a wrong is forgiven at once
    unforgiving: jax.Array  # [] bool: it never turns back
    swapped: jax.Array  # [] bool: the observation names the other player first
    grid_size: int = field(metadata={"pytree_node": False})
    num_players: int = field(metadata={"pytree_node": False})

    def initial_memory(self, num_envs: int) -> CoinMemory:
        """Nothing seen, cooperating."""
        nowhere = jnp.full(num_envs, -1, jnp.int32)
        return CoinMemory(
            board=Board(
                own=nowhere,
                others=jnp.full((num_envs, self.num_players - 1), -1, jnp.int32),
                coin=nowhere,
                coin_is_own=jnp.zeros(num_envs, bool),
            ),
            wrongs=jnp.zeros(num_envs, jnp.int32),
            cooperates=jnp.ones(num_envs, bool),
        )

    def act(self, key: jax.Array, observation: jax.Array, memory: CoinMemory) -> tuple[jax.Array, CoinMemory]:
        """Return one action for each environment, ``[B]`` int32."""
        board, before = _read_board(observation, self.swapped, self.grid_size), memory.board
        hurt = (board.others == before.coin[:, None]).any(axis=1) & before.coin_is_own
        paid = (board.own == before.coin) & ~hurt
        counted = hurt & (jax.random.uniform(key, hurt.shape) >= self.generosity)
        wrongs = jnp.where(paid, 0, memory.wrongs + counted)
        cooperates = (memory.cooperates & (wrongs < self.patience)) | (paid & ~self.unforgiving)
        memory = CoinMemory(board=board, wrongs=wrongs, cooperates=cooperates)
        return _chase(board, cooperates, self.grid_size), memory


@struct.dataclass
class Board:
    """A coin game as one player sees it; cells are numbered row * grid_size + column."""

    own: jax.Array  # [B] int32
    others: jax.Array  # [B, N - 1] int32
    coin: jax.Array  # [B] int32
    coin_is_own: jax.Array  # [B] bool


def _read_board(observation: jax.Array, swapped: jax.Array, grid_size: int) -> Board:
    num_cells = grid_size**2
    players = observation.shape[-1] // (2 * num_cells)
    cell = np.arange(num_cells, dtype=np.float32)
    # One small matrix product reads all cells: of each player, and of the coin, which counts on from the first colour's
    # plane into the next.
    reader = np.zeros((2 * players, num_cells, players + 1), np.float32)
    for place in range(players):
        reader[place, :, place], reader[players + place, :, players] = cell, cell + place * num_cells
    read = (observation @ reader.reshape(-1, players + 1)).astype(jnp.int32)  # [B, N + 1]
    first, second, coin = read[:, 0], read[:, 1], read[:, players]
    first_owns = coin < num_cells
    # Only of two players an observation may name another one first.
    others = read[:, 1:players] if players > 2 else jnp.where(swapped, first, second)[:, None]
    return Board(
        own=jnp.where(swapped, second, first),
        others=others,
        coin=coin % num_cells,
        coin_is_own=first_owns ^ swapped,
    )


def _distances(board: Board, grid_size: int) -> jax.Array:
    """Return how many steps away the coin is after each of the four moves, ``[B, 4]`` int32."""
    down = board.coin // grid_size - board.own // grid_size
    right = board.coin % grid_size - board.own % grid_size
    downs, rights = down[:, None] - np.array([0, 0, 1, -1]), right[:, None] - np.array([1, -1, 0, 0])
    return _around(downs, grid_size) + _around(rights, grid_size)


def _around(steps: jax.Array, grid_size: int) -> jax.Array:
    """Return the shorter of the two ways around an axis."""
    forward = steps % grid_size
    return jnp.minimum(forward, grid_size - forward)


def _chase(board: Board, cooperates: jax.Array, grid_size: int) -> jax.Array:
    """Return the move towards the coin, or the opposite one for a cooperator whose coin it is not, ``[B]`` int32."""
    size = jnp.int32(grid_size)
    coin_row, own_row = jax.lax.div(board.coin, size), jax.lax.div(board.own, size)
    down = jax.lax.rem(coin_row - own_row + size, size)  # steps down to the coin's row
    # A row's share of the cell's number is a multiple of the size.
    right = jax.lax.rem(board.coin - board.own + size * size, size)
    vertical = jnp.where(2 * down <= grid_size, 2, 3)
    horizontal = jnp.where(2 * right <= grid_size, 0, 1)
    towards = jnp.where(down != 0, vertical, horizontal)
    away = towards ^ 1  # right (0) <-> left (1), down (2) <-> up (3)
    return jnp.where(cooperates & ~board.coin_is_own, away, towards).astype(jnp.int32)


def _memory_one(
    game: Game[Any, Any], player: int, *, start: float, cc: float, cd: float, dc: float, dd: float
) -> MemoryOnePlayer:
    """Return the player with these probabilities to cooperate, first and after each (own, other's) last action."""
    cooperation = jnp.asarray((dd, dc, cd, cc, start), jnp.float32)
    return MemoryOnePlayer(cooperation=cooperation, swapped=names_other_first(game.observation_layout, player))


def _always(game: Game[Any, Any], player: int, probability: float) -> MemoryOnePlayer:
    p = probability
    return _memory_one(game, player, start=p, cc=p, cd=p, dc=p, dd=p)


def constant(action: int) -> StrategyFactory:
    """Return the factory of the matrix-game player that always plays ``action``, 0 or 1."""
    return lambda game, player: _always(game, player, float(action))


def tit_for_tat(game: Game[Any, Any], player: int) -> Policy:
    """Cooperates first, then does what the other did last."""
    return _memory_one(game, player, start=1, cc=1, cd=0, dc=1, dd=0)


def generous_tit_for_tat(game: Game[Any, Any], player: int, *, generosity: float = 1 / 3) -> Policy:
    """Tit-for-tat that forgives a defection with probability ``generosity`` (Nowak and Sigmund, 1992)."""
    check_number("generosity", generosity, at_least=0.0, at_most=1.0)
    return _memory_one(game, player, start=1, cc=1, cd=generosity, dc=1, dd=generosity)


def grim(game: Game[Any, Any], player: int) -> Policy:
    """Cooperates until the other defects once, then defects for good."""
    return GrimPlayer(swapped=names_other_first(game.observation_layout, player))


def win_stay_lose_shift(game: Game[Any, Any], player: int) -> Policy:
    """Cooperates first and after both did the same, defects otherwise (Nowak and Sigmund, 1993; "Pavlov")."""
    return _memory_one(game, player, start=1, cc=1, cd=0, dc=0, dd=1)


def coin_toss(game: Game[Any, Any], player: int, *, p: float = 0.5) -> Policy:
    """Plays action 1 with probability ``p``."""
    check_number("p", p, at_least=0.0, at_most=1.0)
    return _always(game, player, p)


def uniform_random(game: Game[Any, Any], player: int) -> Policy:
    """Draws every action with the same probability."""
    return RandomPlayer(num_actions=game.num_actions)


def coin_chaser(*, cooperates: bool) -> StrategyFactory:
    """Return the factory of always-cooperate or always-defect in the coin game."""
    return lambda game, player: CoinChaser(
        cooperates=jnp.asarray(cooperates),
        swapped=names_other_first(game.observation_layout, player),
        grid_size=game.grid_size,
    )


def coin_waiter(game: Game[Any, Any], player: int) -> Policy:
    """Always-cooperate of LOQA's league, which waits two steps away from the other's coin."""
    return CoinWaiter(swapped=names_other_first(game.observation_layout, player), grid_size=game.grid_size)


def _coin_retaliator(
    game: Game[Any, Any], player: int, *, patience: int = 1, generosity: float = 0.0, unforgiving: bool = False
) -> CoinRetaliator:
    return CoinRetaliator(
        patience=jnp.int32(patience),
        generosity=jnp.float32(generosity),
        unforgiving=jnp.asarray(unforgiving),
        swapped=names_other_first(game.observation_layout, player),
        grid_size=game.grid_size,
        num_players=game.num_players,
    )


def coin_tit_for_tat(game: Game[Any, Any], player: int) -> Policy:
    """Cooperates until the other takes its coin, defects until it has collected one itself."""
    return _coin_retaliator(game, player)


def coin_tit_for_two_tats(game: Game[Any, Any], player: int) -> Policy:
    """Tit-for-tat that is provoked by a second coin taken before it has collected one itself."""
    return _coin_retaliator(game, player, patience=2)


def coin_generous_tit_for_tat(game: Game[Any, Any], player: int, *, generosity: float = 1 / 3) -> Policy:
    """Tit-for-tat that forgives a coin taken with probability ``generosity``."""
    check_number("generosity", generosity, at_least=0.0, at_most=1.0)
    return _coin_retaliator(game, player, generosity=generosity)


def coin_grim(game: Game[Any, Any], player: int) -> Policy:
    """Cooperates until the other takes its coin once, then defects for good."""
    return _coin_retaliator(game, player, unforgiving=True)


DILEMMA_STRATEGIES: Mapping[str, StrategyFactory] = MappingProxyType(
    {
        "always-cooperate": constant(1),
        "always-defect": constant(0),
        "tit-for-tat": tit_for_tat,
        "generous-tit-for-tat": generous_tit_for_tat,
        "grim": grim,
        "win-stay-lose-shift": win_stay_lose_shift,
        "random": coin_toss,
    }
)
"""Matrix games whose action 1 is to cooperate."""

COIN_TOSS_STRATEGIES: Mapping[str, StrategyFactory] = MappingProxyType(
    {"always-heads": constant(0), "always-tails": constant(1), "random": coin_toss}
)
"""Matching pennies."""

COIN_GAME_STRATEGIES: Mapping[str, StrategyFactory] = MappingProxyType(
    {
        "always-cooperate": coin_chaser(cooperates=True),
        "always-defect": coin_chaser(cooperates=False),
        "tit-for-tat": coin_tit_for_tat,
        "random": uniform_random,
        "always-cooperate-loqa": coin_waiter,
        "generous-tit-for-tat": coin_generous_tit_for_tat,
        "grim": coin_grim,
        "tit-for-two-tats": coin_tit_for_two_tats,
    }
)
"""The coin game with one coin."""

RANDOM_ONLY: Mapping[str, StrategyFactory] = MappingProxyType({"random": uniform_random})
"""Games for which no other strategy is defined."""
