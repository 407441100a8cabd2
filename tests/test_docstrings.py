"""Every function of the public API has an example in its docstring, and the examples run."""

import doctest
import inspect
import shutil
from pathlib import Path

import gymnasium
import polax
import pytest

FUNCTIONS = [name for name in polax.__all__ if inspect.isfunction(getattr(polax, name))]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two runs that the examples mention."""
    folder = tmp_path_factory.mktemp("examples") / "runs"
    for name in ("mine", "other"):
        settings = {"updates": 2, "seeds": 2, "eval_envs": 4, "quiet": True}
        polax.train("naive-exact", "IPD-v0", out=folder / name, **settings)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", [*FUNCTIONS, "Document", "Run"])
@pytest.mark.usefixtures("registry")
def test_the_example_of_the_docstring_runs(name, runs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(runs, Path("runs"))
    text = inspect.getdoc(getattr(polax, name)) or ""
    example = doctest.DocTestParser().get_doctest(text, {"polax": polax}, name, None, None)
    assert example.examples
    assert "+SKIP" not in text
    said = []
    doctest.DocTestRunner().run(example, out=said.append)
    gymnasium.registry.pop("Dilemma-v0", None)
    assert not said, "".join(said)
