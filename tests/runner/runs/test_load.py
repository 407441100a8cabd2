"""Policies of a run, found by its folder and seed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
import polax
import pytest
from polax import registry
from polax.options import OptionError
from polax.runner.runs.files import RunError
from polax.runner.runs.folder import RunFolder
from polax.runner.runs.load import find_updates, load_run, read_reference

Train = Callable[..., RunFolder]


@pytest.fixture
def run(train: Train) -> RunFolder:
    return train("run", "--updates", "3", "--seeds", "3", "4")


def _log_odds(policy: Any) -> float:
    return float(policy.log_odds)


@pytest.mark.parametrize(
    ("text", "path", "seed", "player"),
    [
        ("runs/a", "runs/a", None, None),
        ("runs/a#3", "runs/a", 3, None),
        ("a#b#12", "a#b", 12, None),
        ("a", "a", None, None),
        ("runs/a#3@1", "runs/a", 3, 1),
        ("runs/a@1", "runs/a@1", None, None),
    ],
)
def test_a_reference_is_a_folder_and_perhaps_a_seed_and_a_player(
    text: str, path: str, seed: int | None, player: int | None
) -> None:
    assert read_reference(text) == (Path(path), seed, player)


def test_a_folder_whose_name_has_a_number_sign_is_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "trial#3"
    folder.mkdir()
    assert read_reference(str(folder)) == (folder, None, None)
    assert read_reference(f"{folder}#4") == (folder, 4, None)


@pytest.mark.parametrize("text", ["runs/a#", "runs/a#last", "runs/a#-1", "runs/a#@1", "runs/a#3@", "runs/a#3@second"])
def test_what_follows_a_sign_is_a_whole_number(text: str) -> None:
    with pytest.raises(OptionError, match="must be a whole number"):
        read_reference(text)


def test_a_reference_to_a_run_brings_the_game_with_it(run: RunFolder) -> None:
    assert registry.own_game(run.path) == registry.own_game(f"run:{run.path}#4") == load_run(run).env
    assert registry.own_game("tit-for-tat") is None
    assert registry.own_game("axelrod:Tit For Tat") is None
    with pytest.raises(RunError):
        registry.own_game(f"run:{run.path}-elsewhere")


def test_a_player_of_a_run_plays_in_either_seat_if_it_sees_its_own_side_first(train: Train, run: RunFolder) -> None:
    env, params = polax.make_env("IPD-v0")
    second = _log_odds(load_run(run).players(1)[1])
    for seat in (0, 1):
        assert _log_odds(polax.make_policy(f"{run.path}#4@1", env, params, player=seat)) == second
    with pytest.raises(OptionError, match=r"player of .*run must be a whole number from 0 to 1, not 2"):
        polax.make_policy(f"{run.path}#4@2", env, params)
    shared = train("shared", "--updates", "1", "--env.observation-layout", "shared")
    env, params = load_run(shared).env, None
    assert _log_odds(polax.make_policy(f"{shared.path}#0@1", env, params, player=1))
    with pytest.raises(OptionError, match="so it cannot play as player 0"):
        polax.make_policy(f"{shared.path}#0@1", env, params, player=0)
    with pytest.raises(OptionError, match="so it cannot play as player 0"):
        polax.single_agent(env, params, opponent=f"{shared.path}#0@1", player=1)


def test_every_spelling_of_a_run_gives_the_policy_of_its_seed_and_player(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    env, params = polax.make_env("IPD-v0")
    loaded = load_run(run)
    log_odds = [[_log_odds(policy) for policy in loaded.players(index)] for index in (0, 1)]
    assert len({value for pair in log_odds for value in pair}) == 4
    for player in (0, 1):
        for reference in (run.path, str(run.path), f"{run.path}#3", f"run:{run.path}", f"run:{run.path}#3"):
            assert _log_odds(polax.make_policy(reference, env, params, player=player)) == log_odds[0][player]
        policy = polax.make_policy(f"{run.path}#4", env, params, player=player)
        assert _log_odds(policy) == log_odds[1][player]
    monkeypatch.chdir(run.path.parent)
    for reference in ("run", "run#3", "run:run", "./run#3"):
        assert _log_odds(polax.make_policy(reference, env, params)) == log_odds[0][0]
    actions, _ = policy.act(jax.random.key(0), np.zeros((5, 6), np.float32), policy.initial_memory(5))
    assert actions.shape == (5,)


def test_a_strategy_comes_before_a_folder_of_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "grim").mkdir()
    env, params = polax.make_env("IPD-v0")
    assert type(polax.make_policy("grim", env, params)) is type(env.strategies["grim"](env, 0))


def test_a_run_that_does_not_fit_says_why(run: RunFolder, tmp_path: Path) -> None:
    env, params = polax.make_env("IPD-v0")
    with pytest.raises(OptionError, match=r"run has no seed 9; there are 3, 4"):
        polax.make_policy(f"{run.path}#9", env, params)
    with pytest.raises(OptionError, match="learned IPD-v0; it cannot play Chicken-v0"):
        polax.make_policy(run.path, *polax.make_env("Chicken-v0"))
    for refuses in (polax.make_policy, lambda path, *game: polax.single_agent(*game, opponent=path)):
        with pytest.raises(OptionError, match="learned another form of IPD-v0"):
            refuses(run.path, *polax.make_env("IPD-v0", observation_layout="shared"))
    for reference in (tmp_path / "nothing", f"{tmp_path}/nothing#3", "run:nothing"):
        with pytest.raises(RunError, match="nothing is "):
            polax.make_policy(reference, env, params)


def test_a_checkpoint_is_the_best_the_last_or_a_number(run: RunFolder) -> None:
    assert find_updates(run, "last") == [3, 2]
    assert find_updates(run, "2") == [2]
    assert sorted(find_updates(run, "best")) == [2, 3]
    with pytest.raises(OptionError, match="not 'first'"):
        find_updates(run, "first")
