"""Ctrl-C, SIGTERM, SIGUSR1 and the end of the time: finish the current update, then stop."""

from __future__ import annotations

import signal
import sys
import threading
import time
from types import FrameType
from typing import Any, Self

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)
"""Schedulers send SIGUSR1 some time before they end a job."""

OUT_OF_TIME = 75
"""Exit status of a run that has used its time: "try again later" in sysexits.h."""


class StopRequest:
    """Within its ``with`` block the first signal asks to stop, and a second one ends the process as usual.

    Args:
        max_seconds: seconds after which to stop; None: no limit.

    Attributes:
        signal: the signal that asked to stop, or None.
    """

    def __init__(self, max_seconds: float | None = None) -> None:
        self.signal: signal.Signals | None = None
        self._end = None if max_seconds is None else time.monotonic() + max_seconds
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():  # elsewhere Python allows no handlers
            self._before = {number: signal.signal(number, self._note) for number in SIGNALS}
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        del frame
        self.signal = signal.Signals(number)
        for each in SIGNALS:
            signal.signal(each, signal.default_int_handler if each == signal.SIGINT else signal.SIG_DFL)
        print("\nstopping after this update (again: stop at once)", file=sys.stderr, flush=True)

    @property
    def asked(self) -> bool:
        """Whether a signal or the end of the time asks to stop."""
        return self.signal is not None or (self._end is not None and time.monotonic() >= self._end)

    @property
    def exit_status(self) -> int:
        """128 plus the signal's number, as in a shell; `OUT_OF_TIME` at the end of the time; 0 before either."""
        if self.signal is not None:
            return 128 + int(self.signal)
        return OUT_OF_TIME if self.asked else 0
