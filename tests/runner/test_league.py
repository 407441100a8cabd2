"""Leagues: who meets whom, what stands in the files, and how they go on."""

import json
from types import SimpleNamespace

import numpy as np
import polax
import pytest
from polax import registry
from polax.options import OptionError
from polax.runner.cli import main
from polax.runner.league.cross_play import Side, earnings, sides_of
from polax.runner.league.plan import learners_of

NAMES = ["naive-exact", "lola-exact"]
QUICK = {"num_seeds": 2, "episodes": 4, "quiet": True}
STRATEGY = Side("grim", False, (0,), ((4,),))
PAIR, ALONE = Side("pair", True, (0, 1), ((0, 1), (2, 3))), Side("alone", True, (7,), ((5,),))


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    return polax.league(NAMES, best_response="naive", best_response_updates=1, out=_out(tmp_path_factory), **QUICK)


def _out(factory):
    return factory.mktemp("league") / "out"


def test_seeds_meet_the_other_seeds_of_their_learner_and_all_players_of_others():
    mean = np.arange(36.0).reshape(6, 6)  # row r gets 6 r + c from column c
    earned = earnings([PAIR, STRATEGY, ALONE], mean)
    assert earned[0][0] == [np.mean([2, 3, 8, 9]), np.mean([12, 13, 18, 19])]
    assert earned[0][1] == [np.mean([4, 10]), np.mean([16, 22])]
    assert earned[1] == [[np.mean([24, 25, 26, 27])], [28], [29]]
    assert earned[2][2] == [None]


def test_participants_are_sorted_by_learner_and_seed():
    spec = SimpleNamespace(algorithm="pair")
    players = [
        SimpleNamespace(name=f"pair#{seed}@{player}", spec=spec, seed=seed) for seed in (0, 1) for player in (0, 1)
    ]
    strategy = SimpleNamespace(name="grim", spec=None, seed=None)
    assert sides_of([*players, strategy]) == [PAIR, STRATEGY]
    assert [PAIR.playing(1, player) for player in (0, 1)] == [2, 3]
    assert [ALONE.playing(0, player) for player in (0, 1)] == [5, 5]


@pytest.mark.slow
def test_every_seed_meets_all_others(found):
    (game,) = found.data["games"]
    assert [side["name"] for side in game["sides"]][:3] == [*NAMES, "always-cooperate"]
    assert set(game["earned"]["lola-exact"]) == {side["name"] for side in game["sides"]}
    assert game["earned"]["lola-exact"]["always-defect"] == pytest.approx([-0.0067, -0.0067], abs=1e-3)
    assert game["kinds"]["lola-exact"] == ["reciprocates", "reciprocates"]
    assert game["kinds"]["naive-exact"] == ["defects", "defects"]
    assert game["kinds"]["always-cooperate"] == ["cooperates unconditionally"]
    np.testing.assert_allclose(game["together"]["lola-exact"], 0.33, atol=1e-3)
    assert game["training"] == {"algorithm": "naive", "updates": 1}
    assert set(game["best_responses"]["grim"]) == {"score", "left_with"}


@pytest.mark.slow
def test_the_table_has_a_line_for_each_learner_and_strategy_the_best_first(found):
    rows = found.table("IPD-v0: standings")
    scores = [row["mean score"] for row in rows]
    assert scores == sorted(scores, reverse=True)
    by_name = {row["player"]: row for row in rows}
    assert by_name["lola-exact"]["reciprocates"] == 1
    assert by_name["lola-exact"]["other seeds"] == pytest.approx(0.33, abs=1e-3)
    assert by_name["grim"]["other seeds"] is None
    earned = found.data["games"][0]["earned"]["grim"]
    others = [np.mean(values) for name, values in earned.items() if name != "grim"]
    assert by_name["grim"]["mean score"] == pytest.approx(np.mean(others))


@pytest.mark.slow
def test_the_table_of_times_says_when_each_level_was_reached(found):
    rows = {row["learner"]: row for row in found.table("IPD-v0: how soon")}
    assert rows["lola-exact"]["seeds"] == 2
    assert 1 <= rows["lola-exact"]["updates"] <= 100
    assert rows["naive-exact"]["seeds"] == 0
    assert rows["naive-exact"]["updates"] is None


@pytest.mark.slow
def test_files_and_page_are_written(found):
    files = {path.name for path in found.folder.iterdir()}
    pictures = {f"IPD-v0-{name}.png" for name in ("cross-play", "population", "learning")}
    assert files >= {"league.json", "league.csv", "league.md", "protocol.json", "IPD-v0", *pictures}
    assert main(["report", str(found.folder)]) == 0
    assert "IPD-v0: how soon" in (found.folder / "report.html").read_text()
    lines = (found.folder / "league.csv").read_text().splitlines()
    assert lines[0] == "env,player,seed,against,score"


@pytest.mark.slow
def test_a_league_goes_on_and_plays_nothing_twice(found, monkeypatch, capsys):
    monkeypatch.setattr("polax.runner.league.plan.cross_play", None)
    words = ["--algorithms", *NAMES, "--num-seeds", "2", "--episodes", "4", "--best-response-updates", "1"]
    assert main(["league", *words, "--out", str(found.folder)]) == 0
    assert "done before" in capsys.readouterr().out
    before, after = found.data["games"], json.loads((found.folder / "league.json").read_text())["games"]
    assert json.loads(json.dumps(before)) == after


@pytest.mark.slow
def test_another_league_may_not_use_the_folder(found):
    with pytest.raises(polax.PolaxError, match="--episodes was 4, now it is 5"):
        polax.league(NAMES, best_response_updates=1, out=found.folder, **{**QUICK, "episodes": 5})


def test_all_learners_with_the_preset_take_part_in_the_games_for_which_they_have_it():
    learners = learners_of(None, None, "laptop")
    assert set(learners) == {"IPD-v0", "CoinGame-v0"}
    assert "goodwill-loqa" not in learners["IPD-v0"]
    assert {"goodwill-loqa", "loqa", "naive"} <= set(learners["CoinGame-v0"])
    assert learners_of(["loqa"], ["IPD-v0"], "laptop") == {"IPD-v0": ["loqa"]}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((None, None, "nonsense"), "no learner has a preset 'nonsense'; polax list --details shows the presets"),
        ((None, ["Chicken-v0"], "laptop"), "no learner has a preset 'laptop' for Chicken-v0"),
        ((["goodwill-loqa"], ["IPD-v0"], "laptop"), "no learner has a preset 'laptop' for IPD-v0"),
        ((["loqa", "goodwill-loqa"], ["IPD-v0"], "laptop"), "goodwill-loqa has no preset 'laptop' for IPD-v0"),
        ((["lola"], None, "laptop"), "lola"),
    ],
)
def test_who_has_no_preset_cannot_take_part(arguments, message):
    with pytest.raises(polax.PolaxError, match=message):
        learners_of(*arguments)


def test_updates_of_a_best_response_need_a_best_response(tmp_path):
    with pytest.raises(OptionError, match="best_response_updates needs best_response"):
        polax.league(NAMES, best_response=None, best_response_updates=2, out=tmp_path / "out", **QUICK)
    assert not (tmp_path / "out").exists()


def test_a_best_response_that_does_not_fit_the_game_is_refused_before_anything_trains(tmp_path):
    with pytest.raises(polax.PolaxError, match="python-toy is not"):
        polax.league(NAMES, best_response="python-toy", out=tmp_path / "out", **QUICK)
    with pytest.raises(polax.PolaxError, match="lola"):
        polax.league(NAMES, best_response="lola", out=tmp_path / "out", **QUICK)
    assert not (tmp_path / "out").exists()


def test_a_game_of_more_than_two_players_is_refused_before_anything_trains(tmp_path):
    plugin = registry.algorithm_plugin("naive")
    presets = {("laptop", "PublicGoods-v0"): plugin.presets["laptop", "IPD-v0"]}
    polax.register_algorithm("social", plugin._replace(presets=presets))
    with pytest.raises(OptionError, match="a league is between two players; PublicGoods-v0 has 3; leave it out"):
        polax.league(["social"], best_response=None, out=tmp_path / "out", **QUICK)
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_learner_that_fails_does_not_stop_the_others(tmp_path, capsys):
    plugin = registry.algorithm_plugin("naive-exact")

    def fail(*_):
        raise RuntimeError("no luck today")

    polax.register_algorithm("unlucky", plugin._replace(build=fail))
    words = ["--algorithms", "unlucky", "lola-exact", "--num-seeds", "1", "--episodes", "2", "--no-best-response"]
    assert main(["league", *words, "--out", str(tmp_path / "out"), "--quiet"]) == 1
    assert "no luck today" in capsys.readouterr().err
    content = json.loads((tmp_path / "out" / "league.json").read_text())
    assert [row["algorithm"] for row in content["failures"]] == ["unlucky"]
    assert content["games"][0]["earned"]["lola-exact"]["lola-exact"] == [None]
