"""Benchmarks on a real Ray: the same numbers, nodes that are killed, commands that are stopped, nothing left behind."""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from runner_helpers import HERE, command

pytestmark = [
    pytest.mark.executors,
    pytest.mark.filterwarnings(r"ignore:os.fork\(\) was called:RuntimeWarning"),  # the cluster's processes
    pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning"),  # and what they write to
]

Fails = Callable[..., str]
ENVS = ("IPD-v0", "StagHunt-v0", "Chicken-v0")
TOYS = ["benchmark", "--algorithms", "toy_learner:TOY", "--envs", *ENVS, "--num-seeds", "2"]
TOYS += ["--evaluation-episodes", "8", *(word for env in ENVS for word in (f"--{env}.max-steps-in-episode", "3"))]
WORK = ["--budget", "40", "updates", "--toy_learner:TOY.work", "20000"]
"""So many updates of so much work take some seconds."""


def _rows(folder: Path) -> list[dict[str, Any]]:
    content = json.loads((folder / "results.json").read_text())
    return [{name: value for name, value in row.items() if name != "seconds"} for row in content["combinations"]]


def _lines(folder: Path) -> dict[str, int]:
    """Return how many lines of metrics each run has."""
    return {path.parent.name: path.read_bytes().count(b"\n") for path in folder.glob("runs/*/metrics.jsonl")}


def _wait(condition: Callable[[], bool], process: subprocess.Popen[str], *, seconds: float = 300) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.1)


def _processes(mark: str) -> list[str]:
    """Return the command lines of the processes in whose environment there is a word."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark.encode() in path.read_bytes():
                found.append(path.with_name("cmdline").read_text(errors="replace").replace("\0", " "))
        except OSError:  # it has just ended
            continue
    return found


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Return what the benchmark gives in one process."""
    out = tmp_path_factory.mktemp("alone") / "out"
    process = command(*TOYS, *WORK, "--out", str(out))
    said = process.communicate(timeout=600)
    assert process.returncode == 0, said
    return _rows(out)


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return a Ray of two nodes with a CPU each."""
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])]))
    from ray.cluster_utils import Cluster

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = {"num_cpus": 1, "object_store_memory": 100_000_000, "include_dashboard": False}
    found = Cluster(initialize_head=True, head_node_args={**settings, "ray_client_server_port": port})
    found.client = f"ray://127.0.0.1:{port}"
    try:
        found.second = found.add_node(num_cpus=1, object_store_memory=100_000_000)
        found.wait_for_nodes()
        yield found
    finally:
        found.shutdown()


def test_a_ray_of_its_own_gives_the_same_numbers_and_leaves_nothing(
    alone: list[dict[str, Any]], tmp_path: Path
) -> None:
    before = set(Path("/tmp").glob("polax-ray-*"))
    process = command(*TOYS, *WORK, "--on", "ray", "--out", str(tmp_path / "out"), MARK=str(tmp_path))
    said, wrong = process.communicate(timeout=600)
    assert process.returncode == 0, (said, wrong)
    assert wrong == ""
    assert "[3/3] toy_learner:TOY in " in said
    assert _rows(tmp_path / "out") == alone
    assert set(Path("/tmp").glob("polax-ray-*")) == before
    assert not _processes(str(tmp_path))


def test_when_a_node_is_killed_its_task_goes_on_elsewhere_with_the_same_numbers(
    alone: list[dict[str, Any]], tmp_path: Path, cluster: Any
) -> None:
    out = tmp_path / "out"
    process = command(*TOYS, *WORK, "--on", "ray", "--ray-address", cluster.address, "--out", str(out))
    _wait(lambda: len(lines := _lines(out)) >= 2 and min(lines.values()) > 8, process)
    cluster.remove_node(cluster.second, allow_graceful=False)
    before = _lines(out)
    said, wrong = process.communicate(timeout=600)
    assert process.returncode == 0, (said, wrong)
    assert any(count < 82 for count in before.values())  # two lines an update, and two before the first one
    assert "its process is lost (" in said
    assert "and begins again" in said
    assert _rows(out) == alone
    for env in ENVS:
        launches = json.loads((out / "runs" / f"toy_learner_TOY-{env}" / "manifest.json").read_text())["launches"]
        updates = [launch.get("update") for launch in launches]
        assert updates[-1] == 40


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_command_leaves_no_process_and_continues(
    alone: list[dict[str, Any]], tmp_path: Path, number: signal.Signals
) -> None:
    out = tmp_path / "out"
    words = [*TOYS, *WORK, "--out", str(out)]
    process = command(*words, "--on", "ray", MARK=str(tmp_path))
    _wait(lambda: any(count > 8 for count in _lines(out).values()), process)
    process.send_signal(number)
    said = process.communicate(timeout=120)
    assert process.returncode == 128 + number, said
    assert not _processes(str(tmp_path))
    assert "unfinished" in {row["status"] for row in _rows(out)}
    again = command(*words)
    said = again.communicate(timeout=600)
    assert again.returncode == 0, said
    assert _rows(out) == alone


def test_a_killed_command_leaves_no_process_either(tmp_path: Path) -> None:
    out = tmp_path / "out"
    process = command(*TOYS, *WORK, "--on", "ray", "--out", str(out), MARK=str(tmp_path))
    _wait(lambda: any(count > 8 for count in _lines(out).values()), process)
    process.kill()
    process.communicate()
    end = time.monotonic() + 60
    while left := _processes(str(tmp_path)):
        assert time.monotonic() < end, left
        time.sleep(0.5)


def test_a_cluster_is_reached_through_its_client_server_too(tmp_path: Path, cluster: Any) -> None:
    process = command(*TOYS, "--budget", "2", "updates", "--on", cluster.client, "--out", str(tmp_path / "out"))
    said = process.communicate(timeout=300)
    assert process.returncode == 0, said
    assert {row["status"] for row in _rows(tmp_path / "out")} == {"done"}


def test_where_nobody_answers_or_no_node_has_room_a_sentence_says_so_in_time(tmp_path: Path, fails: Fails) -> None:
    words = [*TOYS, "--budget", "1", "updates", "--out", str(tmp_path / "out"), "--on"]
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        port = deaf.getsockname()[1]
        for where in ([f"ray://127.0.0.1:{port}"], ["ray", "--ray-address", f"127.0.0.1:{port}"]):
            begun = time.monotonic()
            process = command(*words, *where)
            said, wrong = process.communicate(timeout=150)
            assert process.returncode == 2, (said, wrong)
            assert wrong.startswith("polax: there is no Ray at ")
            assert wrong.count("\n") == 1
            assert time.monotonic() - begun < 120
    begun = time.monotonic()
    assert f"no Ray answers at ray://127.0.0.1:{port}: " in fails(*words, f"ray://127.0.0.1:{port}")
    assert time.monotonic() - begun < 30
    assert "a task claims 512 CPUs and 0 GPUs, which no node of Ray has" in fails(
        *words, "ray", "--cpus-per-task", "512"
    )
    assert not (tmp_path / "out").exists()


def test_a_sweep_has_the_same_trials(tmp_path: Path) -> None:
    words = ["sweep", "toy_learner:TOY", "IPD-v0", "--vary", "width=2,3", "--updates", "2", "--eval-envs", "8"]
    trials = []
    for on in (["local"], ["ray", "--cpus-per-task", "1"]):
        process = command(*words, "--on", *on, "--out", str(tmp_path / on[0]))
        said = process.communicate(timeout=300)
        assert process.returncode == 0, said
        trials.append(json.loads((tmp_path / on[0] / "trials.json").read_text())["trials"])
    for row in (*trials[0], *trials[1]):
        del row["seconds"]
    assert trials[0] == trials[1]
