"""What `polax doctor` finds, and what it repairs."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from polax.runner.cli import main
from polax.runner.runs import checkpoint
from polax.runner.runs.folder import RunFolder
from polax.runner.runs.lock import alone
from runner_helpers import edit_json

Train = Callable[..., RunFolder]


def _doctor(capsys: pytest.CaptureFixture[str], *words: str, status: int) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["doctor", *words, "--json"]) == status
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_a_sound_run_and_the_installation_are_well(train: Train, capsys: pytest.CaptureFixture[str]) -> None:
    run = train("run", "--updates", "3")
    assert _doctor(capsys, str(run.path), status=0)["problems"] == []
    assert main(["doctor", str(run.path)]) == 0
    assert capsys.readouterr().out.endswith("nothing is wrong\n")
    found = _doctor(capsys, status=0)
    assert {"versions", "devices", "memory", "plug-ins"} <= set(found)


def test_everything_that_is_wrong_is_named_and_repaired_without_losing_anything(
    train: Train, fails: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    run = train("run", "--updates", "4", "--keep-checkpoints", "9")
    largest = max((run.checkpoints / "00000002").rglob("d/*"), key=lambda path: path.stat().st_size)
    content = bytearray(largest.read_bytes())
    content[len(content) // 2] ^= 1
    largest.write_bytes(content)
    (run.checkpoints / "00000003.orbax-checkpoint-tmp").mkdir()
    (run.checkpoints / "mine").mkdir()
    (run.path / "manifest.json").write_text("{")
    lines = (run.path / "metrics.jsonl").read_text().splitlines(keepends=True)
    (run.path / "metrics.jsonl").write_text("".join([*lines[:2], "nonsense\n", *lines[3:]]))
    problems = _doctor(capsys, str(run.path), status=1)["problems"]
    for part in ("00000002", "orbax-checkpoint-tmp was left", "manifest.json cannot be read", "metrics.jsonl line 3"):
        assert any(part in problem for problem in problems), part
    with alone(run.path):
        assert "is being written by" in fails("doctor", str(run.path), "--repair")
    found = _doctor(capsys, str(run.path), "--repair", status=1)
    assert len(found["repaired"]) == 4
    left = " ".join(found["problems"])
    assert "manifest.json is missing" in left
    assert "has no lines of update 2" in left
    assert len(found["problems"]) == 2
    there = {path.name for path in run.path.iterdir()} | {path.name for path in run.checkpoints.iterdir()}
    assert {"metrics.jsonl.aside", "manifest.json.aside", "00000002.aside", "mine"} <= there
    assert checkpoint.saved_updates(run.checkpoints) == [4]
    assert main(["evaluate", str(run.path), "--eval-envs", "16", "--checkpoint", "best"]) == 0


def test_what_only_a_person_can_cure_stays(
    train: Train, fails: Callable[..., str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    run = train("run", "--updates", "1")
    edit_json(run.path / "config.json", updates=-1)
    found = _doctor(capsys, str(run.path), "--repair", status=1)
    assert "config.json is not what polax writes: --updates must be" in found["problems"][0]
    assert "is not a run folder" in fails("doctor", str(tmp_path))
    assert "--repair is for a run" in fails("doctor", "--repair")
