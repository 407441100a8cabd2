"""Ctrl-C and SIGTERM: finish the current update, then stop."""

from __future__ import annotations

import signal
import sys
import threading
from types import FrameType
from typing import Any, Self

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopRequest:
    """Within its ``with`` block the first signal sets `signal`, and a second one ends the process as usual.

    Attributes:
        signal: the signal that asked to stop, or None.
    """

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None
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
    def exit_status(self) -> int:
        """128 plus the signal's number, as in a shell."""
        return 128 + int(self.signal or 0)
