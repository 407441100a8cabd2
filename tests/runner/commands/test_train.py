"""``polax train`` with a learner for each player."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from polax.runner.cli import main

Fails = Callable[..., str]
SIZES = ["--player-0.num-envs", "4", "--player-0.hidden-size", "3", "--env.max-steps-in-episode", "3"]


def test_a_learner_and_a_policy_by_player_or_by_one_name(tmp_path: Path) -> None:
    apart = ["--player-0", "naive", "--player-1", "tit-for-tat", "IPD-v0"]
    for out, words in (("apart", apart), ("one", ["naive+tit-for-tat", "IPD-v0"])):
        rest = ["--updates", "1", "--eval-envs", "4", *SIZES, "--out", str(tmp_path / out)]
        assert main(["train", *words, *rest]) == 0
    apart, one = (json.loads((tmp_path / out / "config.json").read_text()) for out in ("apart", "one"))
    assert apart == one
    assert (one["algorithm"], one["options"]["player_0"]["num_envs"]) == ("naive+tit-for-tat", 4)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--player-0", "naive", "IPD-v0"], "take the place of ALGORITHM, and need each other"),
        (["--player-0", "naive", "--player-1", "naive", "naive", "IPD-v0"], "take the place of ALGORITHM"),
        (["naive+grim", "IPD-v0", "--player-1.outer-lr", "1"], "no option --player-1.outer-lr"),
        (
            ["naive+grim", "IPD-v0", "--player-0.outer-rl", "1"],
            "player_0 has no option 'outer_rl'; did you mean 'outer_lr'",
        ),
        (["naive+grim", "IPD-v0", "--outer-lr", "1"], "naive+grim has no option 'outer_lr'; its options are player_0"),
        (["naive+grim", "IPD-v0", "--player-0", "naive"], "take the place of ALGORITHM"),
        (["naive", "IPD-v0", "--player-0.outer-lr", "1"], "no option --player-0.outer-lr"),
        (["lola-dice+grim", "IPD-v0", "--updates", "1"], "must see the parameters of its networks"),
        (["naive", "IPD-v0", "--updates", "1", "--mesh", "env=2"], "a mesh has no axis 'env'; did you mean 'envs'?"),
        (["naive", "IPD-v0", "--updates", "1", "--mesh", "seeds=2"], "does not divide the number of seeds: 1"),
        (["naive", "IPD-v0", "--updates", "1", "--mesh", "envs=1000"], "has 1000 devices, and there are"),
        (
            ["naive", "IPD-v0", "--updates", "1", "--mesh", "4"],
            "must be sizes of different axes such as",
        ),
        (["python-toy", "IPD-v0", "--updates", "1", "--mesh", "seeds=1"], "leave out --mesh"),
        (["naive", "IPD-v0", "--num-processes", "2"], "--num-processes needs --distributed"),
    ],
)
def test_a_mistake_gets_one_line_and_leaves_nothing(
    fails: Fails, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert message in fails("train", *words)
    assert list(tmp_path.iterdir()) == []


def test_help_lists_the_options_of_each_player(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "naive+lola-dice", "--help"]) == 0
    text = capsys.readouterr().out
    assert "--player-0.outer-lr: a number above 0 (default: 0.003)" in text
    assert "--player-1.inner-lr: a number of at least 0 (default: 0.05)" in text
