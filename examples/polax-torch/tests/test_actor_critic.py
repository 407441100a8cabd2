"""The contract, exact continuation, and learning."""

import jax
import numpy as np
import polax
import pytest
import torch
from polax.testing import check_algorithm
from polax_torch.network import new_player, pack, unpack

SMALL = {"num_envs": 4, "hidden_size": 4}
GAMES = ["IPD-v0", "StagHunt-v0", "Chicken-v0", "MatchingPennies-v0", "CoinGame-v0"]


@pytest.mark.parametrize("env", GAMES)
def test_it_keeps_the_contract_in_every_game(env: str) -> None:
    check_algorithm("torch-a2c", env=env, options=SMALL)


def test_a_player_comes_back_from_its_arrays_bit_for_bit() -> None:
    sizes = (6, 4, 2)
    player = new_player(3, sizes)
    network, optimizer = unpack(player, sizes, 0.1)
    network(torch.ones(5, 6))[1].sum().backward()
    optimizer.step()
    stepped = pack(network, optimizer)
    again = pack(*unpack(stepped, sizes, 0.1))
    for one, other in zip(jax.tree.leaves(stepped), jax.tree.leaves(again), strict=True):
        np.testing.assert_array_equal(one, other)
    assert any(
        not np.array_equal(one, other)
        for one, other in zip(jax.tree.leaves(player), jax.tree.leaves(stepped), strict=True)
    )


def test_making_a_player_leaves_torchs_random_numbers_alone() -> None:
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    new_player(1, (6, 4, 2))
    assert torch.equal(torch.rand(3), expected)


def test_it_learns_to_defect_in_the_prisoners_dilemma() -> None:
    """Each player is better off so, whatever the other does; from even odds 40 updates suffice (seed 0)."""
    env, params = polax.make_env("IPD-v0", max_steps_in_episode=10)
    algorithm = polax.make_algorithm("torch-a2c", env, params, num_envs=64, learning_rate=0.02)
    init_key, *keys = jax.random.split(jax.random.key(0), 41)
    state = algorithm.init(init_key)
    for key in keys:
        state, _ = algorithm.update(key, state)
    for policy in algorithm.policies(state):
        seen = np.eye(6, dtype=np.float32)[[2, 2]] + np.eye(6, dtype=np.float32)[[5, 5]]  # the start, as both see it
        actions, _ = policy.act(jax.random.key(1), np.repeat(seen, 500, axis=0), policy.initial_memory(1000))
        assert actions.mean() < 0.1


@pytest.mark.parametrize(("option", "value"), [("num_envs", 0), ("learning_rate", -1.0)])
def test_options_out_of_range_are_named(option: str, value: float) -> None:
    env, params = polax.make_env("IPD-v0")
    with pytest.raises(polax.OptionError, match=f"{option} must be"):
        polax.make_algorithm("torch-a2c", env, params, **{option: value})
