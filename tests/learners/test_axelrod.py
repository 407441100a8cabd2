"""The Axelrod library's strategies as players here, and players from here in its tournaments."""

import io
import json
import pickle

import gymnasium
import jax
import numpy as np
import polax
import pytest
from polax.envs.policies.strategies import make_strategy
from polax.envs.rendering.recorder import record_episode
from polax.runner.cli import main

pytestmark = pytest.mark.learners


def moves(first, second, *, seed=0, **options):
    """The joint actions of one episode between two opponents by name."""
    game, params = polax.make_env("IPD-v0", **options)
    players = [polax.make_policy(one, game, params, player=player) for player, one in enumerate((first, second))]
    return record_episode(game, params, players, seed=seed)[-1].history


@pytest.mark.parametrize("name", ["Tit For Tat", "tit-for-tat", "TitForTat"])
def test_a_strategy_has_its_name_and_that_of_its_class(name):
    env = gymnasium.make("IPD-v0", opponent=f"axelrod:{name}", max_steps_in_episode=4)
    env.reset(seed=0)
    assert [env.step(action)[1] for action in (0, 0, 1, 1)] == pytest.approx([0.665, 0, -0.335, 0.33])


@pytest.mark.parametrize("layout", ["egocentric", "shared"])
@pytest.mark.parametrize("rival", ["random", "axelrod:Bully"])
@pytest.mark.parametrize(("name", "ours"), [("Tit For Tat", "tit-for-tat"), ("Grudger", "grim")])
def test_known_strategies_play_as_ours_do(name, ours, rival, layout):
    options = {"observation_layout": layout, "max_steps_in_episode": 20}
    for theirs in (lambda one: (one, rival), lambda one: (rival, one)):
        assert moves(*theirs(f"axelrod:{name}"), **options) == moves(*theirs(ours), **options)


@pytest.mark.parametrize("first", ["Defector", "Gradual", "Adaptive", "BackStabber", "Handshake"])
@pytest.mark.parametrize("second", ["TitFor2Tats", "SlowTitForTwoTats2", "Cooperator", "FirstByDavis"])
def test_two_strategies_play_here_what_they_play_in_a_match_of_their_library(first, second):
    import axelrod

    classes = {strategy.__name__: strategy for strategy in axelrod.strategies}
    match = axelrod.Match((classes[first](), classes[second]()), turns=30)
    theirs = [tuple(int(action is axelrod.Action.C) for action in both) for both in match.play()]
    assert list(moves(f"axelrod:{first}", f"axelrod:{second}", max_steps_in_episode=30)) == theirs


def test_every_quick_strategy_plays():
    import axelrod

    game, params = polax.make_env("IPD-v0", max_steps_in_episode=12)
    key = jax.random.key(0)
    rng = np.random.default_rng(0)
    assert len(axelrod.short_run_time_strategies) > 200
    for strategy in axelrod.short_run_time_strategies:
        policy = polax.make_policy(strategy(), game, params, player=1)
        memory, own, other = policy.initial_memory(2), np.full(2, 2), np.full(2, 2)
        for _ in range(12):
            observation = np.concatenate([np.eye(3)[own], np.eye(3)[other]], axis=1)
            own, memory = policy.act(key, observation, memory)
            other = rng.integers(0, 2, 2)
            assert set(own.tolist()) <= {0, 1}, strategy


def test_the_seed_decides_what_a_random_strategy_does():
    episodes = [moves("axelrod:Random", "always-cooperate", seed=seed) for seed in (0, 0, 1)]
    assert episodes[0] == episodes[1]
    assert episodes[1] != episodes[2]
    assert {joint[0] for joint in episodes[0]} == {0, 1}


def test_a_player_with_its_own_parameters_may_be_the_opponent():
    import axelrod

    assert {joint[0] for joint in moves(axelrod.Random(p=0.0), "always-cooperate")} == {0}


def test_strategies_know_how_long_an_episode_is():
    episode = moves("axelrod:BackStabber", "always-cooperate", max_steps_in_episode=7)
    assert [joint[0] for joint in episode] == [1, 1, 1, 1, 1, 0, 0]


def test_all_copies_of_make_vec_may_meet_it():
    env = gymnasium.make_vec("IPD-v0", num_envs=3, opponent="axelrod:Tit For Tat", max_steps_in_episode=2)
    env.reset(seed=0)
    np.testing.assert_allclose(env.step([0, 1, 0])[1], [0.665, 0.33, 0.665])
    np.testing.assert_allclose(env.step([1, 1, 0])[1], [-0.335, 0.33, 0])
    np.testing.assert_allclose(env.step([0, 0, 0])[1], [0.665] * 3)


@pytest.mark.parametrize(
    ("env_id", "name", "message"),
    [
        ("IPD-v0", "Tit for Tatt", "has no strategy 'Tit for Tatt'; did you mean 'axelrod:Tit For Tat'"),
        ("IPD-v0", "Darwin", "axelrod:Darwin looks into its opponent"),
        ("CoinGame-v0", "Tit For Tat", "with a dilemma; CoinGame-v0 with 2 players is no such game"),
        ("MatchingPennies-v0", "Tit For Tat", "with a dilemma; MatchingPennies-v0 with 2 players is no such game"),
    ],
)
def test_what_cannot_play_is_refused(env_id, name, message):
    with pytest.raises(polax.PolaxError, match=message):
        gymnasium.make(env_id, opponent=f"axelrod:{name}")


def test_a_memory_serves_one_episode():
    game, _ = polax.make_env("IPD-v0")
    policy = polax.make_policy("axelrod:Tit For Tat", game, game.default_params)
    start = np.eye(3)[[2, 2]].reshape(1, 6)
    _, memory = policy.act(jax.random.key(0), start, policy.initial_memory(1))
    with pytest.raises(ValueError, match="starts with initial_memory"):
        policy.act(jax.random.key(0), start, memory)


def play_tournament(players, **options):
    import axelrod

    tournament = axelrod.Tournament(players, turns=20, repetitions=2, seed=1, **options)
    return tournament.play(progress_bar=False)


def test_our_tit_for_tat_scores_what_theirs_does_in_a_real_tournament():
    import axelrod
    from polax.envs.views.axelrod_player import axelrod_player

    others = [axelrod.Cooperator(), axelrod.Defector(), axelrod.Grudger(), axelrod.Alternator()]
    ours = play_tournament([axelrod_player("tit-for-tat", env="IPD-v0", name="ours"), *others])
    theirs = play_tournament([axelrod.TitForTat(), *others])
    assert ours.normalised_scores == theirs.normalised_scores
    renamed = ["ours" if name == "Tit For Tat" else name for name in theirs.ranked_names]
    assert ours.ranked_names == renamed


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    """A short training run in the IPD, with each observation layout."""
    path = tmp_path_factory.mktemp("runs") / "naive"
    words = ["train", "naive", "IPD-v0", "--updates", "1", "--hidden-size", "4", "--num-seeds", "2", "--out", str(path)]
    assert main(words) == 0
    return path


def test_a_learned_player_enters_a_real_tournament(run_folder):
    import axelrod
    from polax.envs.views.axelrod_player import axelrod_player

    def play():
        learned = axelrod_player(f"{run_folder}#1", name="naive, seed 1")
        return play_tournament([learned, axelrod.TitForTat(), axelrod.Defector(), axelrod.Random()])

    results = play()
    assert sorted(results.ranked_names) == ["Defector", "Random: 0.5", "Tit For Tat", "naive, seed 1"]
    assert 0.2 < results.normalised_cooperation[0][2] < 0.8  # hardly trained, it does now this, now that
    assert play().scores == results.scores


def test_a_player_can_be_sent_to_another_process(run_folder):
    import axelrod
    from polax.envs.views.axelrod_player import axelrod_player

    player = axelrod_player(run_folder, player=1)
    same = pickle.loads(pickle.dumps(player))
    results = [axelrod.Match((one, axelrod.Alternator()), turns=15, seed=3).play() for one in (player, same)]
    assert results[0] == results[1]
    assert {both[0] for both in results[0]} == {axelrod.Action.C, axelrod.Action.D}


@pytest.mark.parametrize("env_id", ["CoinGame-v0", "MatchingPennies-v0"])
def test_players_of_other_games_are_refused(env_id):
    from polax.envs.views.axelrod_player import axelrod_game, axelrod_player

    for call in (lambda: axelrod_player("random", env=env_id), lambda: axelrod_game(env_id)):
        with pytest.raises(polax.PolaxError, match=f"play matrix games with a dilemma, not {env_id}"):
            call()


def test_a_player_that_is_not_a_run_needs_its_game():
    from polax.envs.views.axelrod_player import axelrod_player

    with pytest.raises(polax.OptionError, match="'random' does not say which game it plays: pass env="):
        axelrod_player("random")


def test_a_tournament_may_pay_what_a_game_pays():
    from polax.envs.views.axelrod_player import axelrod_game

    assert axelrod_game("IPD-v0").RPST() == (0.33, 0, -0.335, 0.665)
    assert axelrod_game("StagHunt-v0").RPST() == (4, 2, 1, 3)


def test_outside_a_match_a_player_asks_for_its_seed():
    import axelrod
    from polax.envs.views.axelrod_player import axelrod_player

    with pytest.raises(RuntimeError, match=r"call set_seed\(\) first"):
        axelrod_player("random", env="IPD-v0").strategy(axelrod.TitForTat())


def test_a_run_is_evaluated_against_it(run_folder, capsys):
    names = ["axelrod:Defector", "always-defect", f"{run_folder}#1"]
    command = ["evaluate", str(run_folder), "--eval-envs", "64", "--json", "--against", *names]
    capsys.readouterr()
    assert main(command) == 0
    result = json.loads(capsys.readouterr().out)
    assert set(result["mean"]) == {f"score/player_{player}/vs/{name}" for player in (0, 1) for name in names}
    for player in (0, 1):
        theirs, ours = (result["mean"][f"score/player_{player}/vs/{name}"] for name in names[:2])
        assert theirs == pytest.approx(ours, abs=0.02)
        assert -0.25 < theirs < -0.1
    assert main([*command[:-3], "axelrod:Defectr"]) == 2
    assert "did you mean 'axelrod:Defector'" in capsys.readouterr().err


def test_a_person_plays_against_it(monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", io.StringIO("defect\nq\n"))
    assert main(["play", "IPD-v0", "--opponent", "axelrod:Tit For Tat"]) == 0
    assert "you earned +0.665 a step, the other player -0.335" in capsys.readouterr().out


def test_a_strategy_of_ours_plays_as_the_other_player_alike():
    import axelrod
    from polax.envs.views.axelrod_player import PolaxPlayer

    game, _ = polax.make_env("IPD-v0", observation_layout="shared")
    player = PolaxPlayer(make_strategy("tit-for-tat", game, 1), game, "tft", player=1)
    match = axelrod.Match((player, axelrod.Alternator()), turns=6, seed=0)
    assert "".join(str(both[0]) for both in match.play()) == "CCDCDC"
