"""Checkpoints: whole or not at all, only arrays, and clear words about what does not fit."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import orbax.checkpoint as ocp
import pytest
from polax.runner.runs import checkpoint
from polax.runner.runs.checkpoint import Checkpoint
from polax.runner.runs.files import RunError
from polax.runner.runs.folder import RunFolder
from runner_helpers import HERE, command, edit_json, final_state, to_arrays, without_time

STATE = {
    "weights": jnp.arange(6.0).reshape(2, 3),
    "key": jax.random.split(jax.random.key(3), 2),
    "empty": jnp.zeros((2, 0)),
}


def _checkpoint(update: int, state: Any = STATE) -> Checkpoint:
    return Checkpoint(state, update, 1.5, 300.0, np.zeros(2, np.int64), checkpoint.fingerprint({"a": 1}))


def test_a_checkpoint_gives_back_every_leaf_keys_and_empty_ones_included(tmp_path: Path) -> None:
    checkpoint.save(tmp_path, _checkpoint(7))
    template = jax.eval_shape(lambda: STATE)
    found = checkpoint.load(tmp_path, 7, template)
    assert (found.update, found.seconds, found.env_steps) == (7, 1.5, 300.0)
    assert jax.tree.structure(found.state) == jax.tree.structure(STATE)
    for ours, theirs in zip(to_arrays(found.state), to_arrays(STATE), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert found.state["key"].dtype == STATE["key"].dtype


def test_a_checkpoint_holds_arrays_and_no_pickle(tmp_path: Path) -> None:
    checkpoint.save(tmp_path, _checkpoint(1))
    content = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"pickle" not in content
    assert not list(tmp_path.rglob("*.pkl"))


def test_a_state_that_holds_no_arrays_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="model of the learner's state is not an array"):
        checkpoint.save(tmp_path, _checkpoint(1, {"model": object()}))
    assert checkpoint.saved_updates(tmp_path) == []


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ({**STATE, "weights": jnp.zeros((2, 4))}, r"'weights' as float32\[2, 3\], this learner needs float32\[2, 4\]"),
        ({**STATE, "weights": jnp.zeros((2, 3), jnp.int32)}, r"needs int32\[2, 3\]"),
        ({**STATE, "more": jnp.zeros(2)}, "has no 'more'"),
        ({"weights": STATE["weights"]}, "which this learner does not have"),
    ],
)
def test_a_checkpoint_of_another_learner_names_the_leaf(tmp_path: Path, template: Any, message: str) -> None:
    checkpoint.save(tmp_path, _checkpoint(1))
    with pytest.raises(RunError, match=message):
        checkpoint.load(tmp_path, 1, template)


def test_a_missing_checkpoint_names_those_there_are(tmp_path: Path) -> None:
    checkpoint.save(tmp_path, _checkpoint(5))
    with pytest.raises(RunError, match="no checkpoint 6; there are 5"):
        checkpoint.load(tmp_path, 6, STATE)


@pytest.mark.parametrize("keep", [0, 10])
def test_a_truncated_checkpoint_is_an_error_that_names_the_others(tmp_path: Path, keep: int) -> None:
    for update in (5, 6):
        checkpoint.save(tmp_path, _checkpoint(update))
    for path in (tmp_path / "00000006").rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(
        RunError, match=r"00000006 cannot be read, it is damaged or not a checkpoint: .*there are also 5"
    ):
        checkpoint.load(tmp_path, 6, STATE)


def test_truncated_array_data_alone_is_noticed(tmp_path: Path) -> None:
    checkpoint.save(tmp_path, _checkpoint(6))
    data = max((path for path in tmp_path.rglob("d/*") if path.is_file()), key=lambda path: path.stat().st_size)
    data.write_bytes(data.read_bytes()[:-20])
    with pytest.raises(RunError, match="damaged"):
        checkpoint.load(tmp_path, 6, STATE)


def test_a_foreign_checkpoint_and_a_newer_format_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ocp.Checkpointer(ocp.PyTreeCheckpointHandler()) as foreign:
        foreign.save(tmp_path / "00000001", {"params": np.ones(3)})
    with monkeypatch.context() as later:
        later.setattr(checkpoint, "FORMAT", 99)
        checkpoint.save(tmp_path, _checkpoint(2))
    with pytest.raises(RunError, match="was not written by polax"):
        checkpoint.load(tmp_path, 1, STATE)
    with pytest.raises(RunError, match="has format 99, this polax reads 2"):
        checkpoint.load(tmp_path, 2, STATE)


def test_a_failing_disk_leaves_the_last_checkpoint_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint.save(tmp_path, _checkpoint(5))

    def full(self: Any, directory: Any, *args: Any, **options: Any) -> None:
        (tmp_path / "00000006.orbax-checkpoint-tmp").mkdir()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(ocp.Checkpointer, "save", full)
    with pytest.raises(RunError, match="No space left on device; the last good checkpoint is update 5"):
        checkpoint.save(tmp_path, _checkpoint(6))
    assert [path.name for path in tmp_path.iterdir()] == ["00000005"]
    assert checkpoint.load(tmp_path, 5, STATE).update == 5


@pytest.mark.slow
@pytest.mark.parametrize(
    ("limit", "words", "message", "saved"),
    [
        (300_000, ["--width", "500000"], "checkpoint 1 cannot be written", 0),
        (15_000, ["--width", "2"], "File too large; its checkpoints are whole", 2),
    ],
)
def test_a_disk_that_takes_no_more_ends_a_run_with_one_line(
    tmp_path: Path, limit: int, words: list[str], message: str, saved: int
) -> None:
    out = tmp_path / "run"
    code = (
        "import resource, sys; from polax.runner.cli import main\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    words = ["train", "toy_learner:TOY", "IPD-v0", "--updates", "40", "--eval-envs", "16", "--out", str(out), *words]
    done = subprocess.run(
        [sys.executable, "-c", code, *words, "--checkpoint-every", "1"],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=HERE,
        env={**os.environ, "POLAX_CACHE": "off"},  # the limit would cut its entries short too
    )
    assert done.returncode == 2, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("polax: ")]
    assert len(lines) == 1
    assert message in lines[0]
    assert "Traceback" not in done.stderr
    there = checkpoint.saved_updates(out / "checkpoints")
    assert len(there) <= saved
    assert bool(there) == bool(saved)
    if there:
        assert len(final_state(RunFolder(out), there[-1])) == 6


def test_what_a_killed_process_left_is_cleaned_and_the_rest_kept(tmp_path: Path) -> None:
    checkpoint.save(tmp_path, _checkpoint(5))
    (tmp_path / "00000006.orbax-checkpoint-tmp" / "d").mkdir(parents=True)
    (tmp_path / "00000003.removed").mkdir()
    assert checkpoint.saved_updates(tmp_path) == [5]
    checkpoint.clean(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["00000005"]


SAVER = """
import sys, numpy as np
from pathlib import Path
from polax.runner.runs import checkpoint
folder = Path(sys.argv[1])
print("ready", flush=True)
for update in range(1, 100000):
    state = {"a": np.full((2, 50000), float(update)), "b": np.full(2, update)}
    checkpoint.save(folder, checkpoint.Checkpoint(state, update, 0.0, 0.0, np.zeros(2), checkpoint.fingerprint({})))
    checkpoint.keep_only(folder, {update})
"""


@pytest.mark.slow
def test_sigkill_in_the_midst_of_saving_never_leaves_an_unreadable_checkpoint(tmp_path: Path) -> None:
    template = {"a": np.zeros((2, 50000)), "b": np.zeros(2, np.int64)}
    delays = np.random.default_rng(0).uniform(0.05, 0.8, 5)
    for number, delay in enumerate(delays):
        folder = tmp_path / str(number)
        process = subprocess.Popen([sys.executable, "-c", SAVER, str(folder)], stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(delay)
        process.kill()
        process.wait()
        process.stdout.close()
        for update in checkpoint.saved_updates(folder):
            found = checkpoint.load(folder, update, template)
            assert (found.state["a"] == update).all()
            assert (found.state["b"] == update).all()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    out = tmp_path_factory.mktemp("whole") / "run"
    process = command("train", *SLOW, "--out", str(out))
    assert process.wait(120) == 0
    _close(process)
    return RunFolder(out)


SLOW = [
    "toy_learner:TOY",
    "IPD-v0",
    "--updates",
    "25",
    "--eval-envs",
    "16",
    "--checkpoint-every",
    "1",
    "--work",
    "2000",
]


RESUME = ("--allow-import", "--resume")  # the learner is named by its module

EVALUATED = "update 0/25  co-play"
"""The line after the first evaluation; the one before says that programs are compiled."""


def _close(process: "subprocess.Popen[str]") -> None:
    for stream in (process.stdout, process.stderr):
        assert stream is not None
        stream.close()


def _wait_for_line(process: "subprocess.Popen[str]", start: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(start):
            return
    raise AssertionError(f"no line starts with {start!r}")


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_finishes_the_update_saves_and_says_how_to_go_on(
    tmp_path: Path, uninterrupted: RunFolder, number: signal.Signals, status: int
) -> None:
    run = RunFolder(tmp_path / "run")
    process = command("train", *SLOW, "--out", str(run.path))
    _wait_for_line(process, EVALUATED)
    time.sleep(0.3)
    process.send_signal(number)
    _, error = process.communicate(timeout=60)
    assert process.returncode == status, error
    assert "stopping after this update" in error
    assert f"continue with: polax train --resume {run.path}" in error
    assert "Traceback" not in error
    stopped = checkpoint.saved_updates(run.checkpoints)[-1]
    assert 1 <= stopped < 25
    assert max(row["update"] for row in run.metrics()) == stopped
    if number == signal.SIGINT:
        _resume_and_compare(run, uninterrupted)


@pytest.mark.slow
def test_a_run_killed_at_any_moment_goes_on_bit_for_bit(tmp_path: Path, uninterrupted: RunFolder) -> None:
    run = RunFolder(tmp_path / "run")
    words = ["train", *SLOW, "--out", str(run.path)]
    for delay in (0.05, 0.3):
        process = command(*words)
        _wait_for_line(process, "update ")
        time.sleep(delay)
        process.kill()
        process.wait()
        _close(process)
        words = ["train", *RESUME, str(run.path)]
    _resume_and_compare(run, uninterrupted)


def _resume_and_compare(run: RunFolder, whole: RunFolder) -> None:
    process = command("train", *RESUME, str(run.path))
    _, error = process.communicate(timeout=120)
    assert process.returncode == 0, error
    for ours, theirs in zip(final_state(run, 25), final_state(whole, 25), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert without_time(run) == without_time(whole)


def test_changed_options_are_noticed_when_a_run_is_resumed(
    train: Callable[..., RunFolder], fails: Callable[..., str]
) -> None:
    run = train("run", "--updates", "2")
    edit_json(run.path / "config.json", options={**run.spec().options, "step_size": 0.6}, updates=4)
    assert "are not those of its checkpoint 2" in fails("train", "--resume", str(run.path))
