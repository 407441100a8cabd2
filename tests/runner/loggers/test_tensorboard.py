"""TensorBoard: what its files hold, and that a resumed run shows each event once."""

import struct
from pathlib import Path
from typing import Any

import polax
import pytest
from polax.runner.loggers import tensorboard
from polax.runner.runs import checkpoint
from polax.runner.training import callbacks
from tensorboardX.proto.event_pb2 import Event, SessionLog

QUICK: dict[str, Any] = {"eval_envs": 16, "checkpoint_every": 2, "quiet": True}


def _shown(folder: Path) -> dict[str, list[int]]:
    """Return the steps of each tag as TensorBoard shows them: a start drops what was there of its step and later."""
    shown: dict[str, list[int]] = {}
    for path in sorted(folder.glob("events.*")):
        content = path.read_bytes()
        while content:
            (length,) = struct.unpack("<Q", content[:8])
            event = Event.FromString(content[12 : 12 + length])
            content = content[16 + length :]
            if event.HasField("session_log") and event.session_log.status == SessionLog.START:
                shown = {tag: [step for step in steps if step < event.step] for tag, steps in shown.items()}
            for value in event.summary.value:
                shown.setdefault(value.tag, []).append(event.step)
    return shown


def _trail(folder: Path, *, flush_every: float, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return how many updates of three the file shows before each checkpoint, which comes after the second and last."""
    monkeypatch.setattr(tensorboard, "FLUSH_EVERY", flush_every)
    seen: list[int] = []

    def look(event: callbacks.Event) -> None:
        del event
        seen.append(len(_shown(folder / "tensorboard" / "seed_0").get("loss/player_0", [])))

    callback = polax.Callback(on_update=look, on_checkpoint=look)
    polax.train("toy", "IPD-v0", updates=3, out=folder, callbacks=[callback], **QUICK)
    return seen


def test_events_go_to_the_disk_now_and_then_and_with_every_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _trail(tmp_path / "rarely", flush_every=1e9, monkeypatch=monkeypatch) == [0, 0, 2, 2, 3]
    assert _trail(tmp_path / "always", flush_every=0.0, monkeypatch=monkeypatch) == [1, 2, 2, 3, 3]


def test_every_seed_has_a_folder_with_each_update_and_evaluation(tmp_path: Path) -> None:
    run = polax.train("toy", "IPD-v0", updates=3, seeds=[4, 2], eval_every=2, out=tmp_path / "run", **QUICK)
    for seed in (4, 2):
        shown = _shown(run.path / "tensorboard" / f"seed_{seed}")
        assert shown["loss/player_0"] == [1, 2, 3]
        assert shown["score/player_1"] == shown["score/player_0/vs/tit-for-tat"] == [0, 2, 3]


def test_a_resumed_run_shows_each_event_once(tmp_path: Path) -> None:
    run = polax.train("toy", "IPD-v0", updates=5, out=tmp_path / "run", **QUICK)
    checkpoint.keep_only(run.folder.checkpoints, {4})  # as if killed after update 5 was told and before it was saved
    run.resume(updates=6, quiet=True)
    shown = _shown(run.path / "tensorboard" / "seed_0")
    assert shown["loss/player_0"] == [1, 2, 3, 4, 5, 6]
    assert shown["score/player_0"] == [0, 1, 2, 3, 4, 5, 6]


def test_a_run_killed_before_its_first_checkpoint_begins_anew(tmp_path: Path) -> None:
    run = polax.train("toy", "IPD-v0", updates=2, out=tmp_path / "run", **QUICK)
    checkpoint.keep_only(run.folder.checkpoints, set())
    run.resume(quiet=True)
    assert _shown(run.path / "tensorboard" / "seed_0")["score/player_0"] == [0, 1, 2]
