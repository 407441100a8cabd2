"""The whole way in a fresh environment: polax's wheel and the examples' wheels, from outside the repository.

`make test-examples` makes the environment and runs this with its Python.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from installed import BIN, EXAMPLES, run

pytestmark = pytest.mark.examples

TINY = [
    "--num-envs",
    "8",
    "--hidden-size",
    "8",
    "--env.max-steps-in-episode",
    "10",
    "--eval-envs",
    "16",
    "--eval-every",
    "2",
]

Polax = Callable[..., str]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("outside")


@pytest.fixture(scope="module")
def polax(folder: Path) -> Polax:
    return lambda *words: run([str(BIN / "polax"), *words], folder)


def test_polax_is_the_installed_wheel(folder: Path) -> None:
    where = run([str(BIN / "python"), "-c", "import polax; print(polax.__file__)"], folder)
    assert "site-packages" in where


def test_both_are_listed_with_their_origin_and_no_error(polax: Polax) -> None:
    rows = {row["name"]: row for row in json.loads(polax("list", "--json"))["algorithms"]}
    for name, distribution in EXAMPLES.items():
        assert rows[name]["distribution"] == distribution
        assert rows[name]["version"] == "0.1.0"
        assert rows[name]["error"] is None


def _lines(path: Path) -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_run_that_was_stopped_goes_on_bit_for_bit_and_is_evaluated(polax: Polax, folder: Path, name: str) -> None:
    polax("train", name, "IPD-v0", *TINY, "--num-seeds", "2", "--updates", "4", "--out", f"{name}-whole")
    polax("train", name, "IPD-v0", *TINY, "--num-seeds", "2", "--updates", "2", "--out", f"{name}-parts")
    polax("train", "--resume", f"{name}-parts", "--updates", "4")
    whole, parts = (_lines(folder / f"{name}-{kind}" / "metrics.jsonl") for kind in ("whole", "parts"))
    assert whole == parts
    assert len(whole) == 2 * 5
    result = json.loads(polax("evaluate", f"{name}-whole", "--eval-envs", "32", "--json"))
    assert {"score/player_0", "score/player_1/vs/tit-for-tat"} <= set(result["mean"])


def test_both_meet_in_a_tournament_and_its_page_is_written(polax: Polax, folder: Path) -> None:
    players = [*(f"{name}-whole" for name in EXAMPLES), "tit-for-tat", "always-defect"]
    polax("tournament", *players, "--env", "IPD-v0", "--episodes", "16", "--out", "meeting")
    meeting = json.loads((folder / "meeting" / "tournament.json").read_text())
    assert [player["kind"] for player in meeting["players"]] == ["run", "run", "strategy", "strategy"]
    assert all(len(row) == 4 for row in meeting["scores"]["mean"])
    polax("report", "meeting")
    page = (folder / "meeting" / "report.html").read_text()
    assert all(player in page for player in players)
