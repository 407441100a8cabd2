"""Compare players, learners and settings from Python: tournaments, benchmarks and sweeps, whose commands call these."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import registry
from ..options import OptionError, count_option, list_option
from .process import command_line, cpu_cores, set_up

# These import gymnax, which starts jax's devices: not before `set_up` has asked for as many as are needed.
if TYPE_CHECKING:
    from .report.document import Document
    from .tournament.best_response import Training
    from .tournament.line_up import LineUp


class Interrupted(KeyboardInterrupt):
    """A signal stopped a benchmark or a sweep; what was done is saved, and the same call continues from there.

    Attributes:
        document: the results until then.
        exit_status: what a shell expects of a process that this signal ended.
    """

    def __init__(self, message: str, document: Document, exit_status: int) -> None:
        super().__init__(message)
        self.document = document
        self.exit_status = exit_status


def tournament(  # noqa: PLR0913  # one for each option of the command
    players: Sequence[Any],
    env: str | None = None,
    *,
    env_options: Mapping[str, Any] | None = None,
    episodes: int = 1000,
    seed: int = 0,
    line_ups: int | None = None,
    all_seeds: bool = False,
    checkpoint: str | int | None = None,
    best_response: str | None = None,
    best_response_updates: int | None = None,
    best_response_options: Mapping[str, Any] | None = None,
    out: str | Path | None = None,
    quiet: bool = False,
) -> Document:
    """Play every player against every player, as ``polax tournament`` does: the same files, the same numbers.

    Args:
        players: runs, policies, and what else `make_policy` takes, such as ``"tit-for-tat"`` or ``"runs/mine#3@1"``.
        env: id of the game; None: the one that the runs learned.
        env_options: of the game; those that are left out are those of the runs.
        episodes: of each pair and order; in games of more than two players of each line-up.
        line_ups: in games of more than two players, how many line-ups are played at most, drawn by the seed where there
            are more; None: 1000.
        seed: of all that is random.
        all_seeds: whether each seed of a run is a player, or its first one.
        checkpoint: the number of an update, ``last`` or ``best``; None: the last one, of runs that have finished.
        best_response: a learner that is trained against each player, which is frozen; it takes minutes.
        best_response_updates: its updates; None: 20 in matrix games, else 200.
        best_response_options: its options.
        out: a new folder for the files; None: ``tournaments/ENV-TIME``.
        quiet: print nothing.

    Returns:
        The tables ``Ranking``, ``Measures``, ``Payoffs`` and others, the figures ``payoffs`` and ``policies``, and as
        ``data`` what ``tournament.json`` holds.

    Raises:
        PolaxError: no player, one that is not known or does not fit the game, a run that has not finished, unknown
            options, or a folder that is not empty.

    Example:
        >>> found = polax.tournament(["tit-for-tat", "runs/mine"], episodes=10, out="meeting", quiet=True)
        >>> sorted(row["player"] for row in found.table("Ranking"))
        ['mine#0@0', 'mine#0@1', 'tit-for-tat']
        >>> figure = found.figure("payoffs")
    """
    begun = time.perf_counter()
    players = list_option("players", players)
    episodes, seed = count_option(episodes=episodes), count_option(seed=seed, at_least=0)
    if line_ups is not None:
        line_ups = count_option(line_ups=line_ups)
    set_up(devices=2)  # the matches come in an even number of batches
    from .report.writers import show, write
    from .runs.lock import alone
    from .runs.manifest import device_names
    from .tournament.contest import contest
    from .tournament.document import document, prepare
    from .tournament.groups import LINE_UPS, group_contest
    from .tournament.line_up import make_line_up
    from .training.progress import say, wide_console

    console = wide_console(quiet=quiet)
    which = None if checkpoint is None else str(checkpoint)
    line_up = make_line_up(players, env, env_options, all_seeds=all_seeds, checkpoint=which)
    several = line_up.game.num_players > 2
    if line_ups is not None and not several:
        raise OptionError(f"line_ups is for games of more than two players; {line_up.env} has two: leave it out")
    if best_response is not None and several:
        raise OptionError(
            f"best responses are for games of two players; {line_up.env} has {line_up.game.num_players}: leave them out"
        )
    training = _training(line_up, best_response, best_response_updates, best_response_options)
    folder = Path("tournaments") / f"{line_up.env}-{time.strftime('%Y%m%d-%H%M%S')}" if out is None else Path(out)
    prepare(folder)
    with alone(folder):
        prepare(folder)  # another process may have filled it before this one had the lock
        with registry.plugin_code("the players", "act"):
            if several:
                most = line_ups or LINE_UPS
                content = group_contest(line_up, episodes=episodes, seed=seed, most=most, console=console)
            else:
                content = contest(line_up, episodes=episodes, seed=seed, training=training, console=console)
        seconds = time.perf_counter() - begun
        ran = {"command": command_line(), "devices": device_names(), "seconds": round(seconds, 1)}
        found = document({**content, **ran})._replace(folder=folder)
        write(found, folder, records="payoffs.csv")
    show(found, console)
    say(console, f"{len(content['players'])} players, {seconds:.1f} s: {folder}")
    return found


def _training(
    line_up: LineUp, learner: str | None, updates: int | None, options: Mapping[str, Any] | None
) -> Training | None:
    """Return how best responses are learned; None: they are not.

    Raises:
        PolaxError: settings without a learner, or a learner that is not known or does not fit.
    """
    from .tournament.best_response import Training, check_training, usual_updates

    if learner is None:
        given = {"updates": updates is not None, "options": bool(options)}
        for name in (name for name, there in given.items() if there):
            raise OptionError(f"best_response_{name} needs best_response, the name of a learner")
        return None
    training = Training(learner, usual_updates(line_up) if updates is None else updates, dict(options or {}))
    check_training(training, line_up)
    return training


def benchmark(  # noqa: PLR0913  # one for each option of the command
    algorithms: Sequence[str | Sequence[str]],
    envs: Sequence[str],
    *,
    out: str | Path,
    num_seeds: int = 3,
    preset: str | None = None,
    budget: str | tuple[float, str] | None = None,
    evaluation_episodes: int = 1000,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    pairs: bool = False,
    retries: int = 0,
    mesh: Mapping[str, int] | None = None,
    on: str = "local",
    on_options: Mapping[str, Any] | None = None,
    quiet: bool = False,
) -> Document:
    """Train learners in shared games and compare them, as ``polax benchmark`` does: the same files, the same numbers.

    The same call continues a benchmark that was interrupted. A combination that fails does not stop the others: it is
    reported on the standard error stream, and stands in the document with its reason.

    Args:
        algorithms: names of learners; in place of one, the names of a learner for each player.
        envs: ids of games.
        out: folder of the benchmark.
        num_seeds: train the seeds 0 to N - 1.
        preset: settings of the learners, and how long they train.
        budget: how long each trains instead: ``"100 updates"``, ``"2000000 env-steps"`` or ``"60 seconds"``.
        evaluation_episodes: of each match-up at the end.
        options: of learners and games by name, over the preset's: ``{"naive": {"num_envs": 64}}``.
        pairs: train each learner beside each other one as well, with the options and the preset that it has alone.
        retries: how often a combination that failed is trained again, from its last checkpoint.
        mesh: of the devices that train a combination, as in `train`.
        on: where they train: ``local``, one after another in this process, or an executor (``ray``, ``slurm``), each in
            a process of its own, at the same time where there is room; or its address (``ray://HOST:PORT``).
        on_options: of the executor, such as ``{"cpus_per_task": 2}``.
        quiet: show neither progress nor scores.

    Returns:
        A table for each game, by its id, and ``Training``; figures such as ``IPD-v0-scores``; and as ``data`` what
        ``results.json`` holds.

    Raises:
        PolaxError: unknown names or options, no length of training, a folder that holds something else, or an executor
            that is not installed, does not answer, or does not see the folder.
        Interrupted: on Ctrl-C or SIGTERM, saved.

    Example:
        >>> names = ["naive-exact", "lola-exact"]
        >>> found = polax.benchmark(names, ["IPD-v0"], budget="2 updates", num_seeds=2, out="compared", quiet=True)
        >>> [row["algorithm"] for row in found.table("IPD-v0")]
        ['naive-exact', 'lola-exact']
    """
    learners, games = list_option("algorithms", algorithms), list_option("envs", envs)
    num_seeds = count_option(num_seeds=num_seeds)
    evaluation_episodes = count_option(evaluation_episodes=evaluation_episodes)
    retries = count_option(retries=retries, at_least=0)
    set_up(devices=cpu_cores())
    from ..algorithms.core.devices import asking_for
    from .benchmark.budget import parse_budget
    from .benchmark.plan import Protocol, combinations, open_folder, with_pairs
    from .benchmark.series import Series
    from .executors.crew import make_crew
    from .runs.files import make_folder
    from .runs.lock import alone
    from .training.progress import say, wide_console

    names = [registry.algorithm_name(each) for each in learners]
    given = dict(options or {})
    if pairs:
        names, given = with_pairs(names, given)
    protocol = Protocol(
        algorithms=tuple(names),
        envs=tuple(games),
        num_seeds=num_seeds,
        preset=preset,
        budget=None if budget is None else parse_budget(budget),
        evaluation_episodes=evaluation_episodes,
        options={name: dict(own) for name, own in given.items() if own},
    )
    planned = combinations(protocol)
    console = wide_console(quiet=quiet)
    folder = Path(out)
    with asking_for(mesh), make_crew(on, on_options or {}, folder, retries=retries, console=console) as crew:
        if crew.elsewhere:
            if mesh is not None:
                raise OptionError(f"a mesh is of the devices of this process; leave it out, or do not train on {on}")
            for each in planned:
                registry.check_found_elsewhere(each.algorithm, each.env)
        make_folder(folder)
        with alone(folder):
            if open_folder(folder, protocol):
                say(console, f"continuing {folder}")
            series = Series(folder, protocol, planned, command=command_line(), console=console, crew=crew)
            found, stopped = series.run()
    if stopped:
        raise Interrupted("stopped; the same call or command continues from here", found, stopped)
    return found


def sweep(  # noqa: PLR0913  # one for each option of the command
    algorithm: str | Sequence[str],
    env: str,
    *,
    vary: Mapping[str, Any],
    out: str | Path,
    trials: int | None = None,
    search: str | None = None,
    search_seed: int = 0,
    num_seeds: int = 1,
    at_once: int | None = None,
    objective: str | None = None,
    preset: str | None = None,
    updates: int | None = None,
    options: Mapping[str, Any] | None = None,
    env_options: Mapping[str, Any] | None = None,
    eval_envs: int = 256,
    retries: int = 0,
    on: str = "local",
    on_options: Mapping[str, Any] | None = None,
    quiet: bool = False,
) -> Document:
    """Train a learner with many settings and compare them, as ``polax sweep`` does: the same files, the same numbers.

    Settings that differ in numbers alone (rates, penalties, payoffs) train side by side as one compiled program; those
    that differ in sizes are separate programs, one after another. A trial has the result that `train` has with its
    options. One that stops being finite is shown as failed, and the others continue. The same call continues a sweep
    that was interrupted.

    Args:
        algorithm: name of the learner, or the names of a learner for each player.
        env: id of the game.
        vary: by option of the learner, or ``env.OPTION`` of the game: a list of values, or one of the words
            ``"log:LOW:HIGH"``, ``"uniform:LOW:HIGH"``, ``"int:LOW:HIGH"``, ``"16,32"``.
        out: folder of the sweep.
        trials: how many; None: every combination of the lists.
        search: ``grid``, ``random`` or ``optuna``; None: a grid without ``trials``, or else random.
        search_seed: of what the search draws.
        num_seeds: train the seeds 0 to N - 1 of each trial.
        at_once: trials in one program, at most, and trials that Optuna chooses at a time; None: all, for Optuna 8.
        objective: ``self-play`` or ``co-play`` for the score of the learner's own players, or the strategy against
            which they are scored; None: their own score.
        preset: settings that all trials share.
        updates: updates of each trial; None: the preset's.
        options: of the learner, over the preset's.
        env_options: of the game, over the preset's.
        eval_envs: episodes of each match-up.
        retries: how often a program in which something was raised is trained again, from its last checkpoint.
        on: where the programs train: ``local``, one after another in this process, or an executor (``ray``, ``slurm``),
            each in a process of its own, at the same time where there is room; or its address (``ray://HOST:PORT``).
        on_options: of the executor, such as ``{"cpus_per_task": 2}``.
        quiet: show neither progress nor scores.

    Returns:
        The table of trials, the best first; the figures ``parallel`` and ``importance``; and as ``data`` what
        ``trials.json`` holds.

    Raises:
        PolaxError: unknown names or options, a value that is not allowed, an empty range, no length of training, a
            folder that holds something else, or an executor that is not installed, does not answer, or does not see
            the folder.
        Interrupted: on Ctrl-C or SIGTERM, saved.

    Example:
        >>> rates = {"outer_lr": "log:0.01:1", "env.contribution_factor": [1.33, 1.6]}
        >>> found = polax.sweep("naive-exact", "IPD-v0", vary=rates, trials=4, updates=2, out="swept", quiet=True)
        >>> len(found.table())
        4
    """
    retries = count_option(retries=retries, at_least=0)
    counts = {"num_seeds": num_seeds, "eval_envs": eval_envs}
    counts |= {name: given for name, given in {"trials": trials, "at_once": at_once}.items() if given is not None}
    counts = {name: count_option(**{name: given}) for name, given in counts.items()}
    set_up(devices=cpu_cores())  # all trials' seeds are shared by as many devices as there are
    from .executors.crew import make_crew
    from .runs.files import make_folder
    from .runs.lock import alone
    from .sweep.plan import open_folder, plan_sweep
    from .sweep.search import make_search
    from .sweep.series import Series, check_first
    from .training.progress import say, wide_console

    protocol, space = plan_sweep(
        registry.algorithm_name(algorithm),
        env,
        vary=vary,
        search=search,
        objective=objective,
        options=options or {},
        env_options=env_options or {},
        preset=preset,
        updates=updates,
        search_seed=count_option(search_seed=search_seed, at_least=0),
        **{"trials": None, "at_once": None, **counts},
    )
    console = wide_console(quiet=quiet)
    folder = Path(out)
    with make_crew(on, on_options or {}, folder, retries=retries, console=console) as crew:
        if crew.elsewhere:
            registry.check_found_elsewhere(protocol.algorithm, protocol.env)
        check_first(protocol, space, elsewhere=crew.elsewhere)
        make_folder(folder)
        with alone(folder):
            if open_folder(folder, protocol):
                say(console, f"continuing {folder}")
            search_ = make_search(protocol, space, folder)
            series = Series(folder, protocol, space, search_, command=command_line(), console=console, crew=crew)
            found, stopped = series.run()
    if stopped:
        raise Interrupted("stopped; the same call or command continues from here", found, stopped)
    return found


def league(  # noqa: PLR0913  # one for each option of the command
    algorithms: Sequence[str | Sequence[str]] | None = None,
    envs: Sequence[str] | None = None,
    *,
    out: str | Path,
    num_seeds: int = 10,
    preset: str = "laptop",
    episodes: int = 100,
    seed: int = 0,
    best_response: str | None = "naive",
    best_response_updates: int | None = None,
    join: str | Path | None = None,
    anew: Sequence[str] = (),
    retries: int = 0,
    on: str = "local",
    on_options: Mapping[str, Any] | None = None,
    quiet: bool = False,
) -> Document:
    """Train learners in several games and let every seed of each meet all others, as ``polax league`` does.

    Each game has a benchmark in a folder of its own. After it, all seeds of all learners and the game's strategies play
    each other. The same call continues a league that was interrupted; a learner that fails does not stop the others.

    Args:
        algorithms: names of learners; in place of one, the names of a learner for each player. None: all that are
            installed and have the preset.
        envs: ids of games. None: all of two players for which a learner has the preset. In each game, the learners take
            part that have the preset there.
        out: folder of the league.
        num_seeds: train the seeds 0 to N - 1.
        preset: settings of the learners, and how long they train.
        episodes: of each ordered pair of players.
        seed: of all that is random in the matches.
        best_response: a learner that is trained against the first seed of each learner and each strategy; None: none.
        best_response_updates: its updates; None: as many as `tournament` takes.
        join: folder of a league that was played: its learners take part as they are, in the games in which they did,
            and only who does not play there trains. Its runs are not needed, ``league.json`` and the agents are.
        anew: games of that league in which ``algorithms`` train although they play there, and take the place of those
            that did: for a learner that has changed.
        retries: how often a combination that failed is trained again, from its last checkpoint.
        on: where they train, as `benchmark` says.
        on_options: of the executor.
        quiet: show neither progress nor scores.

    Returns:
        The tables ``GAME: standings`` and ``GAME: how soon``, the figures ``GAME-cross-play``, ``GAME-population`` and
        ``GAME-learning``, and as ``data`` what ``league.json`` holds.

    Raises:
        PolaxError: unknown names, a preset that nobody has, a folder that holds something else, or nothing that can be
            joined.
        Interrupted: on Ctrl-C or SIGTERM while something trains, saved.

    Example:
        >>> names = ["naive-exact", "lola-exact"]
        >>> found = polax.league(names, num_seeds=2, episodes=4, best_response=None, out="league", quiet=True)
        >>> sorted({row["player"] for row in found.table("IPD-v0: standings")} & set(names))
        ['lola-exact', 'naive-exact']
    """
    num_seeds, seed = count_option(num_seeds=num_seeds), count_option(seed=seed, at_least=0)
    episodes = count_option(episodes=episodes)
    if best_response_updates is not None:
        best_response_updates = count_option(best_response_updates=best_response_updates)
        if best_response is None:
            raise OptionError("best_response_updates needs best_response, the name of a learner")
    set_up(devices=cpu_cores())
    from .league.document import FORMAT, document
    from .league.joined import read_league
    from .league.plan import Protocol, check_games, failures, learners_of, open_folder, play_game, seconds_of
    from .report.writers import show, write
    from .runs.files import make_folder
    from .runs.lock import alone
    from .runs.manifest import device_names, versions
    from .training.progress import say, wide_console

    names = None if algorithms is None else [registry.algorithm_name(each) for each in algorithms]
    retrained = list_option("anew", anew) if anew else []
    joined = read_league(None if join is None else Path(join))
    protocol = Protocol(
        algorithms=learners_of(names, envs, preset, joined, retrained),
        num_seeds=num_seeds,
        preset=preset,
        episodes=episodes,
        seed=seed,
        best_response=best_response,
        best_response_updates=best_response_updates,
        join=None if join is None else str(join),
        anew=retrained,
    )
    kept = [env for env in joined.games if envs is None or env in envs]
    check_games(protocol)
    console, folder = wide_console(quiet=quiet), Path(out)
    make_folder(folder)
    content: dict[str, Any] = {"format": FORMAT, "kind": "league", "versions": versions(), "devices": device_names()}
    content |= {"command": command_line(), "protocol": protocol.to_json(), "joined": joined.origin}
    content |= {"games": [], "failures": [], "seconds": 0.0}
    train = partial(
        benchmark, num_seeds=num_seeds, preset=preset, retries=retries, on=on, on_options=on_options, quiet=quiet
    )
    stopped: Interrupted | None = None
    with alone(folder):
        if open_folder(folder, protocol):
            say(console, f"continuing {folder}")
        joined.take(folder, kept)
        for env in dict.fromkeys([*kept, *protocol.algorithms]):
            learners = protocol.algorithms.get(env, ())
            try:
                rows = train(learners, [env], out=folder / env).data["combinations"] if learners else []
            except Interrupted as cause:
                stopped = cause
                break
            content["failures"] += failures(rows)
            game = play_game(folder, env, rows, protocol, joined=joined, console=console)
            content["games"] += [] if game is None else [game]
            content["seconds"] += seconds_of(rows, game)
        results = document(content)._replace(folder=folder)
        write(results, folder, records="league.csv")
    if stopped is not None:
        raise Interrupted(str(stopped), results, stopped.exit_status)
    show(results, console)
    say(console, f"results: {folder / 'league.md'}")
    return results
