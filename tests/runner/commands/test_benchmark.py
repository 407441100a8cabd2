"""``polax benchmark`` as a user meets it: run, interrupted, gone on with, and wrong."""

import csv
import json
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from polax import registry
from polax.runner.cli import main
from polax.runner.runs.checkpoint import saved_updates
from polax.runner.runs.folder import RunFolder
from runner_helpers import command, edit_json

Fails = Callable[..., str]
QUICK = ["--evaluation-episodes", "8", "--IPD-v0.max-steps-in-episode", "3"]
TOYS = ["--algorithms", "toy_learner:TOY", "--envs", "IPD-v0", "--num-seeds", "2", *QUICK]


def _read(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "results.json").read_text())
    return content


def _run(out: Path, *words: str, status: int = 0) -> dict[str, Any]:
    assert main(["benchmark", *words, "--out", str(out)]) == status
    return _read(out)


def test_every_combination_is_trained_scored_and_written_down(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    words = ["--algorithms", "toy", "python-toy", "--envs", "IPD-v0", "--num-seeds", "2", "--budget", "2", "updates"]
    content = _run(out, *words, *QUICK)
    assert (content["format"], content["kind"]) == (2, "benchmark")
    assert content["protocol"]["budget"] == "2 updates"
    first, second = content["combinations"]
    assert (first["algorithm"], second["algorithm"]) == ("toy", "python-toy")
    for row in (first, second):
        assert (row["status"], row["error"], row["updates"]) == ("done", None, 2)
        assert RunFolder.open(out / row["run"]).spec().seeds == (0, 1)
        score = row["scores"]["score"]
        assert len(score["per_seed"]) == 2
        assert score["low"] <= score["iqm"] <= score["high"]
        assert {"score/vs/tit-for-tat", "score/vs/always-defect", "cooperation_rate/player_0"} <= set(row["scores"])
    assert first["env_steps"] == 400
    assert second["env_steps"] is None  # this learner does not say
    rows = list(csv.DictReader((out / "results.csv").read_text().splitlines()))
    assert {(row["algorithm"], row["seed"]) for row in rows if row["metric"] == "score"} == {
        ("toy", "0"),
        ("toy", "1"),
        ("python-toy", "0"),
        ("python-toy", "1"),
    }
    page = (out / "results.md").read_text()
    assert "| toy |" in page
    for figure in ("figures/IPD-v0-scores.png", "figures/IPD-v0-learning.png"):
        assert figure in page
        assert (out / figure).stat().st_size > 5000
    assert "[2/2] python-toy in IPD-v0  (about" in capsys.readouterr().out


def test_scores_do_not_depend_on_a_runs_own_evaluation_and_the_same_command_does_nothing_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [*TOYS, "--budget", "2", "updates"]
    before = _run(tmp_path / "a", *words)
    metrics = tmp_path / "a" / "runs" / "toy_learner_TOY-IPD-v0" / "metrics.jsonl"
    written = metrics.stat().st_mtime_ns
    capsys.readouterr()
    assert _run(tmp_path / "a", *words) == before
    assert metrics.stat().st_mtime_ns == written
    assert "done before" in capsys.readouterr().out
    run = tmp_path / "a" / "runs" / "toy_learner_TOY-IPD-v0"
    edit_json(tmp_path / "a" / "results.json", combinations=[])
    edit_json(run / "config.json", eval_envs=77, eval_every=2)
    again = _run(tmp_path / "a", *words)
    assert again["combinations"][0]["scores"] == before["combinations"][0]["scores"]


def test_a_preset_gives_options_and_length_and_a_budget_goes_over_the_length(tmp_path: Path) -> None:
    preset = [*TOYS[2:], "--algorithms", "toy", "--preset", "quick", "--toy.width", "3"]
    (row,) = _run(tmp_path / "a", *preset)["combinations"]
    spec = RunFolder.open(tmp_path / "a" / row["run"]).spec()
    assert (spec.updates, spec.options["step_size"], spec.options["width"]) == (3, 0.25, 3)
    assert spec.env_options["max_steps_in_episode"] == 3  # the command line goes over the preset
    assert row["preset"] == "quick"
    (row,) = _run(tmp_path / "b", *preset, "--budget", "500", "env-steps")["combinations"]
    assert (row["updates"], row["env_steps"]) == (3, 600)
    spec = RunFolder.open(tmp_path / "b" / row["run"]).spec()
    assert (spec.updates, spec.options["step_size"]) == (3, 0.25)


@pytest.mark.slow
def test_one_failing_combination_is_reported_and_the_others_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sound = registry.algorithm_plugin("python-toy")

    def build(env: Any, params: Any, config: Any) -> Any:
        raise RuntimeError("this learner\nis broken")

    registry.register_algorithm("python-toy", sound._replace(build=build))
    out = tmp_path / "out"
    words = ["--algorithms", "python-toy", "absent_module:X", "toy", "--envs", "IPD-v0", "CoinGame-v0"]
    words += ["--num-seeds", "1", "--budget", "1", "updates", *QUICK, "--CoinGame-v0.max-steps-in-episode", "2"]
    content = _run(out, *words, status=1)
    status = {(row["algorithm"], row["env"]): (row["status"], row["error"]) for row in content["combinations"]}
    assert status["toy", "IPD-v0"] == ("done", None)
    assert status["python-toy", "IPD-v0"] == (
        "failed",
        "algorithm 'python-toy': build failed: RuntimeError: this learner is broken",
    )
    assert "the toy plays games of two actions" in status["toy", "CoinGame-v0"][1]
    assert "No module named 'absent_module'" in status["absent_module:X", "IPD-v0"][1]
    errors = capsys.readouterr().err
    assert len([line for line in errors.splitlines() if " in " in line and " failed: " in line]) == 5
    assert "in build" in (out / "errors" / "python-toy-IPD-v0.txt").read_text()
    registry.register_algorithm("python-toy", sound)  # repaired: it is tried again
    rows = {(row["algorithm"], row["env"]): row["status"] for row in _run(out, *words, status=1)["combinations"]}
    assert rows["python-toy", "IPD-v0"] == "done"
    assert rows["absent_module:X", "IPD-v0"] == "failed"


@pytest.mark.slow
def test_seeds_that_stop_being_finite_are_left_out_and_named(tmp_path: Path) -> None:
    words = ["--algorithms", "toy", "--envs", "IPD-v0", "--num-seeds", "4", *QUICK]
    words += ["--toy.fails-after", "1", "--toy.step-size", "0.01", "--budget", "2", "updates"]
    (row,) = _run(tmp_path / "out", *words)["combinations"]
    per_seed = row["scores"]["score"]["per_seed"]
    lost = [seed for seed, value in enumerate(per_seed) if value is None]
    assert 0 < len(lost) < 4
    assert row["error"] == f"seed {', '.join(map(str, lost))} stopped being finite and is left out"
    assert row["status"] == "done"


def test_a_benchmark_whose_last_checkpoint_is_damaged_trains_on_from_the_one_before(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [*TOYS, "--budget", "4", "updates"]
    (whole,) = _run(tmp_path / "a", *words)["combinations"]
    edit_json(tmp_path / "a" / "results.json", combinations=[])  # as if it had been killed before it was scored
    checkpoints = tmp_path / "a" / "runs" / "toy_learner_TOY-IPD-v0" / "checkpoints"
    (checkpoints / "00000004" / "_METADATA").write_text("{")
    capsys.readouterr()
    (again,) = _run(tmp_path / "a", *words)["combinations"]
    assert "it is 00000004.aside now" in capsys.readouterr().err
    assert (again["updates"], again["scores"]) == (4, whole["scores"])


SLOW = [*TOYS, "--toy_learner:TOY.work", "3000", "--budget", "40", "updates"]


@pytest.mark.slow
def test_after_sigkill_and_after_ctrl_c_the_same_command_ends_as_if_nothing_had_happened(tmp_path: Path) -> None:
    whole = _run(tmp_path / "whole", *SLOW)["combinations"]
    out = tmp_path / "out"
    checkpoints = out / "runs" / "toy_learner_TOY-IPD-v0" / "checkpoints"
    for number, kind in enumerate((signal.SIGKILL, signal.SIGINT)):
        process = command("benchmark", *SLOW, "--out", str(out))
        reached = max(saved_updates(checkpoints), default=0)
        deadline = time.monotonic() + 240
        while max(saved_updates(checkpoints), default=0) <= reached + number:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(kind)
        _, errors = process.communicate(timeout=240)
        assert process.returncode == (-9 if kind == signal.SIGKILL else 130), errors
        assert _read(out)["combinations"][0]["status"] == "unfinished"
    assert "the same call or command continues from here" in errors
    resumed = _run(out, *SLOW)["combinations"]
    for rows in (whole, resumed):
        rows[0].pop("seconds")
    assert resumed == whole


def test_other_arguments_on_a_benchmarks_folder_are_an_error_that_names_them(fails: Fails, tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = ["benchmark", *TOYS, "--budget", "1", "updates"]
    assert main([*words, "--out", str(out)]) == 0
    other = [*words, "--num-seeds", "3", "--out", str(out)]
    assert "--num-seeds was 2, now it is 3" in fails(*other)
    other = [*words, "--budget", "9", "updates", "--algorithms", "toy_learner:TOY", "naive", "--out", str(out)]
    error = fails(*other)
    assert "--budget was 1 updates, now it is 9 updates" in error
    assert "--algorithms was toy_learner:TOY, now it is toy_learner:TOY naive" in error
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a").touch()
    assert "is not empty and holds no benchmark" in fails(*words, "--out", str(tmp_path / "full"))
    assert "is a file" in fails(*words, "--out", str(out / "results.md"))


def test_what_a_killed_process_left_half_made_is_made_anew(tmp_path: Path) -> None:
    out = tmp_path / "out"
    run = out / "runs" / "toy_learner_TOY-IPD-v0"
    out.mkdir()
    (out / ".benchmark.json.part").write_text("{")
    words = [*TOYS, "--budget", "1", "updates"]
    _run(out, *words)
    for path in sorted(run.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    (run / ".config.json.part").write_text("{")
    edit_json(out / "results.json", combinations=[])
    assert _run(out, *words)["combinations"][0]["status"] == "done"


NAIVE = ["--algorithms", "naive", "--envs", "IPD-v0", "--out", "out"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--envs", "IPD-v0", "--budget", "1", "updates", "--out", "out"], "arguments are required: --algorithms"),
        (["--algorithms", "naive", "--budget", "1", "updates", "--out", "out"], "arguments are required: --envs"),
        (["--algorithms", "naive", "--envs", "IPD-v0", "--budget", "1", "updates"], "are required: --out"),
        (NAIVE, "missing training length: pass --preset laptop, or --budget 100 updates"),
        (
            [*NAIVE, "--preset", "laptob"],
            "there is no preset 'laptob' for naive in IPD-v0 (it has laptop)",
        ),
        ([*NAIVE, "--budget", "1", "update"], "did you mean 'updates'?"),
        ([*NAIVE, "--budget", "1", "updates", "--num-seeds", "0"], "--num-seeds: must be at least 1, not 0"),
        ([*NAIVE, "--budget", "1", "updates", "--evaluation-episodes", "0"], "--evaluation-episodes: must be at least"),
        ([*NAIVE, "--budget", "1", "updates", "--algorithms", "naiv"], "unknown algorithm 'naiv'; did you mean"),
        ([*NAIVE, "--budget", "1", "updates", "--envs", "IPD"], "unknown environment 'IPD'; did you mean 'IPD-v0'?"),
        ([*NAIVE, "--budget", "1", "updates", "--envs", "IPD-v0", "IPD-v0"], "--envs names IPD-v0 twice"),
        ([*NAIVE, "--budget", "1", "updates", "--naive.num-emvs", "3"], "did you mean 'num_envs'?"),
        ([*NAIVE, "--budget", "1", "updates", "--naive.num-envs", "0"], "num_envs must be a whole number of at least"),
        ([*NAIVE, "--budget", "1", "updates", "--pola-dice.num-envs", "3"], "benchmark has no option --pola-dice.num"),
        ([*NAIVE, "--budget", "1", "updates", "--sead", "3"], "benchmark has no option --sead"),
    ],
)
def test_a_mistake_gets_one_line_and_leaves_nothing(
    fails: Fails, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert message in fails("benchmark", *words)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_quiet_prints_nothing_and_verbose_says_what_is_saved(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--algorithms", "toy", "--envs", "IPD-v0", "--num-seeds", "1", "--budget", "1", "updates", *QUICK]
    _run(tmp_path / "quiet", *words, "--quiet")
    assert capsys.readouterr() == ("", "")
    _run(tmp_path / "verbose", *words, "--verbose")
    assert "update 1 saved in" in capsys.readouterr().out


def test_what_failed_is_trained_again_and_the_reason_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from polax.runner.benchmark import combination

    train, attempts = combination.train_combination, []

    def fragile(*arguments: Any, **options: Any) -> Any:
        attempts.append(arguments)
        if len(attempts) in (1, 2, 4, 5):
            raise ConnectionError("the disk went away")
        return train(*arguments, **options)

    monkeypatch.setattr(combination, "train_combination", fragile)
    words = [*TOYS, "--budget", "1", "updates", "--retries"]
    (row,) = _run(tmp_path / "a", *words, "2")["combinations"]
    assert (row["status"], row["error"]) == ("done", None)
    assert row["earlier_errors"] == ["ConnectionError: the disk went away"] * 2
    assert "2 earlier attempts failed: ConnectionError: the disk went away" in (tmp_path / "a/results.md").read_text()
    assert "once more, attempt 2 of 2" in capsys.readouterr().out
    (row,) = _run(tmp_path / "b", *words, "1", status=1)["combinations"]
    assert (row["status"], row["error"]) == ("failed", "ConnectionError: the disk went away")
    assert len(attempts) == 5


def test_damaged_results_and_metrics_of_a_benchmark(tmp_path: Path, fails: Fails) -> None:
    words = [*TOYS, "--budget", "1", "updates"]
    _run(tmp_path / "a", *words)
    edit_json(tmp_path / "a" / "results.json", combinations=[])
    with (tmp_path / "a" / "runs" / "toy_learner_TOY-IPD-v0" / "metrics.jsonl").open("ab") as file:
        file.write(b"\xff\n")
    assert _run(tmp_path / "a", *words)["combinations"][0]["status"] == "done"
    for damage in (
        [3],
        [{"algorithm": "x"}],
        7,
        [{"algorithm": 1, "env": "a", "run": "b", "status": "done", "scores": {}}],
    ):
        edit_json(tmp_path / "a" / "results.json", combinations=damage)
        error = fails("benchmark", *words, "--out", str(tmp_path / "a"))
        assert "results.json cannot be read, it is damaged or not what polax writes: it.combinations" in error
