"""The coin game of three and four players, against the rules written out again without JAX."""

import jax
import jax.numpy as jnp
import numpy as np
import polax
import pytest
from polax.envs.coin_game import COIN_GAME, CoinGameState

MOVES = np.array([(0, 1), (0, -1), (1, 0), (-1, 0)])
COLOURS = ("red", "blue", "purple", "green")


def build(**options):
    return COIN_GAME.build(COIN_GAME.config(**options))


def random_steps(env, params, count=400):
    """States, actions and what `step_env` gives, for independent random steps a few into an episode."""

    def one(key):
        reset, *keys = jax.random.split(key, 5)
        _, state = env.reset_env(reset, params)
        for number in keys[:2]:
            move = jax.random.randint(number, (env.num_players,), 0, 4)
            _, state, *_ = env.step_env(jax.random.fold_in(number, 1), state, move, params)
        action = jax.random.randint(keys[2], (env.num_players,), 0, 4)
        return state, action, env.step_env(keys[3], state, action, params)

    return jax.device_get(jax.jit(jax.vmap(one))(jax.random.split(jax.random.key(0), count)))


@pytest.mark.parametrize(("players", "size"), [(3, 3), (4, 4)])
def test_steps_follow_the_rules(players, size):
    env, params = build(num_players=players, grid_size=size)
    before, actions, (seen, after, reward, _, info) = random_steps(env, params)
    shared = 0
    for number in range(len(actions)):
        places = (before.players[number] + MOVES[actions[number]]) % size
        np.testing.assert_array_equal(after.players[number], places)
        owner, coin = before.coin_owner[number], before.coin[number]
        on_it = [player for player in range(players) if (places[player] == coin).all()]
        thieves = [player for player in on_it if player != owner]
        shared += len(thieves) > 1
        expected = [float(player in on_it) - 2.0 * (player == owner and bool(thieves)) for player in range(players)]
        assert reward[number].tolist() == expected
        counts = {name for name, values in info.items() if values[number]}
        assert counts == {f"{COLOURS[player]}_took_{COLOURS[owner]}" for player in on_it}
        if on_it:
            assert after.coin_owner[number] == (owner + 1) % players
            assert not (places == after.coin[number]).all(axis=1).any()
        else:
            assert after.coin_owner[number] == owner
            np.testing.assert_array_equal(after.coin[number], coin)
        planes = seen[number].reshape(players, 2 * players, size, size)
        for viewer in range(players):
            order = [(viewer + rank) % players for rank in range(players)]
            for rank, player in enumerate(order):
                assert np.argwhere(planes[viewer, rank]).tolist() == [places[player].tolist()]
                there = [after.coin[number].tolist()] if after.coin_owner[number] == player else []
                assert np.argwhere(planes[viewer, players + rank]).tolist() == there
    assert shared > 0  # two thieves cost the owner once


def test_a_new_coin_lies_on_any_free_cell_and_a_game_starts_anywhere():
    env, params = build(num_players=3)
    state = CoinGameState(
        players=jnp.array([[0, 0], [1, 1], [2, 0]]), coin=jnp.array([0, 1]), coin_owner=jnp.int32(2), time=jnp.int32(0)
    )
    keys = jax.random.split(jax.random.key(0), 6000)
    step = jax.jit(jax.vmap(lambda key: env.step_env(key, state, jnp.array([0, 2, 0]), params)[1]))
    after = step(keys)
    assert (after.coin_owner == 0).all()
    cells = np.bincount(np.asarray(after.coin @ jnp.array([3, 1])), minlength=9)
    taken = [1, 7]  # red at (0, 1), blue and purple at (2, 1)
    assert (cells[taken] == 0).all()
    np.testing.assert_allclose(np.delete(cells, taken) / len(keys), 1 / 7, atol=0.02)
    start = jax.jit(jax.vmap(lambda key: env.reset_env(key, params)[1]))(keys)
    for player in range(3):
        cells = np.bincount(np.asarray(start.players[:, player] @ jnp.array([3, 1])), minlength=9)
        np.testing.assert_allclose(cells / len(keys), 1 / 9, atol=0.02)
    np.testing.assert_allclose(np.bincount(start.coin_owner) / len(keys), 1 / 3, atol=0.025)


def test_the_penalty_may_be_divided_among_the_others():
    assert float(build(num_players=2, penalty_by_players=True)[1].stolen_coin_reward) == -2.0
    assert float(build(num_players=3, penalty_by_players=True)[1].stolen_coin_reward) == -1.5
    assert float(build(num_players=4, penalty_by_players=True)[1].stolen_coin_reward) == pytest.approx(-4 / 3)
    assert float(build(num_players=3)[1].stolen_coin_reward) == -2.0


def test_strategies_of_three_players():
    env, params = build(num_players=3)
    state = CoinGameState(
        players=jnp.array([[0, 0], [1, 1], [2, 0]]), coin=jnp.array([0, 1]), coin_owner=jnp.int32(1), time=jnp.int32(0)
    )
    seen = env.observe(jax.random.key(0), state, None, params)
    chosen = {}
    for name in ("always-defect", "always-cooperate", "tit-for-tat"):
        for player in range(3):
            policy = polax.make_policy(name, env, params, player=player)
            action, _ = policy.act(jax.random.key(0), seen[player][None], policy.initial_memory(1))
            chosen[name, player] = env.action_names[int(action[0])]
    # Of the coin at (0, 1): red is to its left, blue, whose coin it is, below it, purple below and to the left.
    assert [chosen["always-defect", player] for player in range(3)] == ["right", "up", "down"]
    assert [chosen["always-cooperate", player] for player in range(3)] == ["left", "up", "up"]
    assert [chosen["tit-for-tat", player] for player in range(3)] == ["left", "up", "up"]
    policy = polax.make_policy("tit-for-tat", env, params, player=1)
    _, memory = policy.act(jax.random.key(0), seen[1][None], policy.initial_memory(1))
    # Purple takes blue's coin.
    seen, state, reward, *_ = env.step_env(jax.random.key(2), state, jnp.array([1, 0, 2]), params)
    assert reward.tolist() == [0, 0, 0]
    _, memory = policy.act(jax.random.key(0), seen[1][None], memory)
    seen, state, reward, *_ = env.step_env(jax.random.key(2), state, jnp.array([2, 0, 0]), params)
    assert reward.tolist() == [0, -2, 1]
    _, memory = policy.act(jax.random.key(0), seen[1][None], memory)
    assert not memory.cooperates[0]


def test_measures_of_three_players():
    env, params = build(num_players=3, max_steps_in_episode=30)
    line_up = ["always-cooperate", "always-defect", "always-cooperate"]
    played = polax.rollout(env, params, line_up, jax.random.key(0), num_envs=50)
    means = {name: values.mean() for name, values in played.info.items()}
    assert {measure.name for measure in env.measures} == {*env.summarise(means)}
    assert 0.3 < env.summarise(means)["own_coin_proportion"] < 1
    own = sum(means[f"{name}_took_{name}"] for name in COLOURS[:3]) / 3
    found = env.summarise_player([means] * 3)
    assert found["own_coins"] == pytest.approx(float(own), rel=1e-5)
    assert found["lost_coins"] == pytest.approx(float(found["other_coins"]), rel=1e-5)
    empty = dict.fromkeys(means, jnp.float32(0))
    assert env.summarise(empty)["own_coin_proportion"] == pytest.approx(1 / 3)
