"""Signals and the end of the time."""

import argparse
import os
import signal
from collections.abc import Callable
from typing import Any

import pytest
from polax.runner.commands.arguments import duration
from polax.runner.runs.folder import RunFolder
from polax.runner.runs.metrics import MetricsLog
from runner_helpers import without_time

Train = Callable[..., RunFolder]


@pytest.mark.parametrize(
    ("word", "seconds"), [("90s", 90), ("45m", 2700), ("2h", 7200), ("1d", 86400), ("1h30m", 5400), ("0s", 0)]
)
def test_a_time_is_read_in_seconds(word: str, seconds: float) -> None:
    assert duration(word) == seconds


@pytest.mark.parametrize("word", ["", "2", "h", "-1h", "1.5h", "1w", "²h", "9" * 30 + "s"])
def test_another_word_is_no_time(word: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="must be a time such as 90s, 45m, 2h or 1h30m"):
        duration(word)


def test_a_run_whose_time_is_up_is_saved_and_goes_on_bit_for_bit(
    train: Train, capsys: pytest.CaptureFixture[str]
) -> None:
    run = train("run", "--updates", "4", "--max-time", "0s", status=75)
    assert f"update 0 of 4 and saved; continue with: polax train --resume {run.path}" in capsys.readouterr().err
    train("run", "--resume", str(run.path))
    assert without_time(run) == without_time(train("whole", "--updates", "4"))
    train("whole2", "--updates", "2", "--max-time", "1h")


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(signal.SIGUSR1, 138), (signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_a_run_after_its_update(
    train: Train, number: int, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write = MetricsLog.write

    def then(log: MetricsLog, common: Any, *rest: Any) -> Any:
        rows = write(log, common, *rest)
        if common["update"] == 1:
            os.kill(os.getpid(), number)
        return rows

    before = signal.getsignal(number)
    with monkeypatch.context() as patch:
        patch.setattr(MetricsLog, "write", then)
        run = train("run", "--updates", "4", status=status)
    assert "update 1 of 4 and saved; continue with" in capsys.readouterr().err
    assert signal.getsignal(number) == before
    train("run", "--resume", str(run.path))
    assert without_time(run) == without_time(train("whole", "--updates", "4"))
