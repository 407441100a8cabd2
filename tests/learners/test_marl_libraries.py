"""RLlib, Tianshou and AgileRL train on the PettingZoo views.

They pin what the suite pins otherwise, so `make test-learners` runs these tests in an environment of their own.
"""

import numpy as np
import pytest
from polax.envs import ipd_v0

pytestmark = [pytest.mark.marl, pytest.mark.filterwarnings("default")]

STEPS = 10
DEFECT, COOPERATE = 0, 1
SITUATIONS = np.array([[1, 0, 0, 1, 0, 0], [0, 1, 0, 0, 1, 0], [0, 0, 1, 0, 0, 1]], np.float32)
"""What a player sees after mutual defection, after mutual cooperation, and at the start."""


def test_rllib_trains_two_ppo_learners(monkeypatch):
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    import ray
    from ray.rllib.algorithms.ppo import PPOConfig
    from ray.rllib.env.wrappers.pettingzoo_env import ParallelPettingZooEnv
    from ray.tune import register_env

    register_env("ipd", lambda _: ParallelPettingZooEnv(ipd_v0.parallel_env(max_cycles=STEPS)))
    config = (
        PPOConfig()
        .environment("ipd")
        .env_runners(num_env_runners=0)
        .learners(num_learners=0)
        .training(train_batch_size_per_learner=400, minibatch_size=100, num_epochs=4, lr=5e-3, gamma=0.5)
        .multi_agent(policies={"player_0", "player_1"}, policy_mapping_fn=lambda agent, *_, **__: agent)
        .debugging(seed=0)
    )
    ray.init(num_cpus=1, include_dashboard=False, object_store_memory=100_000_000, log_to_driver=False)
    try:
        algorithm = config.build_algo()
        returns = [algorithm.train()["env_runners"]["agent_episode_returns_mean"] for _ in range(5)]
        algorithm.stop()
    finally:
        ray.shutdown()
    together = [sum(each.values()) for each in returns]
    assert len(returns[0]) == 2
    assert together[0] > 2  # chance is 3.3 of the 6.6 that two cooperators share
    assert together[-1] < together[0] / 2


def test_tianshou_trains_two_q_learners():
    import torch
    from tianshou.algorithm import DQN
    from tianshou.algorithm.modelfree.dqn import DiscreteQLearningPolicy
    from tianshou.algorithm.multiagent.marl import MultiAgentOffPolicyAlgorithm
    from tianshou.algorithm.optim import AdamOptimizerFactory
    from tianshou.data import Collector, VectorReplayBuffer
    from tianshou.env import DummyVectorEnv, PettingZooEnv
    from tianshou.trainer import OffPolicyTrainerParams
    from tianshou.utils.net.common import Net

    def make():
        return PettingZooEnv(ipd_v0.env(max_cycles=STEPS))

    def learner():
        policy = DiscreteQLearningPolicy(
            model=Net(state_shape=6, action_shape=2, hidden_sizes=[16]),
            action_space=env.action_space,
            observation_space=env.observation_space,
            eps_training=0.3,
        )
        return DQN(policy=policy, gamma=0.5, optim=AdamOptimizerFactory(lr=1e-2))

    def values(player):
        return algorithm.get_algorithm(player).policy.model(torch.tensor(SITUATIONS))[0].detach()

    np.random.seed(0)  # what Tianshou draws from
    torch.manual_seed(0)
    env = make()
    algorithm = MultiAgentOffPolicyAlgorithm(algorithms=[learner(), learner()], env=env)
    before = {player: values(player) for player in env.agents}
    copies = DummyVectorEnv([make for _ in range(4)])
    collector = Collector(algorithm, copies, VectorReplayBuffer(4000, 4), exploration_noise=True)
    collector.reset()
    collector.collect(n_step=160)
    algorithm.run_training(
        OffPolicyTrainerParams(
            training_collector=collector,
            max_epochs=1,
            epoch_num_steps=1200,
            collection_step_num_env_steps=80,
            update_step_num_gradient_steps_per_sample=0.25,
            batch_size=64,
            multi_agent_return_reduction=lambda returns: returns.mean(-1),
            show_progress=False,
            verbose=False,
        )
    )
    for player in env.agents:
        assert not torch.allclose(values(player), before[player], atol=0.01)
    # Tianshou credits a player with what it is paid right after its own action: where all move at once, only the last
    # player is paid then.
    assert (values("player_1")[:, DEFECT] > values("player_1")[:, COOPERATE]).all()


def test_agilerl_trains_two_ppo_learners():
    import torch
    from agilerl.algorithms import IPPO
    from agilerl.training.train_multi_agent_on_policy import train_multi_agent_on_policy

    torch.manual_seed(0)
    np.random.seed(0)  # what AgileRL draws from
    env = ipd_v0.parallel_env(max_cycles=STEPS)
    players = env.possible_agents
    learner = IPPO(
        observation_spaces=[env.observation_space(player) for player in players],
        action_spaces=[env.action_space(player) for player in players],
        agent_ids=players,
        batch_size=50,
        lr=1e-2,
        learn_step=200,
        gamma=0.5,
        net_config={"encoder_config": {"hidden_size": [16]}},
    )
    before = {name: value.clone() for name, value in learner.actors.state_dict().items()}
    settings = {"sum_scores": False, "max_steps": 800, "evo_steps": 400, "eval_steps": STEPS, "verbose": False}
    (trained,), fitnesses = train_multi_agent_on_policy(env, "IPD-v0", "IPPO", [learner], **settings)
    # Both players share one network there. In so few steps it moves far, but does not learn to defect.
    moved = {name: float((value - before[name]).abs().max()) for name, value in trained.actors.state_dict().items()}
    assert min(moved.values()) > 0.005
    assert np.isfinite(list(fitnesses[0].values())).all()
    actions, *_ = trained.get_action(dict.fromkeys(players, SITUATIONS))
    assert all(np.isin(actions[player], (DEFECT, COOPERATE)).all() for player in players)
