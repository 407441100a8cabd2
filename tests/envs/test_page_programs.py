"""The rules in JavaScript are the rules in Python: rewards, observations, and where coins may come back."""

from collections import Counter

import jax
import numpy as np
import polax
import pytest
from javascript import evaluate, needs_node, source

pytestmark = needs_node

STEPS = 60
GAMES = [
    ("IPD-v0", {}),
    ("IPD-v0", {"initial_state": "mutual-cooperation", "observation_layout": "shared"}),
    ("MatchingPennies-v0", {}),
    ("CoinGame-v0", {}),
    ("CoinGame-v0", {"grid_size": 5, "observation_layout": "shared", "own_coin_reward": 2.5}),
    ("CoinGame-v0", {"num_coins": 2, "stay_action": True}),
]


def played(env, params):
    """Return the states, observations, actions and rewards of an episode of random actions."""
    key, reset = jax.random.split(jax.random.key(3))
    observation, state = env.reset(reset, params)
    step = jax.jit(env.step_env)
    actions = np.random.default_rng(0).integers(env.num_actions, size=(STEPS, 2))
    states, observations, rewards = [state], [observation], []
    for joint in actions:
        key, now = jax.random.split(key)
        observation, state, reward, *_ = step(now, state, np.asarray(joint, np.int32), params)
        states.append(state)
        observations.append(observation)
        rewards.append(reward)
    return states, np.array(observations), actions.tolist(), np.array(rewards)


def plain(env, state):
    """Return a state as the script has it."""
    if env.board(state) is None:
        return {"last": np.asarray(state.last_actions).tolist()}
    size = env.grid_size
    pieces = env.board(state).pieces
    return {
        "players": [each.row * size + each.column for each in pieces if each.name == "player"],
        "coins": [
            {"cell": each.row * size + each.column, "owner": each.player} for each in pieces if each.name == "coin"
        ],
    }


@pytest.mark.parametrize(("name", "options"), GAMES)
def test_a_recorded_episode_has_the_same_rewards_and_observations(name, options):
    env, params = polax.make_env(name, **options)
    states, observations, actions, rewards = played(env, params)
    found = evaluate(
        f"""(() => {{
          const rules = {source(env.page_program(params))};
          const below = () => 0;
          return {{
            seen: states.map((state) => [0, 1].map((player) => rules.observe(state, player))),
            next: actions.map((joint, step) => rules.step(states[step], joint, below)),
          }};
        }})()""",
        states=[plain(env, state) for state in states],
        actions=actions,
    )
    np.testing.assert_array_equal(found["seen"], observations)
    np.testing.assert_allclose([each["rewards"] for each in found["next"]], rewards, atol=1e-6)
    assert len(np.unique(rewards, axis=0)) > 1
    for each, state in zip(found["next"], states[1:], strict=True):
        ours, theirs = each["state"], plain(env, state)
        assert ours.get("last") == theirs.get("last")
        assert ours.get("players") == theirs.get("players")
        assert [coin["owner"] for coin in ours.get("coins", [])] == [coin["owner"] for coin in theirs.get("coins", [])]


@pytest.mark.parametrize("options", [{}, {"coin_colour": "random"}, {"num_coins": 2}])
def test_coins_come_back_on_every_free_cell_alike(options):
    env, params = polax.make_env("CoinGame-v0", **options)
    owners = [0, 1] if env.num_coins == 2 else [0]
    state = {"players": [0, 4], "coins": [{"cell": 1 + 4 * owner, "owner": owner} for owner in owners]}
    found = evaluate(
        f"""(() => {{
          const rules = {source(env.page_program(params))};
          let seed = 1;
          const below = (n) => {{ seed = (seed * 48271) % 2147483647; return Math.floor((seed / 2147483647) * n); }};
          const starts = [], steps = [];
          for (let each = 0; each < 4000; each += 1) {{
            starts.push(rules.start(below));
            steps.push(rules.step(state, [0, 0], below).state);
          }}
          return {{ starts, steps }};
        }})()""",
        state=state,
    )
    for start in found["starts"][:500]:
        cells = [coin["cell"] for coin in start["coins"]]
        assert not set(cells) & set(start["players"])
        assert len(set(cells)) == len(cells)
    assert len(Counter(tuple(start["players"]) for start in found["starts"])) == 81
    first = Counter(each["coins"][0]["cell"] for each in found["steps"])
    assert not set(first) & {1, 5}  # where the players are now
    assert len(first) == 7
    assert max(first.values()) < 1.25 * min(first.values())
    if env.num_coins == 1:
        share = np.mean([each["coins"][0]["owner"] for each in found["steps"]])
        assert share == pytest.approx(0.5 if env.coin_colour == "random" else 1.0, abs=0.03)


def test_payoffs_are_those_of_the_game():
    env, params = polax.make_env("IPD-v0")
    found = evaluate(f"{source(env.page_program(params))}.matrix")
    np.testing.assert_array_equal(np.moveaxis(found, -1, 0), params.payoffs)
