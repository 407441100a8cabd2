"""Naive learning among memory-one players whose probabilities are drawn anew for each episode."""

import jax
import jax.numpy as jnp
import numpy as np
import polax
import pytest
from polax.algorithms.core.lookahead import Lookahead
from polax.algorithms.core.rollout import RecurrentPolicy
from polax.envs.policies.memory_one import AmongMemoryOne

DRAWN, NUM_ENVS = 100, 200
SIZES = {"num_envs": NUM_ENVS, "hidden_size": 3}


def make(percent, env="IPD-v0", **options):
    game, params = polax.make_env(env, max_steps_in_episode=60, **options)
    return game, params, polax.make_algorithm("naive", game, params, **SIZES, memory_one_percent=percent)


def batch_of(percent, player, **options):
    """Return a batch of a player that has just been drawn, and its opponent's actions after each joint action."""
    game, params, algorithm = make(percent, **options)
    state = algorithm.init(jax.random.key(0))
    own, other = (jax.tree.map(lambda leaf, i=i: leaf[i], state.players) for i in (player, 1 - player))
    structure = algorithm.update.structure
    lookahead = Lookahead(game, params, structure, state.coefficients, jnp.int32(player), other, own.policy)
    return jax.jit(lookahead.sample)(jax.random.key(1), own.policy, other.policy)


@pytest.mark.parametrize(("player", "layout"), [(0, "egocentric"), (0, "shared"), (1, "shared")])
def test_each_of_the_first_episodes_has_a_player_of_its_own(player, layout):
    batch = batch_of(50, player, observation_layout=layout)
    mine, theirs = np.asarray(batch.self.actions), np.asarray(batch.other.actions)
    # One who has defected alone, and one who has been defected on alone, seen by the opponent.
    for own_before, other_before in ((0, 1), (1, 0)):
        rates = []
        for episode in range(NUM_ENVS):
            after = (theirs[:-1, episode] == own_before) & (mine[:-1, episode] == other_before)
            rates.append(theirs[1:, episode][after].mean() if after.sum() >= 8 else np.nan)
        spread = [np.nanstd(part) for part in (rates[:DRAWN], rates[DRAWN:])]
        # Uniform probabilities spread by 0.29; ten draws or more with a probability of about one half by 0.16 at most.
        assert spread[0] > 0.24
        assert spread[1] < 0.19
    assert not batch.other.logits.any()


def test_probabilities_are_kept_within_an_episode_and_drawn_anew_at_the_next_start():
    game, _ = polax.make_env("IPD-v0")
    table = game.observation_table()
    network = polax.make_algorithm("naive", *polax.make_env("IPD-v0"), **SIZES).init(jax.random.key(0)).players.policy
    policy = RecurrentPolicy(jax.tree.map(lambda leaf: leaf[0], network))
    crowd = AmongMemoryOne(policy, jnp.asarray(False), 4)
    memory = crowd.initial_memory(6)
    seen = []
    for step, row in enumerate((4, 3, 0, 4)):
        actions, memory = crowd.act(jax.random.key(step), jnp.tile(table[row], (6, 1)), memory)
        assert actions.shape == (6,)
        assert actions.dtype == jnp.int32
        seen.append(memory[1])
    np.testing.assert_array_equal(seen[0], seen[1])
    np.testing.assert_array_equal(seen[0], seen[2])
    assert (seen[3] != seen[0]).all()
    assert len(np.unique(np.asarray(seen[0]))) == 20
    # A player that never cooperates after mutual defection, and one that always does.
    certain = memory[1].at[:, 0].set(jnp.array([0.0, 1.0, 0.0, 1.0]))
    actions, _ = crowd.act(jax.random.key(9), jnp.tile(table[0], (6, 1)), (memory[0], certain))
    assert actions[:4].tolist() == [0, 1, 0, 1]


@pytest.mark.slow
def test_it_learns_to_defect_on_players_that_cannot_answer_for_long():
    # The best reply to the average of these players is defection, which a learner finds that meets nobody else.
    game, params, _ = make(0)
    options = {"num_envs": 64, "hidden_size": 4, "outer_steps": 20, "outer_lr": 0.05, "keep_optimizer": True}
    algorithm = polax.make_algorithm("naive", game, params, **options, memory_one_percent=100)
    state = algorithm.init(jax.random.key(0))
    for number in range(3):
        state, metrics = algorithm.update(jax.random.key(number), state)
    assert all(np.isfinite(value) for value in metrics.values())
    policy = algorithm.policies(state)[0]
    rows = game.observation_table()
    memory, cooperated = policy.initial_memory(5), []
    for step in range(20):
        actions, memory = policy.act(jax.random.key(step), rows, memory)
        cooperated.append(float(actions.mean()))
    assert np.mean(cooperated) < 0.25


def test_without_a_share_no_player_is_drawn():
    assert make(0)[2].update.structure.memory_one_envs == 0
    assert make(0)[2].episode_learner is not None
    # Given episodes are those of whoever has played them.
    assert make(50)[2].episode_learner is None
    assert make(50)[2].update.structure.memory_one_envs == DRAWN


@pytest.mark.parametrize(
    ("env", "options", "said"),
    [
        ("CoinGame-v0", {}, "memory_one_percent needs a game whose players see both last actions"),
        ("IPD-v0", {"initial_state": "mutual-cooperation"}, "such as IPD-v0, which IPD-v0 with these options is not"),
        ("PublicGoods-v0", {"num_players": 3}, "memory_one_percent is for two players"),
    ],
)
def test_a_game_without_such_players_is_refused(env, options, said):
    with pytest.raises(polax.OptionError, match=said):
        make(50, env, **options)
