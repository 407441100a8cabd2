"""What a run will take, from its own first updates.

They are trained in a folder that is thrown away, by the same loop, so that evaluations, checkpoints and loggers cost
what they will cost.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console

from ...options import OptionError
from ..runs.folder import RunFolder
from ..runs.spec import RunSpec, Setup
from .callbacks import LOGGERS
from .loop import train
from .memory import check_memory
from .stopwatch import Estimate, Stopwatch

_SECONDS, _UPDATES = 10.0, 200
"""For how long, and for how many updates at most, more are measured than the two that there must be."""


def estimate(spec: RunSpec, setup: Setup, *, begun: float) -> Estimate:
    """Train the first updates of a run in a folder that is thrown away, and return what the run takes.

    Args:
        spec: the run.
        setup: its objects.
        begun: when the process began with this, by `time.perf_counter`; a run has to make its objects too.

    Raises:
        PolaxError: as `train`; a seed that is not finite after an update.
    """
    console, watch = Console(quiet=True), Stopwatch(begun)
    check_memory(spec, setup)
    with TemporaryDirectory() as path:
        begin = replace(spec, updates=2, eval_every=1, checkpoint_every=1)
        folder = RunFolder.create(Path(path) / "run", begin)
        told: dict[str, Any] = {"loggers": LOGGERS, "callbacks": [watch.callback], "console": console}
        outcome = train(begin, setup, folder, resume=False, **told)
        more = min(_UPDATES, int(_SECONDS / watch.usual_seconds)) if watch.ready else 0
        if not outcome.exit_status and more > 1:
            watch.resume()
            further = replace(spec, updates=2 + more)
            outcome = train(further, setup, folder, resume=True, **told)
    if outcome.exit_status:
        raise OptionError(f"nothing can be said of this run: {outcome.message}")
    return watch.estimate(spec)
