"""Estimators against the numbers of the published programs, finite differences and hand calculation."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from polax.algorithms.core import dice

GOLDEN = Path(__file__).parents[2] / "golden" / "dice_and_lookahead.npz"
CASES = ("case0", "case1", "case2", "case3")


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN) as data:
        return dict(data)


@pytest.fixture(autouse=True)
def float64():
    with jax.enable_x64(True):
        yield


def case(golden, name):
    return {key.split("/")[1]: value for key, value in golden.items() if key.startswith(name + "/")}


def loss_of(data):
    """The loss of one golden case as a function of both players' log-probabilities."""
    discount = data["gamma"]
    if not data["use_baseline"]:
        return lambda own, other: dice.dice_loss(own, other, jnp.asarray(data["rewards"]), discount=discount)
    advantages = dice.generalized_advantages(
        jnp.asarray(data["rewards"]),
        jnp.asarray(data["values"]),
        jnp.asarray(data["end_value"]),
        discount=discount,
        gae_lambda=data["gae_lambda"],
    )
    return lambda own, other: dice.loaded_dice_loss(own, other, advantages, discount=discount)


@pytest.mark.parametrize("name", CASES)
def test_loss_and_first_derivatives_are_the_published_ones(golden, name):
    data = case(golden, name)
    loss, (grad_self, grad_other) = jax.value_and_grad(loss_of(data), (0, 1))(data["logp_self"], data["logp_other"])
    np.testing.assert_allclose(loss, data["loss"], atol=1e-9)
    np.testing.assert_allclose(grad_self, data["grad_logp_self"], atol=1e-9)
    np.testing.assert_allclose(grad_other, data["grad_logp_other"], atol=1e-9)


@pytest.mark.parametrize("name", CASES)
def test_mixed_second_derivative_is_the_published_one(golden, name):
    data = case(golden, name)
    mixed = jax.jacfwd(jax.grad(loss_of(data)), 1)(data["logp_self"], data["logp_other"])  # [t, b, t', b']
    batch = np.arange(data["logp_self"].shape[1])
    np.testing.assert_allclose(mixed[:, batch, :, batch], data["mixed_hessian_self_other"], atol=1e-9)


def test_dice_lambda_keeps_the_first_derivative_and_fades_old_actions_out_of_the_mixed_second_one():
    steps, batch, discount, fade = 6, 2, 0.9, 0.7
    rng = np.random.default_rng(3)
    own, other, advantages = (jnp.asarray(rng.normal(size=(steps, batch))) for _ in range(3))

    def loss(own, other, dice_lambda):
        return dice.loaded_dice_loss(own, other, advantages, discount=discount, dice_lambda=dice_lambda)

    with_fade, without = (jax.grad(loss, (0, 1))(own, other, value) for value in (fade, 1.0))
    np.testing.assert_allclose(with_fade, without, atol=1e-12)

    mixed = jax.jacfwd(jax.grad(loss), 1)(own, other, fade)  # [t, b, t', b']
    expected = np.zeros((steps, batch, steps))
    for t in range(steps):
        weight = -(discount**t) * np.asarray(advantages[t]) / batch
        for mine in range(t + 1):
            for theirs in range(t + 1):
                # The product of both influences at t, less what was there before t's own actions.
                influence = fade ** (2 * t - mine - theirs) * (1.0 if t in (mine, theirs) else 0.0)
                expected[mine, :, theirs] += weight * influence
    np.testing.assert_allclose(mixed[:, np.arange(batch), :, np.arange(batch)], np.swapaxes(expected, 0, 1), atol=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_advantages_and_critic_loss_are_the_published_ones(golden, name):
    data = case(golden, name)
    rewards, values, last = (jnp.asarray(data[key]) for key in ("rewards", "values", "end_value"))
    advantages = dice.generalized_advantages(
        rewards, values, last, discount=data["gamma"], gae_lambda=data["gae_lambda"]
    )
    np.testing.assert_allclose(advantages, data["gae_advantages"], atol=1e-9)
    loss, gradient = jax.value_and_grad(lambda v: dice.critic_loss(rewards, v, last, discount=data["gamma"]))(values)
    np.testing.assert_allclose(loss, data["value_loss"], atol=1e-9)
    np.testing.assert_allclose(gradient, data["grad_value_loss"], atol=1e-9)


def test_kl_divergence_is_the_published_one_in_both_directions(golden):
    data = case(golden, "kl")
    reference, current = jnp.log(data["reference"]), jnp.log(data["current"])
    np.testing.assert_allclose(dice.kl_divergence(reference, current), data["kl_forward"], atol=1e-9)
    np.testing.assert_allclose(dice.kl_divergence(current, reference), data["kl_reverse"], atol=1e-9)


def test_critic_target_is_constant_for_derivatives():
    """Only the value itself moves: d/dv (G - v)^2 = -2 (G - v), also where G contains the last value."""
    rewards, values, last = jnp.ones((3, 1)), jnp.zeros((3, 1)), jnp.full((1,), 2.0)
    gradient = jax.grad(lambda end: dice.critic_loss(rewards, values, end, discount=0.5))(last)
    np.testing.assert_array_equal(gradient, 0.0)


@pytest.mark.slow
def test_dice_gradient_is_the_derivative_of_the_exact_expected_return():
    """Weighting every trajectory of a two-step game by its probability, DiCE must give the exact gradient."""
    rewards_of = np.array([[1.0, -2.0], [3.0, 0.5]])  # [own action, other's action]
    theta = jnp.array([0.3, -0.4])  # logit of action 1 for self and for other
    actions = np.array([[[a, b], [c, d]] for a in (0, 1) for b in (0, 1) for c in (0, 1) for d in (0, 1)])  # [16, T, 2]
    discount = 0.9

    def log_probs(theta):
        pair = jnp.stack([jax.nn.log_sigmoid(-theta), jax.nn.log_sigmoid(theta)])  # [action, player]
        return pair[actions[:, :, 0], 0].T, pair[actions[:, :, 1], 1].T  # [T, 16] each

    rewards = jnp.asarray(rewards_of[actions[:, :, 0], actions[:, :, 1]].T)

    def exact(theta):
        own, other = log_probs(theta)
        probability = jnp.exp((own + other).sum(0))
        return -(probability * (rewards * jnp.array([[1.0], [discount]])).sum(0)).sum()

    def estimated(theta):
        own, other = log_probs(theta)
        weight = jax.lax.stop_gradient(jnp.exp((own + other).sum(0)))
        boxes = [
            dice.dice_loss(own[:, i : i + 1], other[:, i : i + 1], rewards[:, i : i + 1], discount=discount)
            for i in range(16)
        ]
        return (weight * jnp.stack(boxes)).sum()

    np.testing.assert_allclose(jax.grad(estimated)(theta), jax.grad(exact)(theta), atol=1e-12)
    np.testing.assert_allclose(jax.hessian(estimated)(theta), jax.hessian(exact)(theta), atol=1e-12)


def test_wrong_shapes_are_named():
    good = jnp.zeros((4, 2))
    with pytest.raises(ValueError, match=r"rewards \(4, 2\), values \(4, 3\)"):
        dice.critic_loss(good, jnp.zeros((4, 3)), jnp.zeros(2), discount=0.9)
    with pytest.raises(ValueError, match=r"last_value must have shape \(2,\)"):
        dice.generalized_advantages(good, good, jnp.zeros((2, 1)), discount=0.9, gae_lambda=1.0)
