"""Optuna: its choices, what it prunes, its journal, and what an interruption changes (nothing)."""

import json
import sys
from pathlib import Path
from typing import Any

import optuna
import polax
import pytest
from polax.runner.training import seeds

SETTINGS: dict[str, Any] = {
    "vary": {"step_size": "log:0.01:2", "width": [2, 3], "outer_steps": "int:1:3"},
    "search": "optuna",
    "trials": 16,
    "at_once": 4,
    "updates": 10,
    "eval_envs": 8,
    "env_options": {"max_steps_in_episode": 4},
    "objective": "always-cooperate",  # the toy learns to defect, the faster with the larger steps
}


def _rows(found: polax.Document) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name != "seconds"} for row in found.data["trials"]]


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> polax.Document:
    """Return a sweep."""
    import toy_learner
    from polax import registry

    with registry.isolated():
        registry.register_algorithm("toy", toy_learner.TOY)
        return polax.sweep("toy", "IPD-v0", out=tmp_path_factory.mktemp("optuna") / "out", quiet=True, **SETTINGS)


@pytest.mark.slow
def test_trials_are_within_the_space_and_end_done_or_pruned(swept: polax.Document) -> None:
    rows = _rows(swept)
    assert [row["number"] for row in rows] == list(range(16))
    for row in rows:
        values = row["values"]
        assert 0.01 <= values["step_size"] <= 2
        assert values["width"] in (2, 3)
        assert values["outer_steps"] in (1, 2, 3)
    states = [row["status"] for row in rows]
    assert set(states) == {"done", "pruned"}
    assert states[:4] == ["done"] * 4  # nothing to compare with yet
    pruned = next(row for row in rows if row["status"] == "pruned")
    assert pruned["error"] in {f"pruned at update {update}" for update in (2, 4, 6, 8)}
    assert pruned["objective"] is None


@pytest.mark.slow
def test_its_journal_is_a_study_of_optuna(swept: polax.Document) -> None:
    assert swept.folder is not None
    backend = optuna.storages.journal.JournalFileBackend(str(swept.folder / "optuna.log"))
    study = optuna.load_study(study_name="sweep", storage=optuna.storages.JournalStorage(backend))
    rows = _rows(swept)
    assert [trial.state.name for trial in study.trials] == [
        {"done": "COMPLETE", "pruned": "PRUNED"}[row["status"]] for row in rows
    ]
    assert [trial.value for trial in study.trials if trial.state.name == "COMPLETE"] == [
        row["objective"] for row in rows if row["status"] == "done"
    ]
    assert study.best_value == max(row["objective"] for row in rows if row["objective"] is not None)


@pytest.mark.slow
def test_an_interrupted_search_chooses_and_finds_what_it_would_have(
    swept: polax.Document, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import signal

    take, taken = seeds.CompiledLearner.update, []

    def update(self: Any, keys: Any, number: int, *rest: Any) -> Any:
        taken.append(number)
        if len(taken) in (3, 27):
            signal.raise_signal(signal.SIGINT)
        return take(self, keys, number, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(seeds.CompiledLearner, "update", update)
        for _ in range(2):
            with pytest.raises(polax.Interrupted):
                polax.sweep("toy", "IPD-v0", out=tmp_path / "out", quiet=True, **SETTINGS)
    found = polax.sweep("toy", "IPD-v0", out=tmp_path / "out", quiet=True, **SETTINGS)
    assert _rows(found) == _rows(swept)


def test_a_result_that_was_written_but_not_told_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from polax.runner.sweep.optuna_search import OptunaSearch

    settings = {**SETTINGS, "trials": 4, "vary": {"step_size": "log:0.01:2"}, "updates": 2}

    def die(self: Any, row: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(OptunaSearch, "tell", die)
        with pytest.raises(polax.Interrupted):
            polax.sweep("toy", "IPD-v0", out=tmp_path / "out", quiet=True, **settings)
    before = json.loads((tmp_path / "out" / "trials.json").read_text())["trials"]
    assert [row["status"] for row in before] == ["done"] * 4
    found = polax.sweep("toy", "IPD-v0", out=tmp_path / "out", quiet=True, **settings)
    assert [row["scores"] for row in found.data["trials"]] == [row["scores"] for row in before]
    assert len(found.data["trials"]) == 4


def test_a_trial_that_fails_is_told_and_the_search_goes_on(tmp_path: Path) -> None:
    settings = {**SETTINGS, "vary": {"step_size": [0.5, 3e38]}, "trials": 8, "updates": 2}
    rows = _rows(polax.sweep("toy", "IPD-v0", out=tmp_path / "out", quiet=True, **settings))
    assert len(rows) == 8
    assert {row["values"]["step_size"]: row["status"] for row in rows} == {0.5: "done", 3e38: "failed"}


def test_without_optuna_a_sentence_says_what_to_install_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    monkeypatch.delitem(sys.modules, "polax.runner.sweep.optuna_search", raising=False)
    with pytest.raises(polax.MissingExtraError, match=r"pip install 'polax\[sweep\]'"):
        polax.sweep("toy", "IPD-v0", out=tmp_path / "out", quiet=True, **SETTINGS)
    assert not (tmp_path / "out").exists()
