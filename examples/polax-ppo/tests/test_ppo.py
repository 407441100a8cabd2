"""The contract, learning, and numbers that compile nothing anew."""

import jax
import jax.numpy as jnp
import polax
import pytest
from polax.testing import check_algorithm
from polax_ppo.ppo import Batch, Numbers, PPOConfig, _samples

SMALL = {"num_envs": 4, "hidden_size": 4, "num_epochs": 2, "num_minibatches": 2}
GAMES = ["IPD-v0", "StagHunt-v0", "Chicken-v0", "MatchingPennies-v0", "CoinGame-v0"]


@pytest.mark.parametrize("env", ["IPD-v0", "CoinGame-v0"])
def test_it_keeps_the_contract(env: str) -> None:
    check_algorithm("ippo", env=env, options=SMALL)


@pytest.mark.parametrize("env", GAMES)
def test_it_can_be_built_for_every_game(env: str) -> None:
    algorithm = polax.make_algorithm("ippo", *polax.make_env(env), **SMALL)
    state = jax.eval_shape(algorithm.init, jax.random.key(0))
    _, metrics = jax.eval_shape(algorithm.update, jax.random.key(0), state)
    assert {"entropy/player_0", "entropy/player_1", "env_steps"} <= set(metrics)


def test_it_learns_to_defect_in_the_prisoners_dilemma() -> None:
    """Each player is better off so, whatever the other does; from even odds 20 updates suffice (seed 0)."""
    env, params = polax.make_env("IPD-v0", max_steps_in_episode=10)
    algorithm = polax.make_algorithm("ippo", env, params, num_envs=64, hidden_size=16, learning_rate=0.02)
    init_key, *keys = jax.random.split(jax.random.key(0), 21)
    state, update = algorithm.init(init_key), jax.jit(algorithm.update)
    for key in keys:
        state, _ = update(key, state)
    start = jnp.zeros((1000, 6)).at[:, jnp.array([2, 5])].set(1.0)  # as both see it
    for policy in algorithm.policies(state):
        actions, _ = policy.act(jax.random.key(1), start, policy.initial_memory(1000))
        assert actions.mean() < 0.1


def test_advantages_are_those_of_the_definition() -> None:
    """Two steps of one player, by hand: the last advantage is its error, the first adds the second, discounted."""
    one = jnp.ones((2, 1, 1))
    batch = Batch(
        one[..., None], one.astype(jnp.int32), one, jnp.array([[[0.5]], [[2.0]]]), jnp.array([[[1.0]], [[3.0]]])
    )
    numbers = Numbers(*(getattr(PPOConfig(discount=0.5, gae_lambda=0.8), name) for name in Numbers._fields))
    sample = _samples(batch, jnp.array([[4.0]]), numbers)
    last = 3.0 + 0.5 * 4.0 - 2.0
    first = 1.0 + 0.5 * 2.0 - 0.5 + 0.5 * 0.8 * last
    assert sample.advantage.tolist() == [[pytest.approx(first), pytest.approx(last)]]
    assert sample.target.tolist() == [[pytest.approx(first + 0.5), pytest.approx(last + 2.0)]]


@pytest.mark.parametrize(("option", "value"), [("num_envs", 0), ("num_minibatches", 65), ("clip_ratio", -1.0)])
def test_options_out_of_range_are_named(option: str, value: float) -> None:
    env, params = polax.make_env("IPD-v0")
    with pytest.raises(polax.OptionError, match=f"{option} must be"):
        polax.make_algorithm("ippo", env, params, **{option: value})
