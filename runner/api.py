"""Train, load and evaluate from Python; the commands call these functions. `compare` has those on several players."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..options import OptionError, PolaxError, count_option, list_option, player_index
from .process import command_line, cpu_cores, set_up
from .training.callbacks import LOGGERS, Callback, find

# These import gymnax, which starts jax's devices: not before `set_up` has asked for as many as are needed.
if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure

    from ..envs.base import Game, Policy
    from .report.document import Document
    from .runs.agent import AgentFile
    from .runs.folder import RunFolder
    from .runs.load import LoadedRun
    from .runs.spec import RunSpec, Setup
    from .training.stopwatch import Estimate


class TrainingError(PolaxError):
    """Every seed of a run stopped being finite, or a callback or logger raised; what it raised is the cause.

    Attributes:
        run: what was written until then; after a callback, ``run.resume()`` continues it.
    """

    def __init__(self, message: str, run: Run) -> None:
        super().__init__(message)
        self.run = run


class TrainingInterrupted(KeyboardInterrupt):
    """A signal, or the end of its time, stopped a run after the update it was in; everything is saved.

    Attributes:
        run: the run; ``run.resume()`` continues it.
        exit_status: what a shell expects of a process that this signal ended.
    """

    def __init__(self, message: str, run: Run, exit_status: int) -> None:
        super().__init__(message)
        self.run = run
        self.exit_status = exit_status


def _new_file(out: str | Path, suffix: str, what: str) -> Path:
    """Return the path of a file that is to be written."""
    path = Path(out)
    if path.suffix != suffix:
        raise OptionError(f"out: the file of {what} ends in {suffix}, not {path.name!r}")
    if path.exists():
        raise OptionError(f"{path} is there already; choose another --out")
    return path


class Trained:
    """The trained players of a run or of an agent's file. What it holds is read when it is asked for.

    It stands for its path wherever one is expected, as in `make_policy` and `tournament`.
    """

    def __init__(self, source: RunFolder | AgentFile, *, allow_import: bool = False) -> None:
        self._source = source
        self._allow_import = allow_import
        self._loaded: dict[str, LoadedRun] = {}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r})"

    def __fspath__(self) -> str:
        return str(self.path)

    @property
    def path(self) -> Path:
        """Where the folder or the file is."""
        return self._source.path

    @property
    def spec(self) -> RunSpec:
        """What the run was asked to do: names, options, seeds, updates."""
        return self._source.spec()

    def game(self) -> tuple[Game[Any, Any], Any]:
        """Return the game that was learned, and its params, as `polax.make_env` does."""
        from .. import registry

        spec = self._source.trusted_spec(allow_import=self._allow_import)
        return registry.make_env(spec.env, **spec.env_options)

    def policies(self, seed: int | None = None, *, checkpoint: str | int = "last") -> tuple[Policy, ...]:
        """Return the trained policy of every player.

        Args:
            seed: one of the run's seeds; None: the first.
            checkpoint: the number of an update that was saved, ``last`` or ``best``.

        Raises:
            PolaxError: no such seed or checkpoint, or the checkpoint cannot be read.
        """
        run = self._load(str(checkpoint))
        return run.players(run.seed_index(seed))

    def policy(self, seed: int | None = None, *, player: int = 0, checkpoint: str | int = "last") -> Policy:
        """Return the trained policy of one player; otherwise like `policies`."""
        run = self._load(str(checkpoint))
        return run.policy(run.seed_index(seed), seat=player)

    def evaluate(
        self, against: Sequence[Any] = (), *, checkpoint: str | int = "last", num_envs: int = 1024
    ) -> Document:
        """Score the players; see `polax.evaluate`."""
        return evaluate(self, against, checkpoint=checkpoint, num_envs=num_envs)

    def render(  # one for each option of the command
        self,
        out: str | Path,
        *,
        seed: int | None = None,
        checkpoint: str | int = "last",
        episode: int = 0,
        size: int = 320,
        fps: float = 4.0,
    ) -> Path:
        """Save an episode of the players; see `polax.render`."""
        return render([self], out, seed=seed, checkpoint=checkpoint, episode=episode, size=size, fps=fps)

    def export(
        self,
        out: str | Path,
        *,
        seeds: Sequence[int] | None = None,
        checkpoint: str | int = "last",
        half: bool = False,
        num_envs: int = 1024,
    ) -> Agent:
        """Write the policies alone into a file that can be given away: a trained agent, with what it scores.

        Args:
            out: the file, which ends in ``.npz``.
            seeds: which of the run's; None: all.
            checkpoint: the number of an update that was saved, ``last`` or ``best``.
            half: store numbers with 16 bits in place of 32, in half of the space. The scores are those of the numbers
                as they are stored.
            num_envs: episodes of each match-up.

        Returns:
            The agent, which plays wherever a run does.

        Raises:
            PolaxError: no such seed or checkpoint, a file that is there or cannot be written, or a learner in ordinary
                Python, whose policies are not arrays alone.

        Example:
            >>> agent = polax.load("runs/mine").export("agent.npz", seeds=[1])
            >>> agent.card["self_play"], [row["seed"] for row in agent.card["scores"]]
            (False, [1])
        """
        set_up()
        from .evaluation.export import export_agent
        from .runs.agent import SUFFIX, AgentFile

        path, num_envs = _new_file(out, SUFFIX, "an agent"), count_option(num_envs=num_envs)
        found = self._load(str(checkpoint))
        if seeds is not None:
            found = found.only([found.seed_index(seed) for seed in list_option("seeds", seeds)])
        export_agent(found, path, versions=self._source.versions(), half=half, num_envs=num_envs)
        return Agent(AgentFile(path), allow_import=self._allow_import)

    def export_onnx(
        self, out: str | Path, *, seed: int | None = None, player: int = 0, checkpoint: str | int = "last"
    ) -> Path:
        """Write one player's network as an ONNX model, with which other runtimes play without polax or JAX.

        Its inputs are ``observation [B, F]`` and ``memory [B, H]``, zero at the start of an episode; its outputs
        ``probabilities [B, A]`` and ``memory_after [B, H]``. Before it is written it is compared with the original on
        episodes that the players of the run play. Needs ``pip install 'polax[onnx]'``.

        Args:
            out: the file, which ends in ``.onnx``.
            seed: one of the run's seeds; None: the first.
            player: whose network.
            checkpoint: the number of an update that was saved, ``last`` or ``best``.

        Returns:
            The file.

        Raises:
            PolaxError: no such seed, player or checkpoint, a file that is there or cannot be written, a player that is
                not a network of polax, or onnx is not installed.

        Example:
            >>> polax.load("zoo:loqa/CoinGame-v0").export_onnx("agent.onnx", seed=1).name
            'agent.onnx'
        """
        set_up()
        from .runs.onnx_file import SUFFIX, save_onnx

        path = _new_file(out, SUFFIX, "an ONNX model")
        run = self._load(str(checkpoint))
        index = run.seed_index(seed)
        run.policy(index, seat=player)  # refuses a player that there is not
        spec = run.spec
        about: dict[str, Any] = {"algorithm": spec.algorithm, "env": spec.env, "env_options": spec.env_options}
        about |= {"seed": spec.seeds[index], "player": player, "update": run.update}
        save_onnx(path, run.players(index), player=player, game=run.env, params=run.params, about=about)
        return path

    def _load(self, checkpoint: str) -> LoadedRun:
        from .runs.load import load_run

        name = self._name(checkpoint)
        if name not in self._loaded:
            self._loaded[name] = load_run(self._source, checkpoint=checkpoint, allow_import=self._allow_import)
        return self._loaded[name]

    def _name(self, checkpoint: str) -> str:
        """Return a name for what a checkpoint means at present."""
        return checkpoint


class Agent(Trained):
    """Trained agents in a file of their own, such as one of the zoo.

    Attributes:
        card: what the file says of them: the settings and a command that trains them again, and their scores.

    Example:
        >>> agent = polax.load("zoo:loqa/IPD-v0")
        >>> agent.spec.seeds
        (0, 1, 2)
    """

    def __init__(self, source: AgentFile, *, allow_import: bool = False) -> None:
        super().__init__(source, allow_import=allow_import)
        self.card = source.card


class Run(Trained):
    """A training run in its folder.

    Attributes:
        folder: the files of the run.

    Example:
        >>> run = polax.load("runs/mine")
        >>> first, second = run.policies(seed=1)
        >>> run.metrics()["update"].tolist()
        [0, 0, 1, 1, 2, 2]
        >>> run.resume(updates=3, quiet=True).spec.updates
        3
        >>> figure = run.figure()
    """

    def __init__(self, source: RunFolder, *, allow_import: bool = False) -> None:
        super().__init__(source, allow_import=allow_import)
        self.folder = source

    def metrics(self) -> dict[str, np.ndarray]:
        """Return the metrics of the run, one entry for each update and seed.

        Returns:
            Arrays of one length by name: ``update``, ``seed``, ``seconds`` and the names that docs/learners.md lists;
            NaN where an update has no such value, as between evaluations. ``pandas.DataFrame(run.metrics())`` is a
            table of them, a row for each update and seed.
        """
        import numpy as np

        rows = list(self.folder.metrics())
        names = list(dict.fromkeys(name for row in rows for name in row))
        whole = ("update", "seed")
        return {
            name: np.asarray([row.get(name, np.nan) for row in rows], np.int64 if name in whole else np.float64)
            for name in names
        }

    def resume(
        self,
        *,
        updates: int | None = None,
        callbacks: Sequence[Callback] = (),
        loggers: Sequence[str] = LOGGERS,
        checkpoint: int | None = None,
        max_seconds: float | None = None,
        mesh: Mapping[str, int] | None = None,
        quiet: bool = False,
    ) -> Run:
        """Continue at the last checkpoint, bit for bit as if the run had not stopped.

        Args:
            updates: a new number of updates in all; None: as it was asked for.
            callbacks: as in `train`; they are told of what follows the checkpoint.
            loggers: as in `train`; the run does not remember those of before.
            checkpoint: the update to continue from; later checkpoints are kept under other names. None: the last that
                is not damaged.
            max_seconds: seconds after which no new update begins; None: no limit.
            mesh: as in `train`; it need not be the one of before, and then the numbers are not the same bit for bit.
            quiet: as in `train`.

        Returns:
            This run.

        Raises:
            PolaxError: the run has all its updates, or as `train`.
        """
        spec = self.folder.trusted_spec(allow_import=self._allow_import)
        set_up(devices=cpu_cores())
        find(loggers, callbacks)  # an unknown one is refused before anything changes
        from ..algorithms.core.devices import asking_for
        from .runs.spec import build
        from .training.memory import check_memory

        if updates is not None:
            spec = dataclasses.replace(spec, updates=updates)
        setup = build(spec)
        with asking_for(mesh):
            check_memory(spec, setup)  # config.json may have been edited, or the machine may be another one
            self._loaded.clear()
            how = {"checkpoint": checkpoint, "max_seconds": max_seconds}
            return _train(self, spec, setup, resume=True, told=_Told(callbacks, loggers, quiet), **how)

    def figure(self, *, x: str | None = None) -> Figure:
        """Return the learning curves as a figure of matplotlib, which a notebook shows.

        Args:
            x: the horizontal axis: ``updates``, ``env-steps``, ``seconds``, or steps that the learner counts, such as
                ``outer-steps``; None: environment steps, or updates where the run has none.

        Raises:
            PolaxError: no scores to draw yet, or an axis that the run does not have.
        """
        from .report.figures import figure_of
        from .report.learning import learning_curves, read_run

        return figure_of(learning_curves("learning", [read_run(self.folder)], x=x))

    def _name(self, checkpoint: str) -> str:
        from .runs.load import find_updates

        return f"{checkpoint} {find_updates(self.folder, checkpoint)[0]}"  # the run may have been trained further


def train(  # noqa: PLR0913  # one for each option of the command
    algorithm: str | Sequence[str],
    env: str,
    *,
    preset: str | None = None,
    updates: int | None = None,
    seeds: int | Sequence[int] = 1,
    options: Mapping[str, Any] | None = None,
    env_options: Mapping[str, Any] | None = None,
    out: str | Path | None = None,
    eval_every: int = 1,
    eval_envs: int = 256,
    checkpoint_every: int | None = None,
    keep_checkpoints: int = 2,
    max_seconds: float | None = None,
    mesh: Mapping[str, int] | None = None,
    callbacks: Sequence[Callback] = (),
    loggers: Sequence[str] = LOGGERS,
    quiet: bool = False,
) -> Run:
    """Train a learner in a game, as ``polax train`` does: the same files, the same numbers.

    Args:
        algorithm: name of the learner, or ``package.module:ATTRIBUTE``; for a learner of its own for each player,
            their names, of which one may be a reference to a policy that does not learn.
        env: id of the game, or the same.
        preset: named settings of the learner for this game.
        updates: updates to take; None: the preset's.
        seeds: how many seeds, from 0, or which.
        options: of the learner, over the preset's; of several learners, mappings of options by ``player_0``,
            ``player_1``.
        env_options: of the game, over the preset's.
        out: folder of the run; None: ``runs/ALGORITHM-ENV-TIME``.
        eval_every: updates between evaluations.
        eval_envs: episodes of each match-up.
        checkpoint_every: updates between checkpoints; None: a twentieth of all.
        keep_checkpoints: how many of the last checkpoints stay, beside the best.
        max_seconds: seconds after which no new update begins; None: no limit.
        mesh: how many devices share the ``seeds``, the episodes of a batch (``envs``) and the ``players``, such as
            ``{"seeds": 2, "envs": 4}``; None: as many as there are, the seeds first. Results do not depend on it but
            for rounding.
        callbacks: functions that are told of updates, evaluations, checkpoints and the end.
        loggers: names of loggers, each of which makes such a callback (``polax list`` shows them). The run's own
            ``metrics.jsonl`` does not depend on them.
        quiet: show neither progress nor scores; warnings remain, through the logger ``polax`` of `logging`.

    Returns:
        The run, trained.

    Raises:
        PolaxError: unknown names or options, values out of range, or a folder that is not empty; `TrainingError` if
            every seed stopped being finite, or a callback or a logger raised.
        TrainingInterrupted: on Ctrl-C, SIGTERM, SIGUSR1 or after ``max_seconds``, after the update and saved.

    Example:
        >>> run = polax.train("naive-exact", "IPD-v0", preset="laptop", updates=2, out="runs/new", quiet=True)
        >>> sorted(run.evaluate(["tit-for-tat"]).data["mean"])
        ['score/player_0/vs/tit-for-tat', 'score/player_1/vs/tit-for-tat']
    """
    spec = plan(
        algorithm,
        env,
        preset=preset,
        updates=updates,
        seeds=seeds,
        options=options,
        env_options=env_options,
        eval_every=eval_every,
        eval_envs=eval_envs,
        checkpoint_every=checkpoint_every,
        keep_checkpoints=keep_checkpoints,
    )
    find(loggers, callbacks)
    from ..algorithms.core.devices import asking_for
    from .runs.folder import RunFolder
    from .runs.spec import build
    from .training.memory import check_memory

    setup = build(spec)  # plug-ins refuse options before a folder is made
    with asking_for(mesh):
        check_memory(spec, setup)
        run = Run(RunFolder.create(None if out is None else Path(out), spec))
        return _train(run, spec, setup, resume=False, told=_Told(callbacks, loggers, quiet), max_seconds=max_seconds)


def plan(algorithm: str | Sequence[str], env: str, *, seeds: int | Sequence[int] = 1, **settings: Any) -> RunSpec:
    """Return what `train` would do with the same arguments.

    Raises:
        PolaxError: unknown names or options, or values out of range.
    """
    set_up(devices=cpu_cores())
    from .. import registry
    from .runs.spec import first_seeds, resolve

    chosen = first_seeds(seeds) if isinstance(seeds, int) else tuple(seeds)

    return resolve(registry.algorithm_name(algorithm), env, seeds=chosen, **settings)


def estimate(
    algorithm: str | Sequence[str], env: str, *, mesh: Mapping[str, int] | None = None, **settings: Any
) -> Estimate:
    """Return what `train` will take with the same arguments: it trains the first updates and throws them away.

    Args:
        algorithm: as in `train`.
        env: as in `train`.
        mesh: as in `train`.
        **settings: other arguments of `train` that say what the run is, such as ``preset``, ``seeds``, ``eval_every``.

    Returns:
        Seconds, bytes and steps; ``seconds`` is the whole time.

    Raises:
        PolaxError: unknown names or options, values out of range, or a seed that does not stay finite.

    Example:
        >>> found = polax.estimate("naive-exact", "IPD-v0", preset="laptop", updates=1000)
        >>> found.updates, found.seconds > 1000 * found.update
        (1000, True)
    """
    begun = time.perf_counter()
    return estimate_run(plan(algorithm, env, **settings), mesh=mesh, begun=begun)


def estimate_run(spec: RunSpec, *, mesh: Mapping[str, int] | None, begun: float) -> Estimate:
    """Return what a run takes; see `estimate`."""
    from ..algorithms.core.devices import asking_for
    from .runs.spec import build
    from .training.estimate import estimate as estimate_it

    with asking_for(mesh):
        return estimate_it(spec, build(spec), begun=begun)


class _Told(NamedTuple):
    """Who is told of a run."""

    callbacks: Sequence[Callback]
    loggers: Sequence[str]
    quiet: bool


def _train(run: Run, spec: RunSpec, setup: Setup, *, resume: bool, told: _Told, **how: Any) -> Run:
    """Train, then show what was learned and draw the curves."""
    from .evaluation.evaluate import measure_dilemma
    from .evaluation.verdict import verdict
    from .report.evaluation import score_table
    from .report.learning import draw_learning_curves
    from .report.writers import console_table
    from .training.loop import last_rows
    from .training.loop import train as train_in
    from .training.progress import say, wide_console

    console = wide_console(quiet=told.quiet)
    outcome = train_in(
        spec, setup, run.folder, resume=resume, console=console, loggers=told.loggers, callbacks=told.callbacks, **how
    )
    rows = last_rows(run.folder)
    if rows:
        learned = verdict(
            rows,
            measure_dilemma(setup.env, setup.params),
            self_play=setup.algorithm.self_play,
            trained_against=setup.algorithm.trained_against,
        )
        if learned:
            say(console, learned)
        console.print(console_table(score_table(rows, self_play=setup.algorithm.self_play)))
        figure = draw_learning_curves([run.folder], run.folder.figures / "learning.png")
        say(console, f"figure: {figure}")
    if outcome.exit_status > 1:
        raise TrainingInterrupted(outcome.message, run, outcome.exit_status)
    if outcome.exit_status:
        raise TrainingError(outcome.message, run) from outcome.cause
    say(console, outcome.message)
    return run


def read_config(path: str | Path) -> dict[str, Any]:
    """Read the settings of a run from a file, as keyword arguments of `train`.

    Args:
        path: a ``.json``, ``.yaml`` or ``.yml`` file; a run's own ``config.json`` is one.

    Raises:
        PolaxError: it cannot be read, is of another version, or has an unknown key or a value of the wrong type.

    Example:
        >>> settings = polax.read_config("runs/mine/config.json")
        >>> settings["algorithm"], settings["env"]
        ('naive-exact', 'IPD-v0')
    """
    from .runs.config import read_config as read

    return read(path)


def load(path: str | Path, *, allow_import: bool = False) -> Run | Agent:
    """Return a run that was trained before, or trained agents.

    Args:
        path: the folder of a run, the file of an agent, or a reference to agents such as ``zoo:loqa/IPD-v0``.
        allow_import: whether its ``config.json`` may name code to import, as ``package.module:ATTRIBUTE``. Names of
            installed plug-ins, and what this process has asked for itself, need no permission.

    Raises:
        PolaxError: no run or agent is there, or another version of polax wrote it.

    Example:
        >>> polax.load("runs/mine").spec.algorithm
        'naive-exact'
    """
    from .. import registry
    from .runs.folder import RunFolder
    from .runs.load import open_run, read_reference

    where = Path(path)
    if not where.exists() and (behind := registry.run_behind(str(path))) is not None:
        where, seed, _ = read_reference(behind)
        if seed is not None:
            raise OptionError(f"{path} is one seed; load {str(path).rpartition('#')[0]} and choose it there")
    source = open_run(where)
    if isinstance(source, RunFolder):
        return Run(source, allow_import=allow_import)
    return Agent(source, allow_import=allow_import)


def _players_of(run: Trained | str | Path, checkpoint: str | int) -> LoadedRun:
    """Return the players of all seeds of a run, or of one where a reference says which."""
    if isinstance(run, Trained):
        return run._load(str(checkpoint))
    from .runs.load import read_reference

    _, seed, player = read_reference(os.fspath(run))
    if player is not None:
        raise OptionError(f"{run} is one player, and here all players of a run play; leave out @{player}")
    whole = run if seed is None else os.fspath(run).rpartition("#")[0]
    loaded = load(whole)._load(str(checkpoint))
    return loaded if seed is None else loaded.only([loaded.seed_index(seed)])


def evaluate(
    run: Trained | str | Path, against: Sequence[Any] = (), *, checkpoint: str | int = "last", num_envs: int = 1024
) -> Document:
    """Score the players of a run at a checkpoint, or of an agent.

    Args:
        run: the run or agent, or what `load` takes; with ``#SEED`` that seed alone.
        against: the opponents, as `polax.make_policy` takes them; if empty, the run's own players together and every
            strategy of the game.
        checkpoint: the number of an update that was saved, ``last`` or ``best``.
        num_envs: episodes of each match-up.

    Returns:
        A table and a figure of the scores, and as ``data`` what the command prints as JSON: ``seeds``, the metrics of
        each; ``mean``, over seeds; ``gap``, between the players by line-up, the mean of that of each seed; ``learned``,
        a sentence, empty where there is none; and what was played. Scores are mean rewards per step.

    Raises:
        PolaxError: no such run, checkpoint or opponent.

    Example:
        >>> found = polax.evaluate("runs/mine", ["tit-for-tat", "runs/other"])
        >>> [row["line-up"] for row in found.table()]
        ['tit-for-tat', 'runs/other']
    """
    set_up()
    from .. import registry
    from .evaluation.evaluate import Evaluator, measure_dilemma, score_against, score_together
    from .evaluation.scores import by_seed, mean_gap, opponents_of, pairing
    from .evaluation.verdict import verdict
    from .report.evaluation import document
    from .training.memory import check_evaluation

    num_envs = count_option(num_envs=num_envs)
    if isinstance(against, str) or against:
        against = list_option("against", against)
    found = _players_of(run, checkpoint)
    if against:
        opponents = [
            [registry.make_policy(name, found.env, found.params, player=p) for p in range(found.env.num_players)]
            for name in against
        ]
        with registry.plugin_code("the players", "act"):
            table = score_against(found, opponents, registry.reference_names(against), num_envs=num_envs)
    else:
        if found.pure:
            with registry.plugin_code(registry.algorithm_origin(found.spec.algorithm), "act"):
                evaluator = Evaluator(found.env, found.params, num_envs=num_envs, pure=True)
                check_evaluation(evaluator, found.keys.evaluate, found.policies)
        table = score_together(found, num_envs=num_envs)
    seeds = by_seed(table, found.spec.seeds)
    learned = ""
    if not against:
        dilemma = measure_dilemma(found.env, found.params)
        learned = verdict(seeds, dilemma, self_play=found.self_play, trained_against=found.trained_against)
    content = {
        "run": str(found.path),
        "algorithm": found.spec.algorithm,
        "env": found.spec.env,
        "checkpoint": found.update,
        "eval_envs": num_envs,
        "self_play": found.self_play,
        "seeds": seeds,
        "learned": learned,
        "mean": {name: float(values.mean()) for name, values in table.items()},
        "gap": {
            opponent or pairing(self_play=found.self_play): mean_gap(seeds, opponent)
            for opponent in opponents_of(seeds[0])
        },
    }
    return document(content, command_line())


def render(  # one for each option of the command
    runs: Sequence[Trained | str | Path],
    out: str | Path,
    *,
    seed: int | None = None,
    checkpoint: str | int = "last",
    episode: int = 0,
    size: int = 320,
    fps: float = 4.0,
) -> Path:
    """Save one episode of the players of a run, or of several runs side by side, as an animation or a strip.

    Args:
        runs: the runs or agents, or what `load` takes; with ``#SEED`` the players of that seed.
        out: a .gif, .mp4 or .png (a strip) file.
        seed: which seed's players; None: the first.
        checkpoint: the number of an update that was saved, ``last`` or ``best``.
        episode: random seed of the episode.
        size: width of each picture, in pixels.
        fps: frames per second.

    Returns:
        The path of the file.

    Raises:
        PolaxError: no such run, seed or checkpoint, or a file that cannot be written.

    Example:
        >>> polax.render(["runs/mine", "runs/other"], "both.gif", size=120).name
        'both.gif'
    """
    paths = list_option("runs", runs)
    if not fps > 0:
        raise OptionError(f"fps must be above 0, not {fps!r}")
    episode = count_option(episode=episode, at_least=0)
    set_up()
    from ..envs.rendering.animation import abreast, check_format, save_pictures
    from ..envs.rendering.pictures import LARGEST, SMALLEST
    from ..envs.rendering.recorder import record_episode
    from .runs.files import writing

    path, size = Path(out), count_option(size=size, at_least=SMALLEST, at_most=LARGEST)
    try:
        check_format(path)
    except (ValueError, RuntimeError) as cause:
        raise OptionError(f"out: {cause}") from cause
    drawn = []
    for each in paths:
        found = _players_of(each, checkpoint)
        frames = record_episode(found.env, found.params, found.players(found.seed_index(seed)), seed=episode)
        drawn.append((found.spec.algorithm, [found.env.draw(frame, size=size) for frame in frames]))
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        save_pictures(drawn[0][1] if len(drawn) == 1 else abreast(drawn), path, fps=fps)
    return path


def write_page(
    players: Sequence[Any],
    out: str | Path,
    *,
    env: str | None = None,
    env_options: Mapping[str, Any] | None = None,
    player: int = 0,
) -> Path:
    """Write a page for the browser in which a person plays against trained policies; it needs no network.

    Args:
        players: the opponents: runs or agents, or what `polax.make_policy` takes. Several stand in a list in the page.
        out: the file.
        env: id of the game; None: for each opponent the one that it has learned.
        env_options: of that game; if left out, those that the opponent has learned with.
        player: which player of the game the person is.

    Returns:
        The path of the file.

    Raises:
        PolaxError: no such player, one that is not a trained policy or plays another game, or a file that cannot be
            written.

    Example:
        >>> polax.write_page(["zoo:loqa"], "page.html", env="IPD-v0").name
        'page.html'
    """
    opponents = list_option("players", players)
    set_up()
    from .. import registry
    from .report.play import Opponent, play_page
    from .runs.files import write_text
    from .runs.load import open_run, read_reference

    if env is not None:
        registry.environment_plugin(env)  # an unknown one is not a mistake of the players
    found = []
    for reference, name in zip(opponents, registry.reference_names(opponents), strict=True):
        behind = registry.run_behind(reference, env)
        spec = None if behind is None else open_run(read_reference(behind).path).trusted_spec()
        game_id = env or (None if spec is None else spec.env)
        if game_id is None:
            raise OptionError(f"missing environment for {name}: pass --env ENV (see polax list)")
        options = env_options if env_options or spec is None or spec.env != game_id else spec.env_options
        game, params = registry.make_env(game_id, **(options or {}))
        if game.num_players != 2:
            raise OptionError(f"a page is for two players; {game_id} has {game.num_players}")
        seat = 1 - player_index(player, game.num_players)
        policy = registry.make_policy(reference, game, params, player=seat)
        found.append(Opponent(name, game, params, policy, seat))
    path = Path(out)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, play_page(found), hint="choose another --out")
    return path
