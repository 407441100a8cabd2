"""Leagues: who meets whom, what stands in the files, and how they go on."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polax
import pytest
from polax import registry
from polax.options import OptionError
from polax.runner.cli import main
from polax.runner.evaluation.scores import over_players, scores_of_seeds
from polax.runner.league.cross_play import Side, earnings, sides_of
from polax.runner.league.document import document
from polax.runner.league.joined import League, read_league
from polax.runner.league.plan import learners_of

NAMES = ["naive-exact", "lola-exact"]
QUICK = {"num_seeds": 2, "episodes": 4, "quiet": True}
NOBODY = read_league(None)
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
def test_what_the_game_wants_drawn_has_a_column(found):
    content = json.loads(json.dumps(found.data))
    standings = document(content).table("IPD-v0: standings")
    assert not any("own coins" in row for row in standings)  # a matrix game has scores alone
    curves = content["games"][0]["curves"]["lola-exact"]
    curves["measures"] = [{"name": "own", "title": "Own coins", "unit": "", "references": {}, "plot": True}]
    curves["columns"].append("own")
    for row in curves["rows"]:
        last = row[1] == max(each[1] for each in curves["rows"])
        row.append(0.9 + 0.1 * row[0] if last else 0.0)
    rows = {row["player"]: row for row in document(content).table("IPD-v0: standings")}
    assert rows["lola-exact"]["own coins"] == pytest.approx(0.95)
    assert rows["grim"]["own coins"] is None


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
    assert files >= {"league.json", "league.csv", "league.md", "protocol.json", "IPD-v0", "agents", *pictures}
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
def test_what_plays_is_in_the_files_of_the_agents(found):
    (game,) = found.data["games"]
    assert game["players"] == {name: f"agents/IPD-v0/{name}.npz" for name in NAMES}
    agent = polax.load(found.folder / game["players"]["lola-exact"])
    assert agent.spec.seeds == (0, 1)
    assert over_players(scores_of_seeds(agent.card["scores"], ""))[0] == pytest.approx([0.33, 0.33], abs=1e-3)


@pytest.fixture(scope="module")
def published(found, tmp_path_factory):
    """What is published of a league: everything but the runs."""
    folder = tmp_path_factory.mktemp("published") / "league"
    shutil.copytree(found.folder, folder)
    shutil.rmtree(folder / "IPD-v0")
    return folder


@pytest.mark.slow
def test_a_league_joins_a_published_one_and_trains_the_new_learners_alone(found, published, tmp_path, capsys):
    words = ["league", "--algorithms", "naive-exact", "pola-exact", "--num-seeds", "1", "--episodes", "4"]
    words += ["--best-response-updates", "1", "--join", str(published), "--out", str(tmp_path / "out")]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "pola-exact in IPD-v0" in said
    assert "training a best response (naive) to 1 of them" in said
    content = json.loads((tmp_path / "out" / "league.json").read_text())
    (game,), (before,) = content["games"], found.data["games"]
    assert {side["name"]: side["seeds"] for side in game["sides"] if side["is_learner"]} == {
        "naive-exact": [0, 1],
        "lola-exact": [0, 1],
        "pola-exact": [0],
    }
    np.testing.assert_allclose(game["together"]["lola-exact"], before["together"]["lola-exact"], atol=1e-6)
    assert game["kinds"]["lola-exact"] == before["kinds"]["lola-exact"]
    assert game["milestones"]["lola-exact"] == json.loads(json.dumps(before["milestones"]["lola-exact"]))
    assert set(game["milestones"]) == {*NAMES, "pola-exact"}
    responses = game["best_responses"]
    assert set(responses) == set(game["earned"])
    assert {name: responses[name] for name in before["best_responses"]} == before["best_responses"]
    assert content["joined"]["protocol"]["num_seeds"] == 2
    page = (tmp_path / "out" / "league.md").read_text()
    assert game["curves"]["lola-exact"] == before["curves"]["lola-exact"]
    assert "IPD-v0-learning.png" in page
    assert main(["report", str(tmp_path / "out")]) == 0
    assert "Joined league" in (tmp_path / "out" / "report.html").read_text()
    assert main(words) == 0  # goes on
    assert json.loads((tmp_path / "out" / "league.json").read_text())["games"] == [game]


@pytest.mark.slow
def test_a_learner_that_trains_anew_takes_the_place_of_its_former_self(found, published, tmp_path):
    how = {"best_response": "naive", "best_response_updates": 1, "join": published, "anew": ["IPD-v0"], **QUICK}
    anew = polax.league(["lola-exact"], out=tmp_path / "out", **{**how, "num_seeds": 1})
    (game,), (before,) = anew.data["games"], found.data["games"]
    seeds = {side["name"]: side["seeds"] for side in game["sides"] if side["is_learner"]}
    assert seeds == {"naive-exact": [0, 1], "lola-exact": [0]}
    assert game["best_responses"]["naive-exact"] == before["best_responses"]["naive-exact"]
    assert {row[0] for row in game["curves"]["lola-exact"]["rows"]} == {0}
    assert polax.load(tmp_path / "out" / game["players"]["lola-exact"]).spec.seeds == (0,)
    polax.league(["lola-exact"], out=tmp_path / "out", **{**how, "num_seeds": 1})  # goes on
    assert polax.load(tmp_path / "out" / game["players"]["lola-exact"]).spec.seeds == (0,)


def test_nobody_trains_anew_in_a_game_that_is_not_joined():
    with pytest.raises(
        OptionError, match=r"anew must name games of the joined league that take part \(there is none\); got 'IPD-v0'"
    ):
        learners_of(["lola-exact"], None, "laptop", NOBODY, ["IPD-v0"])


def test_a_joined_game_may_be_named_in_which_nobody_has_a_preset():
    joined = League(Path("joined"), {"IPD-v0": {"players": {"loqa": "loqa.npz"}}}, {})
    envs = ["IPD-v0", "CoinGame-v0"]
    assert learners_of(["goodwill-loqa"], envs, "laptop", joined) == {"CoinGame-v0": ["goodwill-loqa"]}
    with pytest.raises(OptionError, match="no learner has a preset 'laptop' for IPD-v0; leave it out"):
        learners_of(["goodwill-loqa"], envs, "laptop", NOBODY)


@pytest.mark.slow
def test_games_in_which_nobody_new_plays_stay_as_they_are(found, published, tmp_path):
    plugin = registry.algorithm_plugin("naive-exact")
    presets = {("laptop", "Chicken-v0"): plugin.presets["laptop", "IPD-v0"]}
    polax.register_algorithm("chicken", plugin._replace(presets=presets))
    joined = polax.league(["chicken"], best_response=None, join=published, out=tmp_path / "out", **QUICK)
    before, new = joined.data["games"]
    assert [before["env"], new["env"]] == ["IPD-v0", "Chicken-v0"]
    assert json.loads(json.dumps(before)) == {**json.loads(json.dumps(found.data["games"][0])), "runs": {}}
    assert (tmp_path / "out" / before["players"]["lola-exact"]).exists()
    only = polax.league(["chicken"], ["Chicken-v0"], best_response=None, join=published, out=tmp_path / "only", **QUICK)
    assert [game["env"] for game in only.data["games"]] == ["Chicken-v0"]


@pytest.mark.slow
def test_what_cannot_be_joined_is_said_before_anything_trains(published, tmp_path):
    def refused(message, names, join):
        with pytest.raises(polax.PolaxError, match=message):
            polax.league(names, best_response=None, join=join, out=tmp_path / "out", **QUICK)
        assert not (tmp_path / "out" / "IPD-v0").exists()

    refused("lola-exact already; name a learner or a game that it does not have", ["lola-exact"], published)
    refused(r"holds no league that has been played \(no league.json\)", ["pola-exact"], tmp_path)
    broken = tmp_path / "broken"
    shutil.copytree(published, broken)
    (broken / "agents" / "IPD-v0" / "lola-exact.npz").write_bytes(b"no archive")
    refused("lola-exact.npz is damaged, or not an agent of polax", ["pola-exact"], broken)
    content = json.loads((published / "league.json").read_text())
    for player in ("IPD-v0/runs/lola-exact-IPD-v0", "../somewhere/else.npz"):
        content["games"][0]["players"]["lola-exact"] = player
        (broken / "league.json").write_text(json.dumps(content))
        refused("lola-exact in IPD-v0 of .* is in no file of agents", ["pola-exact"], broken)
    (broken / "league.json").write_text(json.dumps({**content, "format": 1}))
    refused("is not what polax league writes, or of another format than 2", ["pola-exact"], broken)
    shutil.rmtree(broken)
    shutil.copytree(published, broken)
    agents = broken / "agents" / "IPD-v0"
    shutil.copy(agents / "naive-exact.npz", agents / "lola-exact.npz")
    refused("lola-exact.npz holds naive-exact in IPD-v0, not lola-exact in IPD-v0", ["pola-exact"], broken)


@pytest.mark.slow
def test_a_league_with_a_learner_that_is_not_installed_cannot_be_joined(tmp_path):
    with registry.isolated():
        polax.register_algorithm("theirs", registry.algorithm_plugin("naive-exact"))
        polax.league(["theirs"], best_response=None, out=tmp_path / "theirs", **QUICK)
    with pytest.raises(polax.PolaxError, match="has theirs, which cannot play here: unknown algorithm 'theirs'"):
        polax.league(["lola-exact"], best_response=None, join=tmp_path / "theirs", out=tmp_path / "out", **QUICK)


@pytest.mark.slow
def test_another_league_may_not_use_the_folder(found):
    with pytest.raises(polax.PolaxError, match="--episodes was 4, now it is 5"):
        polax.league(NAMES, best_response_updates=1, out=found.folder, **{**QUICK, "episodes": 5})


def test_all_learners_with_the_preset_take_part_in_the_games_for_which_they_have_it():
    learners = learners_of(None, None, "laptop", NOBODY)
    assert set(learners) == {"IPD-v0", "CoinGame-v0"}
    assert "goodwill-loqa" not in learners["IPD-v0"]
    assert {"goodwill-loqa", "loqa", "naive"} <= set(learners["CoinGame-v0"])
    assert learners_of(["loqa"], ["IPD-v0"], "laptop", NOBODY) == {"IPD-v0": ["loqa"]}


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
        learners_of(*arguments, NOBODY)


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
