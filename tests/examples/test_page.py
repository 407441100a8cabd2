"""The page on writing an algorithm, step by step, in the environment that `make test-examples` makes."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from installed import BIN, ROOT, run

pytestmark = pytest.mark.examples

PAGE = ROOT / "docs" / "write_your_own_algorithm.md"


@pytest.fixture
def _without_my_learner(tmp_path: Path) -> Iterator[None]:
    """Leave the environment without the package that the page installs."""
    yield
    run([str(BIN / "python"), "-m", "pip", "uninstall", "-q", "-y", "my-learner"], tmp_path)


@pytest.mark.usefixtures("_without_my_learner")
def test_every_step_of_the_page_on_algorithms_does_what_it_says(tmp_path: Path) -> None:
    """All commands and changes of the page, in order, as a reader would type them."""
    for language, block in re.findall(r"```(sh|diff)\n(.*?)```", PAGE.read_text(), re.DOTALL):
        if language == "sh":
            run(["bash", "-ec", block], tmp_path)
        else:
            (tmp_path / "change").write_text(block)
            run(["git", "apply", "../change"], tmp_path / "my-learner")
    for folder, expected in (("first", 0.0), ("second", 0.33)):
        last = json.loads((tmp_path / folder / "metrics.jsonl").read_text().splitlines()[-1])
        assert last["score/player_0"] == pytest.approx(expected, abs=0.05)
    compared = json.loads((tmp_path / "compared" / "results.json").read_text())["combinations"]
    assert [each["status"] for each in compared] == ["done", "done"]
