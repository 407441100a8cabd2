"""The final policies of a run against themselves, each other and strategies, all in one compiled program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from rich.console import Console

from ... import registry
from ...envs.base import Game
from ...options import OptionError
from ...runner.runs.folder import RunFolder
from ...runner.runs.spec import find_preset
from ...runner.tournament.line_up import Participant, make_line_up
from ...runner.tournament.matches import play_all
from ...runner.training.progress import say
from .published import LEAGUE

ENV = "CoinGame-v0"
EPISODES = 256
"""Of each ordered pair of players."""

SELF_PLAY, CO_PLAY, OTHER_SEEDS = "self-play", "co-play", "other seeds"
"""Matches that are not against a strategy: one policy as both players; the two policies that a seed trained together;
one seed as one player and another as the other."""


class Matches(NamedTuple):
    """What the seeds of a run get in the matches of each kind, and what they leave to the other player."""

    seeds: list[int]
    scores: Mapping[str, np.ndarray]
    """By opponent ``[S, 2]``: mean reward per step of the learner and of its opponent, over both roles; in self-play
    and co-play those of player 0 and player 1."""
    own_coins: list[float]
    """Share of the coins that their owner collected, in self-play."""


def with_preset(learners: Sequence[str], preset: str) -> list[str]:
    """Return the learners that have a preset for the coin game.

    Raises:
        OptionError: none has.
    """
    found = [name for name in learners if find_preset(registry.algorithm_plugin(name), preset, ENV) is not None]
    if not found:
        raise OptionError(f"none of {', '.join(learners)} has a preset {preset!r} for {ENV}")
    return found


def play_matches(folder: RunFolder, opponents: Sequence[str], *, steps: int, seed: int, console: Console) -> Matches:
    """Play the last checkpoint of every seed that trained to the end.

    Args:
        folder: the run, finished.
        opponents: strategies of the game.
        steps: of an episode.
        seed: of all that is random in the matches.
        console: where it is said.
    """
    spec = folder.spec()
    options = {"max_steps_in_episode": steps}
    line_up = make_line_up(
        [f"{registry.RUN_PREFIX}:{folder.path}", *opponents], spec.env, options, all_seeds=True, apart=False
    )
    learners = [each for each in line_up.participants if each.update == spec.updates]
    scripted = [each for each in line_up.participants if each.update is None]
    # A player that is trained together with another one meets a copy of itself in self-play.
    together = not all(each.self_play for each in learners)
    copies = [each._replace(policies=(each.policies[0],) * 2) for each in learners] if together else []
    everyone: list[Participant] = [*learners, *scripted, *copies]
    say(console, f"{folder.path.name}: {EPISODES} episodes of {steps} steps for each pair of {len(everyone)} players")
    played = play_all(jax.random.key(seed), line_up, everyone, episodes=EPISODES)

    names = [each.name for each in scripted]
    scores = scores_by_kind(played.rewards.mean(axis=2), len(learners), names, together=together)
    first = len(everyone) - len(learners) if together else 0
    infos = [{name: values[i, i] for name, values in played.info.items()} for i in range(first, first + len(learners))]
    own = [_own_coins(line_up.game, info) for info in infos]
    return Matches([int(each.seed) for each in learners if each.seed is not None], scores, own)


def scores_by_kind(
    by_player: np.ndarray, seeds: int, opponents: Sequence[str], *, together: bool
) -> dict[str, np.ndarray]:
    """Sort the scores of all ordered pairs of players by kind of match.

    Args:
        by_player: ``[P, P, 2]``, what both players get where the first is player 0 and the second player 1; the
            P players are the seeds, the opponents, and where two were trained together the copies of each player 0.
        seeds: S, how many.
        opponents: names of the strategies.
        together: whether two players were trained together.

    Returns:
        `Matches.scores`.
    """
    over_roles = (by_player + by_player.swapaxes(0, 1)[:, :, ::-1]) / 2
    with_itself = np.diagonal(by_player).T  # [P, 2]
    scores = {SELF_PLAY: with_itself[-seeds:] if together else with_itself[:seeds]}
    if together:
        scores[CO_PLAY] = with_itself[:seeds]
    scores |= {name: over_roles[:seeds, seeds + place] for place, name in enumerate(opponents)}
    if seeds > 1:
        among = over_roles[:seeds, :seeds]
        scores[OTHER_SEEDS] = (among.sum(axis=1) - np.diagonal(among).T) / (seeds - 1)
    return scores


def _own_coins(game: Game[Any, Any], info: Mapping[str, Any]) -> float:
    return float(game.summarise(info)["own_coin_proportion"])


class Summary(NamedTuple):
    """The scores of all seeds in matches of one kind."""

    mean: float
    spread: float
    """Standard deviation over seeds, divided by their number."""
    lowest: float
    opponent_mean: float
    gap: float
    """Mean over seeds of the absolute difference between the two players."""


def summarise(kind: str, scores: np.ndarray) -> Summary:
    """Summarise scores ``[S, 2]`` of one kind; in self-play and co-play a seed's score is that of its pair."""
    values = seed_values(kind, scores)
    gap = np.abs(scores[:, 0] - scores[:, 1]).mean()
    found = (values.mean(), values.std(), values.min(), scores[:, 1].mean(), gap)
    return Summary(*map(float, found))


def seed_values(kind: str, scores: np.ndarray) -> np.ndarray:
    """Return one score ``[S]`` for each seed: the learner's, or the mean of a pair that plays with itself."""
    return scores.mean(axis=1) if kind in (SELF_PLAY, CO_PLAY) else scores[:, 0]


def compared(name: str, steps: int, kind: str, matches: Matches) -> dict[str, Any]:
    """Return the scores of matches of one kind, JSON-ready, with the published ones of the same number of steps.

    Args:
        name: of the learner, or of what is left out of it, as in `LEAGUE`.
        steps: of an episode.
        kind: one of the matches.
        matches: what was played.
    """
    scores, seeds = matches.scores[kind], list(map(str, matches.seeds))
    theirs = LEAGUE.get((name, steps, kind))
    return {
        **summarise(kind, scores)._asdict(),
        "per_seed": dict(zip(seeds, seed_values(kind, scores).tolist(), strict=True)),
        "players_per_seed": dict(zip(seeds, scores.tolist(), strict=True)),
        "published": None if theirs is None else theirs._asdict(),
    }
