"""What the coin game's optimum and its scripted players earn, exactly and by simulation."""

import jax
import numpy as np
import pytest
from polax.envs.coin_game import CoinGame
from polax.envs.policies.play import play
from polax.envs.policies.strategies import make_strategy

HORIZON = 50
CELLS = np.arange(9)
ROW, COLUMN = CELLS // 3, CELLS % 3
MOVES = ((0, 1), (0, -1), (1, 0), (-1, 0))
NEXT = np.array([[(r + dr) % 3 * 3 + (c + dc) % 3 for dr, dc in MOVES] for r, c in zip(ROW, COLUMN, strict=True)])
# [own cell, coin cell]: the first step of the shortest way, rows first.
DOWN, RIGHT = (ROW[None] - ROW[:, None]) % 3, (COLUMN[None] - COLUMN[:, None]) % 3
TOWARDS = np.where(DOWN > 0, np.where(DOWN == 1, 2, 3), np.where(RIGHT == 2, 1, 0))
FREE = (CELLS[:, None, None] != CELLS) & (CELLS[None, :, None] != CELLS)  # [red, blue, coin]


def value_after(value, red, blue, coin, owner):
    """Expected value of a move's result: the coin stays, or one of the other colour appears on a free cell."""
    renewed = (value * FREE[..., None]).sum(2) / FREE.sum(2)[..., None]  # [red, blue, owner]
    collected = (red == coin) | (blue == coin)
    return np.where(collected, renewed[red, blue, 1 - owner], value[red, blue, coin, owner])


def total_reward(red, blue, coin, owner):
    """The sum of both rewards."""
    thief = np.where(owner == 0, blue, red) == coin
    return (red == coin) * 1.0 + (blue == coin) * 1.0 - 2.0 * thief


def mean_score(choose):
    """Exact mean reward per player and step when ``choose`` picks from the values ``[16, states]`` of joint moves."""
    red, blue, coin, owner = np.indices((9, 9, 9, 2))
    value = np.zeros((9, 9, 9, 2))
    for _ in range(HORIZON):
        joint = []
        for first in range(4):
            for second in range(4):
                reds, blues = NEXT[red, first], NEXT[blue, second]
                joint.append(total_reward(reds, blues, coin, owner) + value_after(value, reds, blues, coin, owner))
        value = choose(np.stack(joint), red, blue, coin, owner)
    start = (value.mean(3) * FREE).sum(2) / FREE.sum(2)
    return start.mean() / 2 / HORIZON


def best(joint, *_):
    return joint.max(0)


def cooperate(joint, red, blue, coin, owner):
    mine, yours = TOWARDS[red, coin], TOWARDS[blue, coin]
    chosen = np.where(owner == 0, mine, mine ^ 1) * 4 + np.where(owner == 1, yours, yours ^ 1)
    return np.take_along_axis(joint, chosen[None], 0)[0]


def test_the_optimum_over_fifty_steps_is_just_below_point_35():
    assert mean_score(best) == pytest.approx(0.3486, abs=1e-4)


def test_always_cooperate_earns_its_exact_score_in_self_play():
    """It needs 1.5 steps for a coin; the optimum needs 10/7, because there the idle player keeps its distance."""
    exact = mean_score(cooperate)
    assert exact == pytest.approx(0.3322, abs=1e-4)
    env = CoinGame()
    players = [make_strategy("always-cooperate", env, player) for player in range(2)]
    result = play(jax.random.key(0), env, env.base_params, players, num_envs=20_000, num_steps=HORIZON)
    np.testing.assert_allclose(result.reward, exact, atol=0.002)
    summary = env.summarise(result.info)
    assert summary["own_coin_proportion"] == 1
    np.testing.assert_allclose(summary["red_took_red"], exact, atol=0.002)


def test_always_defect_earns_nothing_in_self_play():
    env = CoinGame()
    players = [make_strategy("always-defect", env, player) for player in range(2)]
    result = play(jax.random.key(0), env, env.base_params, players, num_envs=20_000, num_steps=HORIZON)
    np.testing.assert_allclose(result.reward, 0, atol=0.01)
    np.testing.assert_allclose(env.summarise(result.info)["own_coin_proportion"], 0.5, atol=0.01)
