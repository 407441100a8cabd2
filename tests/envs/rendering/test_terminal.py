"""A person plays in the terminal: lines and single keys, what is shown, and how it ends."""

import io
import os
import pty
import subprocess
import sys
import time

import numpy as np
import polax
import pytest
from polax.envs.policies.strategies import make_strategy
from polax.envs.rendering.terminal import keys_of, play_in_terminal, play_with_keys
from rich.console import Console


def test_a_person_plays_in_the_terminal_by_number_name_or_its_beginning():
    game, params = polax.make_env("IPD-v0", max_steps_in_episode=3)
    answers, shown = iter(["1", "fight", "7", "c", "defect"]), []
    totals = play_in_terminal(
        game, params, make_strategy("tit-for-tat", game, 1), read=lambda _: next(answers), write=shown.append
    )
    np.testing.assert_allclose(totals, [0.33 + 0.33 + 0.665, 0.33 + 0.33 - 0.335], rtol=1e-5)
    assert "'fight' is not an action: type a number or a name" in shown
    assert "'7' is not an action: type a number or a name" in shown
    assert shown[-1].startswith("\nThe end after 3 steps: you earned +0.44")


def test_a_person_plays_among_others():
    game, params = polax.make_env("PublicGoods-v0", num_players=4, max_steps_in_episode=2)
    console, presses = Console(file=io.StringIO(), width=100), iter("10")
    names = ["always-defect", "always-cooperate", "tit-for-tat"]
    play_with_keys(game, params, names, player=1, seed=0, read_key=lambda: next(presses), console=console)
    shown = " ".join(console.file.getvalue().split())
    assert "you played keep, the other players keep, contribute, keep" in shown
    # 3 and then 1 of 4 contribute.
    assert "you earned +0.165 a step, the other players +0.665, -0.335, +0.165; everybody contributes earns" in shown


def test_a_person_may_stop():
    game, params = polax.make_env("CoinGame-v0")
    for answer in ("q", EOFError):
        shown = []

        def read(_, answer=answer):
            if answer is EOFError:
                raise EOFError
            return answer

        play_in_terminal(game, params, make_strategy("random", game, 0), player=1, read=read, write=shown.append)
        assert shown[-1].startswith("\nStopped after 0 steps")


def played(name, keys, opponent="tit-for-tat", **options):
    """Play with these keys; return the totals and what was drawn."""
    game, params = polax.make_env(name, **options)
    console = Console(file=io.StringIO(), width=100)
    presses = iter(keys)
    policy = make_strategy(opponent, game, 1)
    totals = play_with_keys(game, params, policy, seed=0, read_key=lambda: next(presses), console=console)
    return totals, console.file.getvalue()


def test_a_key_is_an_action_and_others_do_nothing():
    totals, shown = played("IPD-v0", ["1", "x", "c", "7", "d"], max_steps_in_episode=3)
    np.testing.assert_allclose(totals, [0.33 + 0.33 + 0.665, 0.33 + 0.33 - 0.335], rtol=1e-5)
    assert "you played defect, the other player cooperate" in shown
    summary = "The end after 3 steps: you earned +0.442 a step, the other player +0.108; mutual cooperation earns 0.330"
    assert summary in shown.replace("\n", " ")


def test_directions_have_the_arrow_keys():
    _, shown = played("CoinGame-v0", ["\x1b[A", "w", "\x1bOB", "\x1b[D", "q"])
    assert "Stopped after 4 steps: you earned" in shown
    keys = keys_of(polax.make_env("CoinGame-v0")[0].action_names)
    assert {keys[key] for key in ("\x1b[C", "d", "0")} == {0}
    assert keys["s"] == keys["\x1b[B"] == 2


@pytest.mark.parametrize("key", ["q", "\x1b", "\x04", ""])
def test_a_key_stops(key):
    totals, shown = played("IPD-v0", [key])
    assert not totals.any()
    assert "Stopped after 0 steps" in shown


def test_initials_that_two_actions_share_are_no_keys():
    assert keys_of(["stag", "stay"]) == {"0": 0, "1": 1}
    assert keys_of(["hare", "stag"]) == {"0": 0, "1": 1, "h": 0, "s": 1}


@pytest.mark.slow
def test_the_command_reads_single_keys_from_a_terminal():
    ours, theirs = pty.openpty()
    words = ["play", "IPD-v0", "--opponent", "tit-for-tat", "--env.max-steps-in-episode", "3", "--episode", "0"]
    program = "import sys; from polax.runner.cli import main; sys.exit(main())"
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    process = subprocess.Popen(
        [sys.executable, "-c", program, *words], stdin=theirs, stdout=theirs, stderr=subprocess.PIPE, env=environment
    )
    os.close(theirs)
    shown, pressed = b"", 0
    ends = time.monotonic() + 120
    while b"a step" not in shown and time.monotonic() < ends:
        shown += os.read(ours, 4096)
        if pressed < 3 and shown.count(b"q to stop") > pressed:
            os.write(ours, b"c")
            pressed += 1
    _, error = process.communicate(timeout=60)
    os.close(ours)
    assert process.returncode == 0, error
    assert b"The end after 3 steps: you earned +0.330 a step, the other player +0.330" in shown
