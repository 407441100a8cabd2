"""The pages on writing one's own: their code runs, their changes fit, their tables are the clauses."""

import re
import subprocess
from pathlib import Path

import polax
import pytest
from polax import registry
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


def test_the_game_on_the_page_conforms_and_can_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    import gymnasium

    monkeypatch.setattr(registry._ENVIRONMENTS, "registered", {})
    # The snippets are one program: a class in them must know the module it is defined in.
    names: dict[str, object] = {"__name__": __name__}
    for block in _blocks("write_your_own_environment.md", "python"):
        exec(compile(block, "write_your_own_environment.md", "exec"), names)
    assert "RockPaperScissors-v0" in {row.name for row in polax.list_environments()}
    gymnasium.registry.pop("RockPaperScissors-v0")


def test_the_change_on_the_page_fits_the_package_that_is_written(tmp_path: Path) -> None:
    assert main(["new-algorithm", "my-learner", "--out", str(tmp_path / "my-learner")]) == 0
    (change,) = _blocks("write_your_own_algorithm.md", "diff")
    (tmp_path / "change").write_text(change)
    subprocess.run(["git", "apply", "--check", "../change"], cwd=tmp_path / "my-learner", check=True)


@pytest.mark.parametrize("page", PAGES)
def test_what_the_pages_link_to_is_there(page: str) -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)", (DOCS / page).read_text()):
        assert (DOCS / target).exists(), target
