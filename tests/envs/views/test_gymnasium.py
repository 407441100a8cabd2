"""The games through Gymnasium."""

import subprocess
import sys

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import polax
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode
from polax.envs.policies.strategies import make_strategy
from polax.envs.views.gymnasium import GameEnv

IDS = ["IPD-v0", "StagHunt-v0", "Chicken-v0", "MatchingPennies-v0", "CoinGame-v0", "PublicGoods-v0"]


@pytest.mark.slow
@pytest.mark.parametrize("env_id", IDS)
@pytest.mark.parametrize("render_mode", [None, "rgb_array", "ansi", "human"])
@pytest.mark.filterwarnings("ignore:no window can be opened here")  # where the tests run without a display
def test_gymnasiums_checker_has_nothing_to_say(env_id, render_mode, monkeypatch):
    monkeypatch.setitem(GameEnv.metadata, "render_fps", 1000)  # nobody is watching
    env = gymnasium.make(env_id, render_mode=render_mode)
    check_env(env.unwrapped, skip_render_check=render_mode == "human")
    env.close()


def test_the_id_works_with_its_module_too():
    assert gymnasium.make("polax:CoinGame-v0", grid_size=4).observation_space.shape == (64,)


@pytest.mark.parametrize(("env_id", "player"), [("IPD-v0", 0), ("CoinGame-v0", 0), ("CoinGame-v0", 1)])
def test_the_view_agrees_step_by_step_with_the_game(env_id, player):
    """The view's reported rewards and observations follow from its own states and actions by the native step."""
    env = gymnasium.make(env_id, opponent="tit-for-tat", player=player, max_steps_in_episode=20).unwrapped
    game, params = polax.make_env(env_id, max_steps_in_episode=20)
    opponent = make_strategy("tit-for-tat", game, 1 - player)
    step = jax.jit(game.step_env)
    see = jax.jit(lambda state: game.observe(jax.random.key(0), state, None, params))
    act = jax.jit(opponent.act)
    rng = np.random.default_rng(player)
    for episode in range(10):
        observation, info = env.reset(seed=7 if episode == 0 else None)
        assert info == {}
        memory = opponent.initial_memory(1)
        for time in range(1, 21):
            before = env._host.state()
            both = np.asarray(see(before))
            np.testing.assert_array_equal(observation, both[player])
            other, memory = act(jax.random.key(0), both[1 - player][None], memory)
            action = int(rng.integers(env.action_space.n))
            joint = jnp.array([action, other[0]] if player == 0 else [other[0], action])
            _, native, rewards, _, counts = step(jax.random.key(0), before, joint, params)
            observation, reward, terminated, truncated, info = env.step(action)
            np.testing.assert_array_equal(info.pop("rewards"), rewards)
            assert reward == rewards[player]
            assert info == {name: float(value) for name, value in counts.items()}
            assert not terminated
            assert truncated == (time == 20)
            after = env._host.state()
            moved = native.players if env_id == "CoinGame-v0" else native.last_actions
            np.testing.assert_array_equal(after.players if env_id == "CoinGame-v0" else after.last_actions, moved)


def episode(env, seed, actions):
    """What an agent sees of two episodes."""
    seen = [env.reset(seed=seed)[0]]
    for action in actions:
        observation, reward, _, truncated, _ = env.step(action)
        seen += [observation, reward]
        if truncated:
            seen.append(env.reset()[0])
    return np.concatenate([np.ravel(one) for one in seen])


def test_the_same_seed_gives_the_same_episodes_and_another_seed_others():
    actions = np.random.default_rng(0).integers(0, 4, 30)
    runs = [
        episode(gymnasium.make("CoinGame-v0", opponent="random", max_steps_in_episode=10), seed, actions)
        for seed in (3, 3, 4, 2**40)
    ]
    np.testing.assert_array_equal(runs[0], runs[1])
    assert (runs[0] != runs[2]).any()
    assert (runs[2] != runs[3]).any()


def test_each_copy_of_make_vec_plays_what_a_single_environment_of_its_seed_plays():
    options = {"opponent": "random", "max_steps_in_episode": 4}
    vector = gymnasium.make_vec("CoinGame-v0", num_envs=3, **options)
    singles = [gymnasium.make("CoinGame-v0", **options) for _ in range(3)]
    assert vector.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
    observation, _ = vector.reset(seed=5)
    firsts = [env.reset(seed=5 + copy)[0] for copy, env in enumerate(singles)]
    np.testing.assert_array_equal(observation, firsts)
    assert len(np.unique(observation, axis=0)) > 1
    rng = np.random.default_rng(0)
    for time in range(1, 11):
        actions = rng.integers(0, 4, 3)
        observation, reward, terminated, truncated, info = vector.step(actions)
        steps = [env.step(action) for env, action in zip(singles, actions, strict=True)]
        np.testing.assert_array_equal(reward, [step[1] for step in steps])
        assert not terminated.any()
        assert truncated.tolist() == [time % 4 == 0] * 3
        if time % 4 == 0:
            assert info["_final_obs"].all()
            assert info["_final_info"].all()
            np.testing.assert_array_equal(np.stack(info["final_obs"]), [step[0] for step in steps])
            rewards = info["final_info"]["rewards"]
            np.testing.assert_array_equal(observation, [env.reset()[0] for env in singles])
        else:
            np.testing.assert_array_equal(observation, [step[0] for step in steps])
            rewards = info["rewards"]
        np.testing.assert_array_equal(rewards, [step[4]["rewards"] for step in steps])
        assert vector.observation_space.contains(observation)
    vector.close()


@pytest.mark.slow
@pytest.mark.parametrize(("env_id", "player"), [("IPD-v0", 1), ("CoinGame-v0", 0)])
def test_a_thousand_random_episodes_agree_with_the_game(env_id, player):
    """200 copies play five episodes; every step, start and end of them is what the native step makes of it."""
    options = {"num_envs": 200, "opponent": "tit-for-tat", "player": player, "max_steps_in_episode": 6}
    env = gymnasium.make_vec(env_id, **options)
    game, params = polax.make_env(env_id, max_steps_in_episode=6)
    step = jax.jit(jax.vmap(game.step_env, in_axes=(0, 0, 0, None)))
    see = jax.jit(jax.vmap(lambda state: game.observe(jax.random.key(0), state, None, params)))
    opponent = make_strategy("tit-for-tat", game, 1 - player)
    act, keys = jax.jit(opponent.act), jax.random.split(jax.random.key(0), 200)
    rng = np.random.default_rng(player)
    observation, _ = env.reset(seed=0)
    for _ in range(5):
        memory = opponent.initial_memory(200)
        for time in range(1, 7):
            before = env._carry.state
            both = np.asarray(see(before))
            np.testing.assert_array_equal(observation, both[:, player])
            others, memory = act(keys[0], both[:, 1 - player], memory)
            own = rng.integers(0, game.num_actions, 200)
            joint = np.stack([own, others] if player == 0 else [others, own], axis=1)
            seen, _, rewards, _, counts = step(keys, before, joint, params)
            observation, reward, terminated, truncated, info = env.step(own)
            np.testing.assert_array_equal(reward, np.asarray(rewards)[:, player])
            assert not terminated.any()
            assert truncated.tolist() == [time == 6] * 200
            last = np.stack(info["final_obs"]) if time == 6 else observation
            info = info["final_info"] if time == 6 else info
            np.testing.assert_array_equal(info["rewards"], rewards)
            for name, count in counts.items():
                np.testing.assert_array_equal(info[name], count)
            players = slice(0, 18) if env_id == "CoinGame-v0" else slice(None)  # a new coin may lie elsewhere
            np.testing.assert_array_equal(last[:, players], np.asarray(seen)[:, player, players])


@pytest.mark.parametrize("env_id", ["IPD-v0", "CoinGame-v0"])
@pytest.mark.parametrize("render_mode", ["rgb_array", "ansi"])
def test_make_vec_shows_each_copy_as_a_single_environment_would(env_id, render_mode):
    options = {"opponent": "random", "max_steps_in_episode": 3, "render_mode": render_mode, "render_size": 120}
    vector = gymnasium.make_vec(env_id, num_envs=2, **options)
    singles = [gymnasium.make(env_id, **options) for _ in range(2)]
    with pytest.raises(gymnasium.error.ResetNeeded, match="call reset"):
        vector.render()
    vector.reset(seed=4)
    for copy, env in enumerate(singles):
        env.reset(seed=4 + copy)
    for time in range(4):
        pictures = vector.render()
        assert isinstance(pictures, tuple)
        for picture, env in zip(pictures, singles, strict=True):
            np.testing.assert_array_equal(picture, env.render())
        vector.step([1, 0])
        for action, env in zip([1, 0], singles, strict=True):
            if env.step(action)[3]:
                env.reset()
        assert vector.unwrapped._time == (time + 1) % 3
    vector.close()
    with pytest.raises(gymnasium.error.ClosedEnvironmentError, match="was closed"):
        vector.render()


@pytest.mark.parametrize("render_mode", ["human", "rgb"])
def test_make_vec_says_how_it_can_draw(render_mode):
    with pytest.raises(ValueError, match=f"None or one of rgb_array, ansi; got '{render_mode}'"):
        gymnasium.make_vec("IPD-v0", num_envs=2, render_mode=render_mode)
    env = gymnasium.make_vec("IPD-v0", num_envs=2)
    env.reset(seed=0)
    with pytest.raises(ValueError, match="nothing to render: make the environment with render_mode="):
        env.render()


def test_a_policy_value_may_be_the_opponent():
    game, _ = polax.make_env("IPD-v0")
    env = gymnasium.make("IPD-v0", opponent=make_strategy("always-cooperate", game, 1))
    env.reset(seed=0)
    assert [env.step(0)[1] for _ in range(3)] == pytest.approx([0.665] * 3)


def test_a_step_compiles_once_for_all_equal_environments():
    from polax.envs.views.host import _advance

    for seed in range(3):
        env = gymnasium.make("IPD-v0", opponent="grim", max_steps_in_episode=5 + seed)
        env.reset(seed=seed)
        env.step(1)
        if seed == 0:
            compiled = _advance._cache_size()
    assert _advance._cache_size() == compiled


@pytest.mark.parametrize(
    ("action", "error", "message"),
    [
        (4, ValueError, r"action of player_1 in CoinGame-v0 must be an integer from 0 to 3 \(0 right.*got 4"),
        (-1, ValueError, "got -1"),
        (1.0, TypeError, "action of player_1 in CoinGame-v0 must be an integer"),
        ("up", TypeError, "got 'up'"),
        (np.array([1, 2]), TypeError, "must be an integer"),
        (True, TypeError, "got True"),
        (None, TypeError, "got None"),
    ],
)
def test_bad_actions_name_player_action_and_range(action, error, message):
    env = gymnasium.make("CoinGame-v0", player=1).unwrapped
    env.reset(seed=0)
    with pytest.raises(error, match=message):
        env.step(action)
    assert env.step(np.int64(1))[3] is False


def test_steps_out_of_order_say_what_to_do():
    env = gymnasium.make("IPD-v0", max_steps_in_episode=1, render_mode="ansi").unwrapped
    with pytest.raises(gymnasium.error.ResetNeeded, match="call reset\\(\\) before step"):
        env.step(0)
    with pytest.raises(gymnasium.error.ResetNeeded, match="call reset"):
        env.render()
    env.reset()
    env.step(0)
    with pytest.raises(gymnasium.error.ResetNeeded, match="ended after 1 steps"):
        env.step(0)
    env.close()
    for call in (env.render, lambda: env.step(0)):
        with pytest.raises(gymnasium.error.ClosedEnvironmentError, match="was closed"):
            call()
    env.reset()  # Stable-Baselines3's checker closes an environment and continues to use it
    assert env.step(0)[3]


def test_vector_steps_out_of_order_and_bad_actions_say_what_is_wrong():
    env = gymnasium.make_vec("IPD-v0", num_envs=2)
    with pytest.raises(gymnasium.error.ResetNeeded, match="call reset"):
        env.step([0, 0])
    env.reset(seed=[1, None])
    with pytest.raises(ValueError, match="needs one for each of 2 copies; got 3"):
        env.reset(seed=[1, 2, 3])
    with pytest.raises(ValueError, match=r"copy 1: the action of player_0 .* got 2"):
        env.step([0, 2])
    with pytest.raises(ValueError, match=r"shape \(2,\); got shape \(3,\)"):
        env.step([0, 0, 0])
    with pytest.raises(TypeError, match="must be integers; got float64"):
        env.step([0.0, 1.0])
    env.close()
    with pytest.raises(gymnasium.error.ClosedEnvironmentError, match="was closed"):
        env.reset()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"opponent": "tit-for-tta"}, "did you mean 'tit-for-tat'"),
        ({"opponent": 3}, "prefixes axelrod, run.*; got 3"),
        (
            {"opponent": ["random", "random"]},
            r"of 2 players needs one opponent for all or a list of 1 \(player 1\); got",
        ),
        ({"player": 2}, "player must be a whole number from 0 to 1, not 2"),
        ({"player": "red"}, "player must be a whole number from 0 to 1, not 'red'"),
        ({"render_mode": "rgb"}, "render_mode must be None or one of rgb_array, human, ansi"),
        ({"contribution_factr": 1.5}, "did you mean 'contribution_factor'"),
    ],
)
def test_what_cannot_be_made_says_why(options, message):
    with pytest.raises(ValueError, match=message):
        GameEnv("IPD-v0", **options)


def test_opponents_are_one_for_all_or_one_for_each():
    actions = {}
    for opponent in ("always-cooperate", ["always-defect", "always-cooperate"]):
        env = gymnasium.make("PublicGoods-v0", num_players=3, player=1, opponent=opponent, max_steps_in_episode=2)
        env.reset(seed=0)
        observation, reward, *_, info = env.step(1)
        actions[str(opponent)] = [int(info[f"contributed_{player}"]) for player in range(3)]
        assert observation[:3].tolist() == [0, 1, 0]
        assert reward == pytest.approx(1.33 * sum(actions[str(opponent)]) / 3 - 1)
    assert [*actions.values()] == [[1, 1, 1], [0, 1, 1]]
    message = r"of 3 players needs one opponent for all or a list of 2 \(player 0, player 2\); got a list of 3"
    with pytest.raises(polax.OptionError, match=message):
        gymnasium.make("PublicGoods-v0", player=1, opponent=["random"] * 3)


def test_copies_of_a_game_of_many_players_play_what_single_environments_play():
    options = {"num_players": 16, "opponent": "random", "max_steps_in_episode": 40}
    vector = gymnasium.make_vec("PublicGoods-v0", num_envs=2, **options)
    single = gymnasium.make("PublicGoods-v0", **options)
    vector.reset(seed=3)
    single.reset(seed=4)
    played = []
    for _ in range(39):
        *_, together = vector.step(np.array([0, 1]))
        *_, alone = single.step(1)
        np.testing.assert_array_equal(together["rewards"][1], alone["rewards"])
        played.append([alone[f"contributed_{player}"] for player in range(16)])
    others = np.array(played)[:, 1:]
    assert (others.mean(axis=0) > 0.1).all()  # every opponent draws
    assert len(np.unique(others, axis=1).T) == 15  # numbers of its own


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(polax.PolaxError, match="is not a run folder"):
        GameEnv("IPD-v0", opponent=str(tmp_path))


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    """A short training run in the IPD."""
    from polax.runner.cli import main

    path = tmp_path_factory.mktemp("runs") / "naive"
    assert main(["train", "naive", "IPD-v0", "--updates", "1", "--out", str(path), "--hidden-size", "4"]) == 0
    return path


@pytest.mark.slow
def test_a_training_run_may_be_the_opponent(run_folder):
    env = gymnasium.make("IPD-v0", opponent=str(run_folder), player=1)
    env.reset(seed=0)
    rewards = [env.step(0)[1] for _ in range(20)]
    assert {round(reward, 3) for reward in rewards} == {0.0, 0.665}  # an untrained player does now this, now that


@pytest.mark.parametrize(
    ("env_id", "opponent", "options", "message"),
    [
        ("Chicken-v0", "", {}, "learned IPD-v0; it cannot play Chicken-v0"),
        ("IPD-v0", "", {"observation_layout": "shared"}, "learned another form of IPD-v0"),
        ("IPD-v0", "#9", {}, "has no seed 9"),
    ],
)
def test_a_run_that_does_not_fit_is_refused(run_folder, env_id, opponent, options, message):
    with pytest.raises(polax.PolaxError, match=message):
        GameEnv(env_id, opponent=f"{run_folder}{opponent}", **options)


def test_a_forked_process_says_what_to_do_instead_of_waiting_forever(monkeypatch):
    from polax.envs.views import host

    monkeypatch.setattr(host, "_IMPORTED_IN", -1)
    for make in (lambda: gymnasium.make("IPD-v0"), lambda: gymnasium.make_vec("IPD-v0", 2)):
        with pytest.raises(RuntimeError, match=r"vector_kwargs=\{'context': 'spawn'\}"):
            make()


@pytest.mark.slow
@pytest.mark.parametrize("context", ["fork", "spawn"])
def test_copies_in_processes_of_their_own_work_where_they_are_spawned(context, tmp_path):
    code = """
import sys, gymnasium, polax
if __name__ == "__main__":
    kind = {"context": sys.argv[1]}
    env = gymnasium.make_vec("IPD-v0", 2, vectorization_mode="async", vector_kwargs=kind)
    print(env.reset(seed=0)[0].shape)
"""
    (tmp_path / "program.py").write_text(code)
    words = [sys.executable, str(tmp_path / "program.py"), context]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120)
    if context == "spawn":
        assert done.stdout.strip() == "(2, 6)", done.stderr
    else:
        assert "this process is a fork of one that has loaded jax" in done.stderr
