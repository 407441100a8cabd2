"""The fast lookahead against the textbook one: nested gradients of whole rollouts."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import polax
import pytest
import textbook
from polax.algorithms.core import devices, networks
from polax.algorithms.core.lookahead import ActorCritic, Coefficients, Lookahead, Structure, outer_gradient
from polax.algorithms.core.networks import init_network

SETTINGS = textbook.Settings(
    inner_steps=2, inner_lr=0.3, critic_lr=0.05, inner_beta=10.0, outer_beta=100.0, num_envs=3, num_steps=4
)


@cache
def game(name):
    return polax.make_env(name, max_steps_in_episode=SETTINGS.num_steps)


def make_player(key, env, params, dtype):
    features = env.observation_space(params).shape[-1]
    keys = jax.random.split(key, 4)
    networks = [
        init_network(keys[i], num_features=features, hidden_size=5, num_outputs=outputs)
        for i, outputs in enumerate((env.num_actions, 1))
    ]
    # Larger than usual, biases included, so that every parameter matters.
    noisy = [
        jax.tree.map(lambda leaf, k=keys[2 + i]: (2 * leaf + 0.3 * jax.random.normal(k, leaf.shape)).astype(dtype), net)
        for i, net in enumerate(networks)
    ]
    return ActorCritic(policy=noisy[0], critic=noisy[1])


def make_lookahead(env, params, players, *, player, settings, dtype):
    coefficients = Coefficients(
        inner_lr=settings.inner_lr,
        outer_lr=0.01,
        critic_lr=settings.critic_lr,
        inner_beta=settings.inner_beta,
        outer_beta=settings.outer_beta,
        discount=textbook.GAMMA,
        gae_lambda=textbook.LAMBDA,
        dice_lambda=settings.dice_lambda,
    )
    structure = Structure(
        num_envs=settings.num_envs,
        num_steps=settings.num_steps,
        hidden_size=5,
        inner_steps=settings.inner_steps,
        outer_steps=2,
        kl_direction=settings.kl_direction,
    )
    return Lookahead(
        env=env,
        env_params=params,
        structure=structure,
        coefficients=jax.tree.map(lambda value: jnp.asarray(value, dtype), coefficients),
        player=jnp.int32(player),
        other=players[1],
        start=players[2],
    )


def both_gradients(name, *, player, settings, dtype):
    env, params = game(name)
    keys = jax.random.split(jax.random.key(player), 4)
    own, other = (make_player(key, env, params, dtype) for key in keys[:2])
    # The learner has moved since the update began, so that its own penalty has a gradient.
    start = jax.tree.map(lambda leaf: leaf * 0.9, own.policy)
    lookahead = make_lookahead(env, params, (own, other, start), player=player, settings=settings, dtype=dtype)
    fast, _ = jax.jit(lambda key: outer_gradient(key, own, lookahead))(keys[2])
    slow = jax.jit(
        lambda key: textbook.lookahead_gradients(
            key,
            env,
            params,
            (own.policy, own.critic),
            (other.policy, other.critic),
            start=start,
            player=player,
            settings=settings,
        )
    )(keys[2])
    return (fast.policy, fast.critic), slow


def assert_close(fast, slow, tolerance):
    """Every array within ``tolerance`` of the whole gradient's size."""
    scale = max(float(jnp.abs(leaf).max()) for leaf in jax.tree.leaves(slow))
    assert scale > 1e-3
    for ours, theirs in zip(jax.tree.leaves(fast), jax.tree.leaves(slow), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=tolerance * scale, rtol=0)


@pytest.mark.parametrize(
    ("inner_steps", "player", "kl_direction", "dice_lambda"),
    [
        pytest.param(1, 0, "forward", 1.0, marks=pytest.mark.slow),
        (2, 1, "reverse", 0.7),
        pytest.param(3, 0, "forward", 1.0, marks=pytest.mark.slow),
    ],
)
def test_gradients_equal_the_textbooks_to_float64_precision(inner_steps, player, kl_direction, dice_lambda):
    with jax.enable_x64(True):
        settings = SETTINGS._replace(inner_steps=inner_steps, kl_direction=kl_direction, dice_lambda=dice_lambda)
        fast, slow = both_gradients("IPD-v0", player=player, settings=settings, dtype=jnp.float64)
        assert_close(fast[0], slow[0], 1e-9)
        assert_close(fast[1], slow[1], 1e-9)


@pytest.mark.slow
def test_gradients_equal_the_textbooks_to_float32_precision_in_the_coin_game():
    fast, slow = both_gradients("CoinGame-v0", player=1, settings=SETTINGS, dtype=jnp.float32)
    assert_close(fast[0], slow[0], 1e-5)
    assert_close(fast[1], slow[1], 1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["IPD-v0", "CoinGame-v0"])
def test_gradients_equal_the_textbooks_as_a_gpu_computes_them(name, monkeypatch):
    for module in (networks, devices):
        monkeypatch.setattr(module, "on_cpu", lambda: False)
    with jax.enable_x64(True):
        fast, slow = both_gradients(name, player=0, settings=SETTINGS, dtype=jnp.float64)
        assert_close(fast[0], slow[0], 1e-9)
        assert_close(fast[1], slow[1], 1e-9)
