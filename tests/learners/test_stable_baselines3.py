"""Stable-Baselines3 on the Gymnasium view."""

import warnings

import gymnasium
import numpy as np
import polax  # noqa: F401
import pytest

pytestmark = pytest.mark.learners
IDS = ["IPD-v0", "StagHunt-v0", "Chicken-v0", "MatchingPennies-v0", "CoinGame-v0"]


@pytest.mark.parametrize("env_id", IDS)
@pytest.mark.parametrize("render_mode", [None, "rgb_array", "ansi", "human"])
def test_its_checker_has_nothing_to_say(env_id, render_mode, monkeypatch):
    from polax.envs.views.gymnasium import GameEnv
    from stable_baselines3.common.env_checker import check_env

    monkeypatch.setitem(GameEnv.metadata, "render_fps", 1000)  # nobody is watching
    env = gymnasium.make(env_id, render_mode=render_mode)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "no window can be opened here")  # where the tests run without a display
        check_env(env.unwrapped, warn=True, skip_render_check=render_mode == "human")
    env.close()


def reward_per_step(model, env_id, opponent, *, episodes=100):
    """Mean reward of the learned player over fresh episodes."""
    env = gymnasium.make_vec(env_id, num_envs=episodes, opponent=opponent)
    observation, _ = env.reset(seed=10_000)
    rewards = []
    for _ in range(50):
        actions, _ = model.predict(observation)
        observation, reward, *_ = env.step(actions)
        rewards.append(reward)
    return float(np.mean(rewards))


def learn(env_id, opponent, **settings):
    """Let PPO learn, on the ordinary vector of single environments."""
    import torch
    from stable_baselines3 import PPO
    from stable_baselines3.common.env_util import make_vec_env

    torch.set_num_threads(1)  # for such small networks more threads only wait for each other
    envs = make_vec_env(env_id, n_envs=16, seed=0, env_kwargs={"opponent": opponent})
    steps = settings.pop("total_timesteps")
    return PPO("MlpPolicy", envs, seed=0, device="cpu", **settings).learn(steps)


def test_ppo_learns_to_exploit_a_cooperator_in_the_coin_game():
    settings = {"n_steps": 128, "batch_size": 512, "learning_rate": 2e-3, "gamma": 0.9, "gae_lambda": 0.9}
    model = learn("CoinGame-v0", "always-cooperate", total_timesteps=200_000, **settings)
    assert reward_per_step(model, "CoinGame-v0", "always-cooperate") > 0.45


def test_ppo_learns_to_cooperate_with_tit_for_tat():
    settings = {"n_steps": 100, "batch_size": 400, "n_epochs": 8, "learning_rate": 1e-3, "gamma": 0.95}
    model = learn("IPD-v0", "tit-for-tat", total_timesteps=100_000, **settings)
    assert reward_per_step(model, "IPD-v0", "tit-for-tat") > 0.25
