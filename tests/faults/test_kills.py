"""Runs that are killed at random moments give what an uninterrupted run gives, bit for bit."""

import json
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from polax.runner.runs import checkpoint
from polax.runner.runs.folder import RunFolder
from runner_helpers import command, final_state, without_time

UPDATES = 250
WORDS = ["toy_learner:TOY", "IPD-v0", "--updates", str(UPDATES), "--eval-envs", "16", "--checkpoint-every", "1"]
WORK = ["--work", "1000", "--env.max-steps-in-episode", "5", "--log", "none"]
SIGNALS = [signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGUSR1]


def _begin(*words: str) -> "subprocess.Popen[str]":
    """Start a command, and wait until it can answer a signal; before that, Python itself does.

    Where the tests run in the background of a shell, it would begin deaf to SIGINT.
    """
    hears = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    process = command(*words, first=f"{hears}; print(flush=True)")
    assert process.stdout is not None
    process.stdout.readline()
    return process


def _end(process: "subprocess.Popen[str]") -> str:
    _, error = process.communicate(timeout=600)
    assert "Traceback" not in error, error
    return error


def _lines(run: RunFolder) -> int:
    path = run.path / "metrics.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def _wait(run: RunFolder, processes: Sequence["subprocess.Popen[str]"], generator: np.random.Generator) -> None:
    """Wait for a random moment: two in three while updates are taken, the others while a process starts or resumes."""
    if generator.random() < 2 / 3:
        wanted = _lines(run) + int(generator.integers(1, 10))
        while _lines(run) < wanted and any(process.poll() is None for process in processes):
            time.sleep(0.01)
        time.sleep(float(generator.uniform(0, 0.2)))
    else:
        time.sleep(float(generator.uniform(0, 8)))


def _kill(process: "subprocess.Popen[str]", generator: np.random.Generator) -> str:
    """Send one of the signals to a process, wait for its end, and return the signal's name."""
    chosen = SIGNALS[generator.integers(len(SIGNALS))]
    process.send_signal(chosen)
    _end(process)
    return chosen.name


def _finish(name: str, words: Sequence[str], folder: Path) -> None:
    """Let a command finish what was killed, in ``killed``, and do the same without a stop in ``whole``."""
    for out in ("killed", "whole"):
        process = _begin(name, *words, str(folder / out))
        error = _end(process)
        assert process.returncode == 0, error


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    out = tmp_path_factory.mktemp("whole") / "run"
    process = _begin("train", *WORDS, *WORK, "--out", str(out))
    _end(process)
    assert process.returncode == 0
    return RunFolder(out)


def _words(run: RunFolder) -> list[str]:
    """Return the arguments that begin a run, or continue it where it was begun."""
    started = (run.path / "config.json").exists()
    return ["--resume", str(run.path), "--allow-import"] if started else [*WORDS, *WORK, "--out", str(run.path)]


@pytest.mark.faults
@pytest.mark.parametrize("seed", range(5))
def test_kills_of_a_run(seed: int, tmp_path: Path, whole: RunFolder, outcomes: "Counter[str]") -> None:
    """A run, one process or two at once, by SIGKILL, SIGTERM, SIGINT, SIGUSR1, some twice within 0.2 s: its parameters
    and metrics are those of an uninterrupted run, bit for bit."""
    generator = np.random.default_rng(seed)
    run = RunFolder(tmp_path / "run")
    kills = 0
    while kills < 20:
        processes = [_begin("train", *_words(run)) for _ in range(int(generator.integers(1, 3)))]
        _wait(run, processes, generator)
        for process in processes:
            if process.poll() is not None:  # refused, because the other one writes
                continue
            chosen = SIGNALS[generator.integers(len(SIGNALS))]
            process.send_signal(chosen)
            kills += 1
            outcomes[chosen.name] += 1
            if generator.random() < 0.3:
                time.sleep(float(generator.uniform(0, 0.2)))
                process.send_signal(signal.SIGINT)
        for process in processes:
            error = _end(process)
            # Signals come before or after polax has its own handlers.
            assert process.returncode in (-2, -9, -10, -15, 130, 138, 143, 2), error
            if process.returncode == 2:
                assert "is being written by" in error or "is not empty" in error
                outcomes["a second process refused"] += 1
        outcomes["a checkpoint left unfinished"] += bool(checkpoint.leftovers(run.checkpoints))
    assert checkpoint.saved_updates(run.checkpoints)[-1] < UPDATES  # every kill met a run that was not done
    process = _begin("train", *_words(run))
    error = _end(process)
    assert process.returncode == 0, error
    for ours, theirs in zip(final_state(run, UPDATES), final_state(whole, UPDATES), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert without_time(run) == without_time(whole)


@pytest.mark.faults
def test_kills_of_a_benchmark(tmp_path: Path, outcomes: "Counter[str]") -> None:
    """A benchmark of two games: its scores are those of an uninterrupted one."""
    generator = np.random.default_rng(0)
    words = ["--algorithms", "toy_learner:TOY", "--envs", "IPD-v0", "StagHunt-v0", "--num-seeds", "2"]
    words += ["--budget", "100", "updates", "--evaluation-episodes", "8", "--out"]
    killed = tmp_path / "killed"
    kills = 0
    while kills < 10:
        process = _begin("benchmark", *words, str(killed))
        runs = sorted(killed.glob("runs/*"))
        if runs:
            _wait(RunFolder(runs[-1]), [process], generator)
        else:
            time.sleep(float(generator.uniform(0, 8)))
        assert process.poll() is None, "it ended before it was killed"
        outcomes[_kill(process, generator)] += 1
        kills += 1
    _finish("benchmark", words, tmp_path)
    ours, theirs = (
        [row["scores"] for row in json.loads((tmp_path / name / "results.json").read_text())["combinations"]]
        for name in ("killed", "whole")
    )
    assert ours == theirs


@pytest.mark.faults
def test_kills_of_a_sweep(tmp_path: Path, outcomes: "Counter[str]") -> None:
    """A sweep of two programs: its trials are those of an uninterrupted one."""
    generator = np.random.default_rng(0)
    words = ["toy_learner:TOY", "IPD-v0", "--vary", "width=2,3", "--vary", "step_size=0.25,0.5", "--num-seeds", "2"]
    words += ["--updates", "4000", "--eval-envs", "8", *WORK[:-2], "--out"]
    killed = tmp_path / "killed"
    kills = 0
    while kills < 10:
        process = _begin("sweep", *words, str(killed))
        time.sleep(float(generator.uniform(0, 9)))
        assert process.poll() is None, "it ended before it was killed"
        outcomes[_kill(process, generator)] += 1
        kills += 1
    _finish("sweep", words, tmp_path)
    ours, theirs = (
        [
            {name: value for name, value in row.items() if name != "seconds"}
            for row in json.loads((tmp_path / name / "trials.json").read_text())["trials"]
        ]
        for name in ("killed", "whole")
    )
    assert ours == theirs
