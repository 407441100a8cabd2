"""Tournaments and benchmarks from Python: the commands' files and numbers, and errors of one sentence."""

import json
import signal
from functools import partial

import jax
import numpy as np
import polax
import pytest
from polax.runner.cli import main
from polax.runner.training import seeds as training_seeds
from toy_learner import PYTHON_TOY, TOY, ToyPolicy

QUIET = {"episodes": 8, "quiet": True}
OPTIONS = {"toy": {"step_size": 0.25}, "IPD-v0": {"max_steps_in_episode": 3}}
QUICK = {"num_seeds": 2, "budget": "2 updates", "evaluation_episodes": 8, "options": OPTIONS}
WORDS = ["--num-seeds", "2", "--budget", "2", "updates", "--evaluation-episodes", "8"]
WORDS += ["--toy.step-size", "0.25", "--IPD-v0.max-steps-in-episode", "3"]
OF_THE_PROCESS = ("command", "seconds")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """An update of two seeds."""
    with polax.registry.isolated():
        polax.register_algorithm("toy", TOY)
        settings = {"updates": 1, "seeds": 2, "eval_envs": 4, "quiet": True}
        return polax.train("toy", "IPD-v0", out=tmp_path_factory.mktemp("compare") / "mine", **settings)


def content(path):
    return without(json.loads(path.read_text()))


def without(data):
    """Return JSON without what differs from process to process."""
    kept = {name: value for name, value in json.loads(json.dumps(data)).items() if name not in OF_THE_PROCESS}
    for row in kept.get("combinations", []):
        del row["seconds"]
    return kept


def files(folder):
    paths = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {path.as_posix() for path in paths if "runs" not in path.parts}


def test_a_tournament_has_the_commands_files_and_numbers(run, tmp_path):
    players = ["tit-for-tat", "random"]
    found = polax.tournament([*players, run], seed=3, all_seeds=True, out=tmp_path / "ours", **QUIET)
    words = [
        *players,
        str(run.path),
        "--seed",
        "3",
        "--all-seeds",
        "--episodes",
        "8",
        "--out",
        str(tmp_path / "theirs"),
    ]
    assert main(["tournament", *words]) == 0
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    assert content(ours / "tournament.json") == content(theirs / "tournament.json")
    assert (ours / "payoffs.csv").read_text() == (theirs / "payoffs.csv").read_text()
    assert files(ours) == files(theirs) >= {"tournament.json", "tournament.md", "payoffs.csv", "payoffs.png"}
    assert found.folder == ours
    assert content(ours / "tournament.json") == without(found.data)
    assert {row["player"] for row in found.table()} == {*players, "mine#0@0", "mine#0@1", "mine#1@0", "mine#1@1"}


@pytest.mark.slow
def test_a_tournament_with_best_responses_has_the_commands_numbers(tmp_path):
    options = {"num_envs": 4, "hidden_size": 2, "outer_steps": 1}
    settings = {"env_options": {"max_steps_in_episode": 3}, "best_response_updates": 2, **QUIET}
    found = polax.tournament(
        ["grim"], "IPD-v0", best_response="naive", best_response_options=options, out=tmp_path / "ours", **settings
    )
    words = [
        "grim",
        "--env",
        "IPD-v0",
        "--env.max-steps-in-episode",
        "3",
        "--episodes",
        "8",
        "--best-response",
        "naive",
    ]
    words += ["--best-response-updates", "2", "--best-response.num-envs", "4", "--best-response.hidden-size", "2"]
    words += ["--best-response.outer-steps", "1", "--out", str(tmp_path / "theirs")]
    assert main(["tournament", *words]) == 0
    assert content(tmp_path / "theirs" / "tournament.json") == without(found.data)
    assert found.data["measures"][0]["best_response"]["updates"] == 2


def test_policies_take_part_under_names_of_their_own(run, tmp_path):
    always, never = (ToyPolicy(np.float32(value)) for value in (99.0, -99.0))
    found = polax.tournament([always, never, f"{run.path}#0@1"], out=tmp_path / "out", **QUIET)
    players = [(player["name"], player["kind"]) for player in found.data["players"]]
    assert players == [("ToyPolicy", "policy"), ("ToyPolicy 2", "policy"), ("mine#0@1", "run")]
    assert found.table("Payoffs")[0]["ToyPolicy 2"] == pytest.approx(-0.335)


def test_a_benchmark_has_the_commands_files_and_numbers(tmp_path):
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    found = polax.benchmark(["toy", "python-toy"], ["IPD-v0"], out=ours, quiet=True, **QUICK)
    words = ["--algorithms", "toy", "python-toy", "--envs", "IPD-v0", *WORDS, "--out", str(theirs)]
    assert main(["benchmark", *words]) == 0
    assert content(ours / "results.json") == content(theirs / "results.json") == without(found.data)
    assert (ours / "results.csv").read_text() == (theirs / "results.csv").read_text()
    assert content(ours / "benchmark.json") == content(theirs / "benchmark.json")
    assert files(ours) == files(theirs) >= {"results.json", "results.csv", "results.md", "figures/IPD-v0-scores.png"}
    for name in ("toy-IPD-v0", "python-toy-IPD-v0"):
        one, other = (polax.load(folder / "runs" / name) for folder in (ours, theirs))
        jax.tree.map(np.testing.assert_array_equal, one.policy(1).__dict__, other.policy(1).__dict__)
    assert [row["algorithm"] for row in found.table("IPD-v0")] == ["toy", "python-toy"]
    assert found.folder == ours
    assert not found.problems


@pytest.mark.slow
def test_a_benchmark_takes_a_learner_for_each_player(tmp_path):
    options = {"naive+tit-for-tat": {"player_0": {"num_envs": 2, "hidden_size": 2}}, "IPD-v0": OPTIONS["IPD-v0"]}
    settings = {**QUICK, "budget": "1 updates", "options": options}
    found = polax.benchmark([("naive", "tit-for-tat")], ["IPD-v0"], out=tmp_path / "out", quiet=True, **settings)
    assert [row["algorithm"] for row in found.table("IPD-v0")] == ["naive+tit-for-tat"]
    assert not found.table("Training")[0]["remarks"]


@pytest.mark.slow
def test_pairs_of_learners_meet_in_a_matrix(tmp_path):
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    names, steps = ["naive-exact", "lola-exact"], {"IPD-v0": OPTIONS["IPD-v0"], "naive-exact": {"outer_lr": 1.0}}
    found = polax.benchmark(names, ["IPD-v0"], pairs=True, out=ours, quiet=True, **{**QUICK, "options": steps})
    words = ["--algorithms", *names, "--pairs", "--envs", "IPD-v0", "--naive-exact.outer-lr", "1.0", *WORDS]
    words.remove("--toy.step-size")
    words.remove("0.25")
    words += ["--out", str(theirs)]
    assert main(["benchmark", *words]) == 0
    assert content(ours / "results.json") == content(theirs / "results.json")
    assert [row["algorithm"] for row in found.table("IPD-v0")] == [*names, "naive-exact+lola-exact"]
    assert found.figure("IPD-v0-meetings").axes[0].get_xlabel() == "beside"


def test_the_same_call_continues_a_benchmark_that_was_stopped(tmp_path, monkeypatch):
    whole = polax.benchmark(["toy"], ["IPD-v0"], out=tmp_path / "whole", quiet=True, **QUICK)
    take = training_seeds.CompiledLearner.update

    def update(self, keys, number, *rest):
        signal.raise_signal(signal.SIGINT)
        return take(self, keys, number, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(training_seeds.CompiledLearner, "update", update)
        with pytest.raises(polax.Interrupted, match="stopped; the same call or command continues") as caught:
            polax.benchmark(["toy"], ["IPD-v0"], out=tmp_path / "parts", quiet=True, **QUICK)
    assert caught.value.exit_status == 130
    assert [row["status"] for row in caught.value.document.table("Training")] == ["unfinished"]
    parts = polax.benchmark(["toy"], ["IPD-v0"], out=tmp_path / "parts", quiet=True, **QUICK)
    assert without(parts.data) == without(whole.data)


def test_a_signal_in_the_last_update_of_a_combination_stops_the_benchmark_too(tmp_path, monkeypatch):
    take = training_seeds.CompiledLearner.update

    def update(self, keys, number, *rest):
        if number == 2:
            signal.raise_signal(signal.SIGTERM)
        return take(self, keys, number, *rest)

    call = partial(polax.benchmark, ["toy"], ["IPD-v0", "Chicken-v0"], quiet=True, **{**QUICK, "options": {}})
    with monkeypatch.context() as patch:
        patch.setattr(training_seeds.CompiledLearner, "update", update)
        with pytest.raises(polax.Interrupted) as caught:
            call(out=tmp_path / "parts")
    assert caught.value.exit_status == 143
    assert [path.name for path in (tmp_path / "parts" / "runs").iterdir()] == ["toy-IPD-v0"]  # none was begun after it
    assert without(call(out=tmp_path / "parts").data) == without(call(out=tmp_path / "whole").data)


def test_a_combination_that_fails_stands_in_the_document_and_on_the_error_stream(tmp_path, capsys):
    def build(env, params, config):
        raise RuntimeError("broken")

    polax.register_algorithm("python-toy", PYTHON_TOY._replace(build=build))
    found = polax.benchmark(["toy", "python-toy"], ["IPD-v0"], out=tmp_path / "out", quiet=True, **QUICK)
    assert [row["status"] for row in found.table("Training")] == ["done", "failed"]
    assert capsys.readouterr() == (
        "",
        "polax: python-toy in IPD-v0 failed: algorithm 'python-toy': build failed: RuntimeError: broken\n",
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda out: polax.tournament([], "IPD-v0", out=out), "players is empty; give at least one"),
        (lambda out: polax.tournament("grim", "IPD-v0", out=out), r"such as \['grim'\], not 'grim' alone"),
        (lambda out: polax.tournament(["grim"], out=out), "missing environment"),
        (lambda out: polax.tournament(["grim"], "IPD", out=out), "did you mean 'IPD-v0'"),
        (lambda out: polax.tournament(["grimm"], "IPD-v0", out=out), "did you mean 'grim'"),
        (lambda out: polax.tournament([3], "IPD-v0", out=out), "a player is the name of a strategy, a Policy"),
        (lambda out: polax.tournament(["grim"], "IPD-v0", episodes=0, out=out), "episodes must be a whole number"),
        (lambda out: polax.tournament(["grim"], "IPD-v0", seed=-1, out=out), "seed must be a whole number of at least"),
        (lambda out: polax.tournament(["grim"], "IPD-v0", env_options={"size": 1}, out=out), "has no option 'size'"),
        (
            lambda out: polax.tournament(["grim"], "IPD-v0", best_response_updates=1, out=out),
            "best_response_updates needs best_response, the name of a learner",
        ),
        (
            lambda out: polax.tournament(["grim"], "IPD-v0", best_response_options={"num_envs": 1}, out=out),
            "best_response_options needs best_response, the name of a learner",
        ),
        (lambda out: polax.tournament(["grim"], "IPD-v0", best_response="naiv", out=out), "did you mean 'naive'"),
        (lambda out: polax.benchmark([], ["IPD-v0"], budget="1 updates", out=out), "algorithms is empty"),
        (lambda out: polax.benchmark("toy", ["IPD-v0"], budget="1 updates", out=out), r"such as \['toy'\]"),
        (lambda out: polax.benchmark(["toy"], "IPD-v0", budget="1 updates", out=out), r"such as \['IPD-v0'\]"),
        (lambda out: polax.benchmark(["toy"], ["IPD-v0"], out=out), "missing training length"),
        (lambda out: polax.benchmark(["toy"], ["IPD-v0"], budget="1 update", out=out), "did you mean 'updates'"),
        (lambda out: polax.benchmark(["toy"], ["IPD-v0"], budget=(0, "updates"), out=out), "needs a number above 0"),
        (lambda out: polax.benchmark(["toi"], ["IPD-v0"], budget="1 updates", out=out), "did you mean 'toy'"),
        (lambda out: polax.benchmark(["toy"], ["IPD"], budget="1 updates", out=out), "did you mean 'IPD-v0'"),
        (
            lambda out: polax.benchmark(["toy"], ["IPD-v0"], budget="1 updates", options={"toi": {"a": 1}}, out=out),
            "'toi' has options, but takes no part; did you mean 'toy'",
        ),
        (
            lambda out: polax.benchmark(["toy"], ["IPD-v0"], budget="1 updates", num_seeds=0, out=out),
            "num_seeds must be a whole number of at least 1; got 0",
        ),
    ],
)
def test_bad_input_is_refused_in_a_sentence_and_leaves_nothing(tmp_path, call, message):
    with pytest.raises(polax.PolaxError, match=message) as caught:
        call(tmp_path / "none")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "none").exists()
