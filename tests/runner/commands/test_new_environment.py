"""`polax new-environment`: what it writes is a game that conforms; what it refuses, it says why."""

import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import gymnasium
import polax
import pytest
from polax import registry
from polax.envs.base import EnvironmentPlugin
from polax.runner.cli import main
from polax.testing import check_environment
from runner_helpers import style_complaints


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("new") / "package"
    assert main(["new-environment", "brand-new-game", "--out", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def plugin(package: Path) -> Iterator[EnvironmentPlugin]:
    sys.path.append(str(package))
    found = registry.environment_plugin("brand_new_game:BRAND_NEW_GAME")
    with registry.isolated():
        polax.register_environment("BrandNewGame-v0", found)  # Gymnasium knows it too, to the end of the process
        yield found


def test_a_package_is_written_whole(package: Path) -> None:
    written = {path.relative_to(package).as_posix() for path in package.rglob("*") if path.is_file()}
    assert {"pyproject.toml", "README.md", "brand_new_game.py", "tests/test_brand_new_game.py"} <= written
    project = tomllib.loads((package / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["polax.envs"] == {"BrandNewGame-v0": "brand_new_game:BRAND_NEW_GAME"}
    assert not [path for path in written if "$" in (package / path).read_text(errors="ignore")]


def test_what_is_written_is_in_polaxs_own_style(package: Path) -> None:
    assert style_complaints(package, "D", "RUF009") == ""


def test_the_game_keeps_the_contract_at_once(plugin: EnvironmentPlugin) -> None:
    check_environment("BrandNewGame-v0")


@pytest.mark.slow
def test_its_own_tests_pass(package: Path) -> None:
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "not contract"]
    done = subprocess.run(words, capture_output=True, text=True, cwd=package)
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout


def test_it_has_strategies_measures_and_a_picture_that_changes(plugin: EnvironmentPlugin) -> None:
    env, _ = polax.make_env("BrandNewGame-v0")
    assert [measure.name for measure in (*env.measures, *env.player_measures)] == ["stock", "taken"]
    game = gymnasium.make(
        "BrandNewGame-v0", opponent="greedy", render_mode="rgb_array", max_steps_in_episode=2, disable_env_checker=True
    )
    game.reset(seed=0)
    before = game.render()
    _, reward, *_ = game.step(0)
    assert reward == 1
    assert (game.render() != before).any()


@pytest.mark.slow
def test_a_learner_of_the_suite_trains_in_it(plugin: EnvironmentPlugin, tmp_path: Path) -> None:
    out = tmp_path / "run"
    sizes = ["--updates", "1", "--num-envs", "4", "--hidden-size", "4", "--eval-envs", "4"]
    assert main(["train", "naive", "BrandNewGame-v0", *sizes, "--out", str(out)]) == 0
    assert {"stock", "score/player_0/vs/reciprocal"} <= set(polax.load(out).metrics())


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("9lives", "'9lives' cannot be the name of a game: letters and digits"),
        ("coin-game", "there is already an environment 'CoinGame-v0', from polax"),
        ("json", "there is already a Python module 'json'"),
    ],
)
def test_a_name_that_cannot_be_used_gets_one_line_and_leaves_nothing(
    fails: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert message in fails("new-environment", name)
    assert list(tmp_path.iterdir()) == []
