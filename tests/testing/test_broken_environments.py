"""Every clause of the contract of environments: a game that breaks it fails with that clause."""

import dataclasses
import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import polax
import pytest
from conforming import MatchConfig, MatchGame, MatchParams, Player, game
from gymnax.environments import spaces
from polax.envs.base import Measure
from polax.envs.coin_game import CoinGame
from polax.envs.rendering.frame import Board, Piece
from polax.testing import CLAUSES, ContractError, check_environment
from polax.testing.clauses import ENVIRONMENT_CLAUSES

COUNTER = itertools.count()


def stepping(**changes: Any) -> type[MatchGame]:
    """Return the game with some results of ``step_env`` passed through functions."""

    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Changed(MatchGame):
        def step_env(self, key: Any, state: Any, action: Any, params: Any) -> Any:
            results = super().step_env(key, state, action, params)
            names = ("observation", "state", "reward", "terminated", "info")
            return tuple(changes.get(name, lambda x: x)(value) for name, value in zip(names, results, strict=True))

    return Changed


def having(**members: Any) -> type[MatchGame]:
    """Return the game with other members."""
    return dataclasses.dataclass(frozen=True, kw_only=True)(type("Changed", (MatchGame,), members))


class NotADataclass(MatchGame):
    pass


@dataclasses.dataclass(frozen=True, kw_only=True)
class WithArray(MatchGame):
    table: Any = dataclasses.field(default_factory=lambda: np.zeros(2))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Numbered(MatchGame):
    number: Any = dataclasses.field(default_factory=lambda: next(COUNTER))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Prized(MatchGame):
    prize: float = 1.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class OneKey(MatchGame):
    def reset_env(self, key: Any, params: Any) -> Any:
        jax.random.uniform(key)
        return super().reset_env(key, params)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Counting(MatchGame):
    def reset_env(self, key: Any, params: Any) -> Any:
        observation, state = super().reset_env(key, params)
        return observation, state.replace(time=state.time + 0 * jnp.int32(next(COUNTER)))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Deciding(MatchGame):
    def step_env(self, key: Any, state: Any, action: Any, params: Any) -> Any:
        return super().step_env(key, state, action if params.prize > 0 else -action, params)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Unmapped(MatchGame):
    def step_env(self, key: Any, state: Any, action: Any, params: Any) -> Any:
        shape = jax.ShapeDtypeStruct((), jnp.float32)
        prize = jax.pure_callback(lambda prize: prize, shape, params.prize)
        return super().step_env(key, state, action, params.replace(prize=prize))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Forgetful(MatchGame):
    def step(self, key: Any, state: Any, action: Any, params: Any = None) -> Any:
        *results, info = super().step(key, state, action, params)
        return *results, {**info, "final_observation": results[0]}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Endless(MatchGame):
    def is_truncated(self, state: Any, params: Any) -> Any:
        return jnp.zeros((), bool)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Blind(MatchGame):
    def step_env(self, key: Any, state: Any, action: Any, params: Any) -> Any:
        observation, *others = super().step_env(key, state, action, params)
        return 1 - observation, *others

    @property
    def num_observations(self) -> None:
        return None


def prized(config: MatchConfig) -> Any:
    return Prized(prize=config.prize), game().build(config)[1]


def with_params(change: Any) -> Any:
    """Return the plug-in with other params."""

    def build(config: MatchConfig) -> Any:
        made, params = game().build(config)
        return made, change(params)

    return game(build=build)


def refusing(config: MatchConfig) -> Any:
    raise KeyError("nothing of that name")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Unfair(MatchGame):
    """Calls itself symmetric, but pays the second player twice."""

    def is_symmetric(self, params: Any) -> bool:
        return True

    def step_env(self, key: Any, state: Any, action: Any, params: Any) -> Any:
        observation, state, reward, *others = super().step_env(key, state, action, params)
        return observation, state, reward * jnp.array([1.0, 2.0]), *others


@dataclasses.dataclass(frozen=True, kw_only=True)
class OneSided(CoinGame):
    """Calls itself symmetric, whatever the players see."""

    def is_symmetric(self, params: Any) -> bool:
        return True


def misnamed(**changes: Any) -> CoinGame:
    """Return the coin game with other symmetries."""
    found = CoinGame().symmetries._replace(**changes)
    return dataclasses.dataclass(frozen=True, kw_only=True)(type("Misnamed", (CoinGame,), {"symmetries": found}))()


def outside(self: Any, state: Any) -> Board:
    return Board(2, 2, (Piece("stone", 2, 0),))


BROKEN = [
    ("build", game(build=refusing), "KeyError"),
    ("build", game(build=lambda config: None), "TypeError"),
    ("game", game(build=lambda config: (7, None)), "7 is a int"),
    ("game", game(NotADataclass), "NotADataclass is not decorated with @dataclass(frozen=True)"),
    ("game", game(WithArray), "has no hash"),
    ("game", game(having(num_players=0)), "num_players is 0"),
    ("equal-games", game(Numbered), "Numbered(default_overrides=(), name='Match-v0'"),
    ("equal-games", with_params(lambda params: params.replace(prize=jnp.zeros(2))), "prize was float32[2]"),
    ("numbers-in-params", game(build=prized), "became Prized"),
    ("params", with_params(lambda params: {"prize": 1.0}), "is a dict"),
    ("params", with_params(lambda params: params.replace(prize=1.0)), "prize is 1.0 of type builtins.float"),
    ("params", with_params(lambda params: params.replace(max_steps_in_episode=jnp.float32(3))), "max_steps_in_episode"),
    ("params", with_params(lambda params: params.replace(max_steps_in_episode=jnp.int32(0))), "max_steps_in_episode"),
    ("spaces", having(observation_space=lambda self, params=None: spaces.Box(0, 1, (3, 2), jnp.float32))(), "(3, 2)"),
    ("spaces", having(observation_space=lambda self, params=None: spaces.Box(0, 1, (2, 2), jnp.int32))(), "int32"),
    ("spaces", having(observation_space=lambda self, params=None: spaces.Box(0, 1, (2,), jnp.float32))(), "unpack"),
    ("spaces", MatchGame(action_names=("left", "left")), "action_names are ('left', 'left')"),
    ("spaces", having(action_space=lambda self, params=None: spaces.Discrete(3))(), "3 actions"),
    ("compiles", Deciding(), "TracerBoolConversionError"),
    ("compiles", having(reset_env=lambda self, key, params: 7)(), "TypeError"),
    ("observation", stepping(observation=lambda x: x.astype(jnp.int32))(), "int32[2, 2], where the space is float32"),
    ("observation", stepping(observation=lambda x: x[0])(), "float32[2]"),
    ("observation", having(observe=lambda self, *_: jnp.full((2, 2), 2.0))(), "numbers from 2.0 to 2.0"),
    ("reward", stepping(reward=lambda x: x[0])(), "float32[] for 2 players"),
    ("reward", stepping(reward=lambda x: x / 0)(), "nan"),
    ("info", stepping(info=lambda x: {"same": jnp.zeros(2)})(), "'same' is float32[2]"),
    ("info", stepping(info=lambda x: {"truncated": x["same"]})(), "'truncated' is float32[]"),
    ("info", stepping(info=lambda x: None)(), "info is a NoneType"),
    ("never-terminated", stepping(terminated=lambda x: ~x)(), "terminated after [1, 2"),
    ("horizon", stepping(state=lambda x: x.replace(time=x.time + 1))(), "state.time"),
    ("horizon", Endless(), "truncated is [False, False, False"),
    ("final-observation", Forgetful(), "another observation"),
    ("state-kept", stepping(state=lambda x: x.replace(last=x.last.astype(jnp.float32)))(), "last was int32[2]"),
    ("same-key-same-step", Counting(), "traced again"),
    ("key-used-once", OneKey(), "already consumed"),
    ("observe", Blind(), "another observation"),
    ("observation-table", having(observation_table=lambda self: jnp.zeros((4, 2)))(), "another observation"),
    ("observation-table", having(observation_table=lambda self: jnp.zeros((5, 2)))(), "shape (5, 2), not (4, 2)"),
    ("observation-table", having(observation_index=lambda self, state: jnp.full(2, 4))(), "of a table of 4"),
    ("params-map", Unmapped(), "vmap"),
    ("strategies", having(strategies={"even": 7})(), "'even': 7"),
    ("strategies", having(strategies={"even": lambda game: None})(), "TypeError"),
    ("policy-pytree", having(strategies={"even": lambda game, player: Player(0.5)})(), "log_odds is 0.5"),  # type: ignore[arg-type]
    ("reports", having(reference_scores=lambda self, params: {"best": float("nan")})(), "nan"),
    ("reports", having(summarise=lambda self, info: {"rate": info["same"] / 0})(), "summarise gives"),
    ("reports", having(summarise=lambda self, info: {"rate": info["missing"]})(), "KeyError: 'missing'"),
    ("measures", having(measures=(Measure("rate", "Rate"),))(), "['rate'] without a metric"),
    ("measures", having(player_measures=(Measure("rate", "Rate"),))(), "player_measures ['rate'], numbers []"),
    ("pictures", having(draw=lambda self, frame, size: None)(), "draw returned None"),
    ("pictures", having(describe=lambda self, frame: "")(), "describe returned ''"),
    ("pictures", having(board=outside)(), "on a board of 2 x 2"),
    ("symmetry", having(is_symmetric=lambda self, params: None)(), "is_symmetric returned None"),
    ("symmetry", Unfair(), "something else"),
    ("symmetry", OneSided(observation_layout="shared"), "something else"),
    ("symmetries", having(symmetries=7)(), "TypeError"),
    ("symmetries", misnamed(actions=np.zeros((72, 4), int)), "arrays of the shapes (72, 36) and (72, 4)"),
    ("symmetries", misnamed(actions=np.tile([1, 0, 2, 3], (72, 1))), "the identity is not among them"),
    ("symmetries", misnamed(actions=np.tile([0, 1, 2, 3], (72, 1))), "sees or gets something else"),
    ("layouts", having(observation_layout="mine")(), "observation_layout is 'mine'"),
    ("layouts", having(in_layout=lambda self, layout: None)(), "became None"),
    ("cooperation", having(cooperative_action=2)(), "cooperative_action is 2"),
]


@pytest.mark.parametrize(
    ("clause", "broken", "found"), BROKEN, ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_broken_environment_fails_with_the_clause_it_breaks(clause: str, broken: Any, found: str) -> None:
    with pytest.raises(ContractError) as caught:
        check_environment(broken)
    assert caught.value.clause == clause, caught.value
    assert found in caught.value.found
    assert CLAUSES[clause].fix in str(caught.value)


def test_a_conforming_environment_passes_as_a_plug_in_and_as_a_game() -> None:
    check_environment(game())
    check_environment(game(), options={"prize": 3.0})
    check_environment(
        MatchGame().with_default_params(MatchParams(prize=jnp.float32(2), max_steps_in_episode=jnp.int32(9)))
    )


def test_a_symmetric_game_passes_where_its_starts_are_random() -> None:
    check_environment(OneSided())


def test_what_is_no_environment_is_a_users_error() -> None:
    with pytest.raises(polax.UnknownNameError, match="did you mean 'IPD-v0'"):
        check_environment("IPD")
    with pytest.raises(ValueError, match="options are for an id or a plug-in"):
        check_environment(MatchGame(), options={"prize": 3.0})


def test_every_clause_of_environments_is_broken_by_a_test() -> None:
    assert {clause for clause, *_ in BROKEN} >= {*ENVIRONMENT_CLAUSES}
