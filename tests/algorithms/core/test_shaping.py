"""The closed form of LOQA's gradient against automatic differentiation through magic boxes, and its identities."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from polax.algorithms.core import shaping

GAMMA, DECAY, TAU = 0.96, 0.9, 0.7
B, A = 3, 4


@pytest.fixture(autouse=True)
def float64():
    with jax.enable_x64(True):
        yield


def episodes(steps, scale=1.0, seed=0):
    """Random data of a batch, and the logits of the learner."""
    rng = np.random.default_rng(seed)
    shape = (steps, B)
    data = {
        "own_rewards": scale * rng.normal(size=shape),
        "own_values": scale * rng.normal(size=(steps + 1, B)),
        "other_rewards": scale * rng.normal(size=shape),
        "other_values": scale * rng.normal(size=(steps + 1, B)),
        "other_q": scale * rng.normal(size=(*shape, A)),
        "own_actions": rng.integers(A, size=shape),
        "other_actions": rng.integers(A, size=shape),
    }
    return {name: jnp.asarray(values) for name, values in data.items()}, jnp.asarray(rng.normal(size=(*shape, A)))


def chosen(logits, actions):
    return jnp.take_along_axis(jax.nn.log_softmax(logits), actions[..., None], axis=-1)[..., 0]


def own_advantages(data):
    return shaping.advantages(data["own_rewards"], data["own_values"], discount=GAMMA, gae_lambda=0.0)


def returns_of_other(data, *, bootstrap):
    """Discounted returns, a row for after the last step included, by a plain loop."""
    following = data["other_values"][-1] if bootstrap else jnp.zeros(B)
    rows = [following]
    for reward in data["other_rewards"][::-1]:
        rows.append(reward + GAMMA * rows[-1])
    return jnp.stack(rows[::-1])


def box(x):
    return jnp.exp(x - jax.lax.stop_gradient(x))


def magic_returns(data, log_probs, *, bootstrap):
    """The opponent's return from each step on, differentiable by the learner's log-probabilities; ``[T+1, B]``.

    The influence of an action fades by ``DECAY`` with every step from where the return starts.
    """
    steps = len(log_probs)
    last = data["other_values"][-1] if bootstrap else jnp.zeros(B)
    rows = []
    for start in range(steps + 1):
        total, influence = jnp.zeros(B), jnp.zeros(B)
        for k in range(start, steps):
            age = k - start
            influence = influence + DECAY**age * log_probs[k]
            total = total + GAMMA**age * data["other_rewards"][k] * box(influence)
            total = total - GAMMA**age * data["other_values"][k] * (box(DECAY**age * log_probs[k]) - 1.0)
        rows.append(total + GAMMA ** (steps - start) * last * box(influence))
    return jnp.stack(rows)


def opponent_loss(logits, data, *, bootstrap, stop_normaliser=False):
    """What LOQA adds to the loss, as the paper writes it down: the opponent's policy made differentiable."""
    log_probs = chosen(logits, data["own_actions"])
    returns = magic_returns(data, log_probs, bootstrap=bootstrap)
    played = data["other_rewards"] + GAMMA * returns[1:]
    one_hot = jax.nn.one_hot(data["other_actions"], A, dtype=bool)
    model = jnp.where(one_hot, played[..., None], data["other_q"]) / TAU
    normaliser = jax.nn.logsumexp(model, axis=-1)
    if stop_normaliser:
        normaliser = jax.lax.stop_gradient(normaliser)
    return -jnp.mean((played / TAU - normaliser) * own_advantages(data))


@partial(jax.jit, static_argnames=("bootstrap", "alignment"))
def closed_form(data, *, bootstrap, alignment=False, decay=DECAY, temperature=TAU, **options):
    """The shaping's weights of the learner's log-probabilities."""
    returns = returns_of_other(data, bootstrap=bootstrap)
    log_probabilities = shaping.predicted_log_probabilities(
        data["other_q"], data["other_actions"], returns[:-1], temperature=temperature
    )
    return shaping.shaping_weights(
        own_advantages(data),
        returns[:-1] - data["other_values"][:-1],
        1.0 / temperature if alignment else -jnp.expm1(log_probabilities) / temperature,
        **{"weight": 1.0, "discount": GAMMA, "decay": decay, **options},
    )


@partial(jax.jit, static_argnames=("bootstrap", "alignment"))
def both_gradients(data, logits, *, bootstrap, alignment):
    """By the learner's logits: through magic boxes, and with the weights of the closed form."""
    expected = jax.grad(opponent_loss)(logits, data, bootstrap=bootstrap, stop_normaliser=alignment)
    weights = closed_form(data, bootstrap=bootstrap, alignment=alignment)
    found = jax.grad(lambda logits: -jnp.mean(weights * chosen(logits, data["own_actions"])))(logits)
    return expected, found


@pytest.mark.slow
@pytest.mark.parametrize("steps", [1, 3, 6])
@pytest.mark.parametrize("bootstrap", [False, True])
@pytest.mark.parametrize("alignment", [False, True])
def test_the_closed_form_is_the_derivative_through_magic_boxes(steps, bootstrap, alignment):
    """With the softmax's normaliser held constant, what is left is Advantage Alignment."""
    data, logits = episodes(steps)
    expected, found = both_gradients(data, logits, bootstrap=bootstrap, alignment=alignment)
    np.testing.assert_allclose(found, expected, atol=1e-12)
    assert (np.abs(expected).max() > 0.01) == (steps > 1)  # one step alone cannot be answered


def test_without_memory_only_the_step_before_counts():
    data, _ = episodes(5)
    returns = returns_of_other(data, bootstrap=False)
    weights = closed_form(data, bootstrap=False, alignment=True, decay=0.0)
    expected = GAMMA / TAU * own_advantages(data)[:-1] * (returns - data["other_values"])[1:-1]
    np.testing.assert_allclose(weights[1:], expected, atol=1e-12)
    np.testing.assert_array_equal(weights[0], 0.0)


def test_an_opponent_that_is_certain_is_shaped_by_alignment_alone():
    data, _ = episodes(5)
    certain = {**data, "other_q": data["other_q"] - 1000.0}  # next to what it played, everything looks bad
    assert np.abs(closed_form(certain, bootstrap=True)).max() < 1e-9
    np.testing.assert_allclose(
        closed_form(certain, bootstrap=True, alignment=True), closed_form(data, bootstrap=True, alignment=True)
    )


def test_rewards_and_temperature_in_other_units_scale_loqas_weights_like_an_advantage():
    data, _ = episodes(5)
    larger, _ = episodes(5, scale=3.0)
    once = closed_form(data, bootstrap=True)
    np.testing.assert_allclose(closed_form(larger, bootstrap=True, temperature=3 * TAU), 3 * once, atol=1e-10)
    aligned = closed_form(data, bootstrap=True, alignment=True, temperature=1.0)
    np.testing.assert_allclose(
        closed_form(larger, bootstrap=True, alignment=True, temperature=1.0), 9 * aligned, atol=1e-10
    )


def test_goodwill_adds_a_share_of_the_opponents_advantage_at_every_step():
    data, _ = episodes(5)
    other = (returns_of_other(data, bootstrap=True) - data["other_values"])[:-1]
    added = closed_form(data, bootstrap=True, weight=2.0, goodwill=0.25) - closed_form(data, bootstrap=True, weight=2.0)
    np.testing.assert_allclose(added, 2.0 * GAMMA * 0.25 * other, atol=1e-12)


def test_sums_are_those_of_a_loop():
    terms = np.random.default_rng(3).normal(size=(7, 2))
    later, earlier = [np.zeros(2)], [np.zeros(2)]
    for term in terms[::-1]:
        later.append(term + 0.8 * later[-1])
    for term in terms:
        earlier.append(0.8 * earlier[-1] + term)
    np.testing.assert_allclose(shaping.sums_of_later(jnp.asarray(terms), 0.8), later[:0:-1], atol=1e-12)
    np.testing.assert_allclose(shaping.sums_of_earlier(jnp.asarray(terms), 0.8), earlier[:-1], atol=1e-12)


def test_advantages_are_those_of_the_other_learners():
    from polax.algorithms.core import dice

    data, _ = episodes(6)
    rewards, values = data["own_rewards"], data["own_values"]
    expected = dice.generalized_advantages(rewards, values[:-1], values[-1], discount=0.9, gae_lambda=0.7)
    np.testing.assert_allclose(shaping.advantages(rewards, values, discount=0.9, gae_lambda=0.7), expected, atol=1e-12)
    with pytest.raises(ValueError, match="one row more"):
        shaping.advantages(rewards, values[:-1], discount=0.9, gae_lambda=0.7)
