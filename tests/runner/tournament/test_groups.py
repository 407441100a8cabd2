"""Tournaments in games of more than two players."""

import json
from itertools import combinations_with_replacement

import jax
import numpy as np
import polax
import pytest
from polax.runner.commands.tournament import main
from polax.runner.tournament.document import document
from polax.runner.tournament.groups import draw_seating, play_line_ups
from polax.runner.tournament.line_up import make_line_up

NAMES = ["always-cooperate", "always-defect", "grim"]
GAME = {"num_players": 3, "max_steps_in_episode": 4}


def test_all_line_ups_are_played_where_they_are_few():
    seating = draw_seating(3, 3, most=10, seed=0)
    assert seating.possible == len(seating.seats) == 10
    assert {tuple(sorted(row)) for row in seating.seats.tolist()} == {*combinations_with_replacement(range(3), 3)}


def test_a_sample_is_drawn_by_the_seed_and_holds_everybody_alone():
    first, again, other = (draw_seating(6, 5, most=40, seed=seed) for seed in (1, 1, 2))
    assert first.possible == 252
    assert np.array_equal(first.seats, again.seats)
    assert not np.array_equal(first.seats, other.seats)
    found = {tuple(sorted(row)) for row in first.seats.tolist()}
    assert len(found) == 40
    assert {(each,) * 5 for each in range(6)} < found


def test_line_ups_earn_what_the_game_pays():
    line_up = make_line_up(NAMES, "PublicGoods-v0", GAME)
    seats = np.array([[0, 0, 0], [0, 1, 0], [2, 1, 0], [1, 2, 1]])
    rewards, errors = play_line_ups(jax.random.key(0), line_up, seats, episodes=3)
    f = 1.33 / 3
    # Grim contributes in the first of four steps.
    expected = [
        [3 * f - 1] * 3,
        [2 * f - 1, 2 * f, 2 * f - 1],
        [(5 * f - 1) / 4, 5 * f / 4, 5 * f / 4 - 1],
        [f / 4, (f - 1) / 4, f / 4],
    ]
    np.testing.assert_allclose(rewards, expected, atol=1e-6)
    np.testing.assert_allclose(errors, 0, atol=1e-7)


class Keeps:
    """A policy of ordinary Python that never contributes."""

    def initial_memory(self, num_envs):
        return [0] * num_envs

    def act(self, key, observation, memory):
        return np.zeros(len(observation), np.int32), memory


def test_players_in_ordinary_python_sit_beside_compiled_ones():
    line_up = make_line_up(["always-cooperate"], "PublicGoods-v0", GAME).add(Keeps(), "keeps")
    rewards, _ = play_line_ups(jax.random.key(0), line_up, np.array([[0, 0, 0], [1, 0, 0]]), episodes=2)
    f = 1.33 / 3
    np.testing.assert_allclose(rewards, [[3 * f - 1] * 3, [2 * f, 2 * f - 1, 2 * f - 1]], atol=1e-6)


def test_one_episode_has_no_standard_error_and_who_never_met_has_no_score(tmp_path):
    options = {"env_options": GAME, "episodes": 1, "line_ups": 3, "quiet": True}
    data = polax.tournament(NAMES, "PublicGoods-v0", out=tmp_path / "few", **options).data
    assert len(data["line_ups"]) == 3
    assert data["beside"][0][1] is None
    assert data["ranking"][0]["standard_error"] is None
    json.dumps(data, allow_nan=False)


def test_a_tournament_writes_its_files_and_says_how_much_it_covers(tmp_path, capsys):
    arguments = [*NAMES, "--env", "PublicGoods-v0", "--env.num-players", "3", "--env.max-steps-in-episode", "4"]
    assert main([*arguments, "--episodes", "2", "--line-ups", "6", "--out", str(tmp_path / "few")]) == 0
    assert "a sample of 6 of 10 line-ups" in (tmp_path / "few" / "tournament.md").read_text()
    content = json.loads((tmp_path / "few" / "tournament.json").read_text())
    assert len(content["line_ups"]) == 6
    assert document(content).table("Ranking") == document(content).table()
    assert "Ranking" in capsys.readouterr().out
    rows = (tmp_path / "few" / "payoffs.csv").read_text().splitlines()
    assert rows[0] == "line_up,player_index,player,score,standard_error"
    assert len(rows) == 1 + 6 * 3


def test_the_ranking_is_over_line_ups_in_company(tmp_path):
    found = polax.tournament(NAMES, "PublicGoods-v0", env_options=GAME, episodes=2, out=tmp_path / "all", quiet=True)
    rows = {row["player"]: row for row in found.table("Ranking")}
    f = 1.33 / 3
    assert rows["always-defect"]["with itself"] == 0
    assert rows["always-cooperate"]["with itself"] == pytest.approx(3 * f - 1, abs=1e-6)
    assert rows["always-defect"]["place"] == 1
    assert [row["line-ups"] for row in rows.values()] == [5] * 3  # of the 6 with a player in them, one is it alone
    assert found.figure("payoffs") is not None
    assert "all line-ups" in found.summary


@pytest.mark.parametrize(
    ("env", "options", "message"),
    [
        ("PublicGoods-v0", {"best_response": "naive"}, "best responses are for games of two players"),
        ("IPD-v0", {"line_ups": 3}, "line_ups is for games of more than two players"),
        ("PublicGoods-v0", {"line_ups": 0}, "line_ups must be a whole number of at least 1"),
    ],
)
def test_options_that_do_not_fit_the_number_of_players_are_refused(env, options, message, tmp_path):
    with pytest.raises(polax.OptionError, match=message):
        polax.tournament(NAMES, env, out=tmp_path / "none", quiet=True, **options)
