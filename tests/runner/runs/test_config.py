"""Settings in a file: a run's own config.json and YAML by hand, what overrides what, and errors of one sentence."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polax
import pytest
import yaml
from polax.runner.cli import main
from polax.runner.runs.folder import RunFolder
from runner_helpers import without_time

Train = Callable[..., RunFolder]
Fails = Callable[..., str]

BY_HAND = """\
algorithm: toy
env: IPD-v0
preset: quick
updates: 2
seeds: [3, 5]
eval_envs: 16
options:
  step_size: 25e-2  # a word to PyYAML itself
env_options:
  contribution_factor: 1.5
"""


def _write(path: Path, content: Any) -> str:
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return str(path)


def test_a_runs_own_config_gives_the_same_run_again(train: Train, tmp_path: Path) -> None:
    first = train(
        "first", "--updates", "2", "--seeds", "3", "5", "--step-size", "0.75", "--env.contribution-factor", "1.5"
    )
    out = tmp_path / "again"
    assert main(["train", "--config", str(first.path / "config.json"), "--out", str(out)]) == 0
    again = RunFolder.open(out)
    assert again.spec() == first.spec()
    assert without_time(again) == without_time(first)
    python = polax.train(**polax.read_config(first.path / "config.json"), out=tmp_path / "python", quiet=True)
    assert without_time(python.folder) == without_time(first)


def test_the_command_line_overrides_the_file_and_the_file_the_preset(tmp_path: Path) -> None:
    config, out = _write(tmp_path / "mine.yaml", BY_HAND), tmp_path / "run"
    words = ["--updates", "1", "--seed", "7", "--outer-steps", "4", "--env.contribution-factor", "1.25"]
    assert main(["train", "--config", config, *words, "--out", str(out)]) == 0
    spec = RunFolder.open(out).spec()
    assert (spec.updates, spec.seeds, spec.preset, spec.eval_envs) == (1, (7,), "quick", 16)
    assert (spec.options["step_size"], spec.options["outer_steps"]) == (0.25, 4)
    assert spec.env_options["contribution_factor"] == 1.25
    assert spec.env_options["max_steps_in_episode"] == 7  # the preset's


@pytest.mark.parametrize("name", ["kept.yaml", "kept.yml", "kept.json"])
def test_save_config_writes_every_setting_and_trains_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["train", "toy", "IPD-v0", "--preset", "quick", "--num-seeds", "2", "--step-size", "1e-3"]
    assert main([*words, "--save-config", name]) == 0
    assert capsys.readouterr().out == f"settings: {name}\n"
    assert [path.name for path in tmp_path.iterdir()] == [name]
    content = (json.loads if name.endswith("json") else yaml.safe_load)(Path(name).read_text())
    assert content["seeds"] == [0, 1]
    assert content["options"]["step_size"] == 0.001
    assert main(["train", "--config", name, "--updates", "1", "--eval-envs", "16", "--out", "run"]) == 0
    again = json.loads((tmp_path / "run" / "config.json").read_text())
    assert again == {**content, "updates": 1, "eval_envs": 16}


def test_a_number_of_seeds_in_a_file_is_that_many(tmp_path: Path) -> None:
    config = _write(tmp_path / "mine.yaml", "algorithm: toy\nenv: IPD-v0\nseeds: 2\n")
    assert main(["train", "--config", config, "--updates", "1", "--save-config", str(tmp_path / "all.json")]) == 0
    assert json.loads((tmp_path / "all.json").read_text())["seeds"] == [0, 1]


GOOD = {"algorithm": "toy", "env": "IPD-v0", "updates": 1}


@pytest.mark.parametrize(
    ("name", "content", "words", "message"),
    [
        ("c.json", "{", [], "c.json is damaged: Expecting property name"),
        ("c.yaml", "a: [1", [], "c.yaml is damaged: while parsing a flow sequence"),
        ("c.yaml", "", [], "c.yaml must hold keys with values"),
        ("c.json", [1], [], "c.json must hold keys with values"),
        ("c.toml", "", [], "c.toml must end in .json, .yaml, .yml"),
        ("c.json", {**GOOD, "format": 99}, [], "c.json has run format 99, this polax reads 1"),
        ("c.json", {**GOOD, "seedz": 1}, [], "c.json has an unknown key 'seedz'; did you mean 'seeds'?"),
        ("c.json", {**GOOD, "updates": "many"}, [], "c.json: updates must be a whole number of at least 1; got 'many'"),
        ("c.json", {**GOOD, "seeds": [0, "b"]}, [], "c.json: a seed must be a whole number of at least 0; got 'b'"),
        ("c.json", {**GOOD, "seeds": 1.5}, [], "c.json: seeds must be a whole number of at least 0; got 1.5"),
        ("c.json", {**GOOD, "env": 3}, [], "c.json: env must be a name, not 3"),
        ("c.json", {**GOOD, "options": [1]}, [], "c.json: options must hold options by name, not [1]"),
        (
            "c.json",
            {**GOOD, "options": {"step_sise": 1}},
            [],
            "toy has no option 'step_sise'; did you mean 'step_size'",
        ),
        ("c.json", {**GOOD, "options": {"step_size": "big"}}, [], "step_size must be a number, not 'big' (with the"),
        ("c.json", {**GOOD, "env_options": {"x": 1}}, [], "IPD-v0 has no option 'x'; its options are"),
        ("c.json", {**GOOD, "algorithm": "tay"}, [], "unknown algorithm 'tay'; did you mean"),
        ("c.json", {**GOOD, "preset": "quik"}, [], "no preset 'quik' for IPD-v0; did you mean 'quick'?"),
        ("c.json", GOOD, ["naive"], "c.json holds settings for toy, not for naive; leave naive out"),
        ("c.json", GOOD, ["toy", "CoinGame-v0"], "c.json holds settings for IPD-v0, not for CoinGame-v0"),
        (
            "c.json",
            {**GOOD, "preset": "slow"},
            ["--preset", "quick"],
            "start from the preset 'slow'; leave out --preset",
        ),
        ("c.json", {**GOOD, "options": {"width": 3}}, ["--preset", "quick"], "have options of their own; leave out"),
        ("c.json", {"updates": 3}, [], "missing algorithm or environment"),
        ("c.json", {"algorithm": "toy", "env": "IPD-v0"}, [], "missing training length"),
        ("c.json", GOOD, ["--save-config", "c.json"], "c.json already exists; choose another --save-config"),
        ("c.json", GOOD, ["--save-config", "c.txt"], "c.txt must end in .json, .yaml, .yml"),
        ("c.json", GOOD, ["--resume", "somewhere"], "leave out --config"),
    ],
)
def test_a_wrong_config_gets_one_line_that_names_file_and_key(
    fails: Fails,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    content: Any,
    words: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    _write(Path(name), content)
    error = fails("train", *words, "--config", name)
    assert message in error
    assert "c." in error or "leave out --config" in error or "missing algorithm" in error
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_file_that_is_not_there_and_a_folder_are_told_apart(train: Train, fails: Fails, tmp_path: Path) -> None:
    run = train("run", "--updates", "1")
    assert "none.json cannot be read: No such file or directory" in fails("train", "--config", "none.json")
    assert f"is a folder; the settings of a run are in {run.path / 'config.json'}" in fails(
        "train", "--config", str(run.path)
    )


def test_options_of_each_of_two_learners_are_overridden_one_by_one(tmp_path: Path) -> None:
    options = {"player_0": {"inner_lr": 0.1, "num_envs": 8}, "player_1": {"num_envs": 8}}
    config = _write(tmp_path / "pair.json", {**GOOD, "algorithm": "lola-dice+naive", "options": options})
    words = ["--player-0.inner-lr", "0.2", "--player-1.outer-lr", "0.01", "--save-config", str(tmp_path / "all.yaml")]
    assert main(["train", "--config", config, *words]) == 0
    found = polax.read_config(tmp_path / "all.yaml")["options"]
    assert (found["player_0"]["inner_lr"], found["player_0"]["num_envs"]) == (0.2, 8)
    assert (found["player_1"]["outer_lr"], found["player_1"]["num_envs"]) == (0.01, 8)
