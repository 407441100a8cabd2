"""The game against a frozen player, and what is learned in it."""

import jax
import jax.numpy as jnp
import numpy as np
import polax
import pytest
from polax.options import OptionError
from polax.runner.tournament.best_response import (
    Training,
    _frozen,
    best_responses,
    check_training,
    usual_updates,
)
from polax.runner.tournament.line_up import make_line_up

STEPS = 6
SMALL = {"num_envs": 32, "hidden_size": 4, "outer_steps": 40, "outer_lr": 0.05}


def test_the_frozen_player_plays_as_it_does_in_the_game_itself_as_either_player() -> None:
    line_up = make_line_up(["tit-for-tat", "grim"], "IPD-v0", {"max_steps_in_episode": STEPS})
    shared, _ = polax.make_env("IPD-v0", observation_layout="shared")
    policies = tuple(shared.strategies["tit-for-tat"](shared, player) for player in (0, 1))
    participants = [*line_up.participants, line_up.participants[0]._replace(view=shared, policies=policies)]
    game, params = _frozen(participants, line_up)
    step = jax.jit(game.step_env)
    ours = [[1, 0, 0, 1, 1, 1], [1, 1, 1, 0, 1, 1]]  # of the learner as player 0 of one copy, as player 1 of the other
    replies = {
        0: [[1, 1, 0, 0, 1, 1], [1, 1, 1, 1, 0, 1]],
        1: [[1, 1, 0, 0, 0, 0], [1, 1, 1, 1, 0, 0]],
        2: [[1, 1, 0, 0, 1, 1], [1, 1, 1, 1, 0, 1]],
    }
    for number, expected in replies.items():
        observation, state = game.reset_env(jax.random.key(0), params[number])
        for time in range(STEPS):
            actions = jnp.array([ours[0][time], ours[1][time]])
            observation, state, reward, _, info = step(jax.random.key(time), state, actions, params[number])
            for player in (0, 1):
                own, frozen = ours[player][time], expected[player][time]
                pot = 1.33 * (own + frozen) / 2
                assert float(reward[player]) == pytest.approx(pot - own)
                assert float(info[f"left_with_{player}"]) == pytest.approx(pot - frozen)
                seen = line_up.game.observation_table()[2 * own + frozen]
                np.testing.assert_array_equal(observation[player], seen)
        assert int(state.time) == STEPS
        assert game.observation_index(state).tolist() == [
            2 * ours[player][-1] + expected[player][-1] for player in (0, 1)
        ]


@pytest.mark.slow
def test_the_best_response_to_always_cooperate_is_defection_and_to_tit_for_tat_cooperation() -> None:
    line_up = make_line_up(["always-cooperate", "always-defect", "tit-for-tat"], "IPD-v0", {"max_steps_in_episode": 12})
    python = line_up.participants[0]._replace(compiled=False)
    told: list[tuple[int, int]] = []
    found = best_responses(
        jax.random.key(0),
        line_up,
        [*line_up.participants, python],
        Training(updates=4, options=SMALL),
        episodes=200,
        progress=lambda done, total: told.append((done, total)),
    )
    assert told == [(number, 4) for number in (1, 2, 3, 4)]
    assert found[3] is None  # nothing can be trained against a player of ordinary Python
    scores = {each.name: response for each, response in zip(line_up.participants, found, strict=False)}
    assert scores["always-cooperate"].score == pytest.approx(0.665, abs=0.01)
    assert scores["always-cooperate"].left_with == pytest.approx(-0.335, abs=0.01)
    assert scores["always-defect"].score == pytest.approx(0, abs=0.01)
    assert scores["tit-for-tat"].score > 0.3
    assert scores["tit-for-tat"].left_with > 0.25


def test_what_cannot_be_a_learner_of_responses_is_refused() -> None:
    line_up = make_line_up(["tit-for-tat"], "IPD-v0")
    with pytest.raises(OptionError, match="needs a learner written in JAX; python-toy is not"):
        check_training(Training("python-toy"), line_up)
    with pytest.raises(OptionError, match="best-response-updates must be at least 1, not 0"):
        check_training(Training(updates=0), line_up)
    with pytest.raises(OptionError, match="num_envs must be a whole number of at least 1"):
        check_training(Training(options={"num_envs": 0}), line_up)


def test_games_that_look_many_ways_take_more_updates() -> None:
    updates = [usual_updates(make_line_up(["always-defect"], env)) for env in ("IPD-v0", "CoinGame-v0")]
    assert updates == [20, 200]
