"""The rules of the coin game: published transitions, an independent twin, symmetry, chance."""

import itertools
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import polax
import pytest
from polax.envs.coin_game import CoinGame, CoinGameState
from polax.envs.policies.strategies import make_strategy

GOLDEN = Path(__file__).parents[1] / "golden" / "coin_game_transitions.npz"
SIZES = [3, 4, 5, 6, 7]


@pytest.fixture(scope="module")
def golden():
    return dict(np.load(GOLDEN))


def batch(players, coin, owner):
    """A state of many copies from plain arrays."""
    return CoinGameState(
        players=jnp.asarray(players, jnp.int32),
        coin=jnp.asarray(coin, jnp.int32),
        coin_owner=jnp.asarray(owner, jnp.int32),
        time=jnp.zeros(len(players), jnp.int32),
    )


def step_all(env, state, actions, seed=0):
    keys = jax.random.split(jax.random.key(seed), len(state.time))
    return jax.jit(jax.vmap(env.step_env, in_axes=(0, 0, 0, None)))(keys, state, jnp.asarray(actions), env.base_params)


def random_states(env, count, seed=0):
    keys = jax.random.split(jax.random.key(seed), count)
    return jax.jit(jax.vmap(lambda key: env.reset_env(key, env.base_params)[1]))(keys)


def golden_states(golden):
    players = np.stack([golden["red_pos"], golden["blue_pos"]], axis=1)
    return batch(players, golden["coin_pos"], 1 - golden["coin_is_red"])


def test_published_transitions_are_reproduced_exactly(golden):
    env = CoinGame(observation_layout="shared")
    actions = np.stack([golden["action_red"], golden["action_blue"]], axis=1)
    _, after, reward, _, info = step_all(env, golden_states(golden), actions)
    np.testing.assert_array_equal(after.players[:, 0], golden["next_red_pos"])
    np.testing.assert_array_equal(after.players[:, 1], golden["next_blue_pos"])
    np.testing.assert_array_equal(after.coin_owner, 1 - golden["next_coin_is_red"])
    np.testing.assert_array_equal(reward, np.stack([golden["reward_red"], golden["reward_blue"]], axis=1))
    for name, happened in info.items():
        np.testing.assert_array_equal(happened, golden[name])
    stays = golden["coin_collected"] == 0
    assert 0 < stays.sum() < len(stays)
    np.testing.assert_array_equal(after.coin[stays], golden["next_coin_pos_if_not_collected"][stays])


def test_published_observations_are_reproduced_exactly(golden):
    env = CoinGame(observation_layout="shared")
    see = jax.vmap(lambda state: env.observe(jax.random.key(0), state, None, env.base_params))
    observation = see(golden_states(golden))
    np.testing.assert_array_equal(observation[:, 0], golden["obs"])
    np.testing.assert_array_equal(observation[:, 1], golden["obs"])
    first_view = jax.vmap(lambda state: CoinGame().observe(jax.random.key(0), state, None, env.base_params)[0])
    np.testing.assert_array_equal(first_view(golden_states(golden)), golden["obs"])


@pytest.mark.parametrize("layout", ["egocentric", "shared"])
@pytest.mark.parametrize("player", [0, 1])
def test_published_scripted_actions_are_reproduced_in_either_role_and_layout(golden, layout, player):
    env = CoinGame(observation_layout=layout)
    see = jax.vmap(lambda state: env.observe(jax.random.key(0), state, None, env.base_params))
    observation = see(golden_states(golden))[:, player]
    for name, column in (("always-defect", "defect"), ("always-cooperate", "coop")):
        policy = make_strategy(name, env, player)
        actions, _ = policy.act(jax.random.key(0), observation, policy.initial_memory(len(observation)))
        np.testing.assert_array_equal(actions, golden[f"{column}_{('red', 'blue')[player]}"])


def twin_step(size, players, coin, owner, actions):
    """One step in plain Python, written from the rules: positions, rewards and whether a coin was collected."""
    moves = {0: (0, 1), 1: (0, -1), 2: (1, 0), 3: (-1, 0), 4: (0, 0)}
    moved = [
        tuple((place + by) % size for place, by in zip(player, moves[a], strict=True))
        for player, a in zip(players, actions, strict=True)
    ]
    rewards = [0, 0]
    for player in range(2):
        if moved[player] == coin:
            rewards[player] += 1
            if owner != player:
                rewards[owner] -= 2
    return moved, rewards, coin in moved


@pytest.mark.parametrize("size", SIZES)
def test_an_independent_twin_agrees_on_every_grid_size(size):
    env = CoinGame(grid_size=size, stay_action=True)
    state = random_states(env, 1500)
    # Steer half of the copies next to the coin, or collections would be rare on the larger grids.
    near = np.where(np.arange(1500)[:, None] % 2, state.players[:, 0], (np.array(state.coin) + np.array([0, 1])) % size)
    state = state.replace(players=jnp.asarray(np.stack([near, state.players[:, 1]], 1), jnp.int32))
    actions = np.random.default_rng(size).integers(0, 5, (1500, 2))
    _, after, reward, _, _ = step_all(env, state, actions)
    before, after = (jax.tree.map(lambda leaf: np.array(leaf).tolist(), one) for one in (state, after))
    collections = 0
    for i, (paid, joint) in enumerate(zip(np.array(reward).tolist(), actions.tolist(), strict=True)):
        coin = tuple(before.coin[i])
        moved, rewards, collected = twin_step(size, map(tuple, before.players[i]), coin, before.coin_owner[i], joint)
        assert [tuple(place) for place in after.players[i]] == moved
        assert paid == rewards
        assert after.coin_owner[i] == (before.coin_owner[i] ^ collected)
        assert (tuple(after.coin[i]) != coin) == collected
        assert not collected or (tuple(after.coin[i]) not in moved and max(after.coin[i]) < size)
        collections += collected
    assert collections > 100


@pytest.mark.parametrize(
    ("owner", "players", "rewards", "counts"),
    [
        (0, [[1, 0], [0, 0]], [1, 0], [1, 0, 0, 0]),
        (0, [[0, 0], [1, 0]], [-2, 1], [0, 0, 1, 0]),
        (0, [[1, 0], [1, 2]], [-1, 1], [1, 0, 1, 0]),
        (1, [[1, 0], [0, 0]], [1, -2], [0, 1, 0, 0]),
        (1, [[0, 0], [1, 0]], [0, 1], [0, 0, 0, 1]),
        (1, [[1, 0], [1, 2]], [1, -1], [0, 1, 0, 1]),
        (0, [[0, 0], [0, 0]], [0, 0], [0, 0, 0, 0]),
    ],
)
def test_taking_the_others_coin_costs_its_owner_two(owner, players, rewards, counts):
    """The coin lies at (1, 1); whoever starts at (1, 0) steps right onto it, at (1, 2) left, the others pass by."""
    actions = [[1 if player == [1, 2] else 0 for player in players]]
    _, after, reward, _, info = step_all(CoinGame(), batch([players], [[1, 1]], [owner]), actions)
    assert reward[0].tolist() == rewards
    names = ("red_took_red", "red_took_blue", "blue_took_red", "blue_took_blue")
    assert [int(info[name][0]) for name in names] == counts
    assert after.coin_owner[0] == (1 - owner if any(counts) else owner)


@pytest.mark.parametrize("size", SIZES)
def test_every_action_moves_along_its_axis_and_wraps_around(size):
    env = CoinGame(grid_size=size, stay_action=True)
    corner = [[0, 0], [size - 1, size - 1]]
    actions = [[0, 0], [1, 1], [2, 2], [3, 3], [4, 4]]
    _, after, *_ = step_all(env, batch([corner] * 5, [[1, 1]] * 5, [0] * 5), actions)
    last = size - 1
    assert after.players[:, 0].tolist() == [[0, 1], [0, last], [1, 0], [last, 0], [0, 0]]
    assert after.players[:, 1].tolist() == [[last, 0], [last, last - 1], [0, last], [last - 1, last], [last, last]]


@pytest.mark.parametrize("options", [{}, {"num_coins": 2}])
def test_swapping_the_players_swaps_rewards_and_observations(options):
    env = CoinGame(**options)
    state = random_states(env, 500)
    mirror = state.replace(players=state.players[:, ::-1])
    if env.num_coins == 2:
        mirror = mirror.replace(coin=state.coin[:, ::-1])
    else:
        mirror = mirror.replace(coin_owner=1 - state.coin_owner)
    actions = np.random.default_rng(1).integers(0, 4, (500, 2))
    _, _, reward, _, _ = step_all(env, state, actions)
    _, _, swapped, _, _ = step_all(env, mirror, actions[:, ::-1])
    np.testing.assert_array_equal(reward, swapped[:, ::-1])
    assert (reward != 0).any()
    see = jax.vmap(lambda one: env.observe(jax.random.key(0), one, None, env.base_params))
    np.testing.assert_array_equal(see(state), see(mirror)[:, ::-1])


def chi_square(counts):
    expected = counts.sum() / counts.size
    return float(((counts - expected) ** 2 / expected).sum())


def bound(cells):
    """Mean plus five standard deviations of a chi-square variable: seeded, so this either always holds or never."""
    freedom = cells - 1
    return freedom + 5 * np.sqrt(2 * freedom)


@pytest.mark.parametrize("size", SIZES)
def test_start_positions_coin_and_colour_are_uniform_and_independent(size):
    state = random_states(CoinGame(grid_size=size), 40_000)
    cell = lambda place: np.array(place[..., 0] * size + place[..., 1])  # noqa: E731 - a formula with a name
    red, blue, coin, owner = cell(state.players[:, 0]), cell(state.players[:, 1]), cell(state.coin), state.coin_owner
    assert ((coin != red) & (coin != blue)).all()
    pairs = [(red, blue), (red, owner), (blue, owner), (coin, owner)]
    for first, second in pairs:
        counts = np.zeros((size**2, size**2 if second is blue else 2))
        np.add.at(counts, (first, np.array(second)), 1)
        assert chi_square(counts) < bound(counts.size)
    # Seen from red, the coin is uniform over the other cells, whatever the blue player does.
    away = (coin - red) % size**2
    assert away.min() > 0
    assert chi_square(np.bincount(cell((state.coin - state.players[:, 0]) % size), minlength=size**2)[1:]) < bound(
        size**2 - 1
    )


def test_starts_are_uniform_for_keys_of_successive_seeds_too():
    env = CoinGame()
    seeds = jnp.arange(40_000)
    state = jax.jit(jax.vmap(lambda seed: env.reset_env(jax.random.key(seed), env.base_params)[1]))(seeds)
    red, blue = (np.array(state.players[:, player]) @ [3, 1] for player in range(2))
    for first, second in ((red, blue), (red[1:], red[:-1]), (red[256:], red[:-256])):
        counts = np.zeros((9, 9))
        np.add.at(counts, (first, second), 1)
        assert chi_square(counts) < bound(81)


def test_a_new_coin_is_uniform_over_the_cells_without_a_player():
    env = CoinGame()
    for players, free in (([[1, 0], [2, 2]], 7), ([[1, 0], [1, 2]], 8)):
        actions = [[0, 1 if free == 8 else 0]] * 20_000
        _, after, *_ = step_all(env, batch([players] * 20_000, [[1, 1]] * 20_000, [0] * 20_000), actions)
        counts = np.bincount(np.array(after.coin[:, 0] * 3 + after.coin[:, 1]), minlength=9)
        assert (counts > 0).sum() == free
        assert chi_square(counts[counts > 0]) < bound(free)


def test_with_random_colours_the_next_coin_may_have_either_colour():
    env = CoinGame(coin_colour="random")
    state = batch([[[1, 0], [2, 2]]] * 20_000, [[1, 1]] * 20_000, [0] * 20_000)
    _, after, *_ = step_all(env, state, [[0, 0]] * 20_000)
    counts = np.zeros((9, 2))
    np.add.at(counts, (np.array(after.coin[:, 0] * 3 + after.coin[:, 1]), np.array(after.coin_owner)), 1)
    taken = counts[counts.sum(1) > 0]
    assert taken.shape == (7, 2)
    assert chi_square(taken) < bound(14)
    untouched = batch([[[0, 0], [2, 2]]] * 100, [[1, 1]] * 100, [1] * 100)
    _, after, *_ = step_all(env, untouched, [[0, 0]] * 100)
    assert (after.coin_owner == 1).all()


def test_with_two_coins_each_keeps_its_colour_and_comes_back_elsewhere():
    env = CoinGame(num_coins=2)
    state = random_states(env, 4000)
    actions = np.random.default_rng(2).integers(0, 4, (4000, 2))
    observation, after, reward, _, info = step_all(env, state, actions)
    assert after.coin_owner.tolist() == [[0, 1]] * 4000
    players, coins = np.array(after.players), np.array(state.coin)
    on = (players[:, :, None] == coins[:, None]).all(-1)  # [copy, player, coin]
    names = (("red_took_red", "red_took_blue"), ("blue_took_red", "blue_took_blue"))
    for player, coin in itertools.product(range(2), range(2)):
        np.testing.assert_array_equal(info[names[player][coin]], on[:, player, coin])
    own, other = on[:, [0, 1], [0, 1]], on[:, [0, 1], [1, 0]]
    np.testing.assert_array_equal(reward, own + other - 2.0 * other[:, ::-1])
    collected = on.any(1)
    assert collected.all(1).any()
    new = np.array(after.coin)
    np.testing.assert_array_equal(new[~collected], coins[~collected])
    occupied = (new[:, :, None] == players[:, None]).all(-1).any(-1)
    assert not occupied[collected].any()
    assert not (new[:, 0] == new[:, 1]).all(-1).any()
    # Planes of both viewers: own player, other player, own coin, other's coin.
    seen = np.array(observation).reshape(4000, 2, 4, 9).argmax(-1)
    cells = np.concatenate([players, new], axis=1) @ [3, 1]
    np.testing.assert_array_equal(seen[:, 0], cells)
    np.testing.assert_array_equal(seen[:, 1], cells[:, [1, 0, 3, 2]])


def test_two_new_coins_at_once_are_uniform_over_pairs_of_free_cells():
    env = CoinGame(num_coins=2)
    state = CoinGameState(
        players=jnp.tile(jnp.array([[0, 0], [0, 2]]), (30_000, 1, 1)),
        coin=jnp.tile(jnp.array([[1, 0], [1, 2]]), (30_000, 1, 1)),
        coin_owner=jnp.tile(jnp.array([0, 1]), (30_000, 1)),
        time=jnp.zeros(30_000, jnp.int32),
    )
    _, after, *_ = step_all(env, state, [[2, 2]] * 30_000)
    cells = np.array(after.coin) @ [3, 1]
    counts = np.zeros((9, 9))
    np.add.at(counts, (cells[:, 0], cells[:, 1]), 1)
    assert (counts > 0).sum() == 7 * 6
    assert chi_square(counts[counts > 0]) < bound(42)


def test_rewards_are_numbers_of_the_params():
    env = CoinGame()
    params = env.base_params.replace(own_coin_reward=3.0, other_coin_reward=0.5, stolen_coin_reward=-7.0)
    state = jax.tree.map(lambda leaf: leaf[0], batch([[[1, 0], [1, 2]]], [[1, 1]], [1]))
    _, _, reward, *_ = env.step(jax.random.key(0), state, jnp.array([0, 1]), params)
    assert reward.tolist() == [0.5, 3.0 - 7.0]
    assert reward.dtype == jnp.float32


def test_the_proportion_of_own_coins_is_a_half_where_nobody_collected_any():
    env = CoinGame()
    names = ("red_took_red", "red_took_blue", "blue_took_red", "blue_took_blue")
    nothing = env.summarise(dict.fromkeys(names, jnp.float32(0)))
    assert nothing["own_coin_proportion"] == 0.5
    rates = dict(zip(names, map(jnp.float32, (0.2, 0.1, 0.3, 0.4)), strict=True))
    summary = env.summarise(rates)
    np.testing.assert_allclose(summary["own_coin_proportion"], 0.6, rtol=1e-6)
    assert {name: summary[name] for name in names} == rates
    gradient = jax.grad(lambda x: env.summarise(dict.fromkeys(names, x))["own_coin_proportion"])(0.0)
    assert np.isfinite(gradient)


def test_reference_scores_belong_to_the_published_game_only():
    game = CoinGame()
    assert game.reference_scores(game.base_params)["optimum"] == 0.35
    assert CoinGame(observation_layout="shared").reference_scores(game.base_params)["mutual defection"] == 0
    assert CoinGame(grid_size=4).reference_scores(game.base_params) == {}
    assert game.reference_scores(game.base_params.replace(own_coin_reward=jnp.float32(2))) == {}


@pytest.mark.parametrize("actions", [[0], [0, 1, 0], 1, [[0, 1]]])
def test_a_joint_action_of_another_length_is_refused(actions):
    env, params = polax.make_env("CoinGame-v0")
    _, state = env.reset_env(jax.random.key(0), params)
    with pytest.raises(ValueError, match="needs one action for each of 2 players, got shape"):
        env.step_env(jax.random.key(1), state, jnp.asarray(actions), params)
    with pytest.raises(ValueError, match="needs one action for each of 2 players, got shape"):
        env.step(jax.random.key(1), state, actions, params)  # gymnax traces each entry of a list by itself
