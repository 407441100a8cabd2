"""``polax sweep`` as a user meets it: run, interrupted, continued, and wrong."""

import csv
import json
import shlex
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polax
import pytest
from polax import registry
from polax.runner.cli import main
from polax.runner.training import seeds
from toy_learner import TOY

Fails = Callable[..., str]
QUICK = ["--eval-envs", "8", "--env.max-steps-in-episode", "3", "--updates", "3"]
VARY = ["--vary", "step_size=log:0.01:2", "--vary", "env.contribution_factor=1.2,1.8", "--vary", "width=2,3"]
TOY_SWEEP = ["sweep", "toy", "IPD-v0", *VARY, "--trials", "8", "--num-seeds", "2", *QUICK]


def _read(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "trials.json").read_text())
    return content


def _without_time(content: dict[str, Any]) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name != "seconds"} for row in content["trials"]]


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a sweep."""
    out = tmp_path_factory.mktemp("swept") / "out"
    with registry.isolated():
        registry.register_algorithm("toy", TOY)
        assert main([*TOY_SWEEP, "--out", str(out)]) == 0
    return out


def test_every_trial_is_scored_and_written_down(swept: Path) -> None:
    content = _read(swept)
    assert (content["format"], content["kind"]) == (1, "sweep")
    assert content["protocol"]["vary"] == {
        "step_size": "log:0.01:2.0",
        "env.contribution_factor": [1.2, 1.8],
        "width": [2, 3],
    }
    rows = content["trials"]
    assert [row["number"] for row in rows] == list(range(8))
    for row in rows:
        assert (row["status"], row["error"]) == ("done", None)
        players = [row["scores"][f"score/player_{player}"]["per_seed"] for player in (0, 1)]
        assert row["scores"]["score"]["per_seed"] == pytest.approx(np.mean(players, axis=0))
        assert row["objective"] == row["scores"]["score"]["mean"] == pytest.approx(np.mean(players))
    lines = list(csv.DictReader((swept / "trials.csv").read_text().splitlines()))
    assert {line["trial"] for line in lines} == set("01234567")
    assert float(lines[0]["step_size"]) == rows[0]["values"]["step_size"]
    assert not (swept / "checkpoints").exists()
    for figure in ("parallel", "importance"):
        assert (swept / "figures" / f"{figure}.png").stat().st_size > 5000


def test_the_table_has_the_best_first_with_both_players_and_the_page_has_it_too(
    swept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (swept / "trials.md").read_text()
    assert (
        "| trial | step_size | env.contribution_factor | width | co-play | player 0 | player 1 | gap | status |" in page
    )
    rows = sorted(_read(swept)["trials"], key=lambda row: -row["objective"])
    head = page.index("## Trials")
    places = [page.index(f"\n| {row['number']} |", head) for row in rows]
    assert places == sorted(places)
    assert "figures/parallel.png" in page
    assert "epsilon squared" in page
    capsys.readouterr()
    assert main(["report", str(swept)]) == 0
    html = (swept / "report.html").read_text()
    assert "Best in co-play" in html
    assert "Every score" in html


def test_the_best_trial_can_be_pasted_as_a_command_a_preset_and_a_file(swept: Path, tmp_path: Path) -> None:
    content = _read(swept)
    best = max(content["trials"], key=lambda row: row["objective"])
    page = (swept / "trials.md").read_text()
    (line,) = {line for line in page.splitlines() if line.startswith("polax train")}
    assert main([*shlex.split(line)[1:], "--out", str(tmp_path / "pasted"), "--quiet", "--log", "none"]) == 0
    assert main(["train", "--config", str(swept / "best.json"), "--out", str(tmp_path / "file"), "--quiet"]) == 0
    for name in ("pasted", "file"):
        metrics = polax.load(tmp_path / name).metrics()
        for player in (0, 1):
            last = metrics[f"score/player_{player}"][metrics["update"] == 3]
            assert last == pytest.approx(best["scores"][f"score/player_{player}"]["per_seed"])
    block = page[page.index('("best", "IPD-v0")') :].partition("\n```")[0]
    ((key, preset),) = eval(f"{{{block.replace('): Preset', '): polax_preset')}}}", {"polax_preset": dict}).items()
    assert key == ("best", "IPD-v0")
    assert preset["updates"] == 3
    assert preset["options"] == {name: best["values"][name] for name in ("step_size", "width")}
    factor = best["values"]["env.contribution_factor"]
    assert preset["env_options"] == {"max_steps_in_episode": 3, "contribution_factor": factor}


def test_the_same_command_trains_nothing_twice(swept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = _read(swept)
    monkeypatch.delattr(seeds.CompiledLearner, "update")
    assert main([*TOY_SWEEP, "--out", str(swept)]) == 0
    after = _read(swept)
    assert after["trials"] == before["trials"]
    assert after["seconds"] == before["seconds"]


def test_python_has_the_commands_files_and_numbers(swept: Path, tmp_path: Path) -> None:
    found = polax.sweep(
        "toy",
        "IPD-v0",
        vary={"step_size": "log:0.01:2", "env.contribution_factor": [1.2, 1.8], "width": (2, 3)},
        trials=8,
        num_seeds=2,
        eval_envs=8,
        updates=3,
        env_options={"max_steps_in_episode": 3},
        out=tmp_path / "out",
        quiet=True,
    )
    assert _without_time(dict(found.data)) == _without_time(_read(swept))
    assert (tmp_path / "out" / "sweep.json").read_text() == (swept / "sweep.json").read_text()
    files = {path.relative_to(tmp_path / "out") for path in (tmp_path / "out").rglob("*")}
    assert files == {path.relative_to(swept) for path in swept.rglob("*")} - {Path("report.html")}
    assert len(found.table()) == 8
    assert found.figure("parallel").axes
    assert found.folder == tmp_path / "out"


def _interrupted(monkeypatch: pytest.MonkeyPatch, words: list[str], *, after: int) -> None:
    """Run a command whose process gets SIGINT in one of its updates."""
    take, taken = seeds.CompiledLearner.update, []

    def update(self: Any, keys: Any, number: int, *rest: Any) -> Any:
        taken.append(number)
        if len(taken) == after:
            signal.raise_signal(signal.SIGINT)
        return take(self, keys, number, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(seeds.CompiledLearner, "update", update)
        assert main(words) == 130


@pytest.mark.parametrize("after", [2, 3, 4])  # within a program, in its last update, in the first of the next
def test_after_ctrl_c_the_same_command_continues_bit_for_bit(
    swept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], after: int
) -> None:
    out = tmp_path / "out"
    words = [*TOY_SWEEP, "--out", str(out)]
    _interrupted(monkeypatch, words, after=after)
    assert "the same call or command continues from here" in capsys.readouterr().err
    states = [row["status"] for row in _read(out)["trials"]]
    assert states.count("done") == (4 if after == 4 else 0)
    assert list((out / "checkpoints").glob("*/*/0000000*"))
    assert main(words) == 0
    assert f"continuing {out}" in capsys.readouterr().out
    assert _without_time(_read(out)) == _without_time(_read(swept))
    assert not (out / "checkpoints").exists()


def test_a_damaged_checkpoint_costs_its_trials_a_new_beginning(
    swept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    words = [*TOY_SWEEP, "--out", str(out)]
    _interrupted(monkeypatch, words, after=2)
    for path in (out / "checkpoints").rglob("*"):
        if path.is_file():
            path.write_bytes(b"damaged")
    assert main(words) == 0
    assert "these trials begin anew" in capsys.readouterr().out
    assert _without_time(_read(out)) == _without_time(_read(swept))


def test_a_trial_that_stops_being_finite_is_shown_as_failed_and_the_status_is_0(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    words = ["sweep", "toy", "IPD-v0", "--vary", "step_size=0.5,3e38,1", "--num-seeds", "2", *QUICK, "--out", str(out)]
    assert main(words) == 0
    rows = _read(out)["trials"]
    assert [row["status"] for row in rows] == ["done", "failed", "done"]
    assert rows[1]["objective"] is None
    assert rows[1]["error"].startswith("stopped being finite: seed 0 at update ")
    page = (out / "trials.md").read_text()
    assert "- trial 1 (failed): stopped being finite" in page
    assert "2 done, 1 failed" in page
    assert rows[0]["scores"]["score"]["mean"] == pytest.approx(_alone(tmp_path, 0.5))


def _alone(tmp_path: Path, step_size: float) -> float:
    words = ["sweep", "toy", "IPD-v0", "--vary", f"step_size={step_size}", "--num-seeds", "2", *QUICK]
    assert main([*words, "--out", str(tmp_path / "alone")]) == 0
    mean: float = _read(tmp_path / "alone")["trials"][0]["objective"]
    return mean


def test_what_a_plug_in_raises_fails_its_program_alone_and_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def update(self: Any, keys: Any, number: int, alive: Any, states: Any) -> Any:
        if states.vector.shape[-1] == 3:
            raise RuntimeError("broken")
        return take(self, keys, number, alive, states)

    take = seeds.CompiledLearner.update
    out = tmp_path / "out"
    words = ["sweep", "toy", "IPD-v0", "--vary", "width=2,3,4", *QUICK, "--out", str(out)]
    with monkeypatch.context() as patch:
        patch.setattr(seeds.CompiledLearner, "update", update)
        assert main(words) == 1
    assert "polax: trial 1 failed: algorithm 'toy': update 1 failed: RuntimeError: broken" in capsys.readouterr().err
    assert [row["status"] for row in _read(out)["trials"]] == ["done", "failed", "done"]
    assert main(words) == 0
    assert [row["status"] for row in _read(out)["trials"]] == ["done"] * 3


def test_what_failed_is_trained_again_as_often_as_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def update(self: Any, *arguments: Any) -> Any:
        failures.append(None)
        if len(failures) < 3:
            raise RuntimeError("broken")
        return take(self, *arguments)

    take, failures = seeds.CompiledLearner.update, list[None]()
    monkeypatch.setattr(seeds.CompiledLearner, "update", update)
    words = ["sweep", "toy", "IPD-v0", "--vary", "step_size=0.5,1", *QUICK, "--out"]
    assert main([*words, str(tmp_path / "once"), "--retries", "1"]) == 1
    assert "once more, attempt 1 of 1" in capsys.readouterr().out
    failures.clear()
    assert main([*words, str(tmp_path / "twice"), "--retries", "2"]) == 0
    assert [row["status"] for row in _read(tmp_path / "twice")["trials"]] == ["done"] * 2


def test_verbose_says_what_is_saved_and_quiet_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["sweep", "toy", "IPD-v0", "--vary", "step_size=0.5,1", *QUICK, "--out"]
    assert main([*words, str(tmp_path / "loud"), "--verbose"]) == 0
    assert f"update 1 saved in {tmp_path / 'loud' / 'checkpoints'}" in capsys.readouterr().out
    assert main([*words, str(tmp_path / "still"), "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")


def test_the_objective_decides_who_is_best(tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = ["sweep", "toy", "IPD-v0", "--vary", "step_size=0.01,3", *QUICK, "--objective", "always-cooperate"]
    assert main([*words, "--out", str(out)]) == 0
    for row in _read(out)["trials"]:
        assert row["objective"] == row["scores"]["score/vs/always-cooperate"]["mean"]
    assert "| against always-cooperate | player 0 | player 1 | gap |" in (out / "trials.md").read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--vary", "step_sizes=1,2"], "toy has no option 'step_sizes'; did you mean 'step_size'?"),
        (["--vary", "step_size=log:0:1", "--trials", "2"], "a logarithmic range must begin above 0, not at 0"),
        (["--vary", "step_size=uniform:1:1", "--trials", "2"], "the range uniform:1:1 is empty"),
        (["--vary", "step_size=uniform:-1:1", "--trials", "2"], "step_size must be above 0, not -1.0"),
        (["--vary", "step_size=1,2", "--trials", "0"], "argument --trials: must be at least 1, not 0"),
        (["--vary", "step_size="], "--vary step_size has no value"),
        (["--vary", "step_size"], "--vary must be OPTION=VALUES"),
        (["--vary", "step_size=1", "--vary", "step_size=2"], "--vary names step_size twice"),
        (["--vary", "step_size=1", "--vary", "step-size=2"], "--vary names step_size twice"),
        ([], "nothing to vary: pass --vary"),
        (["--vary", "step_size=1,2", "--step-size", "3"], "step_size is varied, so it cannot have a single value too"),
        (["--vary", "step_size=1,2", "--updates", "0"], "argument --updates: must be at least 1"),
        (["--vary", "step_size=1,2", "--preset", "quik"], "toy has no preset 'quik' for IPD-v0; did you mean 'quick'?"),
        (["--vary", "width=2,100000000000"], "of memory or more, this machine has"),
        (["--vary", "env.rounds=1,2"], "IPD-v0 has no option 'rounds'"),
    ],
)
def test_bad_input_is_refused_in_a_sentence_and_leaves_nothing(
    fails: Fails, tmp_path: Path, words: list[str], message: str
) -> None:
    length = [] if {"--updates", "--preset"} & set(words) else ["--updates", "1"]
    assert message in fails("sweep", "toy", "IPD-v0", *words, *length, "--out", str(tmp_path / "none"))
    assert not (tmp_path / "none").exists()


def test_another_sweep_is_not_mixed_with_the_one_in_a_folder(fails: Fails, swept: Path, tmp_path: Path) -> None:
    other = [*TOY_SWEEP[:-1], "4", "--out", str(swept)]
    assert "holds another sweep: --updates was 3, now it is 4" in fails(*other)
    (tmp_path / "notes.txt").write_text("mine")
    assert "is not empty and holds no sweep" in fails(*TOY_SWEEP, "--out", str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_folder_is_written_by_one_process_at_a_time(fails: Fails, swept: Path) -> None:
    from polax.runner.runs.lock import alone

    with alone(swept):
        assert "is being written by process" in fails(*TOY_SWEEP, "--out", str(swept))
