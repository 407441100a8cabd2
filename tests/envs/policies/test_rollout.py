"""`polax.rollout`: what is recorded, by either engine, and what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import polax
import pytest
from polax.envs.policies.play import play

STEPS, COPIES = 4, 3


class Copycat:
    """Tit-for-tat in ordinary Python."""

    def initial_memory(self, num_envs):
        return None

    def act(self, key, observation, memory):
        return np.where(np.asarray(observation)[:, 3] == 1, 0, 1), memory


@pytest.fixture(scope="module")
def ipd():
    return polax.make_env("IPD-v0", max_steps_in_episode=STEPS)


@pytest.mark.parametrize("first", ["tit-for-tat", Copycat()], ids=["compiled", "python"])
def test_every_array_has_the_documented_shape_type_and_content(ipd, first):
    played = polax.rollout(*ipd, [first, "always-defect"], jax.random.key(0), num_envs=COPIES)
    assert played.observations.shape == (STEPS + 1, COPIES, 2, 6)
    assert played.actions.shape == played.rewards.shape == (STEPS, COPIES, 2)
    assert [each.dtype for each in played[:4]] == ["float32", "int32", "float32", "bool"]
    assert played.actions[:, 1].tolist() == [[1, 0], [0, 0], [0, 0], [0, 0]]
    np.testing.assert_allclose(played.rewards[:2, 0], [[-0.335, 0.665], [0, 0]], atol=1e-6)
    assert played.done.tolist() == [[False] * COPIES] * (STEPS - 1) + [[True] * COPIES]
    assert {name: values.shape for name, values in played.info.items()}["cooperate_defect"] == (STEPS, COPIES)
    assert played.info["cooperate_defect"][:, 2].tolist() == [1, 0, 0, 0]
    start, after_first, *_, last = np.asarray(played.observations)[:, 0, 0]
    assert start.tolist() == [0, 0, 1, 0, 0, 1]
    assert after_first.tolist() == [0, 1, 0, 1, 0, 0]  # it cooperated, the other one did not
    assert last.tolist() == [1, 0, 0, 1, 0, 0]


def test_both_engines_record_the_same_arrays():
    env, params = polax.make_env("CoinGame-v0", max_steps_in_episode=STEPS)

    class Cautious:
        """Compiled code behind an object, which therefore plays in Python."""

        def __init__(self, policy):
            self.initial_memory, self.act = policy.initial_memory, policy.act

    policies = [polax.make_policy("random", env, params, player=player) for player in (0, 1)]
    compiled = polax.rollout(env, params, policies, jax.random.key(1), num_envs=COPIES)
    python = polax.rollout(env, params, [Cautious(policies[0]), policies[1]], jax.random.key(1), num_envs=COPIES)
    assert isinstance(python.actions, np.ndarray)
    assert isinstance(compiled.actions, jax.Array)
    assert len(np.unique(compiled.actions)) > 1
    jax.tree.map(np.testing.assert_array_equal, python, jax.device_get(compiled))


def test_it_plays_the_episodes_that_are_scored(ipd):
    env, params = ipd
    policies = [polax.make_policy("random", env, params, player=player) for player in (0, 1)]
    played = polax.rollout(env, params, policies, jax.random.key(2), num_envs=COPIES)
    scored = play(jax.random.key(2), env, params, policies, num_envs=COPIES, num_steps=STEPS)
    np.testing.assert_allclose(played.rewards.mean((0, 1)), scored.reward, atol=1e-6)


def test_it_is_compiled_into_a_larger_program_and_mapped_over_params(ipd):
    env, params = ipd
    policies = [polax.make_policy(name, env, params, player=p) for p, name in enumerate(["always-cooperate"] * 2)]

    @jax.jit
    def score(params, policies, key):
        played = polax.rollout(env, params, policies, key, num_envs=COPIES, num_steps=STEPS)
        return played.rewards.mean(), played.done

    factors = jnp.array([1.25, 1.75])
    several = jax.vmap(lambda factor: polax.make_env("IPD-v0", contribution_factor=factor)[1])(factors)
    several = several.replace(max_steps_in_episode=jnp.array([2, STEPS]))
    scores, done = jax.vmap(score, in_axes=(0, None, None))(several, policies, jax.random.key(0))
    np.testing.assert_allclose(scores, factors - 1, atol=1e-6)
    assert done[:, :, 0].tolist() == [[False, True, True, True], [False, False, False, True]]  # by each game's horizon


def test_fewer_steps_leave_the_episode_open(ipd):
    played = polax.rollout(*ipd, ["grim", "grim"], jax.random.key(0), num_steps=2)
    assert played.actions.shape == (2, 1, 2)
    assert not played.done.any()


@pytest.mark.parametrize(
    ("policies", "settings", "message"),
    [
        ("grim", {}, r"policies must be a list, such as \['grim'\], not 'grim' alone"),
        (3, {}, "policies must be a list, not 3"),
        ([], {}, "policies is empty; give at least one"),
        (["grim"], {}, "IPD-v0 needs 2 policies, one for each player; got 1"),
        (["grim"] * 3, {}, "IPD-v0 needs 2 policies, one for each player; got 3"),
        (["grim", "grimm"], {}, "did you mean 'grim'"),
        (["grim", 5], {}, "a player is the name of a strategy, a Policy, the path of a run"),
        (["grim", "grim"], {"num_envs": 0}, "num_envs must be a whole number of at least 1; got 0"),
        (["grim", "grim"], {"num_steps": 2.5}, "num_steps must be a whole number of at least 1; got 2.5"),
        (["grim", "grim"], {"num_steps": 5}, "num_steps is 5, and an episode of IPD-v0 has 4 steps; record more"),
    ],
)
def test_what_cannot_be_played_is_refused_in_a_sentence(ipd, policies, settings, message):
    with pytest.raises(polax.PolaxError, match=message) as caught:
        polax.rollout(*ipd, policies, jax.random.key(0), **settings)
    assert "\n" not in str(caught.value)


def test_a_traced_horizon_needs_the_number_of_steps(ipd):
    env, params = ipd
    with pytest.raises(polax.OptionError, match="num_steps must be given where params is traced"):
        jax.jit(lambda params: polax.rollout(env, params, ["grim", "grim"], jax.random.key(0)))(params)
