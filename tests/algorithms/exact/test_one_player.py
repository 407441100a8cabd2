"""An exact learner for each player: all rules, parameterisations, policies that do not learn, who cannot meet."""

import jax
import numpy as np
import polax
import pytest
from polax.algorithms.exact.games import TANDEM
from polax.algorithms.exact.returns import discounted_returns
from polax.options import OptionError, PolaxError
from polax.registry import algorithm_plugin, list_algorithms

pytestmark = pytest.mark.usefixtures("float64")
KEY = jax.random.key(0)
NAMES = sorted(each.name for each in list_algorithms() if each.name.endswith("-exact"))
RULES = [name for name in NAMES if algorithm_plugin(name).build_player is not None]
SMALL = {"hola-exact": {"order": 1}, "pola-exact": {"outer_steps": 2}}


def make(name, *options, **env_options):
    env, params = polax.make_env("IPD-v0", **env_options)
    given = {f"player_{player}": each for player, each in enumerate(options) if each is not None}
    return polax.make_algorithm(name, env, params, **given)


def in_order(player, names, options):
    """Return the name and the options of both players, of which the first one given is ``player``."""
    order = slice(None, None, -1 if player else 1)
    return "+".join(names[order]), *options[order]


def updated(algorithm, updates=1):
    """Return the state and the metrics after some updates."""
    state, update = algorithm.init(KEY), jax.jit(algorithm.update)
    for _ in range(updates):
        state, metrics = update(KEY, state)
    return state, metrics


def test_every_rule_but_the_one_whose_players_answer_each_other_can_be_one_players():
    assert set(NAMES) - set(RULES) == {"cola-exact"}
    assert len(RULES) > 10


@pytest.mark.slow
@pytest.mark.parametrize("name", RULES)
def test_a_rule_beside_itself_is_the_learner_of_both(name):
    options = SMALL.get(name, {})
    both, of_both = updated(polax.make_algorithm(name, *polax.make_env("IPD-v0"), **options), 2)
    apart, of_each = updated(make(f"{name}+{name}", options, options), 2)
    for player, state in enumerate(apart):
        np.testing.assert_allclose(state.params, both.params[player], rtol=1e-10, atol=1e-12)
    # What describes the pair is missing; rules for both players at once count nothing that is given up.
    cooperation = {name for name in of_both if name.startswith("cooperation/")}
    assert cooperation < set(of_each) <= set(of_both) | {"unconverged/player_0", "unconverged/player_1"}
    for metric in set(of_each) & set(of_both):
        np.testing.assert_allclose(of_each[metric], of_both[metric], rtol=1e-10, atol=1e-12)


@pytest.mark.slow
def test_players_learn_at_once_each_by_its_own_rule_and_rate():
    # Nobody's first step depends on the other one's rule or rate, and the second one does.
    (first, second), (third, fourth) = (updated(make("lola-exact+sos-exact"), updates)[0] for updates in (1, 2))
    (same, _), (differs, _) = (
        updated(make("lola-exact+naive-exact", None, {"outer_lr": 0.1}), updates)[0] for updates in (1, 2)
    )
    (_, alike), (_, unlike) = (updated(make("naive-exact+sos-exact"), updates)[0] for updates in (1, 2))
    np.testing.assert_allclose(first.params, same.params, rtol=1e-12)
    np.testing.assert_allclose(second.params, alike.params, rtol=1e-12)
    assert np.abs(third.params - differs.params).max() > 0.1
    assert np.abs(fourth.params - unlike.params).max() > 0.1


@pytest.mark.slow
@pytest.mark.parametrize("other", ["tabular", "mlp", "preconditioned"])
@pytest.mark.parametrize("player", [0, 1])
def test_players_may_be_written_in_different_ways(other, player):
    # HOLA of order 1 is LOLA: a rule for both players at once, of which each takes its part, beside one of its own.
    rates = {"outer_lr": 3.0, "inner_lr": 2.0}
    options = {"parameterisation": other, "hidden_size": 4}
    results = []
    for name, more in (("lola-exact", {}), ("hola-exact", {"order": 1})):
        algorithm = make(*in_order(player, (name, "naive-exact"), ({**rates, **more}, options)))
        results.append([state.params for state in updated(algorithm, 2)[0]])
    for ours, theirs in zip(*map(jax.tree.leaves, results), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-12)


def test_lola_without_preconditioning_of_its_outer_loss_meets_a_network():
    options = {"parameterisation": "preconditioned", "outer_preconditioning": False}
    _, metrics = updated(make("lola-exact+naive-exact", options, {"parameterisation": "mlp"}))
    assert all(np.isfinite(float(value)) for value in metrics.values())


@pytest.mark.parametrize(("policy", "cooperates"), [("tit-for-tat", True), ("always-cooperate", False)])
@pytest.mark.parametrize("player", [0, 1])
@pytest.mark.parametrize("layout", ["egocentric", "shared"])
def test_a_learner_answers_a_policy_that_does_not_learn(policy, cooperates, player, layout):
    algorithm = make(*in_order(player, ("naive-exact", policy), ({"outer_lr": 1.0}, None)), observation_layout=layout)
    _, metrics = updated(algorithm, 60)
    assert (metrics[f"cooperation/CC/player_{player}"] > 0.9) == cooperates
    assert (metrics[f"cooperation/start/player_{player}"] > 0.9) == cooperates
    assert {name.rpartition("/")[2] for name in metrics} == {f"player_{player}"}


@pytest.mark.parametrize(("player", "expected"), [(0, [0, 0, 1, 1, 1]), (1, [0, 1, 0, 1, 1])])
@pytest.mark.parametrize("layout", ["egocentric", "shared"])
def test_a_policy_is_seen_in_the_right_order(player, expected, layout):
    # A model of tit-for-tat, in the states DD DC CD CC start with player 0's action first.
    options = {"opponent_model": "tabular", "model_lr": 1.0, "model_max_steps": 400}
    algorithm = make(*in_order(player, ("lola-exact", "tit-for-tat"), (options, None)), observation_layout=layout)
    state, metrics = updated(algorithm)
    np.testing.assert_allclose(jax.nn.sigmoid(state[player].models), expected, atol=0.02)
    assert metrics[f"model_divergence/player_{player}"] < 0.02


@pytest.mark.parametrize("options", [{}, {"inner_lr": 5.0}])
def test_what_is_certain_does_not_learn_so_there_is_nothing_to_shape(options):
    # In logits, a policy of probabilities 0 and 1 has no gradient.
    ours, _ = updated(make("lola-exact+win-stay-lose-shift", {"outer_lr": 2.0, **options}), 3)
    theirs, _ = updated(make("naive-exact+win-stay-lose-shift", {"outer_lr": 2.0}), 3)
    np.testing.assert_allclose(ours[0].params, theirs[0].params, rtol=1e-10)


def test_penalties_are_finite_beside_a_policy_that_is_certain():
    options = {"outer_steps": 3, "inner_steps": 2, "inner_beta": 1.0}
    _, metrics = updated(make("pola-exact+tit-for-tat", options), 2)
    assert all(np.isfinite(float(value)) for value in metrics.values())


def test_a_trained_policy_can_be_the_other_player(tmp_path):
    run = polax.train("lola-exact", "IPD-v0", updates=8, out=tmp_path / "a", eval_envs=4, quiet=True)
    _, metrics = updated(make(f"naive-exact+run:{run.path}", {"outer_lr": 1.0}), 60)
    assert metrics["cooperation/CC/player_0"] > 0.9  # LOLA's tit-for-tat


@pytest.mark.parametrize(("rate", "margin"), [(25.0, 0.03), (1.0, 0.3)])
def test_lola_earns_more_than_the_naive_learner_that_it_shapes(rate, margin):
    # With the defaults LOLA takes a little more than mutual cooperation gives, in small steps nearly everything.
    algorithm = make("lola-exact+naive-exact", {"outer_lr": rate})
    states, update = jax.vmap(algorithm.init)(jax.random.split(KEY, 10)), jax.jit(jax.vmap(algorithm.update, (None, 0)))
    for _ in range(100):
        states, _ = update(KEY, states)
    by_player = jax.nn.sigmoid(np.stack([state.params for state in states], 1))
    game = jax.tree.map(lambda leaf: leaf[0], states[0].game)
    lola, naive = (1 - 0.96) * jax.vmap(discounted_returns, (0, None))(by_player, game).T
    assert (lola > naive + margin).all()
    assert lola.mean() > 0.33


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "naive-exact+naive",
            "naive-exact cannot learn beside naive: it learns from exact returns, which take a memory-",
        ),
        ("naive+lola-exact", "lola-exact cannot learn beside naive: it learns from exact returns"),
        ("lola-dice+naive-exact", "lola-dice cannot learn beside naive-exact: it imagines how its opponent learns"),
        ("naive-exact+grim", "naive-exact cannot learn beside grim: .* such as tit-for-tat"),
        ("cola-exact+naive-exact", "cola-exact trains all players of a game and cannot learn beside another learner"),
    ],
)
def test_who_cannot_meet_is_told_why_in_one_sentence(name, message):
    with pytest.raises(PolaxError, match=message) as caught:
        make(name)
    assert "\n" not in str(caught.value)


def test_games_without_exact_returns_are_refused():
    with pytest.raises(OptionError, match="CoinGame-v0 has no exact returns"):
        polax.make_algorithm("lola-exact+naive-exact", *polax.make_env("CoinGame-v0"))
    with pytest.raises(OptionError, match="tandem is given by its losses, and there one rule trains all players"):
        polax.make_algorithm("lola-exact+naive-exact", TANDEM, None)
