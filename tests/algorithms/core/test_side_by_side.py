"""A learner for each player: the same numbers as one learner of both, foreign opponents, and who cannot meet."""

from dataclasses import make_dataclass

import jax
import jax.numpy as jnp
import numpy as np
import polax
import pytest
from polax.algorithms.base import AlgorithmPlugin, PlayerLearner, Shown
from polax.envs.policies.play import play
from polax.options import OptionError, PolaxError
from polax.registry import PluginError, UnknownNameError
from polax.runner.runs.spec import build, resolve

SMALL = {"num_envs": 4, "hidden_size": 3}
LOOKAHEAD = {**SMALL, "inner_steps": 1, "outer_steps": 1}
STEPS = 5


def make(name, *options, game="IPD-v0"):
    env, params = polax.make_env(game, max_steps_in_episode=STEPS)
    given = {f"player_{player}": each for player, each in enumerate(options) if each is not None}
    return polax.make_algorithm(name, env, params, **given)


def two_updates(algorithm):
    state = algorithm.init(jax.random.key(0))
    for number in range(2):
        state, metrics = algorithm.update(jax.random.key(number), state)
    return state, metrics


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("naive", {**SMALL, "outer_steps": 2, "keep_optimizer": True}),
        ("lola-dice", LOOKAHEAD),
        ("pola-dice", LOOKAHEAD),
    ],
)
def test_a_learner_beside_its_like_is_the_learner_of_both(name, options):
    env, params = polax.make_env("IPD-v0", max_steps_in_episode=STEPS)
    both, metrics = two_updates(polax.make_algorithm(name, env, params, **options))
    apart, of_each = two_updates(make(f"{name}+{name}", options, options))
    # The same numbers but for rounding: they are two programs.
    assert {each: float(value) for each, value in of_each.items()} == pytest.approx(
        {each: float(value) for each, value in metrics.items()}, rel=1e-5
    )
    for player, state in enumerate(apart):
        ours = jax.tree.leaves((state.players, state.optimizer, state.models))
        theirs = jax.tree.leaves((both.players, both.optimizer, both.models))
        for mine, other in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(mine, other[player], rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_each_player_learns_by_its_own_rule_and_options():
    wide = {**SMALL, "hidden_size": 6}
    (first, second), metrics = two_updates(make("lola-dice+naive", LOOKAHEAD, wide))
    assert first.players.policy.recurrent.output_kernel.shape[-1] == 3
    assert second.players.policy.recurrent.output_kernel.shape[-1] == 6
    assert set(metrics) == {
        f"{name}/player_{player}" for name in ("critic_loss", "gradient_norm") for player in (0, 1)
    } | {"env_steps"}
    assert metrics["env_steps"] == (2 + 1) * SMALL["num_envs"] * STEPS


def test_learning_is_simultaneous():
    # What a player learns in an update does not depend on what the other one learns in it.
    slow, quick = (make("lola-dice+naive", LOOKAHEAD, {**SMALL, "outer_lr": rate}) for rate in (0.01, 0.1))
    (first, second), (same, other) = (
        each.update(jax.random.key(1), each.init(jax.random.key(0)))[0] for each in (slow, quick)
    )
    for ours, theirs in zip(jax.tree.leaves(first.players), jax.tree.leaves(same.players), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    changed = jax.tree.map(lambda ours, theirs: np.abs(ours - theirs).max(), second.players, other.players)
    assert max(jax.tree.leaves(changed)) > 0.01


def naive_against(name, **options):
    algorithm = make(
        f"naive+{name}", {"num_envs": 64, "hidden_size": 4, "outer_steps": 60, "outer_lr": 0.05, **options}
    )
    update = jax.jit(algorithm.update)
    state = algorithm.init(jax.random.key(0))
    for number in range(4):
        state, _ = update(jax.random.key(number), state)
    env, params = polax.make_env("IPD-v0", max_steps_in_episode=STEPS)
    return play(jax.random.key(9), env, params, algorithm.policies(state), num_envs=256, num_steps=STEPS).reward


@pytest.mark.slow
def test_a_naive_learner_learns_the_best_response_to_a_policy_that_does_not_learn():
    # Defection earns 0.665 a step from always-cooperate. Cooperation with tit-for-tat earns 0.33, and defection in the
    # last step alone more than that.
    assert naive_against("always-cooperate")[0] > 0.55
    assert naive_against("tit-for-tat")[0] > 0.25


@pytest.mark.slow
def test_a_frozen_network_is_sampled_like_the_others_and_stays_as_it_is(tmp_path):
    quick = {"eval_envs": 4, "quiet": True}
    run = polax.train(
        "naive",
        "IPD-v0",
        updates=1,
        options=SMALL,
        env_options={"max_steps_in_episode": STEPS},
        out=tmp_path / "a",
        **quick,
    )
    name = f"naive+run:{run.path}"
    algorithm = make(name, SMALL)
    (_, policy), metrics = two_updates(algorithm)
    for before, after in zip(jax.tree.leaves(run.policy(player=1)), jax.tree.leaves(policy), strict=True):
        np.testing.assert_array_equal(before, after)
    assert set(metrics) == {"critic_loss/player_0", "gradient_norm/player_0", "env_steps"}


@pytest.mark.slow
def test_a_model_is_fitted_to_a_policy_of_which_only_its_play_is_seen():
    options = {**LOOKAHEAD, "num_envs": 32, "model_batches": 60, "model_lr": 0.05}
    _, metrics = two_updates(make("pola-om+always-defect", options))
    assert metrics["model/cross_entropy/player_0"] < 0.2
    assert "model/agreement/player_0" not in metrics


def test_strategies_in_training_are_named():
    assert make("naive+tit-for-tat", SMALL).trained_against == ("tit-for-tat",)
    assert make("naive+naive", SMALL, SMALL).trained_against == ()


@pytest.mark.slow
@pytest.mark.parametrize("game", ["IPD-v0", "CoinGame-v0"])
def test_a_policy_may_be_either_player(game):
    for name, options in (("naive+tit-for-tat", (SMALL,)), ("tit-for-tat+naive", (None, SMALL))):
        _, metrics = two_updates(make(name, *options, game=game))
        assert all(np.isfinite(float(value)) for value in metrics.values())


def test_a_preset_gives_every_learner_its_own_and_equally_many_steps():
    spec = resolve("lola-dice+naive", "IPD-v0", preset="laptop", options={"player_1": {"outer_lr": 0.02}})
    first, second = (spec.options[f"player_{player}"] for player in (0, 1))
    assert (first["inner_lr"], first["outer_steps"]) == (0.2, 1)
    assert (second["outer_lr"], second["outer_steps"], second["critic_lr"]) == (0.02, 1, 0.002)
    assert spec.updates == 1000
    assert build(spec).steps_per_update == {"outer-steps": 1}
    longer = resolve("pola-dice+naive", "IPD-v0", preset="laptop")
    assert (longer.updates, longer.options["player_0"]["outer_steps"]) == (20, 50)


@pytest.mark.slow
def test_a_run_of_two_learners_resumes_and_gives_back_its_players(tmp_path):
    settings = {
        "options": {"player_0": LOOKAHEAD, "player_1": SMALL},
        "env_options": {"max_steps_in_episode": STEPS},
        "eval_envs": 4,
        "quiet": True,
    }
    names = ("lola-dice", "naive")
    whole = polax.train(names, "IPD-v0", updates=2, out=tmp_path / "whole", **settings)
    part = polax.train(names, "IPD-v0", updates=1, out=tmp_path / "part", **settings)
    part.resume(updates=2, quiet=True)
    assert whole.spec.algorithm == "lola-dice+naive"
    for ours, theirs in zip(jax.tree.leaves(whole.policies()), jax.tree.leaves(part.policies()), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert whole.folder.manifest()["algorithm"]["players"][1]["name"] == "naive"


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        (
            "lola-dice+tit-for-tat",
            OptionError,
            "lola-dice cannot learn beside tit-for-tat: it imagines how its opponent learns and",
        ),
        ("naive+tit-for-tatt", OptionError, "player 1 is neither a learner nor a policy: .* 'tit-for-tat'"),
        ("naiv+tit-for-tat", UnknownNameError, "unknown algorithm 'naiv'; did you mean 'naive'?"),
        ("loqa+naive", PluginError, "trains all players of a game and cannot learn beside another learner; train it"),
        ("tit-for-tat+grim", UnknownNameError, "unknown algorithm 'tit-for-tat'"),
        ("naive+naive+naive", OptionError, "IPD-v0 has 2 players; got 3"),
        ("naive+run:nowhere", PolaxError, "nowhere"),
        ("naive+", OptionError, "player 1"),
    ],
)
def test_who_cannot_meet_is_told_why(name, error, message):
    with pytest.raises(error, match=message):
        make(name)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"player_0": {"outer_lr": -1}}, "outer_lr must be"),
        ({"player_0": {"outer_rl": 1}}, "player_0 has no option 'outer_rl'; did you mean 'outer_lr'"),
        ({"player_1": {}}, "has no option 'player_1'"),
        ({"player_0": 3}, "player_0 must be a mapping of options, not 3"),
        ({"player_0": {"opponents": "past"}}, "opponents must be current beside another learner"),
    ],
)
def test_options_are_checked_for_each_player(options, message):
    env, params = polax.make_env("IPD-v0", max_steps_in_episode=STEPS)
    with pytest.raises(OptionError, match=message):
        polax.make_algorithm("naive+tit-for-tat", env, params, **options)


def test_a_third_party_learner_of_one_player_meets_ours(registry):
    def build_player(env, params, config, player):
        policy = env.strategies["random"](env, player)
        return PlayerLearner(
            init=lambda key: jnp.float32(0),
            update=lambda key, state, shown: (state + 1, {"seen": jnp.float32(len(shown))}),
            show=lambda state: Shown(policy),
        )

    def build(env, params, config):
        raise AssertionError("it is one of two learners")

    plugin = AlgorithmPlugin(
        config=make_dataclass("NoOptions", [], frozen=True), build=build, summary="counts", build_player=build_player
    )
    registry.register_algorithm("counter", plugin)
    (_, count), metrics = two_updates(make("naive+counter", SMALL))
    assert (float(count), float(metrics["seen/player_1"])) == (2, 2)


def test_presets_are_those_for_as_many_players():
    games = {env for _, env in polax.algorithm_plugin("naive-exact+lola-exact").presets}
    assert games == {"IPD-v0"}
    games = {env for _, env in polax.algorithm_plugin("naive+naive+naive").presets}
    assert "PublicGoods-v0" in games
    assert "IPD-v0" not in games
