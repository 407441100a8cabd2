"""A learner that breaks gets one line that says where, and its run is saved."""

from pathlib import Path

import polax
import pytest
from broken_learners import BROKEN
from polax.runner.cli import main
from polax.runner.runs import checkpoint


@pytest.mark.parametrize("name", BROKEN)
def test_what_a_learner_raises_is_one_line_with_its_name_function_and_update(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plugin, message = BROKEN[name]
    polax.register_algorithm("broken", plugin)
    monkeypatch.chdir(tmp_path)
    words = ["train", "broken", "IPD-v0", "--updates", "5", "--eval-envs", "4", "--env.max-steps-in-episode", "3"]
    assert main([*words, "--out", "run"]) == (2 if name == "build-nothing" else 1)
    error = capsys.readouterr().err
    assert error.startswith("polax: algorithm 'broken': ")
    assert message in error
    assert error.count("\n") == 1
    # What breaks where it is built or traced breaks before a folder is made; what breaks later leaves a run to resume.
    saved = checkpoint.saved_updates(Path("run/checkpoints"))
    assert Path("run").exists() == bool(saved)
    assert bool(saved) or not name.startswith(("metric", "later"))
    if saved:
        assert f"update {saved[-1]} of 5 and saved; continue with: polax train --resume run" in error


def test_a_run_whose_learner_broke_goes_on_where_it_was_once_the_learner_is_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import broken_learners

    polax.register_algorithm("broken", BROKEN["later"][0])
    monkeypatch.chdir(tmp_path)
    words = ["train", "broken", "IPD-v0", "--updates", "5", "--eval-envs", "4", "--env.max-steps-in-episode", "3"]
    assert main([*words, "--out", "run"]) == 1
    monkeypatch.setattr(broken_learners.sys, "exit", lambda status: None)
    assert main(["train", "--resume", "run"]) == 0
    assert checkpoint.saved_updates(Path("run/checkpoints"))[-1] == 5
    lines = Path("run/metrics.jsonl").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == [f'{{"update": {number}' for number in range(6)]
