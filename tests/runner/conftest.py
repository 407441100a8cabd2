"""What the runner's tests share: a toy learner known by name, and short runs."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import toy_learner
from polax.runner.cli import main
from polax.runner.runs.folder import RunFolder

QUICK = ["--eval-envs", "16", "--checkpoint-every", "2"]
TOY = ["toy_learner:TOY", "IPD-v0", *QUICK]


@pytest.fixture(autouse=True)
def _toys(registry: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    registry.register_algorithm("toy", toy_learner.TOY)
    registry.register_algorithm("python-toy", toy_learner.PYTHON_TOY)
    registry.allow_import("toy_learner:TOY")  # it is in the configs of runs that tests share
    monkeypatch.setattr(sys, "path", list(sys.path))


@pytest.fixture
def train(tmp_path: Path) -> Callable[..., RunFolder]:
    """Return a function that trains in this process and gives back the run."""

    def run(name: str, *words: str, status: int = 0) -> RunFolder:
        folder = tmp_path / name
        start = [] if "--resume" in words else [*TOY, "--out", str(folder)]
        assert main(["train", *start, *words]) == status
        return RunFolder(folder)

    return run


@pytest.fixture
def fails(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Return a function that runs a command which must fail as a user's error does, and gives back the line."""

    def run(*words: str) -> str:
        capsys.readouterr()
        assert main(list(words)) == 2
        error = capsys.readouterr().err
        assert error.startswith("polax: ")
        assert error.count("\n") == 1
        assert "Traceback" not in error
        return error

    return run
