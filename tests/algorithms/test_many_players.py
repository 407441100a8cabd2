"""Learners on sampled trajectories in games of more than two players."""

import jax
import jax.numpy as jnp
import numpy as np
import polax
import pytest
from polax.algorithms.core import encounters, rollout
from polax.algorithms.core.encounters import Encounter
from polax.algorithms.core.gradient_step import GradientStep, schedule
from polax.algorithms.core.lookahead import draw_player
from polax.algorithms.loqa import LOQA

SMALL = {"num_envs": 4, "hidden_size": 3, "gradient_steps": 2, "snapshot_every": 1, "pool_size": 3}
FACTOR = 1.7


def public_goods(players=3, steps=4):
    options = {"num_players": players, "contribution_factor": FACTOR, "max_steps_in_episode": steps}
    return polax.make_env("PublicGoods-v0", **options)


def digits(rows, players):
    """The joint actions that rows of the observation table name, own action first, ``[..., N]``."""
    return (np.asarray(rows)[..., None] >> np.arange(players)[::-1]) & 1


@pytest.mark.slow
@pytest.mark.parametrize("player", [0, 1, 2])
def test_a_batch_holds_what_the_learner_and_the_player_after_it_did(player):
    env, params = public_goods()
    keys = jax.random.split(jax.random.key(0), 3)
    policies = tuple(draw_player(key, num_features=9, hidden_size=3, num_actions=2).policy for key in keys)
    size = {"num_envs": 40, "num_steps": 4}
    batch = rollout.sample(jax.random.key(1), env, params, policies, player=jnp.int32(player), **size)
    joint = digits(batch.self.observations.values[1:], 3)
    np.testing.assert_array_equal(joint[..., 0], batch.self.actions)
    np.testing.assert_array_equal(joint[..., 1], batch.other.actions)
    shared = FACTOR * joint.sum(axis=-1) / 3
    np.testing.assert_allclose(batch.self.rewards, shared - joint[..., 0], atol=1e-6)
    np.testing.assert_allclose(batch.other.rewards, shared - joint[..., 1], atol=1e-6)
    turned = digits(batch.other.observations.values[1:], 3)
    np.testing.assert_array_equal(np.roll(turned, 1, axis=-1), joint)


def step_of(players, **options):
    env, params = public_goods(players)
    structure = LOQA.config(**{**SMALL, **options}).structure(4)
    return GradientStep(env=env, num_features=3 * players, structure=structure), params


@pytest.fixture(scope="module")
def encounter():
    """Episodes of a learner against two opponents, who play an equal part of the others' places."""
    step, params = step_of(3)
    learner, *opponents = (step.init_agent(key) for key in jax.random.split(jax.random.key(0), 3))
    size = {"num_envs": 30, "num_steps": 4}
    return encounters.play(jax.random.key(1), step.reader, params, (learner, opponents), **size), opponents, step


def test_the_opponents_are_one_side_player_by_player(encounter):
    played, opponents, step = encounter
    joint = digits(played.learner.observations[1:-1], 3)
    actions = np.asarray(played.opponent.actions).reshape(4, 2, 30)
    np.testing.assert_array_equal(joint[..., 0], played.learner.actions[:-1])
    np.testing.assert_array_equal(joint[..., 1:], actions[:-1].swapaxes(1, 2))
    everybody = np.concatenate([np.asarray(played.learner.actions)[:, None], actions], axis=1)  # [T, N, B]
    shared = FACTOR * everybody.sum(axis=1, keepdims=True) / 3
    expected = shared - everybody
    np.testing.assert_allclose(played.learner.rewards, expected[:, 0], atol=1e-6)
    np.testing.assert_allclose(played.opponent.rewards.reshape(4, 2, 30), expected[:, 1:], atol=1e-6)
    # The first opponent plays player 1 in all episodes, the second player 2.
    for agent, part in zip(opponents, (slice(0, 30), slice(30, 60)), strict=True):
        side = jax.tree.map(lambda leaf, part=part: leaf[:, part], played.opponent)
        again = encounters.revisit(step.reader, agent, side)
        np.testing.assert_allclose(again.logits, side.logits, atol=1e-5)


@pytest.mark.parametrize("by_surprise", [True, False], ids=["loqa", "advantage alignment"])
def test_the_weights_against_two_opponents_are_the_sum_of_those_against_each(encounter, by_surprise):
    played, _, step = encounter
    config = LOQA.config(**SMALL)
    coefficients = config.coefficients()
    now = schedule(coefficients, jnp.int32(0))
    structure = {**step.structure.__dict__, "weigh_by_surprise": by_surprise}
    kind = type(step.structure)
    three = GradientStep(step.env, 9, kind(**structure))
    two = GradientStep(polax.make_env("IPD-v0")[0], 6, kind(**structure))
    (both, _, _) = three._weigh(played, None, coefficients, now)
    shaped, surprises = [], []
    for part in (slice(0, 30), slice(30, 60)):
        side = jax.tree.map(lambda leaf, part=part: leaf[:, part], played.opponent)
        weights, _, _ = two._weigh(Encounter(played.learner, side, played.rows), None, coefficients, now)
        unshaped, _, _ = two._weigh(
            Encounter(played.learner, side, played.rows), None, coefficients, now._replace(shaping=0.0)
        )
        shaped.append(weights.total - unshaped.total)
        surprises.append(weights.log_probabilities)
    assert all(np.abs(each).max() > 1e-3 for each in shaped)
    np.testing.assert_allclose(both.total, unshaped.total + sum(shaped), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(both.log_probabilities, sum(surprises), rtol=1e-5)


def test_loqa_learns_in_a_game_of_three():
    env, params = public_goods()
    algorithm = polax.make_algorithm("loqa", env, params, **SMALL)
    state = algorithm.init(jax.random.key(0))
    after, metrics = algorithm.update(jax.random.key(1), state)
    moved = [
        np.abs(new - old).max()
        for old, new in zip(*map(jax.tree.leaves, (state.learners.agent, after.learners.agent)), strict=True)
    ]
    assert all(each > 0 for each in moved)
    assert np.isfinite(list(metrics.values())).all()
    assert len(algorithm.policies(after)) == 3
    assert algorithm.self_play


@pytest.mark.parametrize("players", ["two", "shared"])
def test_naive_learners_learn_in_a_game_of_three(players):
    env, params = public_goods()
    options = {"num_envs": 4, "hidden_size": 3, "players": players}
    algorithm = polax.make_algorithm("naive", env, params, **options)
    state = algorithm.init(jax.random.key(0))
    after, metrics = algorithm.update(jax.random.key(1), state)
    count = 3 if players == "two" else 1
    before, now = (np.asarray(each.players.policy.recurrent.output_kernel) for each in (state, after))
    assert now.shape[0] == count
    assert (np.abs(now - before).reshape(count, -1).max(axis=1) > 0).all()
    assert ("critic_loss/player_2" in metrics) == (players == "two")
    policies = algorithm.policies(after)
    kernels = [np.asarray(policy.params.recurrent.output_kernel) for policy in policies]
    assert np.array_equal(kernels[0], kernels[2]) == (players == "shared")


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("lola-dice", {}, "this learner is for two players; PublicGoods-v0 has 3"),
        ("pola-dice", {}, "this learner is for two players"),
        ("pola-om", {}, "this learner is for two players"),
        (
            "goodwill-loqa",
            {"scripted_players": ("random",), "scripted_percent": 50},
            "scripted_players is for two players",
        ),
        ("loqa", {"players": "two"}, "players two is for two players"),
        ("naive", {"opponents": "past"}, "opponents past is for two players"),
        ("naive+naive+naive", {}, "a learner of one player is for two players"),
        ("naive+naive", {}, "has 3 players; got 2"),
    ],
)
def test_what_is_for_two_players_says_so(name, options, message):
    with pytest.raises(polax.OptionError, match=message):
        polax.make_algorithm(name, *public_goods(), **options)
