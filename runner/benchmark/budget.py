"""How long a learner trains: a number of updates, of environment steps, or of seconds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ...options import OptionError, PolaxError, suggest

UNITS = ("updates", "env-steps", "seconds")


class Done(NamedTuple):
    """The progress of a run."""

    update: int
    env_steps: float
    """Environment steps of one seed; NaN if the learner does not report them."""
    seconds: float
    """Training time of all seeds together, compilation included, evaluation not."""
    recent: Sequence[float] = ()
    """``seconds`` after each of the last updates."""


class Budget(NamedTuple):
    """What each combination may spend."""

    amount: float
    unit: str

    def next_target(self, done: Done) -> int | None:
        """Return the update to train up to now, or None if the budget is spent.

        The first updates show what an update costs, so environment steps and seconds are spent in stages. The answer
        depends only on what the run has saved, so an interrupted benchmark continues as it would have.

        Raises:
            PolaxError: the budget is in environment steps and the learner does not report them.
        """
        if self.unit == "updates":
            return int(self.amount) if done.update < self.amount else None
        if self.unit == "env-steps":
            return self._by_steps(done)
        return self._by_seconds(done)

    def _by_steps(self, done: Done) -> int | None:
        if done.update == 0:
            return 1
        if not math.isfinite(done.env_steps) or done.env_steps <= 0:
            raise PolaxError("it does not report its environment steps; give the budget in updates or seconds")
        if done.env_steps >= self.amount:
            return None
        return max(done.update + 1, math.ceil(self.amount * done.update / done.env_steps))

    def _by_seconds(self, done: Done) -> int | None:
        first_updates = 2  # the first one compiles and says nothing about the next
        if done.seconds >= self.amount:
            return None
        if done.update < first_updates:
            return first_updates
        each = float(np.median(np.diff(done.recent))) if len(done.recent) > 1 else done.seconds / done.update
        more = int((self.amount - done.seconds) / max(each, 1e-9))
        # A few updates say little about many: estimate again after as many as were done.
        return done.update + min(more, max(done.update, 8)) if more >= 1 else None

    def __str__(self) -> str:
        """Return the words of the command line."""
        return f"{self.amount:.15g} {self.unit}"


def parse_budget(words: str | Sequence[Any]) -> Budget:
    """Read ``--budget N UNIT``, which may be one text.

    Raises:
        OptionError: not a number above 0, or an unknown unit.
    """
    words = words.split() if isinstance(words, str) else [str(word) for word in words]
    if len(words) != 2:
        raise OptionError(f"--budget is a number and a unit ({', '.join(UNITS)}), such as --budget 100 updates")
    number, unit = words
    try:
        amount = float(number.replace("_", ""))
    except ValueError:
        amount = math.nan
    if not math.isfinite(amount) or amount <= 0:
        raise OptionError(f"--budget needs a number above 0, not {number!r}")
    if unit not in UNITS:
        raise OptionError(f"--budget has no unit {unit!r}; {suggest(unit, UNITS)}")
    if unit != "seconds" and not amount.is_integer():
        raise OptionError(f"--budget needs a whole number of {unit}, not {number!r}")
    return Budget(amount, unit)
