"""A league that was played, and that another one joins: its learners take part as they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ... import registry
from ...options import OptionError
from ..runs.agent import SUFFIX, AgentFile
from ..runs.files import RunError, folder_name, make_folder, read_bytes, read_json, write_bytes
from .document import FILE, FORMAT

AGENTS = "agents"
"""The folder that holds, for each game and learner, a file of the agents that its seeds trained, as they play."""


def agents_file(env: str, name: str) -> str:
    """Return where the agents of a learner are, relative to a league's folder."""
    return f"{AGENTS}/{folder_name(env)}/{folder_name(name)}{SUFFIX}"


class League(NamedTuple):
    """What was played, and by whom."""

    folder: Path
    games: Mapping[str, Mapping[str, Any]]
    """What ``league.json`` holds of each game."""
    origin: Mapping[str, Any]
    """The command, the versions and the protocol that its numbers come from."""

    def game(self, env: str) -> dict[str, Any] | None:
        """Return what is known of a game, but for runs, which stay where they are."""
        return {**self.games[env], "runs": {}} if env in self.games else None

    def plays(self, name: str, env: str) -> bool:
        """Return whether a learner takes part in a game."""
        return env in self.games and name in self.games[env]["players"]

    def take(self, folder: Path, envs: Sequence[str]) -> None:
        """Copy the agents of some games into the folder of the league that joins this one.

        Raises:
            PolaxError: a file is damaged or missing, its learner is not installed, or it cannot be written.
        """
        for env in envs:
            for name, path in self.games[env]["players"].items():
                spec = AgentFile(self.folder / path).trusted_spec()  # what is wrong is said before anything trains
                if (spec.algorithm, spec.env) != (name, env):
                    raise RunError(f"{self.folder / path} holds {spec.algorithm} in {spec.env}, not {name} in {env}")
                try:
                    registry.algorithm_plugin(name)
                except (registry.UnknownNameError, registry.PluginError) as cause:
                    raise RunError(f"{self.folder} has {name}, which cannot play here: {cause}") from cause
                make_folder((folder / path).parent)
                if not (folder / path).exists():  # or one that trained anew, before this league was interrupted
                    write_bytes(folder / path, read_bytes(self.folder / path))


def read_league(folder: Path | None) -> League:
    """Read a league that another one is to join; None: one in which nobody plays.

    Raises:
        RunError: there is none, or it is of another version.
        OptionError: a learner in it is in no file of agents, as one in ordinary Python.
    """
    if folder is None:
        return League(Path(), {}, {})
    path = folder / FILE
    if not path.exists():
        raise RunError(f"{folder} holds no league that has been played (no {FILE}); give the --out of a polax league")
    content = read_json(path)
    if content.get("format") != FORMAT or content.get("kind") != "league":
        raise RunError(f"{path} is not what polax league writes, or of another format than {FORMAT}; run it again")
    games = {game["env"]: game for game in content["games"]}
    for env, game in games.items():
        for name, player in game["players"].items():
            if player != agents_file(env, name):
                raise OptionError(
                    f"{name} in {env} of {folder} is in no file of agents, as a learner in ordinary Python; join a "
                    "league without it"
                )
    origin = {name: content[name] for name in ("command", "versions", "devices", "seconds", "protocol")}
    return League(folder, games, {**origin, **({"joined": content["joined"]} if content.get("joined") else {})})
