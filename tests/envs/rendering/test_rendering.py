"""Pictures, animations, and playing in a terminal."""

import subprocess

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import polax
import pytest
from PIL import Image
from polax.envs.base import Game
from polax.envs.coin_game import CoinGame, CoinGameState
from polax.envs.matrix_game import MatrixGame
from polax.envs.policies.strategies import make_strategy
from polax.envs.rendering.animation import abreast, check_format, save_frames
from polax.envs.rendering.frame import Frame
from polax.envs.rendering.recorder import record_episode

RED, BLUE = (200, 50, 74), (36, 104, 180)


def count(picture, colour):
    return int((np.abs(np.asarray(picture).astype(int) - colour).max(-1) < 12).sum())


def coin_state(players, coin, owner):
    return CoinGameState(
        players=jnp.array(players), coin=jnp.array(coin), coin_owner=jnp.array(owner), time=jnp.int32(3)
    )


@pytest.mark.parametrize("size", [120, 333, 900])
def test_a_picture_has_the_size_asked_for_and_shows_both_players_and_the_coin(size):
    game = CoinGame()
    frame = Frame.first(game.base_params, coin_state([[0, 0], [2, 2]], [1, 1], 0), 2)
    picture = game.draw(frame, size=size)
    assert picture.width == size
    assert count(picture, RED) > 1.1 * count(picture, BLUE) > 0.01 * size**2  # the coin is red
    other = game.draw(frame._replace(state=coin_state([[0, 0], [2, 2]], [1, 1], 1)), size=size)
    assert count(other, BLUE) > 1.1 * count(other, RED)


def test_two_players_in_one_cell_are_both_seen():
    game = CoinGame()
    together = game.draw(Frame.first(game.base_params, coin_state([[0, 0], [0, 0]], [1, 1], 0), 2))
    assert count(together, BLUE) > 2000


def test_a_text_shows_who_is_where_and_the_score():
    game = CoinGame(grid_size=4)
    frame = Frame.first(game.base_params, coin_state([[0, 0], [3, 2]], [1, 1], 1), 2)
    lines = game.describe(frame.after(frame.state, [0, 0], np.array([1.0, -2.0]))).splitlines()
    assert lines[:2] == ["CoinGame-v0, step 3 of 50", "red +1.00 (last +1.00)   blue -2.00 (last -2.00)"]
    assert [line.replace(" ", "") for line in lines[3:11:2]] == ["|R||||", "||b|||", "|||||", "|||B||"]


def test_a_matrix_game_shows_the_cell_just_played_and_the_history():
    game = MatrixGame()
    players = [make_strategy("always-defect", game, 0), make_strategy("tit-for-tat", game, 1)]
    params = game.base_params.replace(max_steps_in_episode=3)
    frames = record_episode(game, params, players, seed=0)
    assert len(frames) == 4
    assert "[" not in game.describe(frames[0])
    assert "[0.665 / -0.335]" in game.describe(frames[1])
    assert game.describe(frames[3]).splitlines()[-2:] == ["player 0: DDD", "player 1: CDD"]
    np.testing.assert_allclose(frames[3].totals, [0.665, -0.335])
    before, after = (count(game.draw(frame), (255, 224, 138)) for frame in frames[:2])
    assert before == 0
    assert after > 1000


def test_a_game_without_a_picture_of_its_own_is_drawn_as_text():
    class Plain(Game):
        name = "Plain-v0"

    game = MatrixGame()
    frame = Frame.first(game.base_params, game.reset(jax.random.key(0))[1], 2)
    assert "last_actions: [2, 2]" in Plain().describe(frame)
    assert Plain().draw(frame, size=300).width == 300


def test_too_small_a_picture_is_refused():
    game = MatrixGame()
    with pytest.raises(ValueError, match="at least 120 pixels wide; got 60"):
        game.draw(Frame.first(game.base_params, game.reset(jax.random.key(0))[1], 2), size=60)


def test_an_episode_becomes_a_gif_or_a_strip(tmp_path):
    game, params = polax.make_env("CoinGame-v0", max_steps_in_episode=10)
    frames = record_episode(game, params, [make_strategy("random", game, player) for player in range(2)], seed=1)
    save_frames(game, frames, tmp_path / "episode.gif", size=120)
    with Image.open(tmp_path / "episode.gif") as film:
        assert film.n_frames == 11
    save_frames(game, frames, tmp_path / "episode.png", size=120)
    with Image.open(tmp_path / "episode.png") as sheet:
        assert sheet.width == 4 * 120
    with pytest.raises(ValueError, match=r"must end in one of \.gif, \.mp4, \.png"):
        check_format(tmp_path / "episode.avi")


def test_a_gif_has_few_colours_which_are_the_pictures_own(tmp_path):
    game, params = polax.make_env("CoinGame-v0", max_steps_in_episode=10)
    frames = record_episode(game, params, [make_strategy("random", game, player) for player in range(2)], seed=1)
    save_frames(game, frames, tmp_path / "episode.gif", size=320)
    assert (tmp_path / "episode.gif").stat().st_size < 11 * 8000
    with Image.open(tmp_path / "episode.gif") as film:
        film.seek(10)
        shown = np.asarray(film.convert("RGB"), int)
    assert np.abs(shown - np.asarray(game.draw(frames[10], size=320), int)).mean() < 4


def test_episodes_stand_side_by_side_and_a_shorter_one_waits():
    red, blue, black = (Image.new("RGB", (120, 60), colour) for colour in ("red", "blue", "black"))
    pictures = abreast([("one", [red]), ("other", [blue, blue, black])])
    assert [picture.size for picture in pictures] == [(240, 72)] * 3  # each title takes a tenth of the width
    assert pictures[2].getpixel((60, 40)) == (255, 0, 0)
    assert [picture.getpixel((180, 40)) for picture in pictures] == [(0, 0, 255)] * 2 + [(0, 0, 0)]


def test_mp4_needs_ffmpeg_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr("polax.envs.rendering.animation.shutil.which", lambda _: None)
    monkeypatch.setitem(__import__("sys").modules, "imageio_ffmpeg", None)
    with pytest.raises(RuntimeError, match=r"pip install 'polax\[video\]'"):
        check_format(tmp_path / "episode.mp4")


def test_ffmpeg_gets_every_frame(tmp_path, monkeypatch):
    calls = []

    def run(command, **options):
        calls.append((command, len(options["input"])))
        return subprocess.CompletedProcess(command, 0, b"", b"")

    monkeypatch.setattr("polax.envs.rendering.animation.shutil.which", lambda _: "/bin/ffmpeg")
    monkeypatch.setattr("polax.envs.rendering.animation.subprocess.run", run)
    game, params = polax.make_env("IPD-v0", max_steps_in_episode=2)
    frames = record_episode(game, params, [make_strategy("grim", game, player) for player in range(2)], seed=1)
    save_frames(game, frames, tmp_path / "episode.mp4", size=121)
    (command, received), width, height = calls[0], 120, game.draw(frames[0], size=121).height // 2 * 2
    assert received == 3 * width * height * 3
    assert command[0] == "/bin/ffmpeg"
    assert f"{width}x{height}" in command


def test_a_window_that_cannot_open_says_so_once_and_draws_nothing(monkeypatch):
    monkeypatch.delenv("MPLBACKEND", raising=False)
    env = gymnasium.make("IPD-v0", render_mode="human").unwrapped
    with pytest.warns(UserWarning, match=r"no window can be opened here.*rgb_array"):
        env.reset()
    for _ in range(3):  # warnings are errors: there is no second one
        env.step(0)
    assert env.render() is None
    env.reset()
    env.close()
