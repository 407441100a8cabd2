"""A player that is one of several policies."""

import jax
import numpy as np
import polax
from polax.envs.policies.one_of import stack_policies
from polax.envs.policies.strategies import make_strategy

NAMES = ["always-cooperate", "tit-for-tat", "always-defect", "grim"]


def test_policies_of_one_structure_and_one_view_share_a_stack():
    game, _ = polax.make_env("IPD-v0")
    policies = [make_strategy(name, game, 0) for name in NAMES]
    together = stack_policies(policies)
    apart = stack_policies(policies, ["a", "b", "a", "b"])
    assert len(together.stacks) < len(NAMES)
    assert set(apart.views) == {"a", "b"}
    for index, view in enumerate(["a", "b", "a", "b"]):
        assert apart.views[apart.stack[index]] == view
    for stacked in (together, apart):
        assert len({*zip(stacked.stack.tolist(), stacked.row.tolist(), strict=True)}) == len(NAMES)


def test_the_picked_policy_decides_on_its_own_observation():
    game, _ = polax.make_env("IPD-v0")
    stacked = stack_policies([make_strategy(name, game, 0) for name in NAMES], range(len(NAMES)))
    table = np.asarray(game.observation_table())
    after_defection = [game.observation_table()[2:3]] * len(NAMES)  # own C, the other's D
    seen = [table[:1], *after_defection[1:]]
    for index, expected in enumerate([1, 0, 0, 0]):
        player = stacked.pick(index)
        memory = player.initial_memory(1)
        assert int(player.decides) == index
        assert player.act_on(jax.random.key(0), seen, memory)[0].tolist() == [expected]
