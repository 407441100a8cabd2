"""Completion in the shell: what it offers, that it loads no numerical library, and what it needs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from polax.runner.cli import COMMANDS

CODE = (
    "import atexit, os, sys\n"
    "leave = os._exit\n"  # argcomplete's way out, past every handler
    "def note(status):\n"
    "    heavy = {'jax', 'numpy', 'gymnax', 'gymnasium', 'matplotlib', 'orbax'} & set(sys.modules)\n"
    "    print('loaded:', *sorted(heavy), file=sys.__stdout__, flush=True)\n"
    "    leave(status)\n"
    "os._exit = note\n"
    "from polax.runner.cli import main; sys.exit(main())"
)


def _complete(line: str, tmp_path: Path, **environment: str) -> tuple[set[str], list[str], str]:
    """Return what a line is completed with, which heavy libraries were loaded, and the errors."""
    out = tmp_path / "offered"
    asked = {"_ARGCOMPLETE": "1", "_ARGCOMPLETE_STDOUT_FILENAME": str(out), "_ARGCOMPLETE_IFS": "\n"}
    asked |= {"_ARGCOMPLETE_SHELL": "bash", "COMP_LINE": line, "COMP_POINT": str(len(line)), "COMP_TYPE": "9"}
    done = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, env={**os.environ, **asked, **environment}
    )
    offered = out.read_text() if out.exists() else ""
    return {word.strip() for word in offered.split("\n")} - {""}, done.stdout.split()[1:], done.stderr


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("polax new", {"new-algorithm", "new-environment"}),
        ("polax train pola-d", {"pola-dice"}),
        ("polax train pola-dice Coin", {"CoinGame-v0"}),
        ("polax train pola-dice IPD-v0 --lo", {"--log"}),
        ("polax train pola-dice IPD-v0 --log ", {"tensorboard", "wandb"}),
        ("polax list tens", {"tensorboard"}),
        ("polax reproduce figure", {"figure1", "figure3", "figure4", "figure5"}),
    ],
)
def test_a_line_is_completed_with_names_and_options(tmp_path: Path, line: str, expected: set[str]) -> None:
    offered, loaded, _ = _complete(line, tmp_path)
    assert offered == expected
    assert loaded == []


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_completes_its_options_without_jax(tmp_path: Path, command: str) -> None:
    offered, loaded, _ = _complete(f"polax {command} --", tmp_path)
    assert "--help" in offered
    assert not {"jax", "gymnax", "gymnasium", "orbax"} & set(loaded)


def test_every_command_is_offered(tmp_path: Path) -> None:
    assert set(COMMANDS) <= _complete("polax ", tmp_path)[0]


def test_without_argcomplete_the_extra_is_named(tmp_path: Path) -> None:
    (tmp_path / "argcomplete.py").write_text("raise ImportError")
    _, _, error = _complete("polax tr", tmp_path, PYTHONPATH=str(tmp_path))
    assert error.strip() == (
        "polax: argcomplete, which completes commands in the shell, is not installed here: "
        "pip install 'polax[completion]'"
    )
