"""SuperSuit's wrappers on the PettingZoo view."""

import numpy as np
import pytest
from polax.envs import coin_game_v0, ipd_v0

pytestmark = pytest.mark.learners


def test_frames_are_stacked():
    import supersuit

    env = supersuit.frame_stack_v1(supersuit.flatten_v0(coin_game_v0.parallel_env(max_cycles=4)), 2)
    plain = coin_game_v0.parallel_env(max_cycles=4)
    before, now = plain.reset(seed=3)[0], env.reset(seed=3)[0]
    for _ in range(3):
        actions = dict.fromkeys(plain.agents, 1)
        after, now = plain.step(actions)[0], env.step(actions)[0]
        for agent in plain.agents:
            np.testing.assert_array_equal(now[agent], np.concatenate([before[agent].ravel(), after[agent].ravel()]))
        before = after


def test_both_players_of_several_copies_are_one_vector_environment():
    import supersuit

    one = supersuit.pettingzoo_env_to_vec_env_v1(ipd_v0.parallel_env(max_cycles=3))
    envs = supersuit.concat_vec_envs_v1(one, 4, num_cpus=0, base_class="gymnasium")
    observation, _ = envs.reset(seed=0)
    assert observation.shape == (8, 6)
    # In every copy player 0 defects and player 1 cooperates; the third step ends the episode, and the next one begins.
    for step in range(1, 8):
        observation, reward, terminated, truncated, _ = envs.step(np.tile([0, 1], 4))
        np.testing.assert_allclose(reward, np.tile([0.665, -0.335], 4), rtol=1e-6)
        assert not np.any(terminated)
        np.testing.assert_array_equal(truncated, step % 3 == 0)
        started = observation[:, 2] == 1  # the own last action is the start
        np.testing.assert_array_equal(started, step % 3 == 0)
