"""Several processes of one run, on the loopback interface with two CPU devices each."""

import json
import signal
import socket
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from polax.options import OptionError
from polax.runner.runs import checkpoint
from polax.runner.runs.folder import RunFolder
from polax.runner.training import hosts
from runner_helpers import command, final_state, without_time

TWO_DEVICES = {"XLA_FLAGS": "--xla_force_host_platform_device_count=2"}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def start(number: int, *words: str, first: str = "pass") -> list[subprocess.Popen[str]]:
    """Start a command in so many processes; ``first`` as for `command`."""
    place = ("--distributed", "--coordinator", f"127.0.0.1:{free_port()}", "--num-processes", str(number))
    return [
        command(*words, *place, "--process-id", str(process), first=first, **TWO_DEVICES) for process in range(number)
    ]


def finish(processes: list[subprocess.Popen[str]], timeout: float = 300) -> list[tuple[int, str]]:
    """Return how the processes ended, and what they said on the error stream."""
    try:
        return [(process.wait(timeout), process.communicate()[1]) for process in processes]
    finally:
        for process in processes:
            process.kill()


@pytest.mark.slow
def test_two_processes_train_as_one_does_and_the_first_alone_writes(tmp_path: Path) -> None:
    words = ("train", "naive-exact", "IPD-v0", "--num-seeds", "4", "--updates", "2", "--eval-envs", "4", "--quiet")
    alone = command(*words, "--out", str(tmp_path / "alone"), "--mesh", "seeds=1")
    ended = finish([*start(2, *words, "--out", str(tmp_path / "together")), alone])
    assert [status for status, _ in ended] == [0, 0, 0], "\n".join(said for _, said in ended)
    one, two = (RunFolder.open(tmp_path / name) for name in ("alone", "together"))
    for ours, theirs in zip(without_time(one), without_time(two), strict=True):
        assert ours == pytest.approx(theirs, abs=1e-6)
    assert two.manifest()["launches"][0]["mesh"] == {"seeds": 4, "envs": 1, "players": 1}
    assert len(two.manifest()["launches"]) == 1
    assert (two.figures / "learning.png").exists()


@pytest.mark.slow
def test_two_processes_run_a_benchmark_as_one_does(tmp_path: Path) -> None:
    words = ("benchmark", "--algorithms", "naive-exact", "lola-exact", "--envs", "IPD-v0", "--num-seeds", "4")
    words += ("--budget", "2", "updates", "--evaluation-episodes", "8", "--quiet")
    alone = command(*words, "--out", str(tmp_path / "alone"), "--mesh", "seeds=1")
    ended = finish([*start(2, *words, "--out", str(tmp_path / "together")), alone])
    assert [status for status, _ in ended] == [0, 0, 0], "\n".join(said for _, said in ended)
    one, two = (json.loads((tmp_path / name / "results.json").read_text()) for name in ("alone", "together"))
    for ours, theirs in zip(one["combinations"], two["combinations"], strict=True):
        assert ours["status"] == theirs["status"] == "done"
        assert set(ours["scores"]) == set(theirs["scores"])
        for name, scores in ours["scores"].items():
            assert len(scores["per_seed"]) == 4
            assert theirs["scores"][name]["per_seed"] == pytest.approx(scores["per_seed"], abs=1e-5)


@pytest.mark.slow
def test_two_processes_reproduce_a_figure_as_one_does(tmp_path: Path) -> None:
    # Not before the processes know each other, which jax wants to be told first.
    quick = "from polax.papers import Target; Target.load = lambda target: __import__('tiny_figure').figure4"
    words = ("reproduce", "figure4", "--scale", "laptop", "--runs", "4", "--quiet")

    def into(name: str) -> tuple[str, ...]:
        return (*words, "--training", str(tmp_path / name / "runs"), "--out", str(tmp_path / name))

    alone = command(*into("alone"), "--mesh", "seeds=1", first=quick)
    ended = finish([*start(2, *into("together"), first=quick), alone])
    assert [status for status, _ in ended] == [0, 0, 0], "\n".join(said for _, said in ended)
    one, two = (json.loads((tmp_path / name / "figure4_laptop.json").read_text()) for name in ("alone", "together"))
    assert one["rows"]
    for ours, theirs in zip(one["rows"], two["rows"], strict=True):
        assert len(ours["per_seed"]) == 4
        assert theirs["per_seed"] == pytest.approx(ours["per_seed"], abs=1e-5)
    assert RunFolder.open(tmp_path / "together" / "runs" / "naive").manifest()["launches"][0]["mesh"]["seeds"] == 4


def test_an_error_of_the_first_process_ends_all_with_its_sentence(tmp_path: Path) -> None:
    words = ("train", "naive-exact", "IPD-v0", "--num-seeds", "3", "--updates", "2", "--out", str(tmp_path / "run"))
    (first, said), (second, echoed) = finish(start(2, *words))
    assert (first, second) == (2, 2)
    assert "over 2 processes a mesh has all their 4 devices, and seeds=3,players=1,envs=1 has 3" in said
    assert "process 0 ended: over 2 processes" in echoed
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("place", "said"),
    [
        (("127.0.0.1:1", 2, 1), "no process listens at 127.0.0.1:1 after 1 s"),
        (("nowhere", 2, 1), "--coordinator must be HOST:PORT, such as node1:29500, not 'nowhere'"),
        (("127.0.0.1:29500", 2, 2), "--process-id must be from 0 to 1 with --num-processes 2, not 2"),
        ((None, None, None), "no cluster of which jax knows is around: give --coordinator"),
    ],
)
def test_an_address_where_nobody_is_ends_in_bounded_time(monkeypatch, place, said) -> None:
    monkeypatch.setattr(hosts, "PATIENCE", 1.0)
    with pytest.raises(OptionError) as error, hosts.joined(hosts.Place(*place)):
        pass
    assert said in str(error.value)


def test_a_first_process_to_which_nobody_comes_says_so(monkeypatch) -> None:
    monkeypatch.setattr(hosts, "PATIENCE", 0.5)
    with (
        pytest.raises(OptionError, match="0 of 2 other processes came"),
        hosts.joined(hosts.Place(f"127.0.0.1:{free_port()}", 3, 0)),
    ):
        pass


@pytest.mark.slow
@pytest.mark.parametrize(("number", "killed"), [(4, 2), (2, 0)])
def test_a_killed_process_ends_the_others_and_half_as_many_resume(tmp_path: Path, number: int, killed: int) -> None:
    path = tmp_path / "run"
    words = ("naive", "IPD-v0", "--num-seeds", "2", "--num-envs", "64", "--hidden-size", "3", "--eval-envs", "4")
    words += ("--env.max-steps-in-episode", "5", "--checkpoint-every", "1", "--eval-every", "1000")
    processes = start(number, "train", *words, "--updates", "100000", "--out", str(path))
    deadline = time.monotonic() + 500
    while max(checkpoint.saved_updates(path / "checkpoints"), default=0) < 3:
        assert time.monotonic() < deadline, [process.poll() for process in processes]
        time.sleep(0.05)
    processes[killed].send_signal(signal.SIGKILL)
    begun = time.monotonic()
    ended = finish(processes, timeout=60)
    assert time.monotonic() - begun < 60
    for process, (status, said) in enumerate(ended):
        if process == killed:
            assert status == -signal.SIGKILL
        else:
            assert status == hosts.LOST
            assert f"polax: process {killed}" in said, said
            assert "has ended, so the others cannot go on" in said
    folder = RunFolder.open(path)
    saved = checkpoint.saved_updates(folder.checkpoints)
    checkpoint.verify(folder.checkpoints, saved[-1])

    updates = str(saved[-1] + 2)
    if number == 2:
        resumed = [command("train", "--resume", str(path), "--updates", updates, **TWO_DEVICES)]
    else:
        resumed = start(number // 2, "train", "--resume", str(path), "--updates", updates)
    assert [status for status, _ in finish(resumed)] == [0] * len(resumed)

    # The same run by one process on one device, as far: float tolerance is all that differs.
    alone = command("train", *words, "--updates", updates, "--out", str(tmp_path / "alone"), "--mesh", "seeds=1")
    assert finish([alone])[0][0] == 0
    ours, theirs = (final_state(RunFolder.open(each), int(updates)) for each in (path, tmp_path / "alone"))
    for one, two in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-2, atol=1e-3)
