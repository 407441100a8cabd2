"""Slurm: the script that is submitted, and tasks that submitit runs here, preempted and requeued among them."""

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polax
import pytest
from polax.options import make_config
from polax.runner.executors import slurm
from polax.runner.executors.base import Command
from runner_helpers import HERE

pytestmark = pytest.mark.executors

Fails = Callable[..., str]
GAME = {"IPD-v0": {"max_steps_in_episode": 3}}
TOYS: dict[str, Any] = {"algorithms": ["toy_learner:TOY"], "envs": ["IPD-v0"], "num_seeds": 2, "quiet": True}
TOYS |= {"budget": "40 updates", "evaluation_episodes": 8}
TOYS |= {"options": {**GAME, "toy_learner:TOY": {"work": 20000}}}


@pytest.fixture
def submitted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a Slurm on the path that takes one job and keeps its script, which is the path that is returned."""
    folder = tmp_path / "bin"
    folder.mkdir()
    script = tmp_path / "script"
    programs = {
        "sbatch": f'cp "$1" {script}; echo Submitted batch job 42',
        "srun": "exit 1",
        "sacct": "echo JobID\\|State\\|NodeList; echo 42_[0-1]\\|PENDING\\|",
        "scancel": f'echo "$@" >> {tmp_path}/cancelled',
    }
    for name, text in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", os.pathsep.join([str(folder), os.environ["PATH"]]))
    return script


def _config(**options: Any) -> slurm.SlurmConfig:
    return make_config(slurm.SlurmConfig, options, what="slurm")


def _command(name: str) -> Command:
    return Command(name, ("-c", "pass"), {}, "/dev/null")


def test_the_script_says_what_the_options_say(submitted: Path, tmp_path: Path) -> None:
    options = {"partition": "gpu", "time": 90, "account": "lab", "memory": 12.5, "cpus_per_task": 3, "gpus_per_task": 2}
    config = _config(**options, array=7, options={"qos": "low"})
    executor = slurm.SlurmExecutor(config, tmp_path / "out")
    executor.start([_command("a"), _command("b")])
    lines = submitted.read_text().splitlines()
    wanted = ["partition=gpu", "time=90", "account=lab", "mem=12800MB", "cpus-per-task=3", "gpus-per-node=2", "qos=low"]
    wanted += ["array=0-1%2", "job-name=polax", "requeue", "signal=USR2@90", "open-mode=append", "ntasks-per-node=1"]
    assert {f"#SBATCH --{each}" for each in wanted} <= set(lines)
    folder = tmp_path / "out" / "tasks" / ".slurm"
    assert f"#SBATCH --output={folder}/%A_%a_0_log.out" in lines
    (run,) = (line for line in lines if line.startswith("srun"))
    assert run.endswith(f"-u -m submitit.core._submit {folder}")
    assert executor.ended(0.0) == []
    executor.stop()
    executor.close()
    assert (tmp_path / "cancelled").read_text().splitlines() == ["--state=PENDING 42_0 42_1", "42_0 42_1"]
    assert not (tmp_path / "out" / "tasks").exists()


def test_defaults_ask_for_nothing_that_was_not_asked_for(submitted: Path, tmp_path: Path) -> None:
    slurm.SlurmExecutor(_config(), tmp_path / "out").start([_command("a")])
    text = submitted.read_text()
    assert "#SBATCH --time=60\n" in text
    for word in ("partition", "account", "--mem", "gpus", "array"):
        assert word not in text


def test_without_slurm_or_where_it_refuses_a_sentence_says_so(
    submitted: Path, tmp_path: Path, fails: Fails, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["benchmark", "--algorithms", "toy_learner:TOY", "--envs", "IPD-v0", "--budget", "1", "updates"]
    words += ["--on", "slurm", "--out", str(tmp_path / "out")]
    sbatch = submitted.parent / "bin" / "sbatch"
    sbatch.write_text("#!/bin/sh\necho 'sbatch: error: invalid partition specified: x' >&2; exit 1\n")
    error = fails(*words, "--slurm-partition", "x")
    assert "Slurm does not take the tasks: " in error
    assert "invalid partition specified: x" in error
    sbatch.unlink()
    assert "Slurm is not here: there is no sbatch on the PATH" in fails(*words)


class _Here(slurm.SlurmExecutor):
    """Has submitit run on this machine."""

    def _submitter(self) -> Any:
        submitter = self._library.LocalExecutor(folder=self._folder, max_num_timeout=slurm.REQUEUES)
        submitter.update_parameters(timeout_min=30, stderr_to_stdout=True)
        return submitter


@pytest.fixture
def here(submitted: Path, monkeypatch: pytest.MonkeyPatch) -> list[_Here]:
    """Let ``--on slurm`` run on this machine; the list gets every executor that is made."""
    made: list[_Here] = []

    def build(config: slurm.SlurmConfig, folder: Path) -> _Here:
        made.append(_Here(config, folder))
        return made[-1]

    monkeypatch.setattr(slurm, "SLURM", slurm.SLURM._replace(build=build))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])]))
    return made


def _rows(folder: Path) -> list[dict[str, Any]]:
    content = json.loads((folder / "results.json").read_text())
    return [{name: value for name, value in row.items() if name != "seconds"} for row in content["combinations"]]


def test_what_is_preempted_saves_and_goes_on_in_the_queue_with_the_same_numbers(
    here: list[_Here], tmp_path: Path
) -> None:
    polax.benchmark(**TOYS, out=tmp_path / "alone")
    run = tmp_path / "out" / "runs" / "toy_learner_TOY-IPD-v0"

    def preempt() -> None:
        while not ((run / "metrics.jsonl").exists() and (run / "metrics.jsonl").read_bytes().count(b"\n") > 8):
            time.sleep(0.05)
        (job,) = here[0]._jobs.values()
        # Slurm sends it to every process of the job.
        children = subprocess.check_output(["ps", "-o", "pid=", "--ppid", job.job_id], text=True).split()
        grandchildren = subprocess.check_output(["ps", "-o", "pid=", "--ppid", *children], text=True).split()
        for pid in [*children, *grandchildren]:
            os.kill(int(pid), signal.SIGUSR2)

    threading.Thread(target=preempt, daemon=True).start()
    polax.benchmark(**TOYS, out=tmp_path / "out", on="slurm")
    assert _rows(tmp_path / "out") == _rows(tmp_path / "alone")
    launches = json.loads((run / "manifest.json").read_text())["launches"]
    assert len(launches) == 2
    assert 0 < launches[0]["update"] < 40
    assert launches[1]["update"] == 40
    assert not (tmp_path / "out" / "tasks").exists()


def test_a_sweep_has_the_same_trials(here: list[_Here], tmp_path: Path) -> None:
    settings: dict[str, Any] = {"vary": {"width": [2, 3]}, "updates": 2, "eval_envs": 8, "quiet": True}
    found = [
        polax.sweep("toy_learner:TOY", "IPD-v0", out=tmp_path / on, on=on, **settings).data["trials"]
        for on in ("local", "slurm")
    ]
    for row in (*found[0], *found[1]):
        del row["seconds"]
    assert found[0] == found[1]
    assert len(here) == 1
