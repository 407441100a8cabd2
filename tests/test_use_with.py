"""The snippets of the README and of pages in docs/ run."""

import logging
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "use_with.md"
OPTIONAL = re.compile(r"^(?:from|import) (?:stable_baselines3|supersuit|torchrl|jaxmarl|axelrod|rejax)", re.MULTILINE)
README = ROOT / "README.md"
PAGES = (PAGE, *(ROOT / "docs" / f"{name}.md" for name in ("learners", "exact", "report", "sweep", "training")))
SNIPPETS = [
    pytest.param(
        snippet,
        marks=[
            *([pytest.mark.learners] if OPTIONAL.search(snippet) else []),
            *(
                []
                if (page is README and "polax.tournament(" not in snippet) or OPTIONAL.search(snippet)
                else [pytest.mark.slow]
            ),
        ],
    )
    for page in (README, *PAGES)
    for snippet in re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
]


@pytest.mark.filterwarnings("ignore:PettingZoo in TorchRL is tested using version:UserWarning")
@pytest.mark.parametrize("snippet", SNIPPETS, ids=lambda snippet: snippet.splitlines()[-1][:40])
@pytest.mark.usefixtures("registry")
def test_the_snippet_runs(snippet, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    logger = logging.getLogger("polax")
    monkeypatch.setattr(logger, "handlers", [])
    monkeypatch.setattr(logger, "level", logger.level)
    exec(compile(snippet, str(PAGE), "exec"), {})


def test_the_readme_trains_and_draws_in_six_lines_and_holds_a_tournament_of_three_learners_in_twelve():
    first, second, *_ = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    assert {"train", "figure", "render"} <= set(re.findall(r"\.(\w+)\(", first))
    assert len(first.splitlines()) <= 6
    assert len(re.findall(r'"\w+-exact"', second)) == 3
    assert "polax.tournament(" in second
    assert len(second.splitlines()) <= 12


def test_every_game_has_a_page():
    import polax

    pages = "".join(page.read_text() for page in (PAGE.parent / "environments").glob("*.md"))
    builtin = ["IPD-v0", "StagHunt-v0", "Chicken-v0", "MatchingPennies-v0", "CoinGame-v0"]
    assert set(builtin) <= {row.name for row in polax.list_environments()}
    for name in builtin:
        assert f": `{name}`" in pages
