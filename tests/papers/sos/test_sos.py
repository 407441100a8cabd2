"""The SOS paper's games, and maps of basins: the numbers, the pictures, and what is refused."""

import json

import numpy as np
import polax
import pytest
from PIL import Image
from polax.papers import find_targets
from polax.papers.many_runs import learn, starts
from polax.papers.sos import basins, curves
from polax.runner.cli import main
from polax.runner.report.figures import figure_of


def silent(line: str) -> None:
    assert line


def test_the_tandem_game_ends_where_algebra_says_and_sos_loses_less_than_lola(monkeypatch):
    monkeypatch.setattr(curves, "ENTRIES", curves.ENTRIES[:2])
    document = curves.sos_tandem(runs=3, seed=0, report=silent)
    found = {row["rule"]: row for row in document.data["rows"]}
    assert found["SOS"]["mean"] == pytest.approx(0, abs=1e-3)
    assert found["LOLA"]["mean"] == pytest.approx(4 / 9, abs=1e-6)
    assert "in 100% of our runs" in " ".join(document.notes)
    chart = document.sections[0].parts[1]
    figure = figure_of(chart)
    assert [len(axes.get_lines()) for axes in figure.axes] == [2, 2]  # one curve each, and the stable fixed points


@pytest.mark.slow
def test_in_the_prisoners_dilemma_shaping_cooperates_and_the_others_lose_more():
    document = curves.sos_ipd(runs=10, seed=0, report=silent)
    found = {row["rule"]: row for row in document.data["rows"]}
    assert found["SOS"]["mean"] < 1.3
    assert all(found[name]["mean"] > found["SOS"]["mean"] + 0.3 for name in curves.WORSE_IN_THE_PAPER)
    assert found["naive"]["mean"] == pytest.approx(2, abs=0.15)


@pytest.mark.slow
def test_added_payoffs_are_taken_away_from_the_loss(monkeypatch):
    entry = curves.Entry("naive", "naive-exact", imagines=False)
    monkeypatch.setattr(curves, "ENTRIES", (entry,))
    monkeypatch.setattr(curves, "_order", lambda _: "")
    (row,) = curves.sos_ipd(runs=4, seed=0, report=silent).data["rows"]
    assert 1 < row["mean"] < 2.001
    env, params = polax.make_env("IPD-v0", payoff_matrix=((-2.0, 0.0), (-3.0, -1.0)))
    published = polax.make_algorithm("naive-exact", env, params, outer_lr=1.0, initial_std=1.0)
    names = ["return/player_0", "return/player_1"]
    returns = learn(published, starts(published, runs=4, seed=0), 100, names)
    assert row["mean"] == pytest.approx(-0.04 * np.mean([returns[name][-1] for name in names]), abs=1e-6)


@pytest.mark.slow
def test_runs_do_not_depend_on_what_runs_beside_them():
    algorithm = polax.make_algorithm("naive-exact", *polax.make_env("IPD-v0"))
    few, many = (
        learn(algorithm, starts(algorithm, runs=runs, seed=1), 3, ["return/player_0"])["return/player_0"]
        for runs in (3, 7)
    )
    assert (few.shape, many.shape) == ((3, 3), (3, 7))
    np.testing.assert_allclose(few, many[:, :3], rtol=1e-12)


def test_reactive_players_answer_the_others_last_action():
    chances = 1 / (1 + np.exp(-basins._reactive(np.array([0.9]), np.array([0.2]))[0]))
    np.testing.assert_allclose(chances[0], [0.2, 0.9, 0.2, 0.9, 0.9])  # DD, DC, CD, CC, start; player 0 first
    np.testing.assert_allclose(chances[1], [0.2, 0.2, 0.9, 0.9, 0.9])


def test_a_map_has_a_colour_for_every_start(tmp_path, capsys):
    command = ["reproduce", "map", "--env", "tandem", "--algorithms", "naive-exact", "lola-exact", "--runs", "20"]
    assert main([*command, "--out", str(tmp_path)]) == 0
    content = json.loads((tmp_path / "map_tandem.json").read_text())
    assert content["env"] == "tandem"
    naive, lola = content["rows"]
    assert naive["mean"] == pytest.approx(0, abs=1e-6)
    assert lola["mean"] > 0.2  # actual update, which overshoots as well
    assert "4 x 4 starts" in content["title"]
    assert (tmp_path / "map_tandem.md").read_text().count("--algorithms naive-exact lola-exact") == 1
    with Image.open(tmp_path / "map_tandem.png") as picture:
        assert picture.size[0] > 500
    assert "map_tandem.md" in capsys.readouterr().out


def test_starts_that_end_not_finite_are_counted_and_left_white():
    end = np.array([1.0, np.nan, np.inf, 3.0])
    row = basins._row("naive-exact", end, None)
    assert (row["mean"], row["lowest"], row["highest"], row["lost"]) == (2.0, 1.0, 3.0, 0.5)
    plane = basins._plane("tandem")
    figure = figure_of(basins._draw("tandem", plane, {"naive-exact": end.reshape(2, 2)}))
    np.testing.assert_array_equal(np.ma.getmaskarray(figure.axes[0].get_images()[0].get_array()), [[0, 1], [1, 0]])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["figure1", "--env", "IPD-v0"], "figure1 does not take --env"),
        (["sos-ipd", "--algorithms", "sos-exact"], "sos-ipd does not take --algorithms"),
        (["map", "--env", "tandm"], "unknown game 'tandm'; did you mean 'tandem'?"),
        (["map", "--env", "CoinGame-v0"], "CoinGame-v0 has no exact returns"),
        (["map", "--algorithms", "loqa"], "loqa is no learner on exact losses"),
        (["map", "--env", "tandem", "--algorithms", "pola-exact"], "tandem has no exact returns"),
        (["map", "--algorithms", "sos-exat"], "did you mean 'sos-exact'"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_one_sentence(tmp_path, capsys, arguments, message):
    assert main(["reproduce", *arguments, "--out", str(tmp_path)]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_the_targets_are_found_and_load():
    targets = find_targets()
    assert all(callable(targets[name].load()) for name in ("sos-tandem", "sos-ipd", "map", "lola-table3"))
