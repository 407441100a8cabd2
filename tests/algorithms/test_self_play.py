"""LOQA, Advantage Alignment and goodwill LOQA: the contract, what an update does, and what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import polax
import pytest
from polax.algorithms.core import encounters
from polax.algorithms.core.gradient_step import schedule

SMALL = {"num_envs": 4, "hidden_size": 3, "gradient_steps": 2, "snapshot_every": 1, "pool_size": 3}
NAMES = ("loqa", "advantage-alignment", "goodwill-loqa")


def make(name="loqa", env=("IPD-v0", {"max_steps_in_episode": 4}), **options):
    game, params = polax.make_env(env[0], **env[1])
    return polax.make_algorithm(name, game, params, **{**SMALL, **options})


def leaves(tree):
    return [np.asarray(leaf) for leaf in jax.tree.leaves(tree)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("goodwill-loqa", {"scripted_players": ("tit-for-tat",), "scripted_percent": 50}),
        (
            "loqa",
            {
                "value_hidden_size": 2,
                "step_input": True,
                "target_decay": 0.9,
                "stop_advantages": False,
                "bootstrap_opponent": False,
                "players": "two",
            },
        ),
        ("advantage-alignment", {"opponents": "current", "exploration": 0.2}),
    ],
    ids=["goodwill", "as published, two", "current"],
)
def test_an_update_moves_every_parameter(name, options):
    algorithm = make(name, **options)
    state = algorithm.init(jax.random.key(0))
    with jax.debug_key_reuse(True):
        after, metrics = algorithm.update(jax.random.key(1), state)
    for old, new in zip(leaves(state.learners.agent), leaves(after.learners.agent), strict=True):
        assert (np.abs(new - old).reshape(len(old), -1).max(axis=1) > 0).all()
    assert int(after.step) == 2
    assert all(np.isfinite(value) for value in metrics.values())
    learners = options.get("players") == "two"
    suffix = "/player_1" if learners else ""
    assert {f"{word}{suffix}" for word in ("weight/own", "weight/shaping", "surprise", "entropy", "value_loss")} <= set(
        metrics
    )
    assert int(metrics["env_steps"]) == (2 if learners else 1) * 2 * 4 * 4
    if options.get("opponents") != "current":
        assert float(metrics[f"pool_size{suffix}"]) == 2
    policies = algorithm.policies(after)
    same = [np.array_equal(one, two) for one, two in zip(leaves(policies[0]), leaves(policies[1]), strict=True)]
    assert all(same) != learners
    assert algorithm.self_play != learners


@pytest.mark.slow
def test_without_shaping_the_gradient_is_that_of_an_actor_critic():
    """Against plain automatic differentiation; after one step Adam's first moment is a tenth of the gradient."""
    options = {"shaping": 0.0, "shaping_end": 0.0, "gae_lambda": 0.0, "value_lambda": 0.0, "max_gradient_norm": None}
    algorithm = make(**options, gradient_steps=1, entropy=0.2)
    state = algorithm.init(jax.random.key(0))
    after, _ = algorithm.update(jax.random.key(1), state)
    step = algorithm.update.gradient_step
    learner = jax.tree.map(lambda leaf: leaf[0], state.learners)
    sides, discount = [encounter.learner for encounter in replay(algorithm, state, jax.random.key(1))], 0.96

    def loss(agent, side):
        seen = encounters.revisit(step.reader, agent, side)
        logits, action_values = seen.logits, seen.action_values
        log_probs = jax.nn.log_softmax(logits)
        values = jax.lax.stop_gradient(jnp.sum(jnp.exp(log_probs) * action_values, axis=-1))
        chosen = jnp.take_along_axis(log_probs[:-1], side.actions[..., None], axis=-1)[..., 0]
        played = jnp.take_along_axis(action_values[:-1], side.actions[..., None], axis=-1)[..., 0]
        following = jax.lax.stop_gradient(jnp.concatenate([played[1:], values[-1:]]))
        error = jnp.abs(side.rewards + discount * following - played)
        huber = jnp.where(error < 1, error**2 / 2, error - 0.5)
        entropy = -jnp.sum(jnp.exp(log_probs) * log_probs, axis=-1)[:-1]
        advantages = side.rewards + discount * values[1:] - values[:-1]
        return -jnp.mean(chosen * advantages) - 0.2 * jnp.mean(entropy) + jnp.mean(huber)

    gradients = [jax.grad(loss)(learner.agent, side) for side in sides]
    expected = jax.tree.map(lambda *leaves: sum(leaves) / len(leaves), *gradients)
    for moment, gradient in zip(leaves(after.learners.optimizer.mu), leaves(expected), strict=True):
        np.testing.assert_allclose(moment[0], 0.1 * gradient, atol=1e-6)  # Adam's first moment after one step


@pytest.mark.slow
def test_a_second_step_on_a_batch_follows_the_clipped_ratio():
    """Against plain automatic differentiation at the parameters that the first step left."""
    options = {"shaping": 0.0, "shaping_end": 0.0, "gae_lambda": 0.0, "entropy": 0.0, "entropy_end": 0.0}
    options |= {"max_gradient_norm": None, "gradient_steps": 1, "value_hidden_size": 2, "learning_rate": 0.1}
    once, twice = make(**options), make(**options, epochs=2, ratio_clip=0.05)
    state = once.init(jax.random.key(0))
    middle, after = (each.update(jax.random.key(1), each.init(jax.random.key(0)))[0] for each in (once, twice))
    reader = once.update.gradient_step.reader
    start, moved = (jax.tree.map(lambda leaf: leaf[0], each.learners.agent) for each in (state, middle))

    def chosen(agent, side):
        log_probs = jax.nn.log_softmax(encounters.revisit(reader, agent, side).logits[:-1])
        return jnp.take_along_axis(log_probs, side.actions[..., None], axis=-1)[..., 0]

    def loss(agent, side):
        values = jnp.sum(jax.nn.softmax(side.logits) * side.action_values, axis=-1)
        advantages = side.rewards + 0.96 * values[1:] - values[:-1]
        ratio = jnp.exp(chosen(agent, side) - chosen(start, side))
        outside = ((ratio > 1.05) & (advantages > 0)) | ((ratio < 0.95) & (advantages < 0))
        return -jnp.mean(jnp.where(outside, 0.0, ratio * advantages)), outside.mean()

    found = [
        jax.grad(loss, has_aux=True)(moved, encounter.learner) for encounter in replay(once, state, jax.random.key(1))
    ]
    assert 0 < np.mean([share for _, share in found]) < 1
    expected = jax.tree.map(lambda *leaves: sum(leaves) / len(leaves), *(gradient.policy for gradient, _ in found))
    for first, both, gradient in zip(
        leaves(middle.learners.optimizer.mu), leaves(after.learners.optimizer.mu), leaves(expected), strict=True
    ):
        np.testing.assert_allclose(both[0] - 0.9 * first[0], 0.1 * gradient, atol=1e-6)


@pytest.mark.slow
def test_the_table_of_values_moves_towards_the_returns_that_followed():
    algorithm = make("goodwill-loqa", gradient_steps=1, baseline_rate=0.2, gae_lambda=1.0)
    state = algorithm.init(jax.random.key(0))
    after, _ = algorithm.update(jax.random.key(1), state)
    sides = replay(algorithm, state, jax.random.key(1))
    totals, counts = np.zeros(len(after.learners.baseline[0])), np.zeros(len(after.learners.baseline[0]))
    for encounter in sides:
        side = encounter.learner
        values = np.sum(np.asarray(jax.nn.softmax(side.logits) * side.action_values), axis=-1)
        following = values[-1]
        for step in reversed(range(len(side.rewards))):
            following = side.rewards[step] + 0.96 * following
            np.add.at(totals, encounter.rows[step], following)
            np.add.at(counts, encounter.rows[step], 1)
    np.testing.assert_allclose(after.learners.baseline[0], 0.2 * totals / (counts + 1), atol=1e-5)
    assert totals.any()


def replay(algorithm, state, key):
    """The batch of an update of one step, part by part, with the learner as its own opponent.

    Keys are split as the update does.
    """
    _, _, key_learn = jax.random.split(jax.random.split(key, 1)[0], 3)
    key = jax.random.split(jax.random.split(key_learn, 1)[0], 1)[0]
    step = algorithm.update.gradient_step
    structure = step.structure
    agent = jax.tree.map(lambda leaf: leaf[0], state.learners.agent)
    return [
        encounters.play(
            key,
            step.reader,
            state.env_params,
            (agent, [agent] * structure.opponents_per_part),
            num_envs=structure.num_envs // structure.num_parts,
            num_steps=structure.num_steps,
        )
        for key in jax.random.split(key, structure.num_parts)
    ]


def test_opponents_play_under_symmetries_where_the_game_has_any():
    def after(env, **options):
        algorithm = make("loqa", env, **options)
        return leaves(algorithm.update(jax.random.key(1), algorithm.init(jax.random.key(0)))[0].learners.agent)

    def same(env):
        found = zip(after(env), after(env, other_play=False), strict=True)
        return [np.array_equal(one, other) for one, other in found]

    assert all(same(("IPD-v0", {"max_steps_in_episode": 4})))
    assert not any(same(("CoinGame-v0", {"max_steps_in_episode": 4})))


def test_numbers_are_leaves_and_move_on_schedule():
    first = make("goodwill-loqa", goodwill=0.1, goodwill_end=0.3, anneal_steps=100, anneal_from=0.5, entropy=0.2)
    second = make("goodwill-loqa", goodwill=0.2, temperature=0.5, learning_rate=0.1, max_gradient_norm=3.0)
    assert first.update == second.update
    assert hash(first.update) == hash(second.update)
    coefficients = first.init(jax.random.key(0)).coefficients
    middle, late, end = (schedule(coefficients, jnp.int32(step)) for step in (50, 75, 1000))
    np.testing.assert_allclose([middle.goodwill, late.goodwill, end.goodwill], [0.2, 0.25, 0.3], atol=1e-6)
    np.testing.assert_allclose([middle.entropy, late.entropy, end.entropy], [0.2, 0.115, 0.03], atol=1e-6)
    np.testing.assert_allclose([middle.learning_rate, end.learning_rate], [0.003, 0.0003], atol=1e-8)
    assert float(end.shaping) == pytest.approx(1.6)


@pytest.mark.parametrize(
    ("name", "option", "value"),
    [
        ("loqa", "pool_size", 0),
        ("loqa", "temperature", 0.0),
        ("loqa", "shaping", -1.0),
        ("loqa", "exploration", 1.5),
        ("loqa", "players", "three"),
        ("loqa", "anneal_from", 1.0),
        ("loqa", "target_decay", 1.0),
        ("loqa", "value_hidden_size", 0),
        ("loqa", "max_gradient_norm", 0.0),
        ("loqa", "gradient_steps", 3),
        ("loqa", "num_opponents", 3),
        ("loqa", "epochs", 0),
        ("loqa", "ratio_clip", 0.1),
        ("loqa", "pool_size", 10**9),
        ("goodwill-loqa", "goodwill", float("inf")),
        ("goodwill-loqa", "scripted_percent", 101),
        ("goodwill-loqa", "scripted_players", ("nobody",)),
    ],
)
def test_options_out_of_range_are_named(name, option, value):
    with pytest.raises(ValueError, match=option) as caught:
        make(
            name,
            **{"snapshot_every": 2, "scripted_percent": 50, option: value}
            if name != "loqa"
            else {"snapshot_every": 2, option: value},
        )
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("env", "options", "words"),
    [
        (("IPD-v0", {"observation_layout": "shared"}), {}, "egocentric"),
        (("MatchingPennies-v0", {}), {}, "same payoffs"),
        (("CoinGame-v0", {"num_coins": 2}), {"state_baseline": True}, "lists its observations"),
    ],
)
def test_games_that_do_not_suit_are_refused_in_a_sentence(env, options, words):
    name = "goodwill-loqa" if options else "loqa"
    with pytest.raises(ValueError, match=words) as caught:
        make(name, env, **options)
    assert "\n" not in str(caught.value)


def test_a_step_number_needs_a_network_of_its_own():
    with pytest.raises(ValueError, match="value_hidden_size"):
        make(step_input=True)


@pytest.mark.usefixtures("optimised")
def test_loqa_finds_reciprocity_in_the_prisoners_dilemma():
    """The laptop preset, 15 of its 40 updates, seed 0: 0.33 with itself and -0.04 against always-defect."""
    from polax.envs.policies.play import play
    from polax.envs.policies.strategies import make_strategy

    env, params = polax.make_env("IPD-v0")
    preset = polax.registry.algorithm_plugin("loqa").presets["laptop", "IPD-v0"]
    algorithm = polax.make_algorithm("loqa", env, params, **preset.options)
    state = algorithm.init(jax.random.key(0))
    for number in range(15):
        state, metrics = algorithm.update(jax.random.fold_in(jax.random.key(1), number), state)
    policies = algorithm.policies(state)
    scores = {
        name: float(
            play(
                jax.random.key(2),
                env,
                params,
                (policies[0], policies[1] if name == "itself" else make_strategy(name, env, 1)),
                num_envs=256,
                num_steps=50,
            ).reward[0]
        )
        for name in ("itself", "always-defect", "tit-for-tat")
    }
    assert scores["itself"] > 0.29
    assert scores["tit-for-tat"] > 0.29
    assert scores["always-defect"] > -0.1
    assert 0 < metrics["surprise"] < 1
    assert metrics["weight/shaping"] > 0.1
