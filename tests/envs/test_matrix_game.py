"""The iterated matrix games."""

import jax
import jax.numpy as jnp
import numpy as np
import polax
import pytest
from polax.envs.matrix_game import (
    CHICKEN,
    IPD,
    MATCHING_PENNIES,
    STAG_HUNT,
    MatrixGame,
    MatrixGameState,
    public_goods_payoffs,
)

JOINT = [(0, 0), (0, 1), (1, 0), (1, 1)]


def rewards(env, params):
    """Reward of both players for each joint action, ``[4, 2]``."""
    _, state = env.reset(jax.random.key(0), params)
    return np.array([env.step(jax.random.key(1), state, jnp.array(joint), params)[2] for joint in JOINT])


@pytest.mark.parametrize("factor", [1.33, 1.6])
def test_the_payoffs_of_the_prisoners_dilemma_follow_the_public_goods_formula(factor):
    expected = [[factor * sum(joint) / 2 - joint[player] for player in range(2)] for joint in JOINT]
    np.testing.assert_array_equal(rewards(*IPD.build(IPD.config(contribution_factor=factor))), np.float32(expected))


def test_the_usual_payoffs_are_those_of_factor_1_33():
    np.testing.assert_array_equal(MatrixGame().base_params.payoffs, public_goods_payoffs(1.33))
    np.testing.assert_allclose(public_goods_payoffs(jnp.float32(1.33)), public_goods_payoffs(1.33), atol=1e-6)


@pytest.mark.parametrize(
    ("plugin", "expected"),
    [
        (STAG_HUNT, [(2, 2), (3, 1), (1, 3), (4, 4)]),
        (CHICKEN, [(-10, -10), (1, -1), (-1, 1), (0, 0)]),
        (MATCHING_PENNIES, [(1, -1), (-1, 1), (-1, 1), (1, -1)]),
    ],
)
def test_the_other_games_pay_what_their_matrices_say(plugin, expected):
    np.testing.assert_array_equal(rewards(*plugin.build(plugin.config())), expected)


def test_a_payoff_matrix_is_read_own_action_first():
    env, params = IPD.build(IPD.config(payoff_matrix=((1, 2), (3, 4))))
    np.testing.assert_array_equal(rewards(env, params), [(1, 1), (2, 3), (3, 2), (4, 4)])
    env, params = STAG_HUNT.build(STAG_HUNT.config(payoff_matrix=(((1, 2), (3, 4)), ((5, 6), (7, 8)))))
    np.testing.assert_array_equal(rewards(env, params), [(1, 5), (2, 7), (3, 6), (4, 8)])


@pytest.mark.parametrize("plugin", [IPD, STAG_HUNT, CHICKEN])
def test_swapping_the_players_swaps_their_rewards_and_observations(plugin):
    env, params = plugin.build(plugin.config())
    for before in [(2, 2), *JOINT]:
        for joint in JOINT:
            state = MatrixGameState(last_actions=jnp.array(before), time=jnp.int32(4))
            observation, after, reward, _, _ = env.step_env(jax.random.key(0), state, jnp.array(joint), params)
            mirrored, mirror, swapped, _, _ = env.step_env(
                jax.random.key(0), state.replace(last_actions=state.last_actions[::-1]), jnp.array(joint[::-1]), params
            )
            assert (reward == swapped[::-1]).all()
            assert (observation == mirrored[::-1]).all()
            assert (after.last_actions == mirror.last_actions[::-1]).all()


def test_observations_are_one_hot_own_action_then_the_others():
    env = MatrixGame()
    observation, state = env.reset(jax.random.key(0))
    assert observation.tolist() == [[0, 0, 1, 0, 0, 1]] * 2
    assert state.last_actions.tolist() == [2, 2]
    observation, state, *_ = env.step(jax.random.key(0), state, jnp.array([0, 1]))
    assert observation.tolist() == [[1, 0, 0, 0, 1, 0], [0, 1, 0, 1, 0, 0]]
    assert state.last_actions.tolist() == [0, 1]


def test_in_the_shared_layout_both_players_see_player_0s_view():
    env = MatrixGame(observation_layout="shared")
    _, state = env.reset(jax.random.key(0))
    observation, *_ = env.step(jax.random.key(0), state, jnp.array([0, 1]))
    assert observation.tolist() == [[1, 0, 0, 0, 1, 0]] * 2


def test_an_episode_may_start_as_if_both_had_cooperated():
    env = MatrixGame(initial_state="mutual-cooperation")
    observation, state = env.reset(jax.random.key(0))
    assert observation.tolist() == [[0, 1, 0, 0, 1, 0]] * 2
    assert env.num_observations == 4
    assert env.observation_index(state).tolist() == [3, 3]


def test_the_index_counts_own_action_first():
    env = MatrixGame()
    for number, joint in enumerate([*JOINT, (2, 2)]):
        index = env.observation_index(MatrixGameState(last_actions=jnp.array(joint), time=jnp.int32(0)))
        assert index.tolist() == [number, [0, 2, 1, 3, 4][number]]


def test_info_names_the_joint_action_and_its_summary_the_rates():
    env = MatrixGame()
    _, state = env.reset(jax.random.key(0))
    info = env.step(jax.random.key(0), state, jnp.array([1, 0]))[-1]
    played = {name: float(info[name]) for name in info if "_" in name and "final" not in name}
    assert played == {"defect_defect": 0, "defect_cooperate": 0, "cooperate_defect": 1, "cooperate_cooperate": 0}
    rates = {"defect_defect": 0.1, "defect_cooperate": 0.2, "cooperate_defect": 0.3, "cooperate_cooperate": 0.4}
    summary = env.summarise({name: jnp.float32(rate) for name, rate in rates.items()})
    np.testing.assert_allclose(summary["cooperation_rate/player_0"], 0.7, rtol=1e-6)
    np.testing.assert_allclose(summary["cooperation_rate/player_1"], 0.6, rtol=1e-6)
    np.testing.assert_allclose(summary["joint_action/defect_cooperate"], 0.2, rtol=1e-6)
    pennies, _ = MATCHING_PENNIES.build(MATCHING_PENNIES.config())
    tossed = pennies.summarise({f"{a}_{b}": jnp.float32(0.25) for a in ("heads", "tails") for b in ("heads", "tails")})
    assert tossed["tails_rate/player_0"] == 0.5


def test_reference_scores_are_those_of_mutual_play():
    env, params = IPD.build(IPD.config(contribution_factor=1.5))
    assert env.reference_scores(params) == {"mutual cooperation": 0.5, "mutual defection": 0.0}
    env, params = MATCHING_PENNIES.build(MATCHING_PENNIES.config())
    assert env.reference_scores(params) == {"both at random": 0.0}


@pytest.mark.parametrize("scalar", [np.float32, np.float64, np.array, jnp.float32], ids=lambda kind: kind.__name__)
def test_numbers_may_be_scalars_of_numpy_and_jax(scalar):
    options = {"contribution_factor": scalar(1.5), "max_steps_in_episode": np.int64(7)}
    env, params = polax.make_env("IPD-v0", **options)
    expected = polax.make_env("IPD-v0", contribution_factor=1.5, max_steps_in_episode=7)
    assert env == expected[0]
    jax.tree.map(np.testing.assert_array_equal, params, expected[1])


def test_the_factor_of_the_public_goods_is_mapped_over_as_a_number():
    factors = jnp.array([1.1, 1.5, 1.9])
    several = jax.vmap(lambda factor: polax.make_env("IPD-v0", contribution_factor=factor)[1])(factors)
    assert several.payoffs.shape == (3, 2, 2, 2)
    for index, factor in enumerate(factors):
        _, params = polax.make_env("IPD-v0", contribution_factor=factor)
        np.testing.assert_allclose(several.payoffs[index], params.payoffs, atol=1e-6)


@pytest.mark.parametrize(
    ("factor", "message"),
    [
        (jnp.float32(2.5), r"contribution_factor must be a finite number above 1 and below 2 .*; got 2.5"),
        (np.float32(np.nan), r"contribution_factor must be a finite number above 1 and below 2 .*; got nan"),
        (np.ones(2), "contribution_factor must be a finite number"),
    ],
)
def test_a_scalar_out_of_bounds_and_an_array_are_refused(factor, message):
    with pytest.raises(polax.OptionError, match=message):
        polax.make_env("IPD-v0", contribution_factor=factor)


def test_an_array_of_traced_numbers_is_refused():
    with pytest.raises(polax.OptionError, match=r"must be a single number, not an array of the shape \(2,\)"):
        jax.jit(lambda factor: polax.make_env("IPD-v0", contribution_factor=factor)[1].payoffs)(jnp.ones(2))


def test_payoffs_stay_whole_where_a_payoff_is_infinite_elsewhere():
    env = MatrixGame()
    params = env.base_params.replace(payoffs=jnp.full((2, 2, 2), jnp.inf).at[:, 1, 1].set(1.0))
    _, state = env.reset(jax.random.key(0), params)
    assert env.step(jax.random.key(0), state, jnp.array([1, 1]), params)[2].tolist() == [1, 1]


@pytest.mark.parametrize("actions", [[0], [0, 1, 0], 1, [[0, 1]]])
def test_a_joint_action_of_another_length_is_refused(actions):
    env, params = polax.make_env("IPD-v0")
    _, state = env.reset_env(jax.random.key(0), params)
    with pytest.raises(ValueError, match="needs one action for each of 2 players, got shape"):
        env.step_env(jax.random.key(1), state, jnp.asarray(actions), params)
