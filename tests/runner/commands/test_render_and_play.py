"""An episode of a run as pictures, and a person playing against it."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from polax.runner.cli import main
from polax.runner.runs.folder import RunFolder

Fails = Callable[..., str]


@pytest.fixture
def run(train: Callable[..., RunFolder]) -> RunFolder:
    return train("run", "--updates", "1", "--seeds", "3", "4", "--env.max-steps-in-episode", "4")


def test_render_saves_an_animation_with_a_frame_for_the_start_and_each_step(run: RunFolder, tmp_path: Path) -> None:
    out = tmp_path / "pictures" / "episode.gif"
    assert main(["render", str(run.path), "--out", str(out), "--seed", "4"]) == 0
    with Image.open(out) as film:
        assert film.n_frames == 5
        assert film.width == 320
    assert main(["render", str(run.path), str(run.path), "--out", str(out), "--size", "120"]) == 0
    with Image.open(out) as film:
        assert film.width == 240


def test_render_says_what_is_wrong_and_writes_nothing(run: RunFolder, fails: Fails, tmp_path: Path) -> None:
    out = tmp_path / "episode.gif"
    assert "has no seed 9; there are 3, 4" in fails("render", str(run.path), "--out", str(out), "--seed", "9")
    assert "has no checkpoint 7" in fails("render", str(run.path), "--out", str(out), "--checkpoint", "7")
    assert "fps must be above 0" in fails("render", str(run.path), "--out", str(out), "--fps", "0")
    assert "must end in one of .gif, .mp4, .png" in fails(
        "render", str(run.path), "--out", str(out.with_suffix(".txt"))
    )
    assert not out.exists()


@pytest.mark.parametrize("opponent", ["tit-for-tat", "run", "run#4"])
def test_a_person_plays_against_a_strategy_and_against_a_run(
    opponent: str, run: RunFolder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(run.path.parent)
    monkeypatch.setattr("sys.stdin", io.StringIO("cooperate\n7\n0\nq\n"))
    assert main(["play", "IPD-v0", "--opponent", opponent, "--player", "1", "--env.max-steps-in-episode", "4"]) == 0
    assert "Stopped after 2 steps: you earned" in capsys.readouterr().out


def test_play_says_what_is_wrong(fails: Fails) -> None:
    assert "did you mean 'tit-for-tat'?" in fails("play", "IPD-v0", "--opponent", "tit-for-tatt")
    assert "play has no option --foo" in fails("play", "IPD-v0", "--opponent", "grim", "--foo", "3")
    two = fails("play", "IPD-v0", "--opponent", "grim", "--player", "2")
    assert "player must be a whole number from 0 to 1, not 2" in two
