"""The plug-ins on sampled trajectories: contract, options, and what compiles."""

from contextlib import contextmanager

import jax
import jax.numpy as jnp
import numpy as np
import polax
import pytest
from polax.algorithms.core import dice, networks

SMALL = {"num_envs": 4, "hidden_size": 3}
STEPS = {
    "naive": {"outer_steps": 2},
    "lola-dice": {"inner_steps": 1, "outer_steps": 1},
    "pola-dice": {"inner_steps": 2, "outer_steps": 2},
    "pola-om": {"inner_steps": 1, "outer_steps": 2, "model_batches": 3},
}


def make(name, env=("IPD-v0", {"max_steps_in_episode": 5}), **options):
    game, params = polax.make_env(env[0], **env[1])
    return polax.make_algorithm(name, game, params, **{**SMALL, **STEPS[name], **options})


@contextmanager
def nothing_compiles():
    compiled = []

    def listen(event, duration, **_):
        if event == "/jax/core/compile/backend_compile_duration":
            compiled.append(event)

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        yield
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
    assert not compiled, f"{len(compiled)} programs were compiled"


def test_other_numbers_and_equal_environments_compile_nothing():
    first = make("pola-dice")
    key = jax.random.key(0)
    state, metrics = first.update(key, first.init(key))
    jax.block_until_ready(first.update(key, state))
    other = make(
        "pola-dice",
        env=("IPD-v0", {"max_steps_in_episode": 5, "contribution_factor": 1.6}),
        inner_lr=0.7,
        outer_lr=0.1,
        critic_lr=0.2,
        inner_beta=1.0,
        outer_beta=2.0,
        discount=0.5,
        gae_lambda=0.3,
        dice_lambda=0.6,
    )
    assert hash(first.update) == hash(other.update)
    assert first.update == other.update
    with nothing_compiles():
        jax.block_until_ready(other.update(key, other.init(key)))
    # The listener hears a compilation when there is one.
    with pytest.raises(AssertionError, match="compiled"), nothing_compiles():
        jax.block_until_ready(jax.jit(lambda x: x + 1)(jnp.ones(3)))
    assert set(metrics) >= {"critic_loss/player_0", "gradient_norm/player_1", "kl/player_0", "env_steps"}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["naive", "lola-dice", "pola-dice", "pola-om"])
def test_an_update_moves_every_parameter_of_both_players(name):
    algorithm = make(name)
    state = algorithm.init(jax.random.key(0))
    with jax.debug_key_reuse(True):
        after, metrics = algorithm.update(jax.random.key(1), state)
    moved = jax.tree.map(
        lambda old, new: np.abs(new - old).max(axis=tuple(range(1, old.ndim))), state.players, after.players
    )
    for path, change in jax.tree_util.tree_leaves_with_path(moved):
        assert (change > 0).all(), jax.tree_util.keystr(path)
    assert all(np.isfinite(value) for value in metrics.values())
    assert len(algorithm.policies(after)) == 2


def test_one_step_of_adam_is_a_signed_step():
    """The optimiser starts afresh at every update, so with one outer step every parameter moves by its rate."""
    algorithm = make("lola-dice", outer_lr=0.01, critic_lr=0.002)
    state = algorithm.init(jax.random.key(0))
    for _ in range(2):
        after, _ = algorithm.update(jax.random.key(1), state)
        for player, rate in ((0, 0.01), (1, 0.01)):
            old, new = (each.players.policy.recurrent.gate_kernel[player] for each in (state, after))
            np.testing.assert_allclose(np.abs(new - old), rate, rtol=1e-2)
        np.testing.assert_allclose(
            np.abs(after.players.critic.recurrent.gate_kernel - state.players.critic.recurrent.gate_kernel),
            0.002,
            rtol=1e-2,
        )
        state = after


@pytest.mark.slow
def test_one_set_of_parameters_plays_as_both_players_against_its_past():
    """Both policies are one, half the steps are sampled, and every update adds a snapshot to the pool."""
    algorithm = make("pola-dice", players="shared", opponents="past", pool_size=2, entropy=0.1)
    assert algorithm.self_play
    state = algorithm.init(jax.random.key(0))
    for number in (1, 2, 3):
        before = state
        with jax.debug_key_reuse(True):
            state, metrics = algorithm.update(jax.random.key(number), state)
        assert int(state.pool.count[0]) == number
        newest = jax.tree.map(lambda leaf: leaf[0], before.players.policy.recurrent.gate_kernel)
        if number < 3:
            np.testing.assert_array_equal(state.pool.snapshots.policy.recurrent.gate_kernel[0, number - 1], newest)
    first, second = algorithm.policies(state)
    for one, other in zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True):
        np.testing.assert_array_equal(one, other)
    assert set(metrics) == {"critic_loss", "gradient_norm", "kl", "env_steps"}
    assert int(metrics["env_steps"]) * 2 == algorithm_env_steps("pola-dice")
    assert all(np.isfinite(value) for value in metrics.values())


def algorithm_env_steps(name):
    """Steps that an update of two learners samples: each of them, inner and outer batches, episodes of 5 steps."""
    options = STEPS[name]
    return 2 * options["outer_steps"] * (options["inner_steps"] + 1) * SMALL["num_envs"] * 5


@pytest.mark.slow
def test_opponents_come_from_the_pool():
    """With a pool whose snapshot plays otherwise than the opponent of today, a step goes elsewhere."""
    algorithm = make("lola-dice", opponents="past", pool_size=1, inner_lr=0.5)
    state = algorithm.init(jax.random.key(0))
    full = state.replace(pool=state.pool.replace(count=jnp.full_like(state.pool.count, 10**8)))
    strange = full.replace(pool=full.pool.replace(snapshots=jax.tree.map(lambda leaf: leaf + 2.0, full.pool.snapshots)))
    results = [algorithm.update(jax.random.key(1), each)[1]["gradient_norm/player_0"] for each in (full, strange)]
    assert abs(float(results[0] - results[1])) > 1e-4


@pytest.mark.slow
def test_the_bonus_keeps_entropy_up():
    def entropy_after(weight):
        algorithm = make("naive", entropy=weight, outer_steps=20, outer_lr=0.05, keep_optimizer=True)
        state = algorithm.init(jax.random.key(0))
        # A policy of strong habits, whose entropy there is something to gain from.
        habits = jax.tree.map(lambda leaf: 6 * leaf, state.players.policy)
        state, _ = algorithm.update(jax.random.key(1), state.replace(players=state.players.replace(policy=habits)))
        policy = algorithm.policies(state)[0]
        observations = polax.make_env("IPD-v0")[0].observation_table()
        logits, _ = networks.step(
            policy.params.encoder, policy.params.recurrent, policy.initial_memory(len(observations)), observations
        )
        return float(dice.entropy(jax.nn.log_softmax(logits)[None]))

    assert entropy_after(1.0) > entropy_after(None) + 0.05


@pytest.mark.parametrize("name", ["naive", "lola-dice", "pola-dice", "pola-om"])
@pytest.mark.parametrize(
    ("env", "words"),
    [
        (("IPD-v0", {"observation_layout": "shared"}), "egocentric"),
        (("MatchingPennies-v0", {}), "same payoffs"),
    ],
)
def test_shared_parameters_need_a_game_that_is_the_same_for_both(name, env, words):
    with pytest.raises(ValueError, match=words):
        make(name, env=env, players="shared")


def test_kept_moments_make_the_second_update_differ():
    key = jax.random.key(0)
    fresh, kept = make("lola-dice"), make("lola-dice", keep_optimizer=True)
    state, memory = fresh.init(key), kept.init(key)
    for number in range(2):
        state, _ = fresh.update(jax.random.key(number), state)
        memory, _ = kept.update(jax.random.key(number), memory)
        same = np.array_equal(state.players.policy.recurrent.gate_kernel, memory.players.policy.recurrent.gate_kernel)
        assert same == (number == 0)


def naive_gradient(env, params, players, batch, discount):
    """Independent policy gradient of player 0, by plain automatic differentiation."""
    own, critic = players
    side = batch.self
    values = networks.unroll(critic, side.observations).outputs[..., 0]
    advantages = dice.generalized_advantages(side.rewards, values[:-1], values[-1], discount=discount, gae_lambda=1.0)
    weights = discount ** jnp.arange(len(advantages))[:, None]

    def loss(own):
        log_probs = jax.nn.log_softmax(networks.unroll(own, side.acted_on).outputs)
        chosen = jnp.take_along_axis(log_probs, side.actions[..., None], axis=-1)[..., 0]
        return -jnp.mean(jnp.sum(weights * advantages * chosen, axis=0))

    return jax.grad(loss)(own)


def test_without_inner_steps_the_gradient_is_the_policy_gradient():
    from polax.algorithms.core.lookahead import ActorCritic, Lookahead, Structure, outer_gradient

    env, params = polax.make_env("IPD-v0", max_steps_in_episode=5)
    algorithm = make("naive")
    state = algorithm.init(jax.random.key(0))
    own, other = (jax.tree.map(lambda leaf, i=i: leaf[i], state.players) for i in (0, 1))
    structure = Structure(num_envs=16, num_steps=5, hidden_size=3, outer_steps=1)
    lookahead = Lookahead(env, params, structure, state.coefficients, jnp.int32(0), other, own.policy)
    key = jax.random.key(3)
    gradient, _ = jax.jit(lambda key: outer_gradient(key, own, lookahead))(key)
    batch = jax.jit(lookahead.sample)(jax.random.split(key)[1], own.policy, other.policy)
    expected = naive_gradient(env, params, (own.policy, own.critic), batch, 0.96)
    for ours, theirs in zip(jax.tree.leaves(gradient.policy), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
    assert isinstance(gradient, ActorCritic)


@pytest.mark.slow
def test_a_model_learns_what_the_opponent_does_and_nothing_of_what_it_hides():
    """A fixed opponent with strong habits is imitated; its critic is never read."""
    algorithm = make("pola-om", num_envs=64, hidden_size=8, model_batches=100, model_lr=0.03)
    state = algorithm.init(jax.random.key(0))
    habits = jax.tree.map(lambda leaf: 4 * leaf, state.players.policy)
    state = state.replace(players=state.players.replace(policy=habits))
    after, metrics = algorithm.update(jax.random.key(1), state)
    assert metrics["model/agreement/player_0"] > 0.9
    assert metrics["model/agreement/player_1"] > 0.9
    blinded = state.replace(
        players=state.players.replace(critic=jax.tree.map(lambda leaf: leaf.at[1].set(0.0), state.players.critic))
    )
    same, _ = algorithm.update(jax.random.key(1), blinded)
    for one, other in zip(jax.tree.leaves(after.players.policy), jax.tree.leaves(same.players.policy), strict=True):
        np.testing.assert_array_equal(one[0], other[0])
    for one, other in zip(jax.tree.leaves(after.models), jax.tree.leaves(same.models), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("name", "option", "value"),
    [
        ("pola-dice", "inner_steps", 0),
        ("pola-dice", "kl_direction", "sideways"),
        ("pola-dice", "inner_beta", -1.0),
        ("pola-om", "model_batches", 0),
        ("pola-om", "opponents", "past"),
        ("pola-dice", "opponents", "future"),
        ("pola-dice", "players", "three"),
        ("lola-dice", "pool_size", 0),
        ("naive", "entropy", -0.1),
        ("pola-om", "model_lr", 0.0),
        ("lola-dice", "inner_lr", float("nan")),
        ("naive", "discount", 1.0),
        ("naive", "num_envs", 0),
        ("naive", "matmul_precision", "float8"),
        ("naive", "memory_one_percent", 101),
    ],
)
def test_options_out_of_range_are_named(name, option, value):
    with pytest.raises(ValueError, match=rf"{option} must be .*(got|not)"):
        make(name, **{option: value})


def test_a_sweep_over_numbers_is_one_vmapped_program():
    algorithm = make("pola-dice")
    state = algorithm.init(jax.random.key(0))
    betas = jnp.array([0.0, 100.0])

    def update(beta):
        changed = state.replace(coefficients=state.coefficients.replace(outer_beta=beta))
        return algorithm.update(jax.random.key(1), changed)[0].players.policy.recurrent.gate_kernel

    together = jax.jit(jax.vmap(update))(betas)
    assert not np.allclose(together[0], together[1])
    np.testing.assert_allclose(together[1], update(betas[1]), atol=1e-4)
