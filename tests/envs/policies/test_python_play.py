"""Players of ordinary Python as opponents, beside the compiled ones."""

import sys

import gymnasium
import jax
import numpy as np
import polax
import pytest
from polax.envs.policies.play import is_compiled
from polax.envs.policies.python_play import for_python
from polax.envs.policies.strategies import make_strategy
from polax.envs.rendering.recorder import record_episode


class Copycat:
    """Tit-for-tat by hand."""

    def __init__(self):
        self.episodes = 0

    def initial_memory(self, num_envs):
        self.episodes += 1
        return [0] * num_envs

    def act(self, key, observation, memory):
        assert jax.dtypes.issubdtype(key.dtype, jax.dtypes.prng_key)
        others = np.asarray(observation)[:, 3:].argmax(-1)
        assert [step == 0 for step in memory] == (others == 2).tolist()
        return np.where(others == 0, 0, 1), [step + 1 for step in memory]


class Wrong(Copycat):
    """Plays what is not allowed."""

    def act(self, key, observation, memory):
        return np.full(len(memory), 7), memory


def test_a_pytree_of_arrays_is_compiled_and_an_object_is_not():
    game, _ = polax.make_env("IPD-v0")
    scripted = [make_strategy(name, game, 0) for name in game.strategies]
    assert all(is_compiled(policy) for policy in scripted)
    assert not is_compiled(Copycat())
    assert for_python(scripted[0]) is not scripted[0]
    by_hand = Copycat()
    assert for_python(by_hand) is by_hand


@pytest.mark.parametrize("player", [0, 1])
def test_a_player_in_python_plays_what_its_compiled_twin_plays(player):
    options = {"player": player, "max_steps_in_episode": 5}
    copycat = Copycat()
    by_hand = gymnasium.make("IPD-v0", opponent=copycat, **options)
    compiled = gymnasium.make("IPD-v0", opponent="tit-for-tat", **options)
    rng = np.random.default_rng(player)
    for episode in range(4):
        seed = 3 if episode == 0 else None
        np.testing.assert_array_equal(by_hand.reset(seed=seed)[0], compiled.reset(seed=seed)[0])
        for _ in range(5):
            action = int(rng.integers(2))
            ours, theirs = by_hand.step(action), compiled.step(action)
            np.testing.assert_array_equal(ours[0], theirs[0])
            assert ours[1:4] == theirs[1:4]
    assert copycat.episodes == 4


def test_all_copies_of_make_vec_may_meet_a_player_in_python():
    options = {"num_envs": 3, "max_steps_in_episode": 4}
    by_hand = gymnasium.make_vec("IPD-v0", opponent=Copycat(), **options)
    compiled = gymnasium.make_vec("IPD-v0", opponent="tit-for-tat", **options)
    np.testing.assert_array_equal(by_hand.reset(seed=1)[0], compiled.reset(seed=1)[0])
    rng = np.random.default_rng(0)
    for _ in range(9):
        actions = rng.integers(0, 2, 3)
        ours, theirs = by_hand.step(actions), compiled.step(actions)
        for mine, other in zip(ours[:4], theirs[:4], strict=True):
            np.testing.assert_array_equal(mine, other)


def test_a_wrong_action_of_a_player_in_python_is_named():
    one = gymnasium.make("IPD-v0", opponent=Wrong())
    one.reset(seed=0)
    with pytest.raises(ValueError, match=r"action of player_1 in IPD-v0 must be .* got 7"):
        one.step(0)
    many = gymnasium.make_vec("IPD-v0", num_envs=2, opponent=Wrong())
    many.reset(seed=0)
    with pytest.raises(ValueError, match=r"copy 0: the action of player_1 .* got 7"):
        many.step([0, 0])


def test_an_episode_between_a_compiled_player_and_one_in_python_is_recorded():
    game, params = polax.make_env("IPD-v0", max_steps_in_episode=3)
    frames = record_episode(game, params, [make_strategy("always-defect", game, 0), Copycat()], seed=0)
    assert frames[-1].history == ((0, 1), (0, 0), (0, 0))


@pytest.mark.parametrize("opponent", ["axelrod:Tit For Tat", "axelrod:"])
def test_without_the_axelrod_library_it_is_said_what_to_install(monkeypatch, opponent):
    monkeypatch.setitem(sys.modules, "axelrod", None)
    with pytest.raises(
        polax.PolaxError, match=r"Axelrod library is not installed here: pip install 'polax\[axelrod\]'"
    ):
        gymnasium.make("IPD-v0", opponent=opponent)


def test_without_jaxmarl_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "jaxmarl", None)
    monkeypatch.delitem(sys.modules, "polax.envs.views.jaxmarl", raising=False)
    with pytest.raises(ImportError, match=r"JaxMARL is not installed here: pip install 'polax\[jaxmarl\]'"):
        __import__("polax.envs.views.jaxmarl")
