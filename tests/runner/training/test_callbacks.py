"""Callbacks: what they are told and when, what happens when one raises, and what the logger `polax` says."""

import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polax
import pytest
from polax.runner.cli import main
from polax.runner.runs.checkpoint import saved_updates
from polax.runner.runs.folder import RunFolder
from polax.runner.training.callbacks import Event, Launch
from runner_helpers import without_time

HOOKS = ("on_update", "on_evaluation", "on_checkpoint", "on_end")
QUICK: dict[str, Any] = {"eval_envs": 16, "checkpoint_every": 2, "quiet": True}

Told = list[tuple[str, Event]]


def _watch(told: Told) -> polax.Callback:
    """Return a callback that keeps everything it is told."""
    return polax.Callback(**{hook: lambda event, hook=hook: told.append((hook, event)) for hook in HOOKS})


def _failing(hook: str, update: int) -> polax.Callback:
    def burst(event: Event) -> None:
        if event.update == update:
            raise ValueError("the valve\nis stuck")

    return polax.Callback(**{hook: burst})


def _steps(told: Told) -> list[tuple[str, int]]:
    return [(hook, event.update) for hook, event in told]


def test_callbacks_are_told_of_updates_evaluations_checkpoints_and_the_end(tmp_path: Path) -> None:
    told: Told = []
    run = polax.train(
        "toy", "IPD-v0", updates=4, seeds=[4, 2], eval_every=2, callbacks=[_watch(told)], out=tmp_path / "run", **QUICK
    )
    assert _steps(told) == [
        ("on_evaluation", 0),
        ("on_update", 1),
        ("on_update", 2), ("on_evaluation", 2), ("on_checkpoint", 2),
        ("on_update", 3),
        ("on_update", 4), ("on_evaluation", 4), ("on_checkpoint", 4),
        ("on_end", 4),
    ]  # fmt: skip
    rows = {(row["update"], row["seed"]): row for row in run.folder.metrics()}
    for hook, event in told:
        assert (event.path, event.updates) == (run.path, 4)
        if hook in ("on_update", "on_evaluation"):
            assert set(event.metrics) == {4, 2}
            for seed, values in event.metrics.items():
                row = rows[event.update, seed]
                assert values.items() <= row.items()
                assert (event.seconds, event.env_steps) == (pytest.approx(row["seconds"], abs=1e-6), row["env_steps"])
    assert "loss/player_0" in told[1][1].metrics[4]
    assert "score/player_0" not in told[2][1].metrics[4]
    assert "score/player_0" in told[3][1].metrics[4]
    assert "loss/player_0" not in told[3][1].metrics[4]
    assert told[-1][1].message.startswith("4 updates in ")


def test_what_a_callback_is_told_of_is_on_disk(tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []

    def look(hook: str) -> Callable[[Event], None]:
        def note(event: Event) -> None:
            folder = RunFolder.open(event.path)
            seen.append((hook, list(folder.metrics())[-1]["update"], max(saved_updates(folder.checkpoints), default=0)))

        return note

    watch = polax.Callback(on_update=look("update"), on_checkpoint=look("checkpoint"), on_end=look("end"))
    polax.train("toy", "IPD-v0", updates=2, callbacks=[watch], out=tmp_path / "run", **QUICK)
    assert seen == [("update", 1, 0), ("update", 2, 0), ("checkpoint", 2, 2), ("end", 2, 2)]


def test_a_seed_that_has_ended_is_told_no_more(tmp_path: Path) -> None:
    told: Told = []
    polax.train(
        "toy", "IPD-v0", updates=4, seeds=4, options={"fails_after": 2, "step_size": 0.01},
        callbacks=[_watch(told)], out=tmp_path / "run", **QUICK,
    )  # fmt: skip
    seeds = {event.update: set(event.metrics) for hook, event in told if hook == "on_update"}
    assert seeds[2] == {0, 1, 2, 3}
    assert set() < seeds[3] == seeds[4] < seeds[2]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("hook", "update", "taken", "reads"),
    [
        ("on_evaluation", 0, 0, "stopped after update 0 of 5 and saved; continue with: polax train --resume"),
        ("on_update", 3, 3, "stopped after update 3 of 5 and saved; continue with: polax train --resume"),
        ("on_evaluation", 3, 3, "stopped after update 3 of 5 and saved; continue with: polax train --resume"),
        ("on_checkpoint", 2, 2, "stopped after update 2 of 5 and saved; continue with: polax train --resume"),
        ("on_update", 5, 5, "all 5 updates were taken and saved in"),
        ("on_end", 5, 5, "all 5 updates were taken and saved in"),
    ],
)
def test_a_callback_that_raises_ends_the_run_saved_and_named(
    tmp_path: Path, hook: str, update: int, taken: int, reads: str
) -> None:
    told: Told = []
    failing = _failing(hook, update)
    with pytest.raises(polax.TrainingError) as caught:
        polax.train(
            "toy", "IPD-v0", updates=5, callbacks=[failing, _watch(told)], out=tmp_path / "run", **QUICK
        )  # fmt: skip
    name = "'_failing.<locals>.burst'"
    assert str(caught.value).startswith(
        f"callback {name} failed in {hook} at update {update}: ValueError: the valve is stuck; {reads}"
    )
    assert isinstance(caught.value.__cause__, ValueError)
    run = caught.value.run
    assert max(saved_updates(run.folder.checkpoints)) == taken
    assert told[-1][0] == "on_end"  # the other one was told of everything, the end too
    assert (hook, update) in _steps(told)
    if hook != "on_end":
        assert told[-1][1].message == str(caught.value)
    if taken == 5:
        return
    again: Told = []
    run.resume(callbacks=[_watch(again)], quiet=True)
    whole = polax.train("toy", "IPD-v0", updates=5, callbacks=[], out=tmp_path / "whole", **QUICK)
    assert without_time(run.folder) == without_time(whole.folder)
    both = [(each, number) for each, number in _steps(told + again) if each in ("on_update", "on_evaluation")]
    evaluations = [("on_evaluation", number) for number in range(6)]
    assert sorted(both) == sorted([*evaluations, *(("on_update", number) for number in range(1, 6))])  # each told once


def test_the_end_is_told_after_an_error_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from polax.runner.training import loop

    def full(*_: object) -> None:
        raise polax.PolaxError("the disk is full")

    monkeypatch.setattr(loop.checkpoints, "save", full)
    told: Told = []
    with pytest.raises(polax.PolaxError, match=r"^the disk is full$"):
        polax.train("toy", "IPD-v0", updates=2, callbacks=[_watch(told)], out=tmp_path / "run", **QUICK)
    assert [(hook, event.message) for hook, event in told][-1] == ("on_end", "the disk is full")


def test_a_logger_is_a_function_that_makes_a_callback_for_each_launch(tmp_path: Path) -> None:
    launches: list[Launch] = []
    told: Told = []

    def mine(launch: Launch) -> polax.Callback:
        launches.append(launch)
        return _watch(told)

    polax.register_logger("mine", mine)
    out = tmp_path / "run"
    words = ["train", "toy", "IPD-v0", "--updates", "2", "--eval-envs", "16", "--log", "mine", "--log", "mine"]
    assert main([*words, "--out", str(out)]) == 0
    assert not (out / "tensorboard").exists()
    assert main(["train", "--resume", str(out), "--updates", "3", "--log", "mine"]) == 0
    assert [launch.first_update for launch in launches] == [0, 3]
    assert launches[0].path == out
    assert launches[0].config["options"]["step_size"] == 0.5
    assert [number for hook, number in _steps(told) if hook == "on_update"] == [1, 2, 3]


def test_a_logger_that_cannot_start_or_write_ends_the_run_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def offline(launch: Launch) -> polax.Callback:
        raise ConnectionError(f"no line to the server for {launch.config['env']}")

    polax.register_logger("offline", offline)
    polax.register_logger("stuck", lambda launch: _failing("on_update", 1))
    polax.register_logger("wrong", lambda launch: 3)  # type: ignore[arg-type,return-value]
    out = tmp_path / "run"
    words = ["train", "toy", "IPD-v0", "--updates", "2", "--eval-envs", "16", "--out", str(out)]
    assert main([*words, "--log", "offline"]) == 1
    assert capsys.readouterr().err == (
        "polax: logger 'offline' cannot start: ConnectionError: no line to the server for IPD-v0; stopped after update "
        f"0 of 2 and saved; continue with: polax train --resume {out}\n"
    )
    assert main(["train", "--resume", str(out), "--log", "stuck"]) == 1
    assert "logger 'stuck' failed in on_update at update 1: ValueError: the valve is stuck" in capsys.readouterr().err
    assert main(["train", "--resume", str(out), "--log", "wrong"]) == 1
    assert "logger 'wrong' cannot start: TypeError: it returned 3, not a polax.Callback" in capsys.readouterr().err
    assert main(["train", "--resume", str(out), "--log", "none"]) == 0
    assert [row["update"] for row in RunFolder(out).metrics()] == [0, 1, 2]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--log", "tensorbord"], "unknown logger 'tensorbord'; did you mean 'tensorboard'?"),
        (["--log", "jsonl"], "unknown logger 'jsonl'; there are tensorboard, wandb"),
        (["--log", "none", "--log", "tensorboard"], "--log none cannot be given with other loggers"),
        (["--quiet", "--verbose"], "not allowed with argument --quiet"),
    ],
)
def test_a_wrong_logger_is_refused_before_anything_is_made(
    fails: Callable[..., str], tmp_path: Path, words: list[str], message: str
) -> None:
    out = tmp_path / "run"
    assert message in fails("train", "toy", "IPD-v0", "--updates", "1", "--out", str(out), *words)
    assert not out.exists()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"callbacks": polax.Callback()}, "callbacks is a list of polax.Callback"),
        ({"callbacks": [print]}, "callbacks is a list of polax.Callback"),
        ({"loggers": "tensorboard"}, r"loggers is a list of names, such as \['tensorboard'\], not a word"),
        ({"loggers": ["wand"]}, "unknown logger 'wand'; did you mean 'wandb'"),
    ],
)
def test_what_is_no_callback_or_logger_is_refused_in_a_sentence(
    tmp_path: Path, wrong: dict[str, Any], message: str
) -> None:
    with pytest.raises(polax.PolaxError, match=message):
        polax.train("toy", "IPD-v0", updates=1, out=tmp_path / "run", **QUICK, **wrong)
    assert not (tmp_path / "run").exists()
    run = polax.train("toy", "IPD-v0", updates=1, out=tmp_path / "there", loggers=[], **QUICK)
    with pytest.raises(polax.PolaxError, match=message):
        run.resume(updates=2, **wrong)
    assert run.spec.updates == 1


def test_quiet_and_verbose_set_what_the_logger_polax_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["train", "toy", "IPD-v0", "--updates", "2", "--eval-envs", "16", "--log", "none"]
    shown = {}
    roots = logging.StreamHandler(sys.stderr)  # as some libraries add one
    logging.getLogger().addHandler(roots)
    try:
        for name, more in (("usual", []), ("quiet", ["--quiet"]), ("verbose", ["--verbose"])):
            assert main([*words, "--out", str(tmp_path / name), *more]) == 0
            shown[name], err = capsys.readouterr()
            assert err == ""
    finally:
        logging.getLogger().removeHandler(roots)
    assert shown["quiet"] == ""
    assert "toy in IPD-v0, 2 updates, seed 0 -> " in shown["usual"]
    assert "update 1 saved in" not in shown["usual"]
    assert "update 1 saved in" in shown["verbose"]
    assert logging.getLogger("polax").level == logging.NOTSET
    assert logging.getLogger("polax").handlers == []
    assert logging.getLogger("polax").propagate


def test_a_warning_is_heard_in_a_quiet_run_and_through_the_users_own_handlers(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    options = {"fails_after": 1, "step_size": 0.01}
    with caplog.at_level(logging.INFO, logger="polax"):
        polax.train("toy", "IPD-v0", updates=2, seeds=4, options=options, out=tmp_path / "run", **QUICK)
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert warnings
    assert all("ends at update 2: loss/player_0 is nan" in record.getMessage() for record in warnings)
    assert any(record.levelno == logging.INFO and "toy in IPD-v0" in record.getMessage() for record in caplog.records)
