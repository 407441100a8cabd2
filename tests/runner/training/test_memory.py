"""What cannot fit is refused before anything is made, with what it needs and what there is."""

from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest
from polax.runner.training import memory

Fails = Callable[..., str]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["naive", "--num-envs", "1000000000"], "an update of naive needs about "),
        (["naive", "--num-envs", "99999999999"], "num_envs must be a whole number of at most 2147483647"),
        (["naive", "--hidden-size", "9999999"], "the state of naive needs about "),
        (["naive", "--eval-envs", "900000000"], "an evaluation with --eval-envs 900000000 needs about "),
        (["naive", "--eval-envs", "9999999999999"], "--eval-envs must be a whole number of at most 1000000000"),
        (["naive", "--env.max-steps-in-episode", "99999999999"], "max_steps_in_episode must be a whole number of at"),
        (["naive", "--env.contribution-factor", "1e300"], "contribution_factor must be "),
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
