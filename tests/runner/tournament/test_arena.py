"""Every player against every other: exact scores, an independent twin, other views, and players of ordinary Python."""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
import polax
import pytest
from polax.runner.tournament import arena
from polax.runner.tournament.line_up import LineUp, Participant, make_line_up
from polax.runner.tournament.matches import play_all
from polax.runner.tournament.records import Played
from polax.runner.tournament.standings import episodes_shown, player_measures, policy_tables, score

STEPS = 10
NAMES = ["always-cooperate", "always-defect", "tit-for-tat", "grim", "win-stay-lose-shift"]


def _ipd(*names: str) -> LineUp:
    return make_line_up(names, "IPD-v0", {"max_steps_in_episode": STEPS})


@pytest.fixture(scope="module")
def ipd() -> tuple[LineUp, Played]:
    line_up = _ipd(*NAMES)
    return line_up, play_all(jax.random.key(0), line_up, line_up.participants, episodes=3)


class Twin:
    """A strategy written again, for one episode, in Python."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.betrayed = False

    def act(self, own: int | None, other: int | None) -> int:
        self.betrayed |= other == 0
        if self.name in ("always-cooperate", "always-defect"):
            return int(self.name == "always-cooperate")
        if self.name == "grim":
            return int(not self.betrayed)
        if own is None:
            return 1
        return int(other == 1) if self.name == "tit-for-tat" else int(own == other)


def _twin_scores(first: str, second: str, steps: int) -> tuple[float, float]:
    players = Twin(first), Twin(second)
    last: tuple[int | None, int | None] = (None, None)
    totals = [0.0, 0.0]
    for _ in range(steps):
        actions = players[0].act(last[0], last[1]), players[1].act(last[1], last[0])
        for player in (0, 1):
            totals[player] += 1.33 * sum(actions) / 2 - actions[player]
        last = actions
    return totals[0] / steps, totals[1] / steps


def test_every_pair_of_strategies_scores_what_a_twin_in_python_scores(ipd: tuple[LineUp, Played]) -> None:
    scores = score(ipd[1].rewards)
    for row, first in enumerate(NAMES):
        for column, second in enumerate(NAMES):
            expected = _twin_scores(first, second, STEPS)
            np.testing.assert_allclose(ipd[1].rewards[row, column].mean(axis=0), expected, atol=1e-6)
            np.testing.assert_allclose(scores.mean[row, column], expected[0], atol=1e-6)
    np.testing.assert_allclose(scores.standard_error, 0, atol=1e-7)


def test_the_three_best_known_players_get_their_known_scores(ipd: tuple[LineUp, Played]) -> None:
    mean = score(ipd[1].rewards).mean[:3, :3]
    first_step = 1 / STEPS  # tit-for-tat is exploited, and exploits no opponent, in the first step alone
    known = [[0.33, -0.335, 0.33], [0.665, 0.0, 0.665 * first_step], [0.33, -0.335 * first_step, 0.33]]
    np.testing.assert_allclose(mean, known, atol=1e-6)


def test_policy_tables_say_what_the_strategies_are(ipd: tuple[LineUp, Played]) -> None:
    tables = policy_tables(NAMES, ipd[1], ipd[0].game)
    for name, rates in {
        "always-cooperate": {1.0},
        "always-defect": {0.0},
    }.items():
        assert {row["cooperate"] for row in tables[name] if row["count"]} == rates
    rows = {row["after"]: row["cooperate"] for row in tables["tit-for-tat"]}
    assert rows == {"start": 1.0, "CC": 1.0, "CD": 0.0, "DC": None, "DD": 0.0}
    total = sum(row["count"] for row in tables["grim"])
    assert total == 2 * len(NAMES) * 3 * STEPS


def test_the_shown_episode_is_paid_as_the_game_pays(ipd: tuple[LineUp, Played]) -> None:
    for episode in episodes_shown(NAMES, ipd[1], ipd[0].game):
        frames = episode["frames"]
        assert len(frames["actions"]) == STEPS
        for actions, rewards in zip(frames["actions"], frames["rewards"], strict=True):
            assert rewards == pytest.approx([1.33 * sum(actions) / 2 - own for own in actions], abs=1e-6)


def test_batches_change_nothing_but_the_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arena, "EPISODES_AT_ONCE", 12)
    line_up = _ipd("random", "tit-for-tat")
    played = play_all(
        jax.random.key(1), line_up, line_up.participants, episodes=25
    )  # ten batches of three, five too many
    assert played.rewards.shape == (2, 2, 25, 2)
    assert played.moves is not None
    assert (played.moves.sum(axis=(-1, -2)) == 25 * STEPS).all()
    told: list[tuple[int, int]] = []
    again = play_all(
        jax.random.key(1),
        line_up,
        line_up.participants,
        episodes=25,
        watched=False,
        progress=lambda *at: told.append(at),
    )
    assert told == [(part, 5) for part in range(1, 6)]
    assert again.moves is None
    assert again.shown is None
    np.testing.assert_array_equal(played.rewards, again.rewards)
    assert np.unique(played.rewards[0, 0, :, 0]).size > 5  # no episode twice


def test_of_many_pairs_no_more_episodes_are_played_than_are_wanted() -> None:
    assert arena.parts_of(337, 100) == (50, 1)
    assert arena.parts_of(10, 1000) == (2, 250)
    assert arena.parts_of(2, 1) == (1, 1)


def test_a_player_sees_the_game_in_the_layout_it_learned(ipd: tuple[LineUp, Played]) -> None:
    line_up, usual = ipd
    shared, _ = polax.make_env("IPD-v0", observation_layout="shared")
    mixed = [
        each
        if number % 2
        else each._replace(
            view=shared, policies=tuple(shared.strategies[each.name](shared, player) for player in (0, 1))
        )
        for number, each in enumerate(line_up.participants)
    ]
    played = play_all(jax.random.key(0), line_up, mixed, episodes=3)
    np.testing.assert_allclose(played.rewards, usual.rewards, atol=1e-6)


class InPython:
    """A player that is not a pytree."""

    def __init__(self, policy: Any) -> None:
        self._policy = policy

    def initial_memory(self, num_envs: int) -> Any:
        return self._policy.initial_memory(num_envs)

    def act(self, key: Any, observation: Any, memory: Any) -> Any:
        actions, memory = self._policy.act(key, observation, memory)
        return np.asarray(actions, np.int64), memory


def _in_python(participant: Participant) -> Participant:
    return participant._replace(policies=tuple(map(InPython, participant.policies)), compiled=False)


@pytest.mark.slow
def test_players_of_ordinary_python_take_part_and_get_the_same() -> None:
    line_up = _ipd("tit-for-tat", "grim", "always-defect")
    usual = play_all(jax.random.key(0), line_up, line_up.participants, episodes=3)
    mixed = [line_up.participants[0], _in_python(line_up.participants[1]), line_up.participants[2]]
    told: list[tuple[int, int]] = []
    played = play_all(
        jax.random.key(0), line_up, mixed, episodes=3, progress=lambda done, total: told.append((done, total))
    )
    assert told == [
        (number, 6) for number in range(1, 7)
    ]  # the compiled pairs are one part, the five others are one each
    np.testing.assert_allclose(played.rewards, usual.rewards, atol=1e-6)
    np.testing.assert_array_equal(played.moves, usual.moves)
    np.testing.assert_array_equal(played.shown.actions, usual.shown.actions)
    for name, values in usual.info.items():
        np.testing.assert_allclose(played.info[name], values, atol=1e-6)
    alone = play_all(jax.random.key(0), line_up, [_in_python(line_up.participants[1])], episodes=2)
    np.testing.assert_allclose(alone.rewards, 0.33, atol=1e-6)


def _places(board: Mapping[str, Any]) -> dict[str, Any]:
    """Return where the players and the coin are, and whose it is."""
    assert (board["rows"], board["columns"]) == (3, 3)
    pieces = {(piece["name"], piece["player"]): [piece["row"], piece["column"]] for piece in board["pieces"]}
    (owner,) = (player for name, player in pieces if name == "coin")
    players = [pieces["player", player] for player in range(2)]
    return {"players": players, "coin": pieces["coin", owner], "owner": owner}


def test_in_the_coin_game_scores_follow_from_the_coins_and_boards_from_moves() -> None:
    names = ["always-cooperate", "always-defect", "random"]
    line_up = make_line_up(names, "CoinGame-v0", {"max_steps_in_episode": STEPS})
    played = play_all(jax.random.key(0), line_up, line_up.participants, episodes=40)
    assert played.moves is None
    mean = score(played.rewards).mean.mean(axis=1)
    coins_of = player_measures(names, played, line_up.game)["values"]
    for index, coins in enumerate(coins_of.values()):
        paid = coins["own_coins"] + coins["other_coins"] - 2 * coins["lost_coins"]
        assert paid == pytest.approx(mean[index], abs=1e-5)
    assert coins_of["always-cooperate"]["own_coin_proportion"] > 0.95
    steps = {0: (0, 1), 1: (0, -1), 2: (1, 0), 3: (-1, 0)}
    for episode in episodes_shown(names, played, line_up.game):
        frames = episode["frames"]
        places = [_places(board) for board in frames["boards"]]
        assert len(places) == STEPS + 1
        for before, after, actions, rewards in zip(
            places, places[1:], frames["actions"], frames["rewards"], strict=False
        ):
            moved = [
                [(cell + step) % 3 for cell, step in zip(place, steps[action], strict=True)]
                for place, action in zip(before["players"], actions, strict=True)
            ]
            assert moved == after["players"]
            collected = [cell == before["coin"] for cell in moved]
            other = 1 - before["owner"]
            expected = [float(collected[0]), float(collected[1])]
            expected[before["owner"]] -= 2 * collected[other]
            assert rewards == pytest.approx(expected)
