"""Trials that train side by side: one program, the numbers of `polax train`, and no influence on each other."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polax
import pytest
from polax.runner.sweep.plan import Program, Trial, alike, plan_sweep
from polax.runner.sweep.search import draw_trials
from polax.runner.sweep.together import Together, Trained, deal_out
from polax.runner.training import seeds
from rich.console import Console

GAME = {"max_steps_in_episode": 4}


def _programs(algorithm: str, vary: dict[str, Any], **settings: Any) -> list[Program]:
    usual: dict[str, Any] = {"search": None, "trials": None, "objective": None, "updates": 3, "eval_envs": 8}
    protocol, space = plan_sweep(
        algorithm, "IPD-v0", vary=vary, **{"options": {}, "env_options": GAME, **usual, **settings}
    )
    programs, refused = alike(draw_trials(protocol, space), protocol)
    assert not refused
    return programs


def _train(program: Program, folder: Path, **settings: Any) -> Trained:
    return Together(program, folder, console=Console(quiet=True), **settings).train()


def test_trials_that_differ_in_numbers_are_one_program_and_those_that_differ_in_sizes_are_not() -> None:
    numbers = {"outer_lr": "0.1,0.2", "critic_lr": "0.01,0.02", "discount": "0.9,0.5"}
    numbers["env.contribution_factor"] = "1.2,1.8"
    (program,) = _programs("naive", numbers)
    assert len(program.trials) == 16
    sizes = _programs("naive", {**numbers, "hidden_size": "2,3", "env.max_steps_in_episode": "3,4"}, env_options={})
    assert [len(program.trials) for program in sizes] == [16] * 4
    alone = _programs("naive", numbers, at_once=6)
    assert [len(program.trials) for program in alone] == [6, 6, 4]


def test_sizes_in_the_state_alone_make_programs_too() -> None:
    # The toy's update is the same function whatever its width is.
    assert [len(program.trials) for program in _programs("toy", {"width": "2,3", "step_size": "1,2"})] == [2, 2]


@pytest.mark.slow
def test_64_trials_of_four_numbers_compile_once(tmp_path: Path) -> None:
    vary = {"outer_lr": "log:0.001:0.1", "critic_lr": "log:0.001:0.1", "discount": "uniform:0:0.9"}
    vary["env.contribution_factor"] = "uniform:1.2:1.8"
    (program,) = _programs("naive", vary, trials=64, options={"num_envs": 2, "hidden_size": 2})
    assert len(program.trials) == 64
    before = seeds._update._cache_size(), seeds._policies._cache_size()
    trained = _train(program, tmp_path)
    assert (seeds._update._cache_size(), seeds._policies._cache_size()) == (before[0] + 1, before[1] + 1)
    assert (trained.ended == 0).all()
    again = _programs("naive", vary, trials=64, search_seed=1, options={"num_envs": 2, "hidden_size": 2})
    _train(again[0], tmp_path / "again")  # other numbers, the same program
    assert (seeds._update._cache_size(), seeds._policies._cache_size()) == (before[0] + 1, before[1] + 1)


def test_a_trial_has_the_scores_of_a_run_with_its_options(tmp_path: Path) -> None:
    (program,) = _programs("toy", {"step_size": "0.1,0.7,2", "env.contribution_factor": "1.2,1.8"}, num_seeds=2)
    trained = _train(program, tmp_path)
    for place in (1, 4):
        spec = program.specs[place]
        run = polax.train(
            "toy", "IPD-v0", options=spec.options, env_options=spec.env_options, seeds=2, updates=3, eval_envs=8,
            out=tmp_path / f"run{place}", quiet=True, loggers=(),
        )  # fmt: skip
        metrics = run.metrics()
        names = [name for name in metrics if name in trained.scores]
        assert len(names) > 10
        for name in names:
            np.testing.assert_allclose(trained.scores[name][place], metrics[name][metrics["update"] == 3], err_msg=name)


def test_a_trial_that_stops_being_finite_disturbs_no_other(tmp_path: Path) -> None:
    healthy = {"step_size": [0.1, 0.7, 2.0]}
    (before,) = _programs("toy", healthy, num_seeds=3)
    whole = _train(before, tmp_path / "whole")
    # The toy allows it; the first step with it is larger than single precision can hold.
    (program,) = _programs("toy", {"step_size": [0.1, 3e38, 0.7, 2.0]}, num_seeds=3)
    trained = _train(program, tmp_path / "part")
    assert (trained.ended[1] > 0).all()
    assert (np.delete(trained.ended, 1, axis=0) == 0).all()
    for name, values in whole.scores.items():
        np.testing.assert_array_equal(np.delete(trained.scores[name], 1, axis=0), values, err_msg=name)


def test_a_judge_stops_trials_and_what_it_stopped_learns_no_further(tmp_path: Path) -> None:
    (program,) = _programs("toy", {"step_size": [0.1, 0.7, 2.0]}, num_seeds=2, updates=10)
    seen: list[tuple[int, list[bool]]] = []

    def judge(update: int, scores: dict[str, np.ndarray], alive: np.ndarray) -> Sequence[int]:
        assert scores["score/player_0"].shape == (3, 2)
        seen.append((update, alive.tolist()))
        return [1] if update == 4 else []

    trained = _train(program, tmp_path, judge=judge)
    assert seen == [(2, [True] * 3), (4, [True] * 3), (6, [True, False, True]), (8, [True, False, True])]
    assert trained.ended.tolist() == [[0, 0], [-4, -4], [0, 0]]


def test_room_for_more_trials_changes_nothing_and_makes_programs_of_fewer_the_same_one(tmp_path: Path) -> None:
    (three,) = _programs("toy", {"step_size": [0.1, 0.7, 2.0]}, num_seeds=2)
    (two,) = _programs("toy", {"step_size": [0.1, 0.7]}, num_seeds=2)
    full = _train(three, tmp_path / "a", room=4)
    before = seeds._update._cache_size()
    part = _train(two, tmp_path / "b", room=4)
    assert seeds._update._cache_size() == before
    for name, values in part.scores.items():
        np.testing.assert_array_equal(values, full.scores[name][:2], err_msg=name)


@pytest.mark.parametrize("devices", [1, 2, 3, 8])
def test_entries_are_dealt_out_to_the_devices_in_turn(devices: int) -> None:
    places = deal_out(5, (7, 9, 11), room=1, devices=devices)
    size = len(places.trials)
    assert size % devices == 0
    assert size - 15 < devices
    assert places.real.sum() == 15
    on_each = places.real.reshape(devices, -1).sum(axis=1)
    assert on_each.max() - on_each.min() <= 1
    assert places.trials[places.entries].tolist() == [[trial] * 3 for trial in range(5)]
    assert places.seeds[places.entries].tolist() == [[7, 9, 11]] * 5


def test_room_is_for_whole_trials() -> None:
    assert len(deal_out(1, (0, 1), room=4, devices=2).real) == 8
    assert len(deal_out(5, (0, 1), room=4, devices=2).real) == 10


def test_a_learner_in_ordinary_python_trains_each_trial_by_itself(tmp_path: Path) -> None:
    programs = _programs("python-toy", {"step_size": "0.1,2"}, num_seeds=2)
    assert [len(program.trials) for program in programs] == [1, 1]
    assert _train(programs[0], tmp_path).scores["score/player_0"].shape == (1, 2)


def test_options_that_a_plug_in_refuses_are_named_by_trial() -> None:
    protocol, _ = plan_sweep(
        "naive", "IPD-v0", vary={"num_envs": "2,3"}, search=None, trials=None, objective=None, options={},
        env_options=GAME, updates=1,
    )  # fmt: skip
    trials = [Trial(0, {"num_envs": 2}), Trial(3, {"num_envs": 0})]
    programs, refused = alike(trials, protocol)
    assert [len(program.trials) for program in programs] == [1]
    assert "num_envs must be a whole number of at least 1" in str(refused[3])
