"""Published figures and tables, run again: the numbers, the comparison, the files, and what is refused."""

import json

import numpy as np
import pytest
from PIL import Image
from polax.algorithms.base import Preset
from polax.papers import find_targets
from polax.papers.pola import TARGETS, course, sampled
from polax.papers.pola.course import SMALL
from polax.papers.pola.drawings import draw_shares
from polax.papers.pola.exact_runs import ExactRuns, run_settings
from polax.papers.pola.published import EXACT, SCORES, TABLE2, Score, Setting
from polax.papers.pola.search import Family, search
from polax.papers.pola.statistics import p_value, policy_fit, share_of
from polax.papers.report import ran, reproduction
from polax.registry import algorithm_plugin, make_algorithm, make_env, register_algorithm
from polax.runner.cli import main
from polax.runner.report.figures import figure_of
from polax.runner.report.writers import to_markdown
from polax.runner.runs.folder import RunFolder
from polax.runner.runs.spec import resolve
from report_samples import write_benchmark

LOLA = Setting("lola", "lola-exact", 10)


def silent(line: str) -> None:
    assert line


def exact_runs(found: list[bool], policies: list[list[float]]) -> ExactRuns:
    own_first = np.asarray(policies)
    both = np.stack([own_first, own_first[:, [0, 2, 1, 3, 4]]], axis=1)
    return ExactRuns(np.asarray(found), both, np.zeros(len(found)))


def test_runs_do_not_depend_on_what_runs_beside_them():
    other = Setting("other", "lola-exact", 10, {"outer_lr": 1.0}, 1.6)
    alone = run_settings([LOLA], runs=3, seed=4, report=silent)[0]
    beside = run_settings([other, LOLA], runs=5, seed=4, report=silent)[1]
    np.testing.assert_allclose(alone.cooperation, beside.cooperation[:3], atol=1e-9)
    assert not np.allclose(alone.cooperation, run_settings([LOLA], runs=3, seed=5, report=silent)[0].cooperation)


def test_policies_are_averaged_with_the_own_action_first():
    mean = exact_runs([True], [[0.1, 0.2, 0.3, 0.4, 0.5]]).policy
    np.testing.assert_allclose(mean, [0.1, 0.2, 0.3, 0.4, 0.5])


@pytest.mark.parametrize(
    ("found", "low", "high"), [([True] * 20, 0.8389, 1.0), ([False] * 20, 0.0, 0.1611), ([True, False], 0.0945, 0.9055)]
)
def test_intervals_are_wilsons(found, low, high):
    share = share_of(np.asarray(found))
    np.testing.assert_allclose(share, [np.mean(found), low, high], atol=1e-4)
    assert share.share in share


def test_equal_shares_are_compatible_and_distant_ones_are_not():
    assert p_value(np.array([True] * 10 + [False] * 10), 0.5, 20) == 1
    assert p_value(np.zeros(200, bool), 1.0, 20) < 1e-6


def test_a_published_mean_of_two_kinds_of_runs_is_compared_as_a_mixture():
    ours = exact_runs([True, False, False, False], [[0, 1, 0, 1, 1]] + [[0, 0, 0, 0, 0]] * 3)
    fit = policy_fit(ours, np.array([0, 0.5, 0, 0.5, 0.5]))
    np.testing.assert_allclose(fit, [0.25, 0.0, 0.5], atol=1e-9)


def test_every_value_of_the_paper_is_there():
    assert len(EXACT) == 5 * 6 + 3
    assert len(TABLE2) == 6
    shares = {key: each.found for key, each in EXACT.items() if each.found is not None}
    nothing = {key for key, share in shares.items() if share == 0}
    assert len(shares) - len(nothing) == 16
    assert {key[:2] for key in nothing} == {("lola", "preconditioned"), ("lola", "mlp")}
    assert len(nothing) == 7
    assert all(len(each.policy) == 5 for each in [*EXACT.values(), *TABLE2])


def test_a_published_policy_is_read_from_the_paper_s_table():
    assert EXACT["pola", "mlp", 1.33].policy == (0.02, 0.85, 0.45, 0.99, 0.68)
    assert EXACT["lola", "preconditioned", 1.6].policy == (0.1, 0.1, 0.87, 0.1, 0.1)
    assert EXACT["naive", "tabular", 1.6].policy == (0, 0.09, 0.09, 0.23, 0.05)
    assert EXACT["pola", "preconditioned", 1.1].found == 0.45


def test_a_setting_has_the_paper_s_rates():
    setting = EXACT["pola", "mlp", 1.6].setting
    assert (setting.learner, setting.updates, setting.contribution_factor) == ("pola-exact", 2, 1.6)
    assert setting.options == {"parameterisation": "mlp", "inner_lr": 0.12, "outer_lr": 0.03, "outer_beta": 0.05}


def test_settings_whose_rates_are_ours_are_marked():
    marked = [each.setting.name for each in EXACT.values() if each.setting.name.endswith("*")]
    assert len(marked) == 7 + 3
    assert "naive tabular 1.1*" in marked
    assert EXACT["lola", "mlp", 1.33].setting.name == "lola mlp 1.33"


@pytest.mark.parametrize(
    "setting",
    [each.setting for each in [*EXACT.values(), *TABLE2]],
    ids=lambda setting: f"{setting.learner} {setting.contribution_factor} {setting.options}",
)
def test_every_setting_of_the_paper_can_be_built(setting):
    env, params = make_env("IPD-v0", contribution_factor=setting.contribution_factor)
    assert make_algorithm(setting.learner, env, params, **setting.options).pure
    assert setting.updates > 0


def test_the_small_setting_of_the_course_can_be_resolved():
    spec = resolve("pola-dice", "IPD-v0", **SMALL)
    assert (spec.algorithm, spec.updates, spec.options["num_envs"], spec.options["inner_lr"]) == (
        "pola-dice",
        40,
        128,
        0.01,
    )
    assert spec.env_options["observation_layout"] == "shared"


def test_the_course_compares_the_pair_and_shows_its_players(tmp_path):
    folder = RunFolder.open(write_benchmark(tmp_path) / "runs" / "pola-dice-IPD-v0")
    rows = [
        course._compare({"what": what, "update": 1, "seed_0": 0.1, "seed_1": 0.2}, folder)
        for what in ("co-play", "against always-defect")
    ]
    assert [row["mean"] for row in rows] == pytest.approx([0.15, -0.25])
    assert rows[0]["players"] == pytest.approx([0.2, 0.1])
    assert rows[0]["gap"] == pytest.approx(0.1)  # 0 in one seed, .2 in the other
    figure = figure_of(course._chart(folder, rows))
    points = [sum(line.get_label() == "published program" for line in axes.get_lines()) for axes in figure.axes]
    assert points == [1, 0, 1]  # co-play, the gap, always-defect


def test_targets_are_found_by_the_folder_of_their_paper():
    found = find_targets()
    assert [found[target.name] for target in TARGETS] == list(TARGETS)
    assert all(callable(target.load()) for target in found.values())


@pytest.mark.slow
def test_figure_1_is_written_and_is_the_published_one(tmp_path, capsys):
    assert main(["reproduce", "figure1", "--out", str(tmp_path)]) == 0
    content = json.loads((tmp_path / "figure1.json").read_text())
    differences = {row["update"]: row["difference"] for row in content["rows"]}
    steps = {name: value for name, value in differences.items() if "fixed point" not in name}
    assert len(steps) == 4
    assert max(steps.values()) < 5.1e-5
    assert max(differences.values()) < 4e-3
    assert sum(row["unconverged"] for row in content["rows"]) == 0
    assert "0.3908 0.5113 0.4350 0.4683 0.4479" in (tmp_path / "figure1.md").read_text()
    with Image.open(tmp_path / "figure1.png") as picture:
        assert picture.size[0] > 1000
    assert "figure1.md" in capsys.readouterr().out


def test_a_search_confirms_the_best_of_each_game_on_fresh_runs():
    family = Family("tabular", {}, (1.1, 1.6), (3.0,), (1e-6, 25.0), 10)
    document = search(runs=2, seed=0, report=silent, families=[family])
    assert [row["contribution_factor"] for row in document.data["rows"]] == [1.1, 1.6]
    for row in document.data["rows"]:
        assert (row["settings_successful"], row["settings_tried"]) == (1, 2)
        assert row["best"]["outer_lr"] == 25.0
        assert row["found"]["share"] == 1.0


def test_a_figure_shows_settings_without_a_published_value():
    row = {"learner": "lola-exact", "options": {"parameterisation": "mlp"}, "contribution_factor": 1.1}
    row |= {"found": {"share": 0.5, "low": 0.4, "high": 0.6}, "published": None}
    figure = figure_of(draw_shares([row, {**row, "contribution_factor": 1.6, "published": 0.3}], runs=20))
    assert [axes.get_title("left") for axes in figure.axes] == ["LOLA"]


def test_a_reproduction_reads_as_a_markdown_table(tmp_path):
    columns = {"setting": "{name}", "ours": "{share:.2f}", "published": lambda row: f"{row['share']:.1%}"}
    found = reproduction("name", "Title", columns, [{"name": "a", "share": 0.5}], notes=("A note.",))
    page = to_markdown(ran(found, {"runs": 2}, 3.4), tmp_path)
    assert "| setting | ours | published |\n| --- | ---: | ---: |\n| a | 0.50 | 50.0% |" in page
    assert "`polax reproduce name --runs 2`, 3 s." in page


def test_a_value_that_is_not_known_leaves_its_place_empty(tmp_path):
    found = reproduction("name", "Title", {"a": "{a[0]:.2f}", "b": "{b}"}, [{"a": None, "b": 1}], notes=())
    assert "|  | 1 |" in to_markdown(found, tmp_path)


@pytest.fixture
def tiny_figure(monkeypatch):
    options = {"num_envs": 4, "hidden_size": 4, "inner_steps": 1, "outer_steps": 2}
    presets = {("laptop", "IPD-v0"): Preset(updates=3, options=options)}
    register_algorithm("tiny-pola", algorithm_plugin("pola-dice")._replace(presets=presets), replace=True)
    scores = {
        ("figure4", "tiny-pola", "co-play"): Score(0.3, 0.2, 0.35),
        ("figure4", "tiny-pola", "against always-defect"): Score(-0.1),
    }
    monkeypatch.setattr(sampled, "SCORES", scores)
    return ["reproduce", "figure4", "--scale", "laptop"]


@pytest.mark.slow
def test_a_sampled_figure_is_trained_once_and_compared(tiny_figure, tmp_path, capsys):
    places = ["--training", str(tmp_path / "runs"), "--out", str(tmp_path)]
    assert main([*tiny_figure, "--num-seeds", "2", *places]) == 0
    content = json.loads((tmp_path / "figure4_laptop.json").read_text())
    rows = [json.loads(line) for line in (tmp_path / "runs" / "tiny-pola" / "metrics.jsonl").read_text().splitlines()]
    final = [row for row in rows if row["update"] == 3]
    co_play, reciprocator, defector = content["rows"]
    assert [row["what"] for row in content["rows"]] == ["co-play", "against tit-for-tat", "against always-defect"]
    assert (reciprocator["published"], reciprocator["difference"]) == (None, None)
    assert defector["published"]["value"] == -0.1
    assert set(co_play["per_seed"]) == {"0", "1"}
    expected = np.mean([row[f"score/player_{player}"] for row in final for player in (0, 1)])
    assert co_play["mean"] == pytest.approx(expected)
    assert co_play["difference"] == pytest.approx(expected - 0.3)
    pairs = np.array([[row[f"score/player_{player}"] for player in (0, 1)] for row in final])
    assert co_play["players"] == pytest.approx(pairs.mean(axis=0))
    assert co_play["gap"] == pytest.approx(np.abs(pairs[:, 0] - pairs[:, 1]).mean())
    assert (content["scale"], content["runs"]) == ("laptop", 2)
    page = (tmp_path / "figure4_laptop.md").read_text()
    assert "`polax reproduce figure4 --runs 2 --seed 0 --scale laptop`" in page
    assert "0.300 (0.200 to 0.350)" in page
    with Image.open(tmp_path / "figure4_laptop.png") as picture:
        assert picture.size[0] > 1000
    capsys.readouterr()
    assert main([*tiny_figure, "--num-seeds", "2", *places]) == 0
    assert json.loads((tmp_path / "figure4_laptop.json").read_text())["rows"] == content["rows"]
    assert "update 1/3" not in capsys.readouterr().out
    assert main([*tiny_figure, "--num-seeds", "1", *places]) == 2
    assert "was started with other options" in capsys.readouterr().err


def test_every_learner_of_the_sampled_figures_has_the_settings_and_every_panel_a_value():
    for figure, env, panels in (("figure4", "IPD-v0", 2), ("figure5", "CoinGame-v0", 3)):
        learners = [learner for name, learner, _ in SCORES if name == figure]
        assert list(dict.fromkeys(learners)) == ["pola-dice", "pola-om", "lola-dice"]
        assert len(learners) == 3 * panels
        for learner in learners:
            plugin = algorithm_plugin(learner)
            assert "outer-steps" in plugin.steps_per_update(plugin.config())  # the figures' axis
            for scale in find_targets()[figure].scales:
                assert (scale, env) in plugin.presets


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["figure3", "--scale", "laptop"], "figure3 trains nothing"),
        (["figure4", "--scale", "phone"], "invalid choice: 'phone'"),
        (["figure4", "--scale", "small"], "figure4 has the scale published or laptop, not 'small'"),
        (["figure9"], "invalid choice: 'figure9'"),
        ([], "required: NAME"),
        (["figure3", "--runs", "0"], "--runs/--num-seeds: must be at least 1, not 0"),
        (["figure3", "--seed", "-1"], "--seed: must be at least 0, not -1"),
        (["figure3", "--runs", "many"], "must be a whole number, not 'many'"),
    ],
)
def test_a_wrong_command_line_is_one_line(words, message, capsys):
    assert main(["reproduce", *words]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_a_folder_that_cannot_be_written_is_said_before_anything_runs(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["reproduce", "figure3", "--out", str(tmp_path / "file")]) == 2
    assert "is a file; choose another --out" in capsys.readouterr().err


def test_help_lists_everything_that_can_be_reproduced(capsys):
    assert main(["reproduce", "--help"]) == 0
    printed = capsys.readouterr().out
    assert all(target.name in printed for target in TARGETS)
