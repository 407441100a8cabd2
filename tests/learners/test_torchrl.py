"""TorchRL trains two agents on the PettingZoo view."""

import pytest

pytestmark = [
    pytest.mark.learners,
    pytest.mark.filterwarnings("ignore:PettingZoo in TorchRL is tested using version:UserWarning"),
]

EPISODES, STEPS, ITERATIONS = 4, 25, 8


def make_learners(num_features, num_actions):
    """An actor and a critic of their own for each of two players."""
    from tensordict.nn import InteractionType, TensorDictModule
    from torch.distributions import Categorical
    from torchrl.modules import MultiAgentMLP, ProbabilisticActor

    def network(outputs, name):
        net = MultiAgentMLP(
            n_agent_inputs=num_features,
            n_agent_outputs=outputs,
            n_agents=2,
            centralised=False,
            share_params=False,
            depth=1,
            num_cells=32,
        )
        return TensorDictModule(net, in_keys=[("player", "observation")], out_keys=[("player", name)])

    actor = ProbabilisticActor(
        network(num_actions, "logits"),
        in_keys=[("player", "logits")],
        out_keys=[("player", "action")],
        distribution_class=Categorical,
        default_interaction_type=InteractionType.RANDOM,
        return_log_prob=True,
        log_prob_key=("player", "log_prob"),
    )
    return actor, network(1, "value")


def make_loss(actor, critic):
    """Clipped PPO with generalised advantages, by player."""
    from torchrl.objectives import ClipPPOLoss, ValueEstimators

    loss = ClipPPOLoss(actor, critic, entropy_coeff=0.0, critic_coeff=1.0)
    names = {"reward": "reward", "action": "action", "value": "value", "sample_log_prob": "log_prob"}
    names |= {name: name for name in ("done", "terminated")}
    loss.set_keys(**{role: ("player", name) for role, name in names.items()})
    loss.make_value_estimator(ValueEstimators.GAE, gamma=0.9, lmbda=0.9)
    return loss


def test_two_ppo_learners_learn_to_defect():
    import torch
    from polax.envs import ipd_v0
    from torchrl.envs.libs.pettingzoo import PettingZooWrapper

    torch.manual_seed(0)
    env = PettingZooWrapper(ipd_v0.parallel_env(max_cycles=STEPS), categorical_actions=True, done_on_any=True)
    assert env.group_map == {"player": ["player_0", "player_1"]}
    env.set_seed(0)
    actor, critic = make_learners(6, 2)
    loss = make_loss(actor, critic)
    optimizer = torch.optim.Adam(loss.parameters(), lr=1e-2)
    cooperation = []
    for _ in range(ITERATIONS):
        with torch.no_grad():
            batch = torch.stack([env.rollout(STEPS, actor) for _ in range(EPISODES)])
        assert batch["next", "player", "reward"].shape == (EPISODES, STEPS, 2, 1)
        cooperation.append(batch["player", "action"].double().mean((0, 1)))
        for _ in range(8):
            with torch.no_grad():
                loss.value_estimator(
                    batch, params=loss.critic_network_params, target_params=loss.target_critic_network_params
                )
            losses = loss(batch)
            optimizer.zero_grad()
            (losses["loss_objective"] + losses["loss_critic"]).backward()
            optimizer.step()
    for player in range(2):
        assert 0.3 < cooperation[0][player] < 0.7
        assert cooperation[-1][player] < 0.15
