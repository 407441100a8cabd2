"""A person plays one episode in the terminal: key by key where it is one, line by line where input is piped."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from ..base import Game
from ..views.host import HostGame, action_number, policies_around
from .frame import Frame, letters

DIRECTIONS = {
    "right": ("\x1b[C", "\x1bOC", "d"),
    "left": ("\x1b[D", "\x1bOD", "a"),
    "down": ("\x1b[B", "\x1bOB", "s"),
    "up": ("\x1b[A", "\x1bOA", "w"),
}
"""The keys of actions with these names: what arrow keys send, and a letter."""

STOP = ("q", "\x1b", "\x04", "")
"""Keys that stop: q, escape, and the end of input."""

COLOURS = ("bold red", "bold blue", "bold magenta", "bold green")


class _Episode:
    """An episode of a person, as one player, against policies."""

    def __init__(self, game: Game[Any, Any], params: Any, opponent: Any, *, player: int, seed: int | None) -> None:
        self.game = game
        self.player = player
        self._host = HostGame(game, params, policies_around(player, opponent, game, params))
        self._host.reset(seed)
        self.frame = Frame.first(params, self._host.state(), game.num_players)

    @property
    def ended(self) -> bool:
        return self._host.ended

    def step(self, action: int) -> None:
        _, rewards, _ = self._host.step(*[action] * self.game.num_players)
        self.frame = self.frame.after(self._host.state(), self._host.actions(), rewards)

    def summary(self) -> str:
        """Return in a sentence what all earned a step, and what is known to be earned in this game."""
        steps = len(self.frame.history)
        head = f"{'The end' if self.ended else 'Stopped'} after {steps} steps"
        if not steps:
            return head
        means = self.frame.totals / steps
        others = _of_others(f"{mean:+.3f}" for each, mean in enumerate(means) if each != self.player)
        known = self.game.reference_scores(self.frame.params)
        beside = "".join(f"; {name} earns {value:.3f}" for name, value in known.items())
        return f"{head}: you earned {means[self.player]:+.3f} a step, {others}{beside}"


def play_in_terminal(
    game: Game[Any, Any],
    params: Any,
    opponent: Any,
    *,
    player: int = 0,
    seed: int | None = None,
    read: Callable[[str], str] = input,
    write: Callable[[str], Any] = print,
) -> np.ndarray:
    """Let a person play one episode against policies, line by line.

    An action is given by its number, its name, or the start of its name; ``q`` or the end of the input stops.

    Args:
        game: the game.
        params: its numbers.
        opponent: who plays the others, as `polax.make_policy` takes it; or a list with one for each.
        player: the person's.
        seed: of the episode; None: another one each time.
        read: asks a question and returns the answer.
        write: shows a text.

    Returns:
        The sum of rewards of each player, ``[players]``.
    """
    episode = _Episode(game, params, opponent, player=player, seed=seed)
    names = ", ".join(f"{number} {name}" for number, name in enumerate(game.action_names))
    question = f"You are player_{player}. {names}, q to stop: "
    while not episode.ended:
        write("\n" + game.describe(episode.frame))
        action = _ask(game, player, question, read, write)
        if action is None:
            break
        episode.step(action)
    write("\n" + game.describe(episode.frame))
    write(f"\n{episode.summary()}")
    return episode.frame.totals


def play_with_keys(
    game: Game[Any, Any],
    params: Any,
    opponent: Any,
    *,
    player: int = 0,
    seed: int | None = None,
    read_key: Callable[[], str] | None = None,
    console: Console | None = None,
) -> np.ndarray:
    """Let a person play one episode against policies, a key for each action, in a picture that is drawn anew in place.

    Args:
        game: the game.
        params: its numbers.
        opponent: who plays the others, as `polax.make_policy` takes it; or a list with one for each.
        player: the person's.
        seed: of the episode; None: another one each time.
        read_key: waits for a key and returns what it sends; None: from the terminal.
        console: where to draw; None: the terminal.

    Returns:
        The sum of rewards of each player, ``[players]``.
    """
    episode = _Episode(game, params, opponent, player=player, seed=seed)
    keys = keys_of(game.action_names)
    hint = _hint(game.action_names, keys)
    console = console or Console(highlight=False)
    with _single_keys(read_key) as read, Live(console=console, auto_refresh=False) as live:
        while True:
            live.update(_drawing(episode, "" if episode.ended else hint), refresh=True)
            if episode.ended:
                break
            key = read()
            if key in STOP:
                break
            if key in keys:
                episode.step(keys[key])
    console.print(episode.summary(), soft_wrap=True)
    return episode.frame.totals


def keys_of(action_names: Sequence[str]) -> dict[str, int]:
    """Return the action of each key: digits, arrow keys and W A S D for directions, initials that are nobody else's."""
    keys: dict[str, int] = {str(number): number for number in range(min(10, len(action_names)))}
    for number, name in enumerate(action_names):
        keys |= dict.fromkeys(DIRECTIONS.get(name, ()), number)
    initials = [name[0].lower() for name in action_names]
    for number, initial in enumerate(initials):
        if initials.count(initial) == 1 and initial not in keys and initial not in STOP:
            keys[initial] = number
    return keys


def _hint(action_names: Sequence[str], keys: dict[str, int]) -> str:
    shown = [[key for key in keys if keys[key] == each and key.isprintable()] for each in range(len(action_names))]
    words = [f"{min(own, key=str.isdigit)} {name}" for name, own in zip(action_names, shown, strict=True) if own]
    arrows = "arrow keys; " if DIRECTIONS.keys() & set(action_names) else ""
    return f"{arrows}{', '.join(words)}, q to stop"


def _drawing(episode: _Episode, hint: str) -> RenderableType:
    """Return the moment in colours, with what was played last and the keys."""
    game, frame = episode.game, episode.frame
    text = Text(game.describe(frame))
    text.highlight_regex(r"\[[^\]]+\]", "reverse")  # the payoffs that were just paid
    for player, (sign, name) in enumerate(zip(letters(game.player_names), game.player_names, strict=True)):
        if game.board(frame.state) is not None:
            text.highlight_regex(rf"(?<=[| A-Za-z]){re.escape(sign)}(?=[ |A-Za-z])", _colour(player))
        text.highlight_words([name], _colour(player))
    last = Text("")
    if frame.history:
        played = [game.action_names[action] for action in frame.history[-1]]
        others = _of_others(action for each, action in enumerate(played) if each != episode.player)
        last = Text(f"you played {played[episode.player]}, {others}")
    you = Text(f"you are {game.player_names[episode.player]}", _colour(episode.player))
    return Group(text, Text(""), last, you, Text(hint, "dim"))


def _of_others(words: Iterable[str]) -> str:
    found = list(words)
    return f"the other player{'s' if len(found) > 1 else ''} {', '.join(found)}"


def _colour(player: int) -> str:
    return COLOURS[player % len(COLOURS)]


@contextmanager
def _single_keys(read_key: Callable[[], str] | None) -> Iterator[Callable[[], str]]:
    """Let the terminal give every key at once, and no echo; Ctrl-C still interrupts."""
    if read_key is not None:
        yield read_key
        return
    import termios
    import tty

    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    try:
        tty.setcbreak(terminal)
        yield lambda: os.read(terminal, 8).decode(errors="replace")
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


def _ask(
    game: Game[Any, Any], player: int, question: str, read: Callable[[str], str], write: Callable[[str], Any]
) -> int | None:
    """Ask until an action is given; None to stop."""
    while True:
        try:
            answer = read(question).strip().lower()
        except EOFError:
            return None
        if answer in ("q", "quit"):
            return None
        begins = [number for number, name in enumerate(game.action_names) if answer and name.startswith(answer)]
        try:
            return begins[0] if len(begins) == 1 else action_number(game, int(answer), player)
        except ValueError:
            write(f"{answer!r} is not an action: type a number or a name")
