"""Scores, rankings and tables from hand-made matches."""

import json

import numpy as np
import pytest
from polax.envs.base import Game
from polax.envs.coin_game import CoinGame
from polax.envs.matrix_game import MatrixGame
from polax.runner.report.parts import number
from polax.runner.report.writers import to_json
from polax.runner.tournament.records import Played, Shown
from polax.runner.tournament.standings import (
    episodes_shown,
    player_measures,
    policy_tables,
    rank_by_mean,
    rank_head_to_head,
    score,
)

NAMES = ["a", "b"]


def _rewards() -> np.ndarray:
    """Two players, four episodes: [row as player 0, column as player 1, episode, player]."""
    rewards = np.zeros((2, 2, 4, 2))
    rewards[0, 0] = [[1, 1], [3, 1], [1, 1], [3, 1]]  # a with itself
    rewards[0, 1] = [[2, 0], [4, 0], [2, 0], [4, 0]]  # a as player 0: 3; b as player 1: 0
    rewards[1, 0] = [[1, 5], [1, 5], [1, 5], [1, 5]]  # b as player 0: 1; a as player 1: 5
    rewards[1, 1] = 2
    return rewards


def _played(rewards: np.ndarray, **changes: object) -> Played:
    shown = Shown(np.zeros((2, 2, 3, 2), int), np.zeros((2, 2, 3, 2)), np.zeros((2, 2, 4)))
    return Played(rewards, None, {}, shown)._replace(**changes)


def test_a_score_averages_both_players_and_the_diagonal_is_against_itself() -> None:
    scores = score(_rewards())
    np.testing.assert_allclose(scores.mean, [[(2 + 1) / 2, (3 + 5) / 2], [(1 + 0) / 2, 2]])
    np.testing.assert_allclose(scores.by_player[0, 1], [3, 5])
    np.testing.assert_allclose(scores.by_player[1, 0], [1, 0])


def test_standard_errors_come_from_episodes_and_pair_the_players_in_self_play() -> None:
    scores = score(_rewards())
    spread = np.sqrt(4 / 3) / 2  # of 2, 4, 2, 4 over four episodes
    assert scores.standard_error[0, 1] == pytest.approx(spread / 2)  # as player 1 there is none, the mean halves it
    assert scores.standard_error[1, 0] == 0
    assert scores.standard_error[0, 0] == pytest.approx(np.std([1, 2, 1, 2], ddof=1) / 2)


def test_one_episode_has_no_standard_error_and_json_says_null() -> None:
    scores = score(_rewards()[:, :, :1])
    assert np.isnan(scores.standard_error).all()
    content = json.loads(to_json({"error": scores.standard_error.tolist(), "score": 1.5}))
    assert content == {"error": [[None, None], [None, None]], "score": 1.5}
    assert str(number(float("nan"))) == "-"
    assert rank_head_to_head(NAMES, scores)[0]["wins"] == 1


def test_the_mean_score_leaves_out_self_play_unless_there_is_no_other_player() -> None:
    ranking = rank_by_mean(NAMES, score(_rewards()))
    assert [row["name"] for row in ranking] == ["a", "b"]
    assert [row["score"] for row in ranking] == [4.0, 0.5]
    assert [row["by_player"] for row in ranking] == [[3.0, 5.0], [1.0, 0.0]]
    alone = rank_by_mean(["b"], score(np.full((1, 1, 3, 2), 2.0)))
    assert alone == [{"name": "b", "score": 2.0, "standard_error": 0.0, "by_player": [2.0, 2.0]}]


def test_a_win_is_a_clear_lead_and_noise_a_draw() -> None:
    rewards = np.zeros((3, 3, 100, 2))
    rewards[0, 1, :, 0] = 1  # the first beats the second
    generator = np.random.default_rng(0)
    rewards[0, 2] = generator.normal(size=(100, 2))  # chance decides between the first and the third
    rewards[0, 2, :, 0] += rewards[0, 2, :, 1].mean() - rewards[0, 2, :, 0].mean() + 0.01
    ranking = {row["name"]: row for row in rank_head_to_head(["x", "y", "z"], score(rewards))}
    assert ranking["x"] == {"name": "x", "wins": 1, "draws": 1, "losses": 0, "points": 1.5}
    assert ranking["y"] == {"name": "y", "wins": 0, "draws": 1, "losses": 1, "points": 0.5}
    assert ranking["z"]["points"] == 1.0


def test_a_policy_table_counts_both_players_and_all_opponents() -> None:
    moves = np.zeros((2, 2, 2, 5, 2))
    moves[0, 0, 0, 4] = [0, 2]  # a as player 0 against itself, at the start: twice C
    moves[0, 0, 1, 4] = [2, 0]  # as player 1: twice D
    moves[1, 0, 1, 1] = [1, 3]  # a as player 1 against b, after DC
    moves[1, 0, 0, 3] = [5, 0]  # that is b's
    tables = policy_tables(NAMES, _played(_rewards(), moves=moves), MatrixGame())
    rows = {row["after"]: row for row in tables["a"]}
    assert [row["after"] for row in tables["a"]] == ["start", "CC", "CD", "DC", "DD"]
    assert rows["start"] == {"after": "start", "cooperate": 0.5, "count": 4}
    assert rows["DC"] == {"after": "DC", "cooperate": 0.75, "count": 4}
    assert rows["CC"] == {"after": "CC", "cooperate": None, "count": 0}
    assert tables["b"][1] == {"after": "CC", "cooperate": 0.0, "count": 5}
    assert policy_tables(NAMES, _played(_rewards()), CoinGame()) == {"a": None, "b": None}


def test_a_policy_table_follows_the_game_in_what_is_cooperation() -> None:
    moves = np.zeros((2, 2, 2, 5, 2))
    moves[0, 1, 0, 1] = [3, 1]  # a after its own action 0 and b's action 1
    turned = policy_tables(NAMES, _played(_rewards(), moves=moves), MatrixGame(cooperative_action=0))["a"]
    assert turned[2] == {"after": "CD", "cooperate": 0.75, "count": 4}
    pennies = MatrixGame(action_names=("heads", "tails"), cooperative_action=None)
    rows = policy_tables(NAMES, _played(_rewards(), moves=moves), pennies)["a"]
    assert [row["after"] for row in rows] == ["start", "TT", "TH", "HT", "HH"]
    assert rows[3] == {"after": "HT", "cooperate": 0.25, "count": 4}


def test_player_measures_are_seen_from_the_players_own_side() -> None:
    info = {name: np.zeros((2, 2)) for name in ("red_took_red", "red_took_blue", "blue_took_red", "blue_took_blue")}
    info["red_took_red"][0, 1] = 0.4  # a is red against b
    info["blue_took_red"][1, 0] = 0.2  # a is blue against b
    found = player_measures(NAMES, _played(_rewards(), info=info), CoinGame())
    assert [measure["name"] for measure in found["measures"]] == list(found["values"]["a"])
    table = found["values"]
    assert table["a"] == pytest.approx(
        {"own_coin_proportion": 0.1 / 0.15, "own_coins": 0.1, "other_coins": 0.05, "lost_coins": 0.0}
    )
    assert table["b"] == {"own_coin_proportion": None, "own_coins": 0.0, "other_coins": 0.0, "lost_coins": 0.05}
    assert player_measures(NAMES, _played(_rewards()), MatrixGame()) == {"measures": [], "values": {"a": {}, "b": {}}}


def test_an_episode_is_shown_of_each_pair_once() -> None:
    episodes = episodes_shown(NAMES, _played(_rewards()), Game())
    assert [(each["row"], each["column"]) for each in episodes] == [("a", "a"), ("a", "b"), ("b", "b")]
    assert episodes[0]["frames"] == {"actions": [[0, 0]] * 3, "rewards": [[0.0, 0.0]] * 3, "boards": []}


def test_leaving_out_the_last_player_leaves_the_others() -> None:
    played = _played(_rewards(), info={"x": np.arange(4.0).reshape(2, 2)}).without_last(1)
    assert played.rewards.shape == (1, 1, 4, 2)
    assert played.info["x"].tolist() == [[0.0]]
    assert played.shown.actions.shape == (1, 1, 3, 2)
