"""Trials that Optuna chooses from what it has seen (TPE), and stops where they fall behind (median pruning).

Optuna keeps what it knows in ``optuna.log``, a journal that its own tools read too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ...options import MissingExtraError
from ..evaluation.scores import mean_name, with_pairs
from .document import DONE, PRUNED
from .plan import AT_ONCE, Protocol, Trial
from .space import Choices, Space
from .together import Judge

try:
    import optuna
    from optuna.storages.journal import JournalFileBackend
    from optuna.trial import TrialState
except ImportError as cause:
    raise MissingExtraError("--search optuna", "sweep") from cause

JOURNAL = "optuna.log"


class OptunaSearch:
    """A study of Optuna.

    Args:
        asked: what was asked for.
        space: what is varied.
        folder: of the sweep.
    """

    def __init__(self, asked: Protocol, space: Space, folder: Path) -> None:
        self._asked = asked
        self._space = space
        self.room = asked.at_once or AT_ONCE
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._study = optuna.create_study(
            study_name="sweep",
            storage=optuna.storages.JournalStorage(JournalFileBackend(str(folder / JOURNAL))),
            pruner=optuna.pruners.MedianPruner(),
            direction="maximize",
            load_if_exists=True,
        )

    def next_round(self) -> list[Trial]:
        """Return the trials of the round that was interrupted, or those that Optuna chooses next."""
        running = self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        begun = len(self._study.get_trials(deepcopy=False)) - len(running)
        # The seed of each round is its own, so that a search that was interrupted chooses what it would have chosen.
        self._study.sampler = optuna.samplers.TPESampler(seed=self._asked.search_seed + begun, constant_liar=True)
        if running:
            return [self._trial(optuna.trial.Trial(self._study, each._trial_id)) for each in running]
        count = min(self.room, self._asked.trials - begun)
        return [self._trial(self._study.ask()) for _ in range(count)]

    def _trial(self, chosen: optuna.trial.Trial) -> Trial:
        values: dict[str, Any] = {}
        for name, axis in self._space.items():
            if isinstance(axis, Choices):
                values[name] = chosen.suggest_categorical(name, axis.values)
            elif axis.whole:
                values[name] = chosen.suggest_int(name, int(axis.low), int(axis.high), log=axis.log)
            else:
                values[name] = axis.rounded(chosen.suggest_float(name, axis.low, axis.high, log=axis.log))
        return Trial(chosen.number, values)

    def judge(self, trials: Sequence[Trial]) -> Judge:
        """Return who reports the trials' scores to Optuna, and stops those that it would prune."""
        ids = {each.number: each._trial_id for each in self._study.get_trials(deepcopy=False)}
        return partial(self._prune, [optuna.trial.Trial(self._study, ids[trial.number]) for trial in trials])

    def _prune(
        self,
        trials: Sequence[optuna.trial.Trial],
        update: int,
        scores: dict[str, np.ndarray],
        alive: np.ndarray,
    ) -> list[int]:
        stopped = []
        for place in np.flatnonzero(alive).tolist():
            table = with_pairs({name: values[place] for name, values in scores.items()})
            value = float(table[mean_name(self._asked.objective)].mean())
            reported = self._study.get_trials(deepcopy=False)[trials[place].number].intermediate_values
            if np.isfinite(value) and update not in reported:
                trials[place].report(value, update)
            if trials[place].should_prune():
                stopped.append(place)
        return stopped

    def tell(self, row: Mapping[str, Any]) -> None:
        """Tell Optuna what became of a trial."""
        state = {DONE: TrialState.COMPLETE, PRUNED: TrialState.PRUNED}.get(row["status"], TrialState.FAIL)
        value = row["objective"] if state is TrialState.COMPLETE else None
        self._study.tell(row["number"], value, state=state, skip_if_finished=True)
