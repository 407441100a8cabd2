"""Training: files, seeds, resuming, seeds that end, and one compilation."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from polax.runner.cli import main
from polax.runner.runs import checkpoint
from polax.runner.runs.folder import RunFolder
from polax.runner.training import seeds
from runner_helpers import final_state, without_time

Train = Callable[..., RunFolder]


def test_a_run_leaves_everything_behind_that_says_what_it_was(train: Train) -> None:
    run = train("run", "--updates", "4", "--seeds", "3", "5", "--step-size", "0.75", "--env.contribution-factor", "1.5")
    config = json.loads((run.path / "config.json").read_text())
    assert config["options"] == {"step_size": 0.75, "outer_steps": 2, "fails_after": 0, "work": 0, "width": 2}
    assert config["env_options"]["contribution_factor"] == 1.5
    assert config["seeds"] == [3, 5]
    manifest = run.manifest()
    assert manifest["env"] == {"name": "IPD-v0", "target": "polax.envs.matrix_game:IPD", **_polax_version()}
    assert {"jax", "polax", "numpy"} <= set(manifest["launches"][0]["versions"])
    assert manifest["launches"][0]["devices"]
    assert manifest["launches"][0]["update"] == 4
    assert manifest["reference_scores"]["mutual cooperation"] == pytest.approx(0.5)
    assert manifest["self_play"] is False
    assert (run.figures / "learning.png").stat().st_size > 10_000
    assert list((run.path / "tensorboard" / "seed_5").glob("events.*"))
    assert checkpoint.saved_updates(run.checkpoints)[-1] == 4


def _polax_version() -> dict[str, str]:
    import polax

    return {"distribution": "polax", "version": polax.__version__}


def test_metrics_hold_a_line_for_each_update_and_seed_with_every_score(train: Train) -> None:
    run = train("run", "--updates", "3", "--num-seeds", "2")
    rows = list(run.metrics())
    assert [(row["update"], row["seed"]) for row in rows] == [(u, s) for u in range(4) for s in (0, 1)]
    names = {f"score/player_{p}{vs}" for p in (0, 1) for vs in ("", "/vs/always-defect", "/vs/tit-for-tat")}
    assert names <= set(rows[0])
    assert "loss/player_0" in rows[-1]
    assert [row["env_steps"] for row in rows[::2]] == [0, 200, 400, 600]
    assert rows[0]["seconds"] == 0
    assert 0 < rows[2]["seconds"] <= rows[-1]["seconds"]


def test_evaluation_may_be_rarer_but_never_leaves_out_the_end(train: Train) -> None:
    run = train("run", "--updates", "3", "--eval-every", "2")
    assert [row["update"] for row in run.metrics() if "score/player_0" in row] == [0, 2, 3]


def test_a_preset_goes_over_the_defaults_and_the_command_line_over_the_preset(train: Train) -> None:
    run = train("run", "--preset", "quick", "--outer-steps", "5", "--updates", "2")
    spec = run.spec()
    assert spec.updates == 2
    assert spec.options["step_size"] == 0.25
    assert spec.options["outer_steps"] == 5
    assert spec.env_options["max_steps_in_episode"] == 7


def test_a_seed_gives_the_same_alone_as_beside_others(train: Train) -> None:
    alone = train("alone", "--updates", "3", "--seed", "1")
    together = train("together", "--updates", "3", "--seeds", "0", "1")
    ours = [row for row in without_time(together) if row["seed"] == 1]
    for row, other in zip(without_time(alone), ours, strict=True):
        assert row.keys() == other.keys()
        for name, value in row.items():
            assert value == pytest.approx(other[name], abs=1e-6), name


def test_different_seeds_differ(train: Train) -> None:
    first, second = list(train("run", "--updates", "1", "--num-seeds", "2").metrics())[-2:]
    assert first["loss/player_0"] != second["loss/player_0"]


def test_a_resumed_run_equals_an_uninterrupted_one_bit_for_bit(train: Train) -> None:
    whole = train("whole", "--updates", "6", "--num-seeds", "2")
    parts = train("parts", "--updates", "3", "--num-seeds", "2")
    train("parts", "--resume", str(parts.path), "--updates", "5")
    train("parts", "--resume", str(parts.path), "--updates", "6")
    for ours, theirs in zip(final_state(whole, 6), final_state(parts, 6), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert without_time(whole) == without_time(parts)
    assert len(parts.manifest()["launches"]) == 3
    assert parts.spec().updates == 6


def test_resuming_drops_what_was_written_after_the_checkpoint(train: Train) -> None:
    whole = train("whole", "--updates", "4")
    killed = train("killed", "--updates", "2")
    with (killed.path / "metrics.jsonl").open("a") as file:  # as a process leaves it that was killed while writing
        file.write('{"update": 3, "seed": 0, "seconds": 1.0}\n{"update": 4, "se')
    (killed.checkpoints / "00000004.orbax-checkpoint-tmp").mkdir()
    (killed.checkpoints / "00000002.backup").mkdir()  # a person's own
    train("killed", "--resume", str(killed.path), "--updates", "4")
    assert without_time(killed) == without_time(whole)
    assert checkpoint.saved_updates(killed.checkpoints)[-1] == 4
    assert [path.name for path in killed.checkpoints.iterdir() if not path.name.isdigit()] == ["00000002.backup"]


def test_a_run_killed_before_its_first_checkpoint_starts_over(train: Train) -> None:
    whole = train("whole", "--updates", "2")
    killed = train("killed", "--updates", "2")
    checkpoint.keep_only(killed.checkpoints, set())
    train("killed", "--resume", str(killed.path))
    assert without_time(killed) == without_time(whole)


@pytest.mark.parametrize("last", [1, 2, 3])
def test_the_last_few_checkpoints_and_the_best_are_kept(train: Train, last: int) -> None:
    run = train("run", "--updates", "8", "--step-size", "9", "--keep-checkpoints", str(last))
    scores = {row["update"]: row["score/player_0"] + row["score/player_1"] for row in run.metrics()}
    best = max((2, 4, 6, 8), key=scores.__getitem__)
    assert checkpoint.saved_updates(run.checkpoints) == sorted({best, *(2, 4, 6, 8)[-last:]})


def test_a_seed_that_stops_being_finite_ends_and_the_others_go_on(
    train: Train, capsys: pytest.CaptureFixture[str]
) -> None:
    healthy = train("healthy", "--updates", "5", "--seeds", "0", "1", "2", "3", "--step-size", "0.01")
    run = train("run", "--updates", "5", "--seeds", "0", "1", "2", "3", "--step-size", "0.01", "--fails-after", "3")
    out = capsys.readouterr().out
    last = {seed: max(row["update"] for row in run.metrics() if row["seed"] == seed) for seed in range(4)}
    ended = [seed for seed, update in last.items() if update == 3]
    assert ended
    assert set(last.values()) == {3, 5}
    for seed in ended:
        assert f"seed {seed} ends at update 4: loss/player_0 is nan; its last good checkpoint is update 2" in out
    living = [row for row in without_time(healthy) if row["seed"] not in ended]
    assert [row for row in without_time(run) if row["seed"] not in ended] == living
    assert not np.isnan(final_state(run, 5)[0]).any()


def test_a_run_whose_every_seed_ends_has_exit_status_1(train: Train, capsys: pytest.CaptureFixture[str]) -> None:
    ended = [str(seed) for seed in range(4) if _starts_below_zero(seed)]
    run = train("run", "--updates", "9", "--seeds", *ended, "--step-size", "0.01", "--fails-after", "1", status=1)
    assert "every seed" in capsys.readouterr().err
    assert max(row["update"] for row in run.metrics()) == 1


def _starts_below_zero(seed: int) -> bool:
    import toy_learner

    state = toy_learner._Init(0.01, 2)(seeds.seed_keys((seed,)).init[0])
    return bool(state.log_odds[0] < -0.2)


def test_an_algorithm_in_ordinary_python_trains_resumes_and_is_evaluated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common = [
        "python-toy",
        "MatchingPennies-v0",
        "--seeds",
        "4",
        "9",
        "--eval-envs",
        "8",
        "--env.max-steps-in-episode",
        "5",
    ]
    whole, parts = RunFolder(tmp_path / "whole"), RunFolder(tmp_path / "parts")
    assert main(["train", *common, "--updates", "3", "--out", str(whole.path)]) == 0
    assert main(["train", *common, "--updates", "2", "--out", str(parts.path)]) == 0
    assert main(["train", "--resume", str(parts.path), "--updates", "3"]) == 0
    assert without_time(whole) == without_time(parts)
    for ours, theirs in zip(final_state(whole, 3), final_state(parts, 3), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    capsys.readouterr()
    assert main(["evaluate", str(whole.path), "--json", "--eval-envs", "8"]) == 0
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert [row["seed"] for row in result["seeds"]] == [4, 9]


def test_a_python_seed_that_stops_being_finite_ends_and_the_others_go_on(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    words = [
        "python-toy",
        "MatchingPennies-v0",
        "--num-seeds",
        "6",
        "--eval-envs",
        "4",
        "--env.max-steps-in-episode",
        "2",
    ]
    assert main(["train", *words, "--updates", "3", "--fails-after", "1", "--out", str(run.path)]) == 0
    last = {seed: max(row["update"] for row in run.metrics() if row["seed"] == seed) for seed in range(6)}
    assert set(last.values()) == {1, 3}


def test_an_equal_run_compiles_nothing_again(train: Train) -> None:
    train("first", "--updates", "3")
    before = seeds._update._cache_size(), seeds._init._cache_size()
    train("second", "--updates", "4", "--seed", "7")
    assert (seeds._update._cache_size(), seeds._init._cache_size()) == before


def test_an_update_that_changes_the_states_shape_is_named() -> None:
    import jax
    import jax.numpy as jnp
    from polax.algorithms.base import Algorithm

    algorithm = Algorithm(
        init=lambda key: {"weights": jnp.zeros(3)},
        update=lambda key, state: ({"weights": jnp.zeros(4)}, {}),
        policies=lambda state: (),
    )
    learner, keys = seeds.make_learner(algorithm), seeds.seed_keys((0,))
    with pytest.raises(ValueError, match=r"weights was float32\[3\] and became float32\[4\]"):
        learner.update(keys.update, 1, np.ones(1, bool), learner.init(keys.init))
    assert jax.tree.leaves(learner.template(keys.init))[0].shape == (1, 3)


def test_a_metric_that_is_no_scalar_is_named() -> None:
    import jax.numpy as jnp
    from polax.algorithms.base import Algorithm

    algorithm = Algorithm(
        init=lambda key: jnp.zeros(()),
        update=lambda key, state: (state, {"losses": jnp.zeros(5)}),
        policies=lambda state: (),
    )
    learner, keys = seeds.make_learner(algorithm), seeds.seed_keys((0,))
    with pytest.raises(ValueError, match=r"metric 'losses' has shape \(5,\)"):
        learner.update(keys.update, 1, np.ones(1, bool), learner.init(keys.init))


class _Countdown:
    """A learner of several seeds whose seed i stops being finite at update i + 2."""

    def update(self, keys: Any, number: int, alive: np.ndarray, states: list[int]) -> seeds.Step:
        failing = {index: "it is over" for index in np.flatnonzero(alive).tolist() if number == index + 2}
        return seeds.Step([state + bool(up) for state, up in zip(states, alive, strict=True)], {}, failing)


def test_updates_end_with_the_numbers_or_with_the_last_living_seed() -> None:
    def course(updates: int) -> list[seeds.Taken]:
        alive = np.ones(3, bool)
        learner: Any = _Countdown()
        return list(seeds.take_updates(learner, keys, [0, 0, 0], numbers=range(1, updates + 1), alive=alive))

    keys = seeds.seed_keys((0, 1, 2)).update
    assert [taken.number for taken in course(2)] == [1, 2]
    taken = course(9)
    assert [each.number for each in taken] == [1, 2, 3, 4]
    assert taken[-1].step.states == [2, 3, 4]
    assert [list(each.step.failures) for each in taken] == [[], [0], [1], [2]]
    assert min(each.seconds for each in taken) >= 0


def test_a_seed_that_the_caller_takes_out_learns_no_more() -> None:
    alive = np.ones(3, bool)
    learner: Any = _Countdown()
    states = []
    for taken in seeds.take_updates(learner, seeds.seed_keys((0, 1, 2)).update, [0] * 3, numbers=range(3), alive=alive):
        states = taken.step.states
        alive[2] = False
    assert states == [3, 3, 1]


def test_the_metrics_are_not_read_back_at_every_checkpoint(train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[RunFolder] = []
    read = RunFolder.metrics
    monkeypatch.setattr(RunFolder, "metrics", lambda folder: (reads.append(folder), read(folder))[1])
    counts = []
    for name, every in (("often", "1"), ("rarely", "6")):
        reads.clear()
        train(name, "--updates", "6", "--checkpoint-every", every)
        counts.append(len(reads))
    assert counts[0] == counts[1]


def test_a_resumed_run_keeps_the_best_checkpoint_of_the_whole_run(train: Train) -> None:
    words = ["--checkpoint-every", "1", "--step-size", "0.75"]
    whole = train("whole", "--updates", "6", *words)
    parts = train("parts", "--updates", "3", *words)
    train("parts", "--resume", str(parts.path), "--updates", "6")
    assert checkpoint.saved_updates(parts.checkpoints) == checkpoint.saved_updates(whole.checkpoints)
