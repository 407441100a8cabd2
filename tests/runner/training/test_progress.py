"""What the progress display says before anything moves."""

import io

import pytest
from polax.runner.training.progress import TrainingProgress
from rich.console import Console


@pytest.mark.parametrize(("pure", "words"), [(True, "compiling ..."), (False, "first update ...")])
@pytest.mark.parametrize("terminal", [False, True])
def test_it_says_what_is_waited_for_until_the_first_update_ends(pure: bool, words: str, terminal: bool) -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=100)
    with TrainingProgress(3, done=0, self_play=True, pure=pure, console=console) as progress:
        progress._bar.refresh()
        assert words in out.getvalue()
        progress.begin()
        progress.scores([{"score/player_0": 0.25, "score/player_1": 0.25}])
        out.truncate(0)
        for _ in range(3):
            progress.advance()
        progress._bar.refresh()
    assert "3/3" in out.getvalue()
    assert words not in out.getvalue()
