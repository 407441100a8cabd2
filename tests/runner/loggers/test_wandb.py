"""Weights & Biases: its three calls, against a stand-in, and against the library itself without a network."""

import importlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import polax
import pytest
from polax.runner.runs import checkpoint

QUICK: dict[str, Any] = {"eval_envs": 16, "checkpoint_every": 2, "quiet": True, "loggers": ["wandb"]}
MODULE = "polax.runner.loggers.wandb"


class Fake(ModuleType):
    """Takes the three calls. As the library does, it ignores steps before the last one it has of the same id."""

    def __init__(self) -> None:
        super().__init__("wandb")
        self.launches: list[dict[str, Any]] = []
        self.steps: dict[str, dict[int, dict[str, float]]] = {}
        self.finished = 0

    def init(self, **settings: Any) -> "FakeRun":
        self.launches.append(settings)
        return FakeRun(self, self.steps.setdefault(settings["id"], {}))


class FakeRun:
    def __init__(self, library: Fake, steps: dict[int, dict[str, float]]) -> None:
        self._library, self._steps = library, steps

    def log(self, values: dict[str, float], *, step: int) -> None:
        if step >= max(self._steps, default=0):
            self._steps.setdefault(step, {}).update(values)

    def finish(self) -> None:
        self._library.finished += 1


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[Fake]:
    library = Fake()
    monkeypatch.setitem(sys.modules, "wandb", library)
    monkeypatch.delenv("WANDB_PROJECT", raising=False)
    sys.modules.pop(MODULE, None)
    yield library
    sys.modules.pop(MODULE, None)  # it holds the stand-in


def test_a_run_is_one_there_with_means_and_each_seed(fake: Fake, tmp_path: Path) -> None:
    run = polax.train("toy", "IPD-v0", updates=3, seeds=[4, 2], eval_every=2, out=tmp_path / "mine", **QUICK)
    (launch,), (steps,) = fake.launches, fake.steps.values()
    assert (launch["project"], launch["name"], launch["dir"]) == ("polax", "mine", str(run.path))
    assert launch["config"]["options"] == run.spec.options
    assert list(steps) == [0, 1, 2, 3]
    rows = [row for row in run.folder.metrics() if row["update"] == 2]
    for name in ("loss/player_0", "score/player_1"):
        assert [steps[2][f"seed_{seed}/{name}"] for seed in (4, 2)] == [row[name] for row in rows]
        assert steps[2][name] == pytest.approx(sum(row[name] for row in rows) / 2)
    assert "loss/player_0" not in steps[0]
    assert "score/player_0" not in steps[1]
    assert fake.finished == 1


def test_one_seed_has_its_own_values_only(fake: Fake, tmp_path: Path) -> None:
    polax.train("toy", "IPD-v0", updates=1, out=tmp_path / "run", **QUICK)
    (steps,) = fake.steps.values()
    assert not [name for name in steps[1] if name.startswith("seed_")]


def test_a_resumed_run_goes_on_there_without_doubling_steps(fake: Fake, tmp_path: Path) -> None:
    run = polax.train("toy", "IPD-v0", updates=5, out=tmp_path / "run", **QUICK)
    checkpoint.keep_only(run.folder.checkpoints, {4})
    run.resume(updates=6, quiet=True, loggers=["wandb"])
    assert len(fake.launches) == 2
    assert len(fake.steps) == 1
    (steps,) = fake.steps.values()
    assert sorted(steps) == [0, 1, 2, 3, 4, 5, 6]
    assert fake.launches[1]["resume"] == "allow"
    assert fake.finished == 2


def test_the_project_may_be_named_by_the_environment(
    fake: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_PROJECT", "ours")
    polax.train("toy", "IPD-v0", updates=1, out=tmp_path / "run", **QUICK)
    assert fake.launches[0]["project"] == "ours"


def test_without_the_library_the_extra_is_named_and_nothing_is_made(
    fails: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    sys.modules.pop(MODULE, None)
    out = tmp_path / "run"
    error = fails("train", "toy", "IPD-v0", "--updates", "1", "--log", "wandb", "--out", str(out))
    assert error == "polax: Weights & Biases is not installed here: pip install 'polax[wandb]'\n"
    assert not out.exists()


@pytest.mark.learners
def test_the_library_itself_takes_a_run_offline_and_its_continuation(tmp_path: Path) -> None:
    importlib.import_module("wandb")
    code = (
        "import sys, polax\n"
        "run = polax.train('naive-exact', 'IPD-v0', updates=3, seeds=2, out='run', loggers=['wandb'], quiet=True)\n"
        "run.resume(updates=4, loggers=['wandb'], quiet=True)\n"
    )
    environment = {**os.environ, "WANDB_MODE": "offline", "WANDB_SILENT": "true"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    identity = (tmp_path / "run" / "wandb" / "id").read_text()
    launches = list((tmp_path / "run" / "wandb").glob(f"offline-run-*-{identity}"))
    assert len(launches) == 2
    assert all(list(launch.glob(f"run-{identity}.wandb")) for launch in launches)
