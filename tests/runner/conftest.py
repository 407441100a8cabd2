"""What the runner's tests share: a toy learner known by name, and short runs."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import toy_learner
from polax import registry
from polax.runner.cli import main
from polax.runner.runs.folder import RunFolder

QUICK = ["--eval-envs", "16", "--checkpoint-every", "2"]
TOY = ["toy_learner:TOY", "IPD-v0", *QUICK]


@pytest.fixture(autouse=True)
def _toys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry._ALGORITHMS.registered, "toy", toy_learner.TOY)
    monkeypatch.setitem(registry._ALGORITHMS.registered, "python-toy", toy_learner.PYTHON_TOY)
    # What one test allows to import, the next one must ask for itself; the toy is in the configs of shared runs.
    monkeypatch.setattr(registry, "_allowed", {"toy_learner:TOY"})
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
