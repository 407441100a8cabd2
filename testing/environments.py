"""The conformance check of environments."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ..algorithms.core.trees import different_form, foreign_leaf
from ..envs.base import API_VERSION, OBSERVATION_LAYOUTS, EnvironmentPlugin, Game
from ..envs.gymnax import environment
from ..envs.rendering.frame import Board, Frame
from ..registry import environment_plugin
from .clauses import Subject
from .plugins import HORIZON, check_options, check_plugin, find_plugin, other_numbers, shortened
from .policies import check_player
from .tracing import demand_same_program, trace

NUM_STEPS = 2 * HORIZON + 1
ADDED_BY_GYMNAX = ("terminated", "truncated", "final_observation")


def check_environment(
    environment: str | EnvironmentPlugin | Game[Any, Any], *, options: Mapping[str, Any] | None = None
) -> None:
    """Check that an environment keeps the contract of `polax.envs.base`, its scripted players included.

    Args:
        environment: an id, a plug-in that is not installed yet, or a game with its default params.
        options: options other than the defaults; for an id or a plug-in.

    Raises:
        ContractError: a clause is broken; the message names it and says how to fix it.
        PolaxError: there is no such environment.

    Example:
        >>> check_environment("StagHunt-v0", options={"observation_layout": "shared"})
    """
    if isinstance(environment, Game):
        if options:
            raise ValueError("options are for an id or a plug-in; a Game has been built already")
        subject, game, params = Subject(f"the game {environment.name}"), environment, environment.default_params
    else:
        name = environment if isinstance(environment, str) else getattr(environment, "summary", repr(environment))
        subject = Subject(f"the environment {name!r}")
        plugin = find_plugin(subject, environment, environment_plugin)
        check_plugin(subject, plugin, api_version=API_VERSION)
        game, params = _built(subject, plugin, options or {})
    _check_description(subject, game, params)
    short = shortened(params)
    _check_forms(subject, game, short)
    _check_episodes(subject, game, short)
    _check_strategies(subject, game, short)
    _check_symmetry(subject, game, short)
    _check_symmetries(subject, game, short)


def _built(subject: Subject, plugin: EnvironmentPlugin, options: Mapping[str, Any]) -> tuple[Game[Any, Any], Any]:
    """Build the game, and again with equal and with other numbers."""
    config = check_options(subject, plugin.config, options, "config-json")
    with subject.running("build"):
        game, params = plugin.build(config)
    _check_game(subject, game)
    with subject.running("build"):
        again, _ = plugin.build(config)
        changed, numbers = plugin.build(dataclasses.replace(config, **other_numbers(config)))
    subject.demand("equal-games", game == again and hash(game) == hash(again), f"{game!r}, then {again!r}")
    subject.demand("numbers-in-params", game == changed, f"{game!r} became {changed!r}")
    _check_params(subject, params)
    change = different_form(params, numbers)
    subject.demand("numbers-in-params", not change, f"in the params, {change}")
    return game, params


def _check_game(subject: Subject, game: Any) -> None:
    subject.demand("game", isinstance(game, Game), f"{game!r} is a {type(game).__name__}")
    frozen = dataclasses.is_dataclass(game) and type(game).__dict__.get("__dataclass_params__")
    subject.demand(
        "game", frozen and frozen.frozen, f"{type(game).__name__} is not decorated with @dataclass(frozen=True)"
    )
    try:
        hash(game)
    except TypeError as cause:
        raise subject.breach("game", f"{game!r} has no hash: {cause}") from cause
    subject.demand("game", game.num_players >= 1, f"num_players is {game.num_players!r}")


def _check_params(subject: Subject, params: Any) -> None:
    right = isinstance(params, environment.EnvParams)
    subject.demand("params", right, f"{params!r} is a {type(params).__name__}")
    foreign = foreign_leaf(params)
    subject.demand("params", not foreign, f"in {type(params).__name__}, {foreign}")
    steps = np.asarray(params.max_steps_in_episode)
    whole = np.issubdtype(steps.dtype, np.integer) and steps.shape == () and steps >= 1
    subject.demand("params", whole, f"max_steps_in_episode is {params.max_steps_in_episode!r}")


def _check_description(subject: Subject, game: Game[Any, Any], params: Any) -> None:
    """Check everything that is known without playing."""
    _check_game(subject, game)
    _check_params(subject, params)
    change = different_form(params, game.default_params)
    subject.demand("equal-games", not change, f"default_params are of another form: {change}")
    with subject.running("spaces"):
        seen, chosen, names = game.observation_space(params), game.action_space(params), tuple(game.action_names)
        players, features = seen.shape
    subject.demand("spaces", players == game.num_players and features > 0, f"observation_space has shape {seen.shape}")
    subject.demand("spaces", seen.dtype == jnp.float32, f"observation_space has dtype {seen.dtype}")
    subject.demand("spaces", len({*names}) == len(names), f"action_names are {names!r}")
    subject.demand(
        "spaces", chosen.n == game.num_actions == len(names), f"{chosen.n} actions, with the names {names!r}"
    )
    with subject.running("reports"):
        scores = {name: float(score) for name, score in game.reference_scores(params).items()}
    subject.demand("reports", np.isfinite([*scores.values()]).all(), f"reference_scores are {scores!r}")
    chosen = game.cooperative_action
    right = chosen is None or (type(chosen) is int and 0 <= chosen < game.num_actions)
    subject.demand("cooperation", right, f"cooperative_action is {chosen!r}")
    _check_layouts(subject, game, params)


def _check_layouts(subject: Subject, game: Game[Any, Any], params: Any) -> None:
    usual = game.observation_layout
    subject.demand("layouts", usual in OBSERVATION_LAYOUTS, f"observation_layout is {usual!r}")
    with subject.running("layouts"):
        same = game.in_layout(usual)
    subject.demand("layouts", same == game, f"in its own layout, {usual!r}, {game!r} became {same!r}")
    if "observation_layout" not in {field.name for field in dataclasses.fields(game)}:
        return
    for layout in OBSERVATION_LAYOUTS:
        with subject.running("layouts"):
            other = game.in_layout(layout)
            spaces = other.observation_space(params).shape, game.observation_space(params).shape
        subject.demand("layouts", other.observation_layout == layout and spaces[0] == spaces[1], f"{other!r}")


class _Step(NamedTuple):
    """What ``step_env`` gives."""

    observation: Any
    state: Any
    reward: Any
    terminated: Any
    info: Any


def _step_env(game: Game[Any, Any], key: jax.Array, state: Any, actions: jax.Array, params: Any) -> _Step:
    return _Step(*game.step_env(key, state, actions, params))


def _check_forms(subject: Subject, game: Game[Any, Any], params: Any) -> None:
    """Trace ``reset_env`` and ``step_env`` and check what comes out; nothing is computed."""
    key, actions = jax.random.key(0), jnp.zeros(game.num_players, jnp.int32)
    same = partial(demand_same_program, subject, "same-key-same-step", errors="compiles")
    begun = same(game.reset_env, key, params).shapes
    pair = isinstance(begun, tuple) and len(begun) == 2
    subject.demand("compiles", pair, f"TypeError: reset_env returned {begun!r}, not (observation, state)")
    first, state = begun
    step: _Step = same(partial(_step_env, game), key, state, actions, params).shapes
    after: _Step = trace(subject, "compiles", partial(_step_env, game), key, step.state, actions, params).shapes
    for before, now in ((state, step.state), (step.state, after.state)):
        change = different_form(before, now)
        subject.demand("state-kept", not change, f"in the state, {change}")
    wanted = game.observation_space(params).shape
    for given in (first, step.observation):
        form = f"{given.dtype}{list(given.shape)}, where the space is float32{list(wanted)}"
        subject.demand("observation", given.shape == wanted and given.dtype == jnp.float32, form)
    reward = step.reward
    right = reward.shape == (game.num_players,) and reward.dtype == jnp.float32
    subject.demand("reward", right, f"{reward.dtype}{list(reward.shape)} for {game.num_players} players")
    subject.demand("info", isinstance(step.info, dict), f"info is a {type(step.info).__name__}")
    for name, value in step.info.items():
        form = f"{name!r} is {value.dtype}{list(value.shape)}" if hasattr(value, "dtype") else f"{name!r} is {value!r}"
        subject.demand("info", jnp.shape(value) == () and name not in ADDED_BY_GYMNAX, form)
    subject.demand("info", set(step.info) == set(after.info), f"{sorted(step.info)}, then {sorted(after.info)}")
    both = jax.tree.map(lambda leaf: jnp.stack([jnp.asarray(leaf)] * 2), params)
    with subject.running("params-map"):
        states = jax.eval_shape(jax.vmap(game.reset_env, in_axes=(None, 0)), key, both)[1]
        jax.eval_shape(jax.vmap(partial(_step_env, game), in_axes=(None, 0, None, 0)), key, states, actions, both)


class _Episode(NamedTuple):
    """Steps of gymnax's ``step``, ``[T, ...]`` each."""

    start: Any  # the state before the step
    action: jax.Array  # [T, players]
    observation: jax.Array  # [T, players, features]
    state: Any
    reward: jax.Array  # [T, players]
    terminated: jax.Array  # [T]
    truncated: jax.Array  # [T]
    info: dict[str, jax.Array]
    observed: jax.Array  # [T, players, features]: `observe` of the state after the step
    table_row: jax.Array  # [T, players]: `observation_index` of the state after the step; zeros without a table
    direct: _Step  # what ``step_env`` gives for the key that gymnax hands to it


@partial(jax.jit, static_argnums=0)
def _play(game: Game[Any, Any], key: jax.Array, params: Any) -> _Episode:
    """Play episodes at random, each step both by gymnax's ``step`` and by ``step_env``."""
    reset_key, actions_key, steps_key = jax.random.split(key, 3)
    actions = jax.random.randint(actions_key, (NUM_STEPS, game.num_players), 0, game.num_actions)

    def step(state: Any, inputs: tuple[jax.Array, jax.Array]) -> tuple[Any, _Episode]:
        step_key, joint = inputs
        result = game.step(step_key, state, joint, params)
        observation, after, reward, terminated, truncated, info = result
        direct = _step_env(game, jax.random.split(step_key)[0], state, joint, params)
        row = jnp.zeros(game.num_players, jnp.int32)
        if game.num_observations is not None:
            row = game.observation_index(after)
        observed = game.observe(step_key, after, None, params)
        return after, _Episode(
            state, joint, observation, after, reward, terminated, truncated, info, observed, row, direct
        )

    start = game.reset(reset_key, params)[1]
    return jax.lax.scan(step, start, (jax.random.split(steps_key, NUM_STEPS), actions))[1]


def _check_episodes(subject: Subject, game: Game[Any, Any], params: Any) -> None:
    """Play two and a half episodes at random and check every value."""
    with subject.running("compiles"):
        played: _Episode = jax.device_get(_play(game, jax.random.key(1), params))
    space = game.observation_space(params)
    seen = played.observation
    inside = np.isfinite(seen).all() and (seen >= space.low).all() and (seen <= space.high).all()
    subject.demand("observation", inside, f"numbers from {seen.min()} to {seen.max()} in {space.low} to {space.high}")
    subject.demand("reward", np.isfinite(played.reward).all(), f"rewards {played.reward.tolist()}")
    ended = np.flatnonzero(np.logical_or(played.terminated, played.direct.terminated))
    subject.demand("never-terminated", not len(ended), f"terminated after {[int(step) + 1 for step in ended]} steps")
    expected = np.arange(1, NUM_STEPS + 1) % HORIZON
    subject.demand(
        "horizon",
        np.array_equal(played.truncated, expected == 0) and np.array_equal(played.state.time, expected),
        f"with max_steps_in_episode={HORIZON}, truncated is {played.truncated.tolist()} and "
        f"state.time {np.asarray(played.state.time).tolist()}",
    )
    last = played.info.get("final_observation")
    right = last is not None and np.array_equal(last, played.direct.observation)
    subject.demand("final-observation", right, "it is missing" if last is None else "another observation")
    subject.demand("observe", np.array_equal(played.observed, seen), "another observation")
    _check_table(subject, game, played)
    _check_summary(subject, game, played)
    _check_pictures(subject, game, params, played)


def _check_table(subject: Subject, game: Game[Any, Any], played: _Episode) -> None:
    if game.num_observations is None:
        return
    with subject.running("observation-table"):
        table = np.asarray(game.observation_table())
    shape = (game.num_observations, played.observation.shape[-1])
    subject.demand("observation-table", table.shape == shape, f"a table of shape {table.shape}, not {shape}")
    rows = played.table_row
    inside = np.issubdtype(rows.dtype, np.integer) and ((rows >= 0) & (rows < len(table))).all()
    subject.demand("observation-table", inside, f"rows {rows.tolist()} of a table of {len(table)}")
    subject.demand("observation-table", np.array_equal(table[rows], played.observation), "another observation")


def _check_summary(subject: Subject, game: Game[Any, Any], played: _Episode) -> None:
    means = {name: jnp.asarray(np.mean(value), jnp.float32) for name, value in played.direct.info.items()}
    with subject.running("reports"):
        summary = {name: np.asarray(value, float) for name, value in game.summarise(means).items()}
    wrong = {name: value for name, value in summary.items() if value.shape != () or not np.isfinite(value)}
    subject.demand("reports", not wrong, f"summarise gives {wrong!r}")
    with subject.running("measures"):
        named = {measure.name for measure in game.measures}
        of_player = {name: float(value) for name, value in game.summarise_player([means] * game.num_players).items()}
        named_of_player = {measure.name for measure in game.player_measures}
    subject.demand("measures", named <= {*summary}, f"measures {sorted(named - {*summary})} without a metric")
    same = named_of_player == {*of_player}
    subject.demand("measures", same, f"player_measures {sorted(named_of_player)}, numbers {sorted(of_player)}")


PICTURE_WIDTH = 160


def _check_pictures(subject: Subject, game: Game[Any, Any], params: Any, played: _Episode) -> None:
    """Draw and describe the first two steps."""
    frame = Frame.first(params, jax.tree.map(lambda leaf: leaf[0], played.start), game.num_players)
    for step in range(2):
        state = jax.tree.map(lambda leaf, step=step: leaf[step], played.state)
        frame = frame.after(state, np.asarray(played.action[step]), np.asarray(played.reward[step]))
        with subject.running("pictures"):
            board = game.board(state) or Board(0, 0, ())
        for piece in board.pieces:
            inside = 0 <= piece.row < board.rows and 0 <= piece.column < board.columns
            owned = piece.player is None or 0 <= piece.player < game.num_players
            subject.demand("pictures", inside and owned, f"{piece!r} on a board of {board.rows} x {board.columns}")
        with subject.running("pictures"):
            text = game.describe(frame)
        subject.demand("pictures", isinstance(text, str) and text.strip(), f"describe returned {text!r}")
        with subject.running("pictures"):
            picture = game.draw(frame, size=PICTURE_WIDTH)
        found = getattr(picture, "mode", None), getattr(picture, "width", None)
        subject.demand("pictures", found == ("RGB", PICTURE_WIDTH), f"draw returned {picture!r}")


SYMMETRY_EPISODES, SYMMETRY_ERRORS = 2048, 7.0
"""Episodes that are compared, and how many standard errors apart they may be."""


def _check_symmetry(subject: Subject, game: Game[Any, Any], params: Any) -> None:
    """Where a game says that it is symmetric, compare what the first and the last player see with actions exchanged.

    All move on by one place, so that the last player does what the first did and the others keep their order after
    it; two players change places.
    """
    with subject.running("symmetry"):
        claimed = game.is_symmetric(params)
    subject.demand("symmetry", isinstance(claimed, bool | np.bool_), f"is_symmetric returned {claimed!r}")
    if not claimed:
        return
    times = np.arange(HORIZON)[:, None]
    actions = (times + (times + 1) * np.arange(game.num_players)) % game.num_actions  # different ones, then equal ones
    with subject.running("compiles"):
        first = _experiences(game, jax.random.key(2), params, actions)[:, 0]
        last = _experiences(game, jax.random.key(3), params, np.roll(actions, -1, axis=1))[:, -1]
    same = _alike(first, last)
    subject.demand("symmetry", same, "after exchanged actions the first and the last player see or get something else")


def _check_symmetries(subject: Subject, game: Game[Any, Any], params: Any) -> None:
    """Compare what players see and get with what they do under renamed actions, renamed back, for a few renamings."""
    with subject.running("symmetries"):
        symmetries = game.symmetries
        if symmetries is None:
            return
        observations, actions = (np.asarray(rows) for rows in symmetries)
    features, count = game.observation_space(params).shape[-1], game.num_actions
    permuted = _permutations(observations, features) and _permutations(actions, count)
    shapes = f"arrays of the shapes {observations.shape} and {actions.shape} for {features} features, {count} actions"
    subject.demand("symmetries", permuted and len(observations) == len(actions), shapes)
    unchanged = (observations == np.arange(features)).all(axis=1) & (actions == np.arange(count)).all(axis=1)
    subject.demand("symmetries", unchanged.any(), "the identity is not among them")
    played = np.random.default_rng(0).integers(count, size=(HORIZON, game.num_players))
    with subject.running("compiles"):
        plain = _experiences(game, jax.random.key(4), params, played)
    for each in np.unique(np.linspace(0, len(actions) - 1, 4).astype(int)):
        step = np.append(observations[each], features)  # and the reward after them
        back = np.concatenate([observations[each], *(features + (features + 1) * i + step for i in range(HORIZON))])
        with subject.running("compiles"):
            renamed = _experiences(game, jax.random.key(5), params, actions[each][played])[..., back]
        for player in range(game.num_players):
            same = _alike(plain[:, player], renamed[:, player])
            subject.demand("symmetries", same, f"under symmetry {each} player {player} sees or gets something else")


def _permutations(rows: np.ndarray, number: int) -> bool:
    return rows.ndim == 2 and np.array_equal(np.sort(rows, axis=1), np.tile(np.arange(number), (len(rows), 1)))


def _alike(first: jax.Array, second: jax.Array) -> bool:
    """Tell whether rows ``[N, D]`` of many episodes have the same distribution, by waves along random directions."""
    both = np.stack([first, second]).astype(np.float64)  # [2, N, D]
    directions = np.random.default_rng(0).normal(size=(both.shape[-1], 16))
    seen = both @ directions
    seen = (seen - seen.mean((0, 1))) / (seen.std((0, 1)) + 1e-6)
    waves = np.concatenate([np.cos(seen), np.sin(seen)], axis=-1)
    apart = np.abs(waves[0].mean(0) - waves[1].mean(0))
    error = np.sqrt(waves.var(axis=1).sum(axis=0) / SYMMETRY_EPISODES)
    return bool((apart <= SYMMETRY_ERRORS * error + 1e-3).all())


@partial(jax.jit, static_argnums=0)
def _experiences(game: Game[Any, Any], key: jax.Array, params: Any, actions: jax.Array) -> jax.Array:
    """Return what every player sees and gets in many episodes with the same actions, ``[N, players, D]``."""

    def episode(key: jax.Array) -> jax.Array:
        reset_key, steps_key = jax.random.split(key)
        observation, state = game.reset_env(reset_key, params)

        def step(state: Any, inputs: tuple[jax.Array, jax.Array]) -> tuple[Any, jax.Array]:
            after = _step_env(game, inputs[0], state, inputs[1], params)
            return after.state, jnp.concatenate([after.observation, after.reward[:, None]], axis=-1)

        _, seen = jax.lax.scan(step, state, (jax.random.split(steps_key, HORIZON), actions))
        return jnp.concatenate([observation, *seen], axis=-1)

    return jax.vmap(episode)(jax.random.split(key, SYMMETRY_EPISODES))


def _check_strategies(subject: Subject, game: Game[Any, Any], params: Any) -> None:
    for name, make in game.strategies.items():
        subject.demand("strategies", isinstance(name, str) and callable(make), f"{name!r}: {make!r}")
        for number in range(game.num_players):
            with subject.running("strategies"):
                policy = make(game, number)
            player = Subject(f"the strategy {name!r} as player {number} of {game.name}")
            check_player(player, policy, game, params, player=number, pure=True)
