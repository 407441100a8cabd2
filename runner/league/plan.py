"""What a league does: which learners train in which games, and how the results of a game come together."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from ... import registry
from ...options import OptionError
from ..benchmark.document import DONE, FAILED
from ..evaluation.evaluate import measure_dilemma
from ..evaluation.export import export_agent
from ..evaluation.milestones import exceeds, first_passes
from ..evaluation.verdict import Kind, kind_of
from ..report.learning import kept_curves, read_run
from ..runs import asked
from ..runs.files import make_folder, read_json, write_json
from ..runs.folder import RunFolder
from ..runs.load import load_run
from ..runs.spec import find_preset
from ..tournament.best_response import Training, check_training, usual_updates
from ..tournament.line_up import LineUp, make_line_up
from .cross_play import cross_play
from .joined import League, agents_file

ASKED = "protocol.json"
"""The file that says what was asked for."""

PLAYED = "cross_play.json"
"""The file, in the folder of a game, that keeps what its matches gave."""

FORMAT = 1

MILESTONE = Kind.RECIPROCATES
"""The kind of behaviour whose first appearance is noted, beside the game's own thresholds."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Protocol:
    """What was asked for.

    Attributes:
        algorithms: the learners of each game.
        num_seeds: seeds 0 to N - 1 of each.
        preset: their settings.
        episodes: of each ordered pair of players.
        seed: of all that is random in the matches.
        best_response: the learner that is trained against the first seeds and the strategies, or None.
        best_response_updates: its updates; None: as many as are usual for the game.
        join: the folder of a league whose learners take part as they are, or None.
        anew: games in which the learners train although they are in that league, and take the place of those.
    """

    algorithms: Mapping[str, Sequence[str]]
    num_seeds: int
    preset: str
    episodes: int
    seed: int
    best_response: str | None
    best_response_updates: int | None
    join: str | None
    anew: Sequence[str] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON-ready values."""
        return dataclasses.asdict(self)


def learners_of(
    algorithms: Sequence[str] | None,
    envs: Sequence[str] | None,
    preset: str,
    joined: League,
    anew: Sequence[str] = (),
) -> dict[str, list[str]]:
    """Return the learners that train in each game: those that have the preset, and do not play there already.

    Args:
        algorithms: names of learners; None: all that are installed.
        envs: ids of games; None: all of two players in which one of them has the preset.
        preset: its name.
        joined: the league whose learners need not train.
        anew: games in which they train all the same.

    Raises:
        PolaxError: an unknown name, nothing to train, a learner without the preset, or a game in which nobody trains
            and which the joined league does not have either.
    """
    taking_part = [env for env in joined.games if not envs or env in envs]
    for env in anew:
        if env not in taking_part:
            there = ", ".join(taking_part) or "there is none"
            raise OptionError(f"anew must name games of the joined league that take part ({there}); got {env!r}")
    names = algorithms or [each.name for each in registry.list_algorithms() if each.error is None]
    plugins = {name: registry.algorithm_plugin(name) for name in names}
    games = envs or [each.name for each in registry.list_environments() if each.error is None]
    found = {
        env: [name for name, plugin in plugins.items() if find_preset(plugin, preset, env) is not None]
        for env in dict.fromkeys(games)
        if registry.environment_plugin(env)
    }
    for env in envs or ():
        if not found[env] and env not in taking_part:
            raise OptionError(f"no learner has a preset {preset!r} for {env}; leave it out, or name another --preset")
    for name in algorithms or ():
        if not any(name in learners for learners in found.values()):
            raise OptionError(f"{name} has no preset {preset!r} for {' or '.join(found)}; leave it out")
    found = {env: learners for env, learners in found.items() if learners}
    if not envs:  # where only games of more players are left, `check_games` says that they cannot be played
        of_two = {env: each for env, each in found.items() if registry.make_env(env)[0].num_players == 2}
        found = of_two or found
    if not found:
        raise OptionError(f"no learner has a preset {preset!r}; polax list --details shows the presets")
    new = {env: [name for name in names if env in anew or not joined.plays(name, env)] for env, names in found.items()}
    new = {env: names for env, names in new.items() if names}
    if not new:
        known = ", ".join(dict.fromkeys(name for names in found.values() for name in names))
        raise OptionError(f"{joined.folder} has {known} already; name a learner or a game that it does not have")
    return new


def open_folder(folder: Path, protocol: Protocol) -> bool:
    """Make a league's folder, or take one that holds the same league; return whether it was there before.

    Raises:
        RunError: the folder holds something else, or a league with other arguments.
    """
    return asked.open_folder(folder, ASKED, protocol.to_json(), what="league", version=FORMAT)


def check_games(protocol: Protocol) -> None:
    """Raise `PolaxError` where a game's matches could not be played, before anything has trained for hours."""
    for env in protocol.algorithms:
        line_up = LineUp(env, {}, *registry.make_env(env), [])
        if line_up.game.num_players != 2:
            raise OptionError(f"a league is between two players; {env} has {line_up.game.num_players}; leave it out")
        training_of(protocol, line_up)


def training_of(protocol: Protocol, line_up: LineUp) -> Training | None:
    """Return how best responses are learned in a game; None: they are not.

    Raises:
        PolaxError: the learner does not fit the game.
    """
    if protocol.best_response is None:
        return None
    training = Training(protocol.best_response, protocol.best_response_updates or usual_updates(line_up))
    check_training(training, line_up)
    return training


def play_game(
    folder: Path,
    env: str,
    rows: Sequence[Mapping[str, Any]],
    protocol: Protocol,
    *,
    joined: League,
    console: Console,
) -> dict[str, Any] | None:
    """Play the matches of a game, unless that was done before, and return what ``league.json`` holds of it.

    Args:
        folder: of the league, with the benchmark of the game in a folder of its name, and the agents of the joined
            league.
        env: the game.
        rows: the combinations of that benchmark; none, where nobody trained.
        protocol: what was asked for.
        joined: the league that this one joins.
        console: where progress is shown.

    Returns:
        None where no learner has been trained, nor plays in the joined league. Where nobody new plays, what that holds.

    Raises:
        PolaxError: a run cannot be read.
    """
    runs = {row["algorithm"]: f"{env}/{row['run']}" for row in rows if row["status"] == DONE}
    before = joined.game(env)
    if not runs:
        return before
    path = folder / env / PLAYED
    content: dict[str, Any] = read_json(path) if path.exists() else {}
    if content.get("runs") != runs:  # nothing was played, or a learner that had failed has been trained since
        players = {**({} if before is None else before["players"]), **_players(folder, env, runs)}
        line_up = make_line_up([str(folder / player) for player in players.values()], env, all_seeds=True)
        for strategy in line_up.game.strategies:
            line_up = line_up.add(strategy)
        training, begun = training_of(protocol, line_up), time.perf_counter()
        how = None if training is None else {"algorithm": training.algorithm, "updates": training.updates}
        known = {} if before is None or before["training"] != how else before["best_responses"] or {}
        known = {name: found for name, found in known.items() if name not in runs}
        with registry.plugin_code("the players", "act"):
            found = cross_play(
                line_up,
                episodes=protocol.episodes,
                seed=protocol.seed,
                training=training,
                known=known,
                console=console,
            )
        content = {**found, "runs": runs, "players": players, "training": how}
        content["seconds"] = round(time.perf_counter() - begun, 1)
        write_json(path, content)
    trained = _training(folder, env, runs)
    if before is not None:
        trained = {
            name: {**before[name], **values} if isinstance(values, dict) else values for name, values in trained.items()
        }
    return {**content, **trained}


def _players(folder: Path, env: str, runs: Mapping[str, str]) -> dict[str, str]:
    """Write the agents of each learner into a file, and return who plays: these, so that they can be had and met again.

    Learners in ordinary Python, whose policies no file can hold, play from their runs.
    """
    players = {}
    for name, path in runs.items():
        run = RunFolder.open(folder / path, within=folder)
        found = load_run(run)
        players[name] = agents_file(env, name) if found.pure else path
        if found.pure:
            (folder / players[name]).unlink(missing_ok=True)  # what the joined league has under that name
            make_folder((folder / players[name]).parent)
            export_agent(found, folder / players[name], versions=run.versions(), half=True)
    return players


def seconds_of(rows: Sequence[Mapping[str, Any]], game: Mapping[str, Any] | None) -> float:
    """Return how long training took, and the matches with the best responses; not those of a joined league."""
    matches = game["seconds"] if game is not None and game["runs"] else 0.0
    return float(sum(row["seconds"] or 0.0 for row in rows) + matches)


def failures(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the combinations of a benchmark that failed, with their reasons."""
    return [{name: row[name] for name in ("algorithm", "env", "error")} for row in rows if row["status"] == FAILED]


def _training(folder: Path, env: str, runs: Mapping[str, str]) -> dict[str, Any]:
    """Return what the runs of a game say of its learners.

    Returns:
        ``milestones``: by learner and level, when each seed first passed each of the game's ``thresholds``, and first
        reciprocated. ``curves``: by learner, those of its training.
    """
    game, params = registry.make_env(env)
    thresholds, dilemma = game.thresholds(params), measure_dilemma(game, params)
    levels: dict[str, Callable[[Any], bool]] = {each.name: partial(exceeds, threshold=each) for each in thresholds}
    if dilemma is not None:
        levels[MILESTONE.value] = lambda row: kind_of(row, dilemma) is MILESTONE
    trained = {name: read_run(RunFolder.open(folder / path, within=folder)) for name, path in runs.items()}
    return {
        "milestones": {
            name: {level: _when(first_passes(run.rows, passes)) for level, passes in levels.items()}
            for name, run in trained.items()
        },
        "thresholds": [each._asdict() for each in thresholds],
        "curves": {name: kept_curves(run._replace(label=name)) for name, run in trained.items()},
    }


def _when(passes: Mapping[int, Mapping[str, Any] | None]) -> dict[str, dict[str, Any] | None]:
    """Return by seed when it passed, from its line of metrics."""
    return {
        str(seed): None if line is None else {key: line.get(key) for key in ("update", "env_steps", "seconds")}
        for seed, line in passes.items()
    }
