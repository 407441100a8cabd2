"""The pages on writing one's own: their code runs, their changes fit, their tables are the clauses."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import gymnasium
import numpy as np
import polax
import pytest
from polax.envs.views.pettingzoo import GameParallelEnv
from polax.runner.cli import main
from polax.testing.clauses import ALGORITHM_CLAUSES, ENVIRONMENT_CLAUSES, PLUGIN_CLAUSES, POLICY_CLAUSES

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = ("write_your_own_algorithm.md", "write_your_own_environment.md", "architecture.md")


def _blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)


@pytest.mark.parametrize(
    ("page", "own"),
    [("write_your_own_algorithm.md", ALGORITHM_CLAUSES), ("write_your_own_environment.md", ENVIRONMENT_CLAUSES)],
)
def test_the_pages_list_every_clause_in_its_words(page: str, own: dict[str, object]) -> None:
    expected = [
        f"| `{name}` | {clause.asks} |"
        for group in (PLUGIN_CLAUSES, own, POLICY_CLAUSES)
        for name, clause in group.items()  # type: ignore[attr-defined]
    ]
    listed = [line for line in (DOCS / page).read_text().splitlines() if re.match(r"\| `[a-z-]+` \|", line)]
    assert sorted(listed) == sorted(expected)


@pytest.fixture
def page(registry: ModuleType) -> Iterator[dict[str, Any]]:
    """What the page on games defines, with its game registered."""
    # The snippets are one program: a class in them must know the module it is defined in.
    names: dict[str, Any] = {"__name__": __name__}
    for block in _blocks("write_your_own_environment.md", "python"):
        exec(compile(block, "write_your_own_environment.md", "exec"), names)
    yield names
    gymnasium.registry.pop("RockPaperScissors-v0")


def test_the_game_on_the_page_is_short_and_can_be_used(page: dict[str, Any]) -> None:
    assert len(_blocks("write_your_own_environment.md", "python")[0].splitlines()) < 120
    assert "RockPaperScissors-v0" in {row.name for row in polax.list_environments()}
    picture = page["picture"]
    assert picture.shape == (288, 480, 3)
    assert (picture == (200, 50, 74)).all(-1).sum() > 1000  # player 0's disc
    with pytest.raises(polax.OptionError, match="stake must be a finite number above 0; got -1"):
        polax.make_env("RockPaperScissors-v0", stake=-1.0)
    assert polax.make_env("RockPaperScissors-v0", fog=True)[0].fog


def test_the_game_on_the_page_has_every_view(page: dict[str, Any]) -> None:
    env = GameParallelEnv("RockPaperScissors-v0", render_mode="ansi", max_steps_in_episode=3)
    env.reset(seed=0)
    env.step({"player_0": 2, "player_1": 1})
    assert env.render().splitlines()[:2] == [
        "RockPaperScissors-v0, step 1 of 3",
        "player 0 +1.00 (last +1.00)   player 1 -1.00 (last -1.00)",
    ]
    vector = gymnasium.make_vec("RockPaperScissors-v0", 3, opponent="counter", render_mode="rgb_array")
    vector.reset(seed=0)
    _, rewards, *_ = vector.step(np.array([0, 1, 2]))
    assert rewards.tolist() == [-1.0, 0.0, 1.0]
    assert len({picture.tobytes() for picture in vector.render()}) == 3


@pytest.mark.slow
def test_the_game_on_the_page_trains_and_plays_tournaments(page: dict[str, Any], tmp_path: Path) -> None:
    run, out = tmp_path / "run", tmp_path / "tournament"
    sizes = ["--num-envs", "4", "--hidden-size", "3", "--eval-envs", "4", "--updates", "1"]
    options = [*sizes, "--env.max-steps-in-episode", "4", "--out", str(run)]
    assert main(["train", "naive", "RockPaperScissors-v0", *options]) == 0
    (measure,) = json.loads((run / "manifest.json").read_text())["measures"]
    assert (measure["title"], measure["references"], measure["plot"]) == ("Draws", {"both at random": 1 / 3}, True)
    assert main(["plot", str(run), "--out", str(tmp_path / "curves.png")]) == 0
    assert main(["render", str(run), "--out", str(tmp_path / "episode.gif")]) == 0
    assert main(["tournament", "counter", str(run), "--episodes", "2", "--out", str(out)]) == 0
    content = json.loads((out / "tournament.json").read_text())
    assert content["player_measures"]["measures"][0]["title"] == "Steps won"
    assert 0 <= content["player_measures"]["values"]["counter"]["won"] <= 1
    assert content["episodes_shown"][0]["frames"]["boards"] == []
    assert main(["report", str(out)]) == 0


def test_the_change_on_the_page_fits_the_package_that_is_written(tmp_path: Path) -> None:
    assert main(["new-algorithm", "my-learner", "--out", str(tmp_path / "my-learner")]) == 0
    (change,) = _blocks("write_your_own_algorithm.md", "diff")
    (tmp_path / "change").write_text(change)
    subprocess.run(["git", "apply", "--check", "../change"], cwd=tmp_path / "my-learner", check=True)


@pytest.mark.parametrize("page", PAGES)
def test_what_the_pages_link_to_is_there(page: str) -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)", (DOCS / page).read_text()):
        assert (DOCS / target).exists(), target
