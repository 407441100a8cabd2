"""What an algorithm does when it is trained: its state, metrics and policies, by the code that runs ``polax train``."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ..algorithms.base import Algorithm
from ..algorithms.core.trees import different_form, different_value, duplicate, foreign_leaf, shape
from ..envs.base import Experience, Game
from ..runner.runs import checkpoint as checkpoints
from ..runner.training.seeds import make_learner, seed_keys, take_updates
from .clauses import Subject
from .policies import check_player
from .tracing import demand_same_program, trace

UPDATES = 3
"""Updates that are taken."""

SEEDS = (0, 1)
RUNNERS_NAMES = ("update", "seed", "seconds")
RUNNERS_PREFIX = "score/"


class Trial(NamedTuple):
    """An algorithm that is being checked."""

    subject: Subject
    game: Game[Any, Any]
    params: Any
    algorithm: Algorithm
    again: Algorithm
    """The same, built a second time."""


def check_traced(trial: Trial) -> None:
    """Trace the three functions of a pure algorithm, alone and mapped over seeds; nothing is computed."""
    subject, algorithm, key = trial.subject, trial.algorithm, jax.random.key(0)
    same, runs = "same-key-same-update", "runs"
    init = demand_same_program(subject, same, algorithm.init, key, errors=runs)
    _check_leaves(subject, init.returned)
    state = init.shapes
    update = demand_same_program(subject, same, algorithm.update, key, state, errors=runs)
    _check_results(subject, state, update.returned)
    _check_players_count(trial, trace(subject, runs, algorithm.policies, state).returned)
    stacked = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((len(SEEDS), *leaf.shape), leaf.dtype), state)
    with subject.running("maps-over-seeds"):
        keys = jax.random.split(key, len(SEEDS))
        jax.eval_shape(jax.vmap(algorithm.init), keys)
        jax.eval_shape(jax.vmap(algorithm.update), keys, stacked)
        jax.eval_shape(jax.vmap(algorithm.policies), stacked)


def check_episode_learner(trial: Trial) -> None:
    """Trace how a pure algorithm learns from episodes that it is given, where it does, and let its policy play."""
    alone, game, params = trial.algorithm.episode_learner, trial.game, trial.params
    if alone is None:
        return
    subject = Subject(f"the episode learner of {trial.subject.name}")
    same, runs, key = "same-key-same-update", "runs", jax.random.key(0)
    init = demand_same_program(subject, same, alone.init, key, alone.numbers, errors=runs)
    _check_leaves(subject, init.returned)
    steps, episodes = int(params.max_steps_in_episode), alone.num_episodes
    features = () if game.num_observations is not None else game.observation_space(params).shape[-1:]
    of_form: Any = jax.ShapeDtypeStruct
    experience = Experience(
        of_form((steps + 1, episodes, *features), jnp.float32 if features else jnp.int32),
        of_form((steps, episodes), jnp.int32),
        of_form((steps, episodes), jnp.float32),
    )
    learn = demand_same_program(subject, same, alone.learn, key, init.shapes, experience, errors=runs)
    _check_results(subject, init.shapes, learn.returned, function="learn")
    with subject.running(runs):
        policy = alone.policy(alone.init(key, alone.numbers))
    for player in range(game.num_players):
        check_player(subject, policy, game, params, player=player, pure=True)


def check_in_python(trial: Trial) -> None:
    """Take two updates of an algorithm in ordinary Python, and the first once more."""
    subject, algorithm = trial.subject, trial.algorithm
    init_key, *keys = jax.random.split(jax.random.key(0), 3)
    with subject.running("runs"):
        start, again = algorithm.init(init_key), algorithm.init(init_key)
    _check_leaves(subject, start)
    change = different_form(start, again) or different_value(start, again)
    subject.demand("same-key-same-update", not change, f"after init, {change}")
    untouched, spare = duplicate(start), duplicate(start)
    with subject.running("runs"):
        first = algorithm.update(keys[0], start)
    _check_results(subject, untouched, first)
    change = different_form(untouched, start) or different_value(untouched, start)
    subject.demand("input-untouched", not change, f"in the state that update was given, {change}")
    kept = duplicate(first[0])
    with subject.running("runs"):
        algorithm.update(keys[1], first[0])
        second, metrics = algorithm.update(keys[0], spare)
    change = different_value(kept, second) or different_value(first[1], metrics)
    subject.demand("same-key-same-update", not change, f"the same update again, after another one: {change}")
    with subject.running("runs"):
        _check_players_count(trial, algorithm.policies(start))


def check_training(trial: Trial) -> None:
    """Train two seeds for a few updates, save, load into the algorithm built anew, and continue; then let them play."""
    subject, pure = trial.subject, trial.algorithm.pure
    learner, anew = make_learner(trial.algorithm), make_learner(trial.again)
    keys, alive = seed_keys(SEEDS), np.ones(len(SEEDS), bool)
    numbers = range(1, UPDATES + 1)
    with subject.running("runs"):
        states = before = learner.init(keys.init)
        for taken in take_updates(learner, keys.update, states, numbers=numbers, alive=alive):
            before, states = states, taken.step.states
            failure = next(iter(taken.step.failures.values()), "")
            subject.demand("finite", not failure, f"at update {taken.number}, {failure}")
    loaded = _saved_and_loaded(subject, before, anew.template(keys.init))
    with subject.running("resumes"):
        resumed = anew.update(keys.update, UPDATES, alive, loaded)
    change = different_form(states, resumed.states) or different_value(states, resumed.states)
    subject.demand("resumes", not change, f"update {UPDATES} after loading: {change}")
    with subject.running("runs"):
        policies = learner.policies(states)
    players = jax.tree.map(lambda leaf: leaf[0], policies) if pure else policies[0]
    if trial.algorithm.self_play and pure:
        apart = [different_form(players[0], each) or different_value(players[0], each) for each in players[1:]]
        subject.demand("policies", not any(apart), f"self_play is declared, and {'; '.join(filter(None, apart))}")
    for number, policy in enumerate(players):
        player = Subject(f"player {number} of {subject.name}")
        check_player(player, policy, trial.game, trial.params, player=number, pure=pure)


def _saved_and_loaded(subject: Subject, states: Any, template: Any) -> Any:
    """Return states after a way through a checkpoint on disk."""
    saved = checkpoints.Checkpoint(
        state=states,
        update=1,
        seconds=0.0,
        env_steps=0.0,
        ended=np.zeros(len(SEEDS), np.int64),
        fingerprint=checkpoints.fingerprint({}),
    )
    with subject.running("resumes"), tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "checkpoints"
        checkpoints.save(folder, saved)
        return checkpoints.load(folder, saved.update, template).state


def _check_leaves(subject: Subject, state: Any) -> None:
    foreign = foreign_leaf(state)
    subject.demand("state-arrays", not foreign, foreign)


def _check_results(subject: Subject, state: Any, results: Any, *, function: str = "update") -> None:
    """Check what one update returned (or would return) for ``state``."""
    pair = isinstance(results, tuple) and len(results) == 2
    subject.demand("runs", pair, f"{function} returned {type(results).__name__}, not (state, metrics)")
    after, metrics = results
    _check_leaves(subject, after)
    change = different_form(state, after)
    subject.demand("state-fixed", not change, change)
    subject.demand("metrics", isinstance(metrics, dict), f"metrics are a {type(metrics).__name__}")
    for name, value in metrics.items():
        own = isinstance(name, str) and name and name not in RUNNERS_NAMES and not name.startswith(RUNNERS_PREFIX)
        subject.demand("metrics", own, f"a metric of the name {name!r}")
        subject.demand("metrics", shape(value) == (), f"{name!r} has shape {list(shape(value))}")


def _check_players_count(trial: Trial, policies: Any) -> None:
    right = isinstance(policies, tuple) and len(policies) == trial.game.num_players
    count = f" of {len(policies)}" if isinstance(policies, tuple) else ""
    found = f"a {type(policies).__name__}{count} for {trial.game.num_players} players"
    trial.subject.demand("policies", right, found)
