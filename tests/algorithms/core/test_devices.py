"""Meshes: which one is chosen and refused, who has which episodes, and that results do not depend on it."""

import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from polax.algorithms.core.devices import AXES, Episodes, asking_for, choose_sizes, make_mesh
from polax.options import OptionError


@pytest.mark.parametrize(
    ("pieces", "devices", "sizes"),
    [
        ({"seeds": 1}, 1, (1, 1, 1)),
        ({"seeds": 10, "envs": 2000, "players": 2}, 2, (2, 1, 1)),
        ({"seeds": 1, "envs": 2000, "players": 2}, 2, (1, 2, 1)),
        ({"seeds": 1, "envs": 2000}, 2, (1, 1, 2)),
        ({"seeds": 10, "envs": 2000, "players": 2}, 8, (2, 2, 2)),
        ({"seeds": 1, "envs": 2000, "players": 2}, 8, (1, 2, 4)),
        ({"seeds": 3, "envs": 2000, "players": 2}, 8, (1, 2, 4)),
        ({"seeds": 1, "envs": 64, "players": 2}, 8, (1, 2, 2)),  # no device gets fewer than 32 episodes
        ({"seeds": 1, "envs": 8, "players": 2}, 8, (1, 2, 1)),
        ({"seeds": 10}, 8, (5, 1, 1)),  # nothing but the seeds can be shared
        ({"seeds": 7}, 4, (1, 1, 1)),
    ],
)
def test_as_many_devices_as_possible_share_a_run_the_seeds_first(pieces, devices, sizes):
    assert choose_sizes(pieces, devices) == dict(zip(AXES, sizes, strict=True))


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"env": 2}, "a mesh has no axis 'env'; did you mean 'envs'?"),
        ({"envs": 0}, "a mesh has a whole number of devices along envs, at least 1, not 0"),
        ({"seeds": 2}, "the mesh seeds=2 does not divide the number of seeds: 3; seeds may be 1 here"),
        (
            {"seeds": 3, "envs": 4},
            "the mesh seeds=3,envs=4 does not divide the number of episodes that devices can share: 10; "
            "envs may be 1 here",
        ),
        (
            {"players": 2},
            "the mesh players=2 does not divide the number of players that devices can share: 1; players may be 1 here",
        ),
        ({"seeds": 3, "envs": 1000}, "the mesh seeds=3,envs=1000 has 3000 devices, and there are 1; choose a smaller"),
    ],
)
def test_a_mesh_that_does_not_suit_is_refused_in_a_sentence(monkeypatch, asked, said):
    monkeypatch.setattr(jax, "devices", lambda: jax.local_devices()[:1])
    pieces = {"seeds": 3, "envs": 1000 if 1000 in asked.values() else 10}
    with pytest.raises(OptionError) as error, asking_for(asked):
        make_mesh(pieces)
    assert str(error.value).startswith(said)


def test_the_parts_of_a_batch_have_equal_shares_of_every_block():
    batch = jnp.arange(12)
    parts = [Episodes(parts=3, part=part, blocks=2, devices=3) for part in range(3)]
    assert [each.take(batch).tolist() for each in parts] == [[0, 1, 6, 7], [2, 3, 8, 9], [4, 5, 10, 11]]
    whole = sum(each.spread(each.take(batch)) for each in parts)
    np.testing.assert_array_equal(whole, batch)
    along_the_second = parts[1].take(jnp.stack([batch, -batch]), axis=1)
    np.testing.assert_array_equal(along_the_second, [[2, 3, 8, 9], [-2, -3, -8, -9]])


PROGRAM = """
import jax, numpy as np, polax
from polax.algorithms.core.devices import asking_for
from polax.runner.training.seeds import make_learner, mesh_for, seed_keys
env, params = polax.make_env({game!r}, max_steps_in_episode=4, **{game_options!r})
algorithm = polax.make_algorithm({name!r}, env, params, **{options!r})
keys, first = seed_keys(range({seeds})), None
for sizes in {meshes!r}:
    with asking_for(sizes):
        learner = make_learner(algorithm, mesh_for(algorithm, {seeds}))
    states = learner.init(keys.init)
    for number in (1, 2):
        step = learner.update(keys.update, number, np.ones({seeds}, bool), states)
        states = step.states
    assert len(jax.tree.leaves(states)[0].sharding.device_set) == int(np.prod(list(sizes.values())))
    found = (states, step.metrics)
    first = first or found
    for one, other in zip(jax.tree.leaves(first), jax.tree.leaves(found), strict=True):
        np.testing.assert_allclose(np.asarray(one), np.asarray(other), rtol=1e-4, atol=2e-6, err_msg=str(sizes))
print("equal on", jax.device_count(), "devices")
"""

MESHES = [{"seeds": 1}, {"envs": 2}, {"envs": 4}, {"seeds": 2, "envs": 4}]
SMALL = {"num_envs": 8, "hidden_size": 3}
SELF_PLAY = {**SMALL, "gradient_steps": 2, "snapshot_every": 1, "pool_size": 3}


def equal_on_all(name, options, meshes, game="IPD-v0", game_options=None):
    program = PROGRAM.format(
        name=name, options=options, meshes=meshes, game=game, game_options=game_options or {}, seeds=2
    )
    # Two updates are run of what is compiled: to optimise it takes longer than it saves.
    quick = {"XLA_FLAGS": "--xla_force_host_platform_device_count=8", "JAX_DISABLE_MOST_OPTIMIZATIONS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
        env={**os.environ, **quick},
    )
    assert done.stdout.strip() == "equal on 8 devices", done.stderr[-2000:]


@pytest.mark.slow
def test_what_is_learned_does_not_depend_on_the_mesh():
    equal_on_all("naive", SMALL, MESHES)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "options", "game"),
    [
        ("pola-dice", {**SMALL, "outer_steps": 2}, "IPD-v0"),
        ("lola-dice", {**SMALL, "outer_steps": 2, "inner_steps": 2}, "CoinGame-v0"),
        ("pola-om", {**SMALL, "outer_steps": 1, "model_batches": 2}, "IPD-v0"),
        ("loqa", SELF_PLAY, "CoinGame-v0"),
        ("loqa", {**SELF_PLAY, "num_envs": 16, "epochs": 2, "num_opponents": 4}, "IPD-v0"),
        ("advantage-alignment", SELF_PLAY, "IPD-v0"),
        # Scripted players have episodes on some devices only, and a random one draws numbers.
        ("goodwill-loqa", {**SELF_PLAY, "scripted_players": ("tit-for-tat", "random")}, "CoinGame-v0"),
        ("naive+random", {"player_0": SMALL}, "IPD-v0"),
        ("pola-dice+naive", {"player_0": {**SMALL, "outer_steps": 1}, "player_1": SMALL}, "IPD-v0"),
    ],
)
def test_no_learner_depends_on_the_mesh(name, options, game):
    players = name in ("pola-dice", "lola-dice", "pola-om")
    whole = {"seeds": 2, "players": 2, "envs": 2} if players else {"envs": 8}
    equal_on_all(name, options, [{"seeds": 1}, whole], game)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("players", "name", "options", "meshes"),
    [
        # Fewer devices than players: each has two of them.
        (4, "naive", {**SMALL, "outer_steps": 2}, [{"players": 2}, {"envs": 2, "players": 4}]),
        (3, "naive", {**SMALL, "players": "shared"}, [{"envs": 8}]),
        (3, "loqa", {**SELF_PLAY, "gradient_steps": 4, "snapshot_every": 2}, [{"envs": 8}]),
        # An opponent's part of the others' episodes ends in the middle of those of a player.
        (4, "loqa", {**SELF_PLAY, "num_opponents": 4, "epochs": 2}, [{"seeds": 2, "envs": 4}]),
    ],
)
def test_games_of_more_players_and_with_params_that_a_step_broadcasts_do_not_depend_on_the_mesh(
    players, name, options, meshes
):
    equal_on_all(name, options, [{"seeds": 1}, *meshes], "PublicGoods-v0", {"num_players": players})
