"""``polax tournament`` as a user meets it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from polax.runner.cli import main
from polax.runner.runs.folder import RunFolder
from runner_helpers import edit_json

Train = Callable[..., RunFolder]
Fails = Callable[..., str]
QUICK = ["--episodes", "8", "--env", "IPD-v0"]


def _reject(constant: str) -> None:
    raise AssertionError(f"{constant} is not JSON")


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((path / "tournament.json").read_text(), parse_constant=_reject)
    return content


def _names(path: Path) -> list[str]:
    return [player["name"] for player in _read(path)["players"]]


@pytest.mark.slow
def test_runs_seeds_and_strategies_meet_and_the_tables_are_written(
    train: Train, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    several = train("several", "--updates", "2", "--num-seeds", "2")
    single = train("single", "--updates", "1", "--env.observation-layout", "shared")
    out = tmp_path / "out"
    words = [str(several.path), str(single.path), "tit-for-tat", "--all-seeds", *QUICK, "--out", str(out)]
    assert main(["tournament", *words]) == 0
    content = _read(out)
    # Each player of the toy has learned a policy of its own. In the shared layout they cannot change seats.
    names = ["several#0@0", "several#0@1", "several#1@0", "several#1@1", "single", "tit-for-tat"]
    assert [player["name"] for player in content["players"]] == names
    assert [player["kind"] for player in content["players"]] == ["run"] * 5 + ["strategy"]
    assert (content["players"][3]["seed"], content["players"][3]["player"]) == (1, 1)
    assert content["players"][3]["update"] == 2
    assert content["players"][0]["algorithm"] == "toy_learner:TOY"
    assert (content["format"], content["kind"], content["episodes"], content["steps"]) == (1, "tournament", 8, 50)
    assert len(content["scores"]["mean"]) == len(content["scores"]["by_player"]) == 6
    measures = {row["name"]: row for row in content["measures"]}
    assert measures["tit-for-tat"]["with_itself"] == pytest.approx([0.33, 0.33])
    assert measures["tit-for-tat"]["against"]["always-defect"] == pytest.approx([-0.335 / 50] * 2)  # it does not play
    assert set(measures["single"]["against"]) == {"tit-for-tat", "always-defect"}
    assert [player["self_play"] for player in content["players"]] == [True, True, True, True, False, True]
    assert measures["tit-for-tat"]["best_response"] is None
    assert len(content["episodes_shown"]) == 21
    assert {path.name for path in out.iterdir()} == {
        "tournament.json",
        "payoffs.csv",
        "policies.png",
        "population.png",
        "tournament.md",
        "payoffs.png",
    }
    assert (out / "payoffs.png").stat().st_size > 5000
    assert "| tit-for-tat |" in (out / "tournament.md").read_text()
    assert "Ranking" in capsys.readouterr().out
    words = [f"{several.path}#1@1", f"{several.path}#0", f"{several.path}#1@0"]
    assert main(["tournament", *words, *QUICK, "--out", str(tmp_path / "two")]) == 0
    assert _names(tmp_path / "two") == ["several#1@1", "several#0@0", "several#0@1", "several#1@0"]
    with_itself = [row["with_itself"] for row in _read(tmp_path / "two")["measures"]]
    assert len({round(sum(each), 6) for each in with_itself}) == 4


@pytest.mark.slow
def test_the_same_seed_gives_the_same_table_and_one_episode_no_error_bar(tmp_path: Path) -> None:
    for name, words in {"a": ["--seed", "1"], "b": ["--seed", "1"], "c": ["--seed", "2"], "d": []}.items():
        episodes = "1" if name == "d" else "8"
        words = ["random", "grim", "--env", "IPD-v0", *words, "--episodes", episodes, "--out", str(tmp_path / name)]
        assert main(["tournament", *words]) == 0
    tables = {name: _read(tmp_path / name)["scores"] for name in "abcd"}
    assert tables["a"] == tables["b"]
    assert tables["a"] != tables["c"]
    assert tables["d"]["standard_error"] == [[None, None], [None, None]]


def test_a_game_without_these_strategies_leaves_their_measures_out(tmp_path: Path) -> None:
    words = ["always-heads", "random", "--env", "MatchingPennies-v0", "--episodes", "4", "--out", str(tmp_path / "a")]
    assert main(["tournament", *words]) == 0
    assert [row["against"] for row in _read(tmp_path / "a")["measures"]] == [{}, {}]


def test_learners_of_other_libraries_play_too(train: Train, tmp_path: Path) -> None:
    folder = tmp_path / "python"
    words = ["toy_learner:PYTHON_TOY", "IPD-v0", "--updates", "1", "--eval-envs", "4", "--eval-every", "9"]
    words += ["--env.max-steps-in-episode", "3", "--out", str(folder)]
    assert main(["train", *words]) == 0
    assert main(["tournament", str(folder), "tit-for-tat", "--episodes", "4", "--out", str(tmp_path / "out")]) == 0
    content = _read(tmp_path / "out")
    assert content["steps"] == 3  # the run's own
    assert content["policy_tables"]["python#0@0"][0]["count"] > 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--env", "IPD-v0"], "missing players: name some, such as: polax tournament tit-for-tat"),
        (["tit-for-tat"], "missing environment: pass --env ENV"),
        (["tit-for-tat", "--env.contribution-factor", "1.5"], "needs --env"),
        (["tit-for-tat", "--env", "IPD"], "unknown environment 'IPD'; did you mean 'IPD-v0'?"),
        (["tit-for-tatt", "--env", "IPD-v0"], "has no strategy 'tit-for-tatt'"),
        (["grim", "tit-for-tat", "grim", "--env", "IPD-v0"], "grim is named twice"),
        (["grim", "--env", "IPD-v0", "--episodes", "0"], "--episodes: must be at least 1, not 0"),
        (["grim", "--env", "IPD-v0", "--episodes", "few"], "--episodes: must be a whole number, not 'few'"),
        (["grim", "--env", "IPD-v0", "--env.size", "3"], "IPD-v0 has no option 'size'"),
        (["grim", "--env", "IPD-v0", "--sead", "3"], "tournament has no option --sead"),
        (["grim", "--env", "IPD-v0", "--best-response.num-envs", "3"], "needs --best-response"),
        (["grim", "--env", "IPD-v0", "--best-response", "naiv"], "unknown algorithm 'naiv'; did you mean 'naive'?"),
        (["grim", "--env", "IPD-v0", "--best-response", "naive", "--best-response.num-emvs", "3"], "did you mean"),
        (["grim", "--env", "IPD-v0", "--best-response-updates", "3"], "--best-response-updates needs --best-response"),
        (["win-stay-lose-shift", "--env", "CoinGame-v0"], "CoinGame-v0 has no strategy 'win-stay-lose-shift'"),
    ],
)
def test_a_mistake_gets_one_line_and_leaves_nothing(
    fails: Fails, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert message in fails("tournament", *words)
    assert list(tmp_path.iterdir()) == []


def test_runs_that_cannot_play_are_refused(train: Train, fails: Fails, tmp_path: Path) -> None:
    run = train("run", "--updates", "2", "--num-seeds", "2")
    other = train("other", "--updates", "1", "--env.contribution-factor", "1.5")
    one, two = str(run.path), str(other.path)
    out = ["--out", str(tmp_path / "out")]
    assert "no seed 7; there are 0, 1" in fails("tournament", f"{one}#7", *out)
    assert "run#0@0 is named twice" in fails("tournament", one, f"{one}#0", *out)
    assert f"{one} learned IPD-v0; it cannot play CoinGame-v0" in fails("tournament", one, "--env", "CoinGame-v0", *out)
    assert "learned IPD-v0 with contribution_factor 1.5" in fails("tournament", one, two, *out)
    assert "--env.contribution-factor VALUE" in fails("tournament", one, two, *out)
    assert "learned another form" in fails(
        "tournament", one, "--env", "IPD-v0", "--env.initial-state", "mutual-cooperation", *out
    )
    assert "no checkpoint 9; there are" in fails("tournament", one, "--checkpoint", "9", *out)
    edit_json(run.path / "config.json", updates=5)
    assert "has done 2 of its 5 updates" in fails("tournament", one, *out)
    edit_json(other.path / "config.json", algorithm="gone:PLUGIN")
    assert "other needs gone:PLUGIN" in fails("tournament", two, "--allow-import", *out)
    assert not (tmp_path / "out").exists()
    words = [one, "grim", "--checkpoint", "last", "--episodes", "4", "--env", "IPD-v0"]
    assert main(["tournament", *words, "--env.contribution-factor", "1.9", *out]) == 0
    assert "out is not empty" in fails("tournament", *words, *out)
    assert "is a file" in fails("tournament", *words, "--out", str(run.path / "config.json"))


def test_two_runs_of_one_name_go_by_their_folders(train: Train, tmp_path: Path) -> None:
    for folder in ("first", "second"):
        train(f"{folder}/run", "--updates", "1", "--eval-every", "9")
    paths = [str(tmp_path / folder / "run") for folder in ("first", "second")]
    assert main(["tournament", *paths, *QUICK, "--out", str(tmp_path / "out")]) == 0
    assert _names(tmp_path / "out") == [f"{path}#0@{player}" for path in paths for player in (0, 1)]
