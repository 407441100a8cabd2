"""Films: mp4 files with the ffmpeg of the extra ``video``."""

import subprocess

import numpy as np
import polax
import pytest
from polax.envs.policies.strategies import make_strategy
from polax.envs.rendering.animation import save_frames
from polax.envs.rendering.recorder import record_episode

pytestmark = pytest.mark.learners


@pytest.mark.parametrize("env_id", ["IPD-v0", "CoinGame-v0"])
def test_an_episode_becomes_an_mp4_that_plays(env_id, tmp_path, monkeypatch):
    import imageio_ffmpeg

    monkeypatch.setattr("polax.envs.rendering.animation.shutil.which", lambda _: None)  # not the machine's own
    game, params = polax.make_env(env_id, max_steps_in_episode=7)
    frames = record_episode(game, params, [make_strategy("random", game, player) for player in range(2)], seed=0)
    path = tmp_path / "episode.mp4"
    save_frames(game, frames, path, fps=4, size=121)
    count, seconds = imageio_ffmpeg.count_frames_and_secs(str(path))
    assert count == 8
    assert seconds == pytest.approx(2, abs=0.3)
    decode = ["-i", str(path), "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    picture = subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), *decode], capture_output=True, check=True).stdout
    height = game.draw(frames[0], size=121).height // 2 * 2
    assert len(picture) == 120 * height * 3
    shown = np.frombuffer(picture, np.uint8).reshape(height, 120, 3).astype(int)
    drawn = np.asarray(game.draw(frames[0], size=121)).astype(int)[:height, :120]
    assert np.abs(shown - drawn).mean() < 6  # what the codec loses
