"""Train: the Python loop around compiled updates, with evaluation, files, signals and progress."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import takewhile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console

from ... import registry
from ...algorithms.core.devices import asking_for
from ...options import describe_error, make_config
from ..evaluation.evaluate import Evaluator
from ..evaluation.scores import scored_players
from ..runs import checkpoint as checkpoints
from ..runs.checkpoint import Checkpoint
from ..runs.files import RunError
from ..runs.folder import CONFIG, Manifest, RunFolder, in_words
from ..runs.lock import alone
from ..runs.manifest import add_launch, finish_launch
from ..runs.metrics import MetricsLog, best_update, score_by_update
from ..runs.spec import RunSpec, Setup, build
from .callbacks import LOGGERS, Audience, Callback, Event, Launch
from .hosts import Follower, Leader, team
from .interrupts import StopRequest
from .progress import TrainingProgress, format_seconds, showing_log
from .seeds import Taken, make_learner, mesh_for, seed_keys, take_updates
from .stopwatch import LONG, Stopwatch

_log = logging.getLogger(__name__)

OWN_METRICS = ("update", "seed", "seconds")
"""Names in a line of metrics that no learner may give to a metric."""


class Outcome(NamedTuple):
    """How a training run ended."""

    exit_status: int
    """0; 1 if every seed stopped being finite, or a callback raised; 128 plus its number after a signal; 75 at the end
    of the time."""

    message: str

    cause: Exception | None = None
    """What a callback raised."""


class Trainer:
    """One run between its first (or resumed) update and its last."""

    def __init__(self, folder: RunFolder, spec: RunSpec, setup: Setup) -> None:
        self._folder = folder
        self._spec = spec
        self.mesh = mesh_for(setup.algorithm, len(spec.seeds))
        self._learner = make_learner(setup.algorithm, self.mesh)
        self._origin = registry.algorithm_origin(spec.algorithm)
        self._self_play, self._pure = setup.algorithm.self_play, setup.algorithm.pure
        self._evaluator = Evaluator(
            setup.env, setup.params, num_envs=spec.eval_envs, pure=setup.algorithm.pure, mesh=self.mesh
        )
        self._keys = seed_keys(spec.seeds)
        self._fingerprint = checkpoints.fingerprint(spec.identity())
        self._now = Checkpoint(
            state=None,
            update=0,
            seconds=0.0,
            env_steps=0.0,
            ended=np.zeros(len(spec.seeds), np.int64),
            fingerprint=self._fingerprint,
        )
        self._alive = self._now.ended == 0
        self._scores: dict[int, float] = {}  # of every evaluated update
        self._saved: int | None = None  # the last checkpoint

    def start(self) -> None:
        """Begin at update 0."""
        with registry.plugin_code(self._origin, "init"):
            self._now = self._now._replace(state=self._learner.init(self._keys.init))

    def resume(self, checkpoint: int | None = None) -> None:
        """Begin at a checkpoint, or at update 0 if there is none yet.

        What lies behind it is kept under other names, and told: later checkpoints, which are damaged unless
        ``checkpoint`` chose an earlier one.

        Args:
            checkpoint: which one; None: the last one that is not damaged.

        Raises:
            RunError: no checkpoint can be read, or it belongs to other options.
        """
        folder = self._folder.checkpoints
        checkpoints.clean(folder)
        saved = checkpoints.saved_updates(folder)
        if not saved and checkpoint is None:
            self.start()
            self._read_metrics()
            return
        wanted = saved[::-1] if checkpoint is None else [checkpoint]
        with registry.plugin_code(self._origin, "init"):
            template = self._learner.template(self._keys.init)
        found, damaged = checkpoints.load_first(folder, wanted, template)
        if found.fingerprint != self._fingerprint:
            raise RunError(
                f"the options in {self._folder.path / 'config.json'} are not those of its checkpoint {found.update}; "
                "restore them, or start a new run"
            )
        for error in damaged:
            _log.warning(str(error))
        for path in checkpoints.set_aside_after(folder, found.update):
            _log.warning(f"kept, but not used: {path}")
        self._now = found
        self._saved = found.update
        self._alive = found.ended == 0
        self._read_metrics()
        missing = self._folder.missing_metrics(self._spec.seeds, found.ended.tolist(), found.update)
        if missing:
            _log.warning(f"{self._folder.path} has no metrics of {in_words(missing)}; training does not need them")

    def share(self) -> None:
        """Let the devices of the mesh have the states, and every process of the run what it has to know."""
        others = team()
        if isinstance(others, Leader):
            others.after_loss = self._after_loss
            counters = {"update": self.update, "saved": self._saved, "ended": self._now.ended.tolist()}
            sizes = {axis: int(size) for axis, size in self.mesh.shape.items()} if self.mesh else {}
            others.tell(training={"spec": self._spec.to_json(), "mesh": sizes, **counters})
        if others is not None:
            others.meet()
        if self._saved is not None or others is not None:
            self._now = self._now._replace(state=self._learner.place(self._now.state))

    def follow(self, training: Mapping[str, Any]) -> None:
        """Begin where the leader of the run begins; its states come with `share`."""
        self.start()
        self._saved = training["saved"]
        self._now = self._now._replace(update=training["update"], ended=np.asarray(training["ended"], np.int64))
        self._alive = self._now.ended == 0

    def _after_loss(self) -> str:
        """Say how to go on where another process is lost."""
        saved = checkpoints.saved_updates(self._folder.checkpoints)
        if not saved:
            return f"; {self._folder.path} has no checkpoint yet, start it anew"
        return f"; update {saved[-1]} is saved, continue with: polax train --resume {self._folder.path}"

    def _read_metrics(self) -> None:
        """Read the scores so far, and set aside and rebuild a damaged file of metrics."""
        for problem in self._folder.repair_metrics():
            _log.warning(problem)
        self._scores = score_by_update(self._folder.metrics())

    @property
    def update(self) -> int:
        """Updates done."""
        return self._now.update

    @property
    def first_update(self) -> int:
        """The first update that is to be written and told; 0 is the evaluation before learning."""
        return 0 if self._saved is None else self._saved + 1

    def launch(self) -> Launch:
        """Return what loggers are told of the start."""
        return Launch(self._folder.path, self._spec.to_json(), self.first_update)

    def run(self, console: Console, manifest: Manifest, audience: Audience, stop: StopRequest) -> Outcome:
        """Train to the end, until ``stop`` asks for it, until no seed is left, or until a callback raises.

        Args:
            console: where progress is shown.
            manifest: what `add_launch` returned.
            audience: who is told.
            stop: waits for signals, and for the end of the time.
        """
        try:
            self._learn(console, audience, stop)
        except BaseException as error:
            if isinstance(error, registry.PluginError):
                finish_launch(self._folder, manifest, update=self.update, seconds=self._now.seconds)
            audience.tell("on_end", self._event(message=describe_error(error)))
            raise
        finish_launch(self._folder, manifest, update=self.update, seconds=self._now.seconds)
        audience.tell("on_end", self._event(message=self._outcome(stop, audience).message))
        return self._outcome(stop, audience)  # it may have raised at the end

    def _learn(self, console: Console, audience: Audience, stop: StopRequest) -> None:
        """Take updates, and write and tell what they give; what a plug-in raises ends them, saved."""
        spec = self._spec
        progress = TrainingProgress(
            spec.updates, done=self.update, self_play=self._self_play, pure=self._pure, console=console
        )
        log = MetricsLog(self._folder, spec.seeds, keep_until=self.first_update - 1)
        with stop, log, progress:
            try:
                if self.first_update == 0:
                    self._report({}, log, progress, audience)
                progress.begin()
                # No update begins after a signal or the time, or when a callback has raised.
                going_on = takewhile(
                    lambda _: self._goes_on(not stop.asked and audience.failure is None),
                    range(self.update + 1, spec.updates + 1),
                )
                for taken in self._updates(going_on):
                    self._record(taken, log, progress, audience)
                    progress.advance()
                    if self.update % spec.checkpoint_every == 0:
                        self._save(log, audience)
            except registry.PluginError as error:
                if self._saved != self.update:
                    self._save(log, audience)
                raise type(error)(f"{error}; {self._where()}") from error
            if self._saved != self.update:
                self._save(log, audience)

    @staticmethod
    def _goes_on(here: bool) -> bool:  # noqa: FBT001
        """Return whether another update is taken, as all processes of the run agree."""
        others = team()
        return here if others is None else others.goes_on(here)

    def _updates(self, numbers: Iterable[int]) -> Iterator[Taken]:
        """Yield the updates of these numbers; what the plug-in raises becomes an error that says in which one."""
        keys, states = self._keys.update, self._now.state
        updates = take_updates(self._learner, keys, states, numbers=numbers, alive=self._alive)
        while True:
            with registry.plugin_code(self._origin, f"update {self.update + 1}"):
                taken = next(updates, None)
            if taken is None:
                return
            yield taken

    def _record(self, taken: Taken, log: MetricsLog, progress: TrainingProgress, audience: Audience) -> None:
        """Take over an update of all seeds, with its evaluation; nothing of it, if a plug-in fails in that."""
        before, alive = self._now, self._alive.copy()
        try:
            self._report(self._note(taken), log, progress, audience)
        except registry.PluginError:
            self._now, self._alive = before, alive
            raise

    def _note(self, taken: Taken) -> dict[str, np.ndarray]:
        """Take over an update of all seeds, and return its metrics."""
        metrics = dict(taken.step.metrics)
        self._check_names(metrics, f"update {taken.number}")
        learned = self._now.ended == 0  # a seed that ended in this update has taken the steps too
        env_steps = metrics.pop("env_steps", np.full(len(learned), np.nan))[learned][0]
        self._now = self._now._replace(
            state=taken.step.states,
            update=taken.number,
            seconds=self._now.seconds + taken.seconds,
            env_steps=self._now.env_steps + float(env_steps),
        )
        for index, failure in taken.step.failures.items():
            self._end_seed(index, failure)
        return metrics

    def _report(
        self, metrics: dict[str, np.ndarray], log: MetricsLog, progress: TrainingProgress, audience: Audience
    ) -> None:
        """Evaluate if due, write a line for each living seed, and tell it."""
        number, spec = self.update, self._spec
        scores: dict[str, np.ndarray] = {}
        if self._alive.any() and (number % spec.eval_every == 0 or number == spec.updates):
            with registry.plugin_code(self._origin, f"policies at update {number}"):
                policies = self._learner.policies(self._now.state)
            with registry.plugin_code(self._origin, f"act, evaluated at update {number},"):
                scores = self._evaluator(self._keys.evaluate, number, policies)
            for index in np.flatnonzero(self._alive).tolist():
                bad = [name for name, values in scores.items() if not np.isfinite(values[index])]
                if bad:
                    self._end_seed(index, f"{bad[0]} is {scores[bad[0]][index]}")
        common = {"update": number, "seconds": round(self._now.seconds, 6)}
        if (env_steps := self._env_steps()) is not None:
            common["env_steps"] = env_steps
        rows = log.write(common, {**metrics, **scores}, self._alive)
        if rows and scored_players(rows[0]):
            self._scores |= score_by_update(rows)
            progress.scores(rows)
        if number:
            audience.tell("on_update", self._event(_by_seed(rows, metrics)))
        if scores:
            audience.tell("on_evaluation", self._event(_by_seed(rows, scores)))

    def _env_steps(self) -> int | None:
        return int(self._now.env_steps) if np.isfinite(self._now.env_steps) else None

    def _event(self, metrics: Mapping[int, Mapping[str, float]] | None = None, message: str = "") -> Event:
        path, total, seconds = self._folder.path, self._spec.updates, self._now.seconds
        return Event(path, self.update, total, seconds, self._env_steps(), metrics or {}, message)

    def _check_names(self, metrics: Mapping[str, Any], where: str) -> None:
        """Raise `PluginCodeError` if a learner gives a metric a name that is written here."""
        for name in metrics:
            if not isinstance(name, str) or name in OWN_METRICS or name.startswith("score/"):
                raise registry.PluginCodeError(
                    f"{self._origin}: {where} failed: its metric {name!r} has a name that polax uses itself "
                    f"({', '.join(OWN_METRICS)} and score/...); rename it"
                )

    def _end_seed(self, index: int, failure: str) -> None:
        """Stop one seed with a message; the others continue."""
        ended = self._now.ended.copy()
        ended[index] = self.update
        self._now = self._now._replace(ended=ended)
        self._alive[index] = False
        saved = checkpoints.saved_updates(self._folder.checkpoints)
        last = f"its last good checkpoint is update {saved[-1]}" if saved else "there is no checkpoint before it"
        others = "; the others continue" if self._alive.any() else ""
        _log.warning(f"seed {self._spec.seeds[index]} ends at update {self.update}: {failure}; {last}{others}")

    def _save(self, log: MetricsLog, audience: Audience) -> None:
        """Save this update, then remove the checkpoints that are neither among the last few nor the best."""
        whole = self._now._replace(state=self._learner.fetch(self._now.state))
        self._saved = self.update
        if isinstance(team(), Follower):
            return
        folder = self._folder.checkpoints
        trouble = log.check()
        if trouble:
            _log.warning(trouble)
        checkpoints.save(folder, whole)
        saved = checkpoints.saved_updates(folder)
        best = best_update(self._scores, among=saved)
        checkpoints.keep_only(folder, {*saved[-self._spec.keep_checkpoints :], self.update if best is None else best})
        _log.debug(f"update {self.update} saved in {folder}")
        audience.tell("on_checkpoint", self._event())

    def _outcome(self, stop: StopRequest, audience: Audience) -> Outcome:
        path, spec = self._folder.path, self._spec
        if audience.failure is not None:
            what, cause = audience.failure
            return Outcome(1, f"{what}; {self._where()}", cause)
        if not self._alive.any():
            return Outcome(1, f"every seed of {path} stopped being finite by update {self.update}")
        if self.update < spec.updates or stop.signal is not None:  # in the last update too: more runs may follow
            return Outcome(stop.exit_status, self._where())
        return Outcome(0, f"{spec.updates} updates in {format_seconds(self._now.seconds)} of training")

    def _where(self) -> str:
        """Say how far training came, and how it is continued."""
        path, total = self._folder.path, self._spec.updates
        if self.update == total:
            return f"all {total} updates were taken and saved in {path}"
        return f"stopped after update {self.update} of {total} and saved; continue with: polax train --resume {path}"


def _by_seed(rows: Sequence[Mapping[str, Any]], names: Mapping[str, Any]) -> dict[int, dict[str, float]]:
    """Return some metrics of each seed from its line."""
    return {row["seed"]: {name: row[name] for name in row if name in names} for row in rows}


def train(  # what a run is, and who is told
    spec: RunSpec,
    setup: Setup,
    folder: RunFolder,
    *,
    resume: bool,
    console: Console,
    loggers: Sequence[str] = LOGGERS,
    callbacks: Sequence[Callback] = (),
    checkpoint: int | None = None,
    max_seconds: float | None = None,
) -> Outcome:
    """Train a new run in its folder, or continue one (``resume``) at a checkpoint, by default the last.

    After ``max_seconds`` no update begins.

    Raises:
        PolaxError: a plug-in, a checkpoint or the disk makes it impossible, or another process writes the run; earlier
            checkpoints stay whole.
    """
    with alone(folder.path), showing_log(console):
        trainer = Trainer(folder, spec, setup)
        if resume:
            trainer.resume(checkpoint)
            if trainer.update >= spec.updates:
                raise RunError(f"{folder.path} has all its {spec.updates} updates; continue with a larger --updates N")
            folder.write_spec(spec)  # it may have been given more updates
        else:
            trainer.start()
        trainer.share()
        seeds = f"seed {spec.seeds[0]}" if len(spec.seeds) == 1 else f"{len(spec.seeds)} seeds together"
        begin = f", from update {trainer.update}" if trainer.update else ""
        _log.info(f"{spec.algorithm} in {spec.env}, {spec.updates} updates{begin}, {seeds} -> {folder.path}")
        manifest = add_launch(folder, spec, setup, command=sys.argv, mesh=trainer.mesh)
        audience = Audience(trainer.launch(), loggers, [*callbacks, _tell_of_a_long_run(spec)])
        others = team()
        try:
            outcome = trainer.run(console, manifest, audience, StopRequest(max_seconds))
        except BaseException as error:
            if isinstance(others, Leader):  # they wait for this process, which goes no further
                others.leave(error=describe_error(error))
            raise
        if isinstance(others, Leader):
            others.wait()
        return outcome


def _tell_of_a_long_run(spec: RunSpec) -> Callback:
    """Return what says once how long a run takes, if that is long."""
    watch, told = Stopwatch(), False

    def until_told(function: Callable[[Event], object]) -> Callable[[Event], object]:
        return lambda event: None if told else function(event)

    def tell(event: Event) -> None:
        nonlocal told
        watch.callback.on_evaluation(event)
        if watch.ready:
            told = True
            found = watch.estimate(spec)
            if found.seconds > LONG:
                _log.info(f"{spec.updates} updates take {found.sentence()}")

    on_update, _, on_checkpoint, *_ = watch.callback
    return watch.callback._replace(
        on_update=until_told(on_update), on_evaluation=until_told(tell), on_checkpoint=until_told(on_checkpoint)
    )


def follow(leader: Follower) -> int:
    """Take part in all that process 0 of a run trains, and return this process's exit status."""
    console = Console(quiet=True)
    while (training := leader.next_training()) is not None:
        # What a run is on disk is the leader's. Here it is thrown away, and so are progress and loggers.
        with TemporaryDirectory() as path, asking_for(training["mesh"]):
            folder = RunFolder(Path(path))
            folder.write_spec(make_config(RunSpec, training["spec"], what="the run of process 0"))
            spec = folder.trusted_spec(allow_import=True)  # the leader has decided that
            setup = build(spec)
            trainer = Trainer(folder, spec, setup)
            trainer.follow(training)
            trainer.share()
            manifest = add_launch(folder, spec, setup, command=sys.argv, mesh=trainer.mesh)
            trainer.run(console, manifest, Audience(trainer.launch(), (), ()), StopRequest())
    return 0


def find_or_create(path: Path, spec: RunSpec) -> tuple[RunFolder, bool]:
    """Return the run at a path, made if it is not there, and whether it was there before.

    Damaged metrics of one that was there, and its last checkpoints as far as they are damaged, are set aside, and told.

    Raises:
        RunError: the folder holds a run with other options.
    """
    if (path / CONFIG).exists():
        folder = RunFolder.open(path)
        if folder.spec().identity() != spec.identity():
            raise RunError(
                f"{path} was started with other options than {spec.algorithm} and {spec.env} have now; "
                "remove it, or choose another folder"
            )
        with alone(path):  # how much is done is read from both
            for problem in [*folder.repair_metrics(), *checkpoints.set_aside_damaged(folder.checkpoints)]:
                _log.warning(problem)
        return folder, True
    return RunFolder.create(path, spec), False


def begin_or_continue(spec: RunSpec, path: Path, *, console: Console) -> tuple[RunFolder, Outcome]:
    """Train a run to its end from wherever it is.

    Raises:
        PolaxError: as `train`, or the folder holds a run with other options.
    """
    folder, there = find_or_create(path, spec)
    saved = checkpoints.saved_updates(folder.checkpoints) if there else ()
    if saved and saved[-1] >= spec.updates:
        return folder, Outcome(0, f"{path} has all its {spec.updates} updates")
    return folder, train(spec, build(spec), folder, resume=there, console=console)


def last_rows(folder: RunFolder) -> list[dict[str, Any]]:
    """Return the last line with scores of each seed, in the order of the seeds."""
    last: dict[int, dict[str, Any]] = {}
    for row in folder.metrics():
        if scored_players(row):
            last[row["seed"]] = row
    return [last[seed] for seed in sorted(last)]
