"""Runs that are killed at random moments give what an uninterrupted run gives, bit for bit."""

import json
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from polax.runner.runs import checkpoint
from polax.runner.runs.folder import RunFolder
from runner_helpers import command, final_state, without_time

UPDATES = 40
WORDS = ["toy_learner:TOY", "IPD-v0", "--updates", str(UPDATES), "--eval-envs", "16", "--checkpoint-every", "1"]
WORK = ["--work", "3000"]
SIGNALS = [signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGUSR1]


def _end(process: "subprocess.Popen[str]") -> str:
    _, error = process.communicate(timeout=120)
    assert "Traceback" not in error, error
    return error


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    out = tmp_path_factory.mktemp("whole") / "run"
    process = command("train", *WORDS, *WORK, "--out", str(out))
    _end(process)
    assert process.returncode == 0
    return RunFolder(out)


def _words(run: RunFolder) -> list[str]:
    """Return the arguments that begin a run, or continue it where it was begun."""
    started = (run.path / "config.json").exists()
    return ["--resume", str(run.path), "--allow-import"] if started else [*WORDS, *WORK, "--out", str(run.path)]


@pytest.mark.faults
@pytest.mark.parametrize("seed", range(5))
def test_twenty_kills_of_a_run_change_nothing(seed: int, tmp_path: Path, whole: RunFolder) -> None:
    generator = np.random.default_rng(seed)
    run = RunFolder(tmp_path / "run")
    kills, finished = 0, False
    while kills < 20 and not finished:
        processes = [command("train", *_words(run)) for _ in range(int(generator.integers(1, 3)))]
        time.sleep(float(generator.uniform(1.0, 8.0)))
        for process in processes:
            process.send_signal(generator.choice(SIGNALS))
            if generator.random() < 0.3:
                time.sleep(float(generator.uniform(0, 0.2)))
                process.send_signal(signal.SIGINT)
        for process in processes:
            _end(process)
        kills += len(processes)
        saved = checkpoint.saved_updates(run.checkpoints)
        finished = bool(saved) and saved[-1] == UPDATES
    if not finished:
        process = command("train", *_words(run))
        error = _end(process)
        assert process.returncode == 0, error
    for ours, theirs in zip(final_state(run, UPDATES), final_state(whole, UPDATES), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert without_time(run) == without_time(whole)


@pytest.mark.faults
def test_a_benchmark_that_is_killed_again_and_again_ends_with_the_same_scores(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    words = ["--algorithms", "toy_learner:TOY", "--envs", "IPD-v0", "StagHunt-v0", "--num-seeds", "2"]
    words += ["--budget", "15", "updates", "--evaluation-episodes", "8"]
    for kill in range(11):
        process = command("benchmark", *words, "--out", str(tmp_path / "killed"))
        if kill < 10:
            time.sleep(float(generator.uniform(1.0, 6.0)))
            process.send_signal(generator.choice(SIGNALS[:4]))
        _end(process)
    assert process.returncode == 0
    process = command("benchmark", *words, "--out", str(tmp_path / "whole"))
    _end(process)
    ours, theirs = (
        [row["scores"] for row in json.loads((tmp_path / name / "results.json").read_text())["combinations"]]
        for name in ("killed", "whole")
    )
    assert ours == theirs
