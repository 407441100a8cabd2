"""What a training run tells others: callbacks, and the loggers that make one for each run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from ... import registry
from ...options import OptionError, describe_error

LOGGERS = ("tensorboard",)
"""What logs a run unless something else is asked for."""


class Event(NamedTuple):
    """What a callback is told. Everything that it mentions is on disk by then."""

    path: Path
    """The run's folder; ``polax.load(event.path)`` reads it."""

    update: int
    """Updates done; 0 for the evaluation before the first one."""

    updates: int
    """Updates that were asked for."""

    seconds: float
    """Training time so far, without evaluation."""

    env_steps: int | None
    """Steps of the game that one seed has taken so far; None where the learner does not count them."""

    metrics: Mapping[int, Mapping[str, float]] = {}
    """By seed that still learns, then by name: what the update gave (``on_update``) or what was scored
    (``on_evaluation``)."""

    message: str = ""
    """How the run ended, in a sentence (``on_end``)."""


def ignore(event: Event) -> None:
    """Do nothing."""
    del event


class Callback(NamedTuple):
    """Functions that a training run calls, all of them optional; what they return is ignored.

    One that raises ends the run after the update, saved; the others are told first.

    Example:
        >>> import polax
        >>> seen = []
        >>> watch = polax.Callback(on_update=lambda event: seen.append(event.update))
    """

    on_update: Callable[[Event], object] = ignore
    """After each update."""

    on_evaluation: Callable[[Event], object] = ignore
    """After each evaluation, the one before the first update included."""

    on_checkpoint: Callable[[Event], object] = ignore
    """After each checkpoint."""

    on_end: Callable[[Event], object] = ignore
    """Once, however the run ends, also after an error of another callback or of the disk."""

    name: str = ""
    """What messages call it; empty: the name of the function."""


class Launch(NamedTuple):
    """What a logger is told when a run starts or resumes."""

    path: Path
    """The run's folder."""

    config: Mapping[str, Any]
    """What ``config.json`` holds: names, options, seeds and more."""

    first_update: int
    """The first update that will be told: 0 at the start. A process that was killed may have told later ones, whose
    values will be told again; a logger drops or ignores those of before."""


Logger = Callable[[Launch], Callback]
"""Makes a callback for each start or resumption of a run; entry points ``polax.loggers``."""


class Failure(NamedTuple):
    """A callback that raised."""

    sentence: str
    cause: Exception


class Audience:
    """Everyone who is told of one run.

    Args:
        launch: how it starts.
        loggers: names of loggers.
        callbacks: of the user.

    Raises:
        PolaxError: an unknown logger, or something that is not a `Callback`.
    """

    def __init__(self, launch: Launch, loggers: Sequence[str], callbacks: Sequence[Callback]) -> None:
        self.failure: Failure | None = None
        """The first callback that raised, if any; the run should end then."""
        self._failed: set[int] = set()
        factories = find(loggers, callbacks)
        self._callbacks: list[Callback] = []
        for name, make in factories.items():
            try:
                made = make(launch)
                if not isinstance(made, Callback):
                    raise TypeError(f"it returned {made!r}, not a polax.Callback")
            except Exception as cause:
                self._fail(f"logger {name!r} cannot start", cause)
            else:
                self._callbacks.append(made._replace(name=f"logger {name!r}"))
        self._callbacks += callbacks

    def tell(self, hook: str, event: Event) -> None:
        """Call a function of each callback; one that has raised before is told of the end only.

        Args:
            hook: ``on_update``, for example.
            event: what it is told.
        """
        for index, callback in enumerate(self._callbacks):
            function = getattr(callback, hook)
            if index in self._failed:
                if hook == "on_end":  # a chance to close its files; why it failed is known
                    with suppress(Exception):
                        function(event)
                continue
            try:
                function(event)
            except Exception as cause:
                self._failed.add(index)
                who = callback.name or f"callback {getattr(function, '__qualname__', repr(function))!r}"
                self._fail(f"{who} failed in {hook} at update {event.update}", cause)

    def _fail(self, what: str, cause: Exception) -> None:
        self.failure = self.failure or Failure(f"{what}: {describe_error(cause)}", cause)


def find(loggers: Sequence[str], callbacks: Sequence[Callback]) -> dict[str, Logger]:
    """Return loggers by name, and check the callbacks.

    Raises:
        PolaxError: an unknown logger, or something that is not a `Callback`.
    """
    if isinstance(loggers, str):
        raise OptionError(f"loggers is a list of names, such as [{loggers!r}], not a word")
    for each in (callbacks,) if isinstance(callbacks, Callback) else callbacks:
        if isinstance(callbacks, Callback) or not isinstance(each, Callback):
            raise OptionError(f"callbacks is a list of polax.Callback(on_update=...), not {callbacks!r}")
    return {name: registry.logger(name) for name in loggers}
