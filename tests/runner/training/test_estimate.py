"""What a run takes: the arithmetic on measured updates, the command, and the line of a long run."""

import time
from collections.abc import Callable
from pathlib import Path

import polax
import pytest
from polax.runner.cli import main
from polax.runner.runs.spec import RunSpec
from polax.runner.training import loop
from polax.runner.training.callbacks import Event
from polax.runner.training.stopwatch import Stopwatch

Fails = Callable[..., str]


def test_the_time_is_that_of_updates_evaluations_and_checkpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])
    watch = Stopwatch()

    def pass_by(seconds: float, hook: str, update: int) -> None:
        clock[0] += seconds
        getattr(watch.callback, hook)(Event(Path(), update, 100, 0.0, 50 * update))

    pass_by(7.0, "on_evaluation", 0)  # everything is compiled, and an evaluation takes place
    pass_by(23.0, "on_update", 1)  # 20 s of it for compiling
    pass_by(0.0, "on_evaluation", 1)
    assert not watch.ready
    pass_by(0.4, "on_checkpoint", 1)
    pass_by(3.0, "on_update", 2)  # 1 s of it for the evaluation
    pass_by(0.0, "on_evaluation", 2)
    pass_by(0.5, "on_checkpoint", 2)
    assert watch.ready
    watch.resume()
    pass_by(99.0, "on_update", 3)
    pass_by(2.0, "on_update", 4)
    pass_by(2.0, "on_update", 5)

    spec = RunSpec(
        algorithm="a",
        env="e",
        options={},
        env_options={},
        updates=100,
        seeds=(0, 1),
        eval_every=10,
        checkpoint_every=25,
    )
    found = watch.estimate(spec)
    assert (found.start, found.update, found.evaluation, found.checkpoint) == (27.0, 2.0, 1.0, 0.5)
    assert (found.updates, found.evaluations, found.checkpoints, found.env_steps) == (100, 10, 4, 50 * 100 * 2)
    assert found.seconds == 27.0 + 200.0 + 10.0 + 2.0
    assert found.memory > 2**20


def test_evaluations_that_no_update_went_without_are_in_the_time_of_updates(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])
    watch = Stopwatch()
    for update in range(4):
        clock[0] += 3.0
        if update:
            watch.callback.on_update(Event(Path(), update, 4, 0.0, update))
        watch.callback.on_evaluation(Event(Path(), update, 4, 0.0, update))
    run = RunSpec(algorithm="a", env="e", options={}, env_options={}, updates=4, eval_every=1, checkpoint_every=4)
    found = watch.estimate(run)
    assert (found.update, found.evaluation, found.seconds) == (3.0, None, 15.0)


def test_the_command_prints_what_a_run_takes_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["estimate", "toy", "IPD-v0", "--updates", "50", "--eval-every", "5", "--eval-envs", "4"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("toy in IPD-v0, 1 seed: about ")
    assert "50 updates" in said
    assert "10 evaluations" in said
    assert "25 checkpoints" in said
    assert list(tmp_path.iterdir()) == []


def test_an_estimate_of_what_cannot_be_trained_is_one_line(fails: Fails) -> None:
    assert "missing training length" in fails("estimate", "toy", "IPD-v0")
    assert "has no preset 'laptpo'" in fails("estimate", "naive", "IPD-v0", "--preset", "laptpo")
    assert "seeds may be 1 here" in fails("estimate", "toy", "IPD-v0", "--updates", "1", "--mesh", "seeds=7")


@pytest.mark.slow
def test_a_learner_in_ordinary_python_can_be_estimated_too() -> None:
    found = polax.estimate("python-toy", "IPD-v0", updates=30, eval_envs=2)
    assert found.updates == 30
    assert found.seconds > 0


@pytest.mark.parametrize(("long", "lines"), [(0.0, 1), (1e9, 0)])
def test_a_long_run_says_so_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], long: float, lines: int
) -> None:
    monkeypatch.setattr(loop, "LONG", long)
    words = ["train", "toy", "IPD-v0", "--updates", "4", "--eval-envs", "4", "--out", str(tmp_path / "run")]
    assert main(words) == 0
    assert " ".join(capsys.readouterr().out.split()).count("4 updates take about ") == lines
