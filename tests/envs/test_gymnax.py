"""gymnax is imported without what its own games need to be drawn, and they can be drawn all the same."""

import subprocess
import sys

PROGRAM = """
import sys
import polax
polax.make_env("IPD-v0")
assert "gymnax" in sys.modules and "seaborn" not in sys.modules
from gymnax.environments.misc import pong
assert len(pong.sns.color_palette("cubehelix")) == 6
import seaborn
assert seaborn.color_palette is pong.sns.color_palette
"""


def test_seaborn_is_loaded_when_one_of_gymnaxs_games_asks_for_a_colour() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
