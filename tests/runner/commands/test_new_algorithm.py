"""`polax new-algorithm`: what it writes is a plug-in that conforms and learns; what it refuses, it says why."""

import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import jax
import pytest
from polax import registry
from polax.algorithms.base import AlgorithmPlugin
from polax.runner.cli import main
from polax.testing import check_algorithm
from runner_helpers import style_complaints


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("new") / "package"
    assert main(["new-algorithm", "brand-new2", "--out", str(folder)]) == 0
    return folder


@pytest.fixture
def quick_compilation() -> Iterator[None]:
    """Compile fast what runs once."""
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


@pytest.fixture(scope="module")
def plugin(package: Path) -> AlgorithmPlugin:
    sys.path.append(str(package))
    return registry.algorithm_plugin("brand_new2:BRAND_NEW2")


def test_a_package_is_written_whole(package: Path) -> None:
    written = {path.relative_to(package).as_posix() for path in package.rglob("*") if path.is_file()}
    assert {"pyproject.toml", "README.md", "brand_new2.py", "tests/test_brand_new2.py"} <= written
    project = tomllib.loads((package / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["polax.algorithms"] == {"brand-new2": "brand_new2:BRAND_NEW2"}
    assert project["dependencies"][0] == "polax>=0.1"
    assert not [path for path in written if "$" in (package / path).read_text(errors="ignore")]


def test_what_is_written_is_in_polaxs_own_style(package: Path) -> None:
    assert style_complaints(package, "D") == ""


@pytest.mark.slow
def test_the_learner_keeps_the_contract_at_once(plugin: AlgorithmPlugin, quick_compilation: None) -> None:
    check_algorithm("brand_new2:BRAND_NEW2", options={"num_envs": 4, "hidden_size": 4})


@pytest.mark.examples
def test_the_learner_learns_to_defect(plugin: AlgorithmPlugin) -> None:
    """In the prisoner's dilemma each player is better off so, whatever the other does (seed 0)."""
    env, params = registry.make_env("IPD-v0", max_steps_in_episode=5)
    algorithm = plugin.build(env, params, plugin.config(num_envs=64, learning_rate=0.05))
    state, update = algorithm.init(jax.random.key(0)), jax.jit(algorithm.update)
    rewards = []
    for key in jax.random.split(jax.random.key(1), 40):
        state, metrics = update(key, state)
        rewards.append(float(metrics["reward/player_0"]))
    assert rewards[0] > 0.1
    assert abs(rewards[-1]) < 0.03


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("9lives", "letters and digits, words joined by hyphens"),
        ("my learner", "letters and digits"),
        ("lernér", "letters and digits"),
        ("my--learner", "letters and digits"),
        ("lambda", "not a keyword of Python"),
        ("pola-dice", "there is already an algorithm 'pola-dice', from polax"),
        ("Naive", "there is already an algorithm 'naive'"),
        ("json", "there is already a Python module 'json'"),
        ("full", "full already exists; choose another --out"),
    ],
)
def test_a_name_that_cannot_be_used_gets_one_line_and_leaves_nothing(
    fails: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    assert message in fails("new-algorithm", name)
    assert [path.name for path in tmp_path.iterdir()] == ["full"]


def test_a_file_or_a_folder_that_cannot_be_written_is_named(fails: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "file already exists" in fails("new-algorithm", "mine-own", "--out", str(tmp_path / "file"))
    assert "cannot be written" in fails("new-algorithm", "mine-own", "--out", str(tmp_path / "file" / "below"))
