"""What cannot fit is refused before anything is made, with what it needs and what there is."""

import json
from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest
from polax.runner.cli import main
from polax.runner.runs.folder import RunFolder
from polax.runner.training import memory
from runner_helpers import edit_json

Fails = Callable[..., str]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["naive", "--num-envs", "1000000000"], "an update of naive needs about "),
        (["naive", "--num-envs", "99999999999"], "num_envs must be a whole number of at most 2147483647"),
        (["naive", "--hidden-size", "9999999"], "the state of naive needs about "),
        (["naive", "--eval-envs", "900000000"], "an evaluation of 900000000 episodes needs about "),
        (["naive", "--eval-envs", "9999999999999"], "--eval-envs must be a whole number of at most 1000000000"),
        (["naive", "--env.max-steps-in-episode", "99999999999"], "max_steps_in_episode must be a whole number of at"),
        (["naive", "--env.contribution-factor", "1e300"], "contribution_factor must be "),
        (["naive", "--env.payoff-matrix", "[[1e300, 0], [0, 0]]"], "numbers of a size of at most 1e+30"),
        (["toy", "--num-seeds", "2000000000"], "a run has at most 1000000 seeds, not 2000000000"),
        (["toy", "--width", "900000000000"], "the state of toy needs about "),
        (["python-toy", "--eval-envs", "9999999999999"], "--eval-envs must be a whole number of at most"),
        (["toy", "--keep-checkpoints", "0"], "--keep-checkpoints must be a whole number of at least 1"),
        (["toy", "--seed", "9" * 5000], "argument --seed: "),
        (["toy", "--step-size", "9" * 5000], "step_size must be a number"),
        (["toy", "--step-size", "[" * 5000], "step_size must be a number"),
    ],
)
def test_a_number_that_is_too_large_is_one_line_and_leaves_nothing(
    words: list[str], message: str, fails: Fails, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    error = fails("train", words[0], "IPD-v0", "--updates", "1", *words[1:])
    assert message in error
    assert len(error) < 400
    if "needs about" in message:
        assert ", this machine has " in error
    assert list(tmp_path.iterdir()) == []


def test_episodes_that_do_not_fit_are_refused_before_they_are_played(
    train: Callable[..., RunFolder], fails: Fails, tmp_path: Path
) -> None:
    run = str(train("run", "--updates", "2").path)
    assert "an evaluation of 900000000 episodes needs about " in fails("evaluate", run, "--eval-envs", "900000000")
    assert "size must be a whole number of at most 4096" in fails("render", run, "--size", "9999", "--out", "a.gif")
    edit_json(Path(run) / "config.json", eval_envs=900000000)
    resume = ["train", "--resume", run, "--updates", "4"]
    assert "an evaluation of 900000000 episodes needs about " in fails(*resume)
    words = ["benchmark", "--algorithms", "toy", "--envs", "IPD-v0", "--budget", "1", "updates", "--out"]
    assert main([*words, str(tmp_path / "benchmark"), "--evaluation-episodes", "900000000"]) == 1
    (row,) = json.loads((tmp_path / "benchmark" / "results.json").read_text())["combinations"]
    assert "an evaluation of 900000000 episodes needs about " in row["error"]
    assert not (tmp_path / "benchmark" / "runs").exists()


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 9 bytes")])
def test_memory_that_was_not_to_be_had_is_no_bug(
    error: Exception, monkeypatch: pytest.MonkeyPatch, fails: Fails
) -> None:
    def needs_much(arguments: list[str]) -> int:
        raise error

    monkeypatch.setattr("polax.runner.commands.list.main", needs_much)
    message = fails("list")
    assert message.startswith("polax: there is not enough memory: ")
    assert message.endswith("; choose smaller numbers, such as fewer episodes or steps\n")


def test_the_largest_array_is_found_inside_loops_and_branches_too() -> None:
    def program(x: jax.Array) -> jax.Array:
        def body(carry: jax.Array, _: None) -> tuple[jax.Array, jax.Array]:
            return carry, jax.lax.cond(carry.sum() > 0, lambda: jnp.ones((30, 40)).sum(), lambda: 0.0)

        return jax.lax.scan(body, x, None, length=5)[1]

    assert memory.largest_array(jax.make_jaxpr(program)(jnp.ones(3)).jaxpr) == 4 * 30 * 40


def test_the_limit_of_a_container_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "CGROUP", tmp_path / "memory.max")
    whole = memory.memory_of_machine()
    (tmp_path / "memory.max").write_text("max\n")
    assert memory.memory_of_machine() == whole
    (tmp_path / "memory.max").write_text("1048576\n")
    assert memory.memory_of_machine() == 2**20
