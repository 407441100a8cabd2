"""A learner and a game that keep every clause and compile in no time, to be broken one clause at a time."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from gymnax.environments import environment, spaces
from polax.algorithms.base import Algorithm, AlgorithmPlugin
from polax.envs.base import EnvironmentPlugin, Game


@dataclasses.dataclass(frozen=True)
class LearnerConfig:
    step_size: float = 0.1
    width: int = 2


@struct.dataclass
class LearnerState:
    log_odds: jax.Array  # [2]
    vector: jax.Array  # [width]
    step_size: jax.Array  # []


@struct.dataclass
class Player:
    log_odds: jax.Array  # []

    def initial_memory(self, num_envs: int) -> Any:
        return jnp.zeros(num_envs, jnp.int32)

    def act(self, key: jax.Array, observation: jax.Array, memory: Any) -> tuple[jax.Array, Any]:
        chosen = jax.random.bernoulli(key, jax.nn.sigmoid(self.log_odds), observation.shape[:1])
        return chosen.astype(jnp.int32), memory + 1


@dataclasses.dataclass(frozen=True)
class Init:
    config: LearnerConfig

    def __call__(self, key: jax.Array) -> LearnerState:
        return LearnerState(
            jax.random.normal(key, (2,)), jnp.zeros(self.config.width), jnp.asarray(self.config.step_size)
        )


def update(key: jax.Array, state: LearnerState) -> tuple[LearnerState, dict[str, jax.Array]]:
    log_odds = state.log_odds + state.step_size * jax.random.normal(key, (2,))
    return state.replace(log_odds=log_odds), {"loss/player_0": -log_odds[0], "env_steps": jnp.float32(4)}


def policies(state: LearnerState) -> tuple[Player, ...]:
    return Player(state.log_odds[0]), Player(state.log_odds[1])


def learner(**changes: Any) -> AlgorithmPlugin:
    """Return the learner with other functions, or with other fields of the plug-in."""
    functions = {name: changes.pop(name) for name in ("init", "update", "policies") if name in changes}

    def build(env: Any, params: Any, config: LearnerConfig) -> Algorithm:
        usual = {"init": Init(config), "update": update, "policies": policies}
        return Algorithm(**{**usual, **functions})

    return AlgorithmPlugin(**{"config": LearnerConfig, "build": build, "summary": "conforms", **changes})


class PythonPlayer:
    def __init__(self, probability: float) -> None:
        self.probability = probability

    def initial_memory(self, num_envs: int) -> Any:
        return np.zeros(num_envs)

    def act(self, key: jax.Array, observation: jax.Array, memory: Any) -> tuple[np.ndarray, Any]:
        generator = np.random.default_rng(int(jax.random.bits(key)))
        memory += 1  # in place, as ordinary Python may
        return (generator.random(len(observation)) < self.probability).astype(np.int64), memory


class PythonLearner:
    def init(self, key: jax.Array) -> Any:
        return {"probability": np.asarray(jax.random.uniform(key, (2,))), "count": np.zeros((), np.int64)}

    def update(self, key: jax.Array, state: Any) -> Any:
        probability = 0.9 * state["probability"] + 0.1 * np.asarray(jax.random.uniform(key, (2,)))
        new = {"probability": probability, "count": state["count"] + np.int64(1)}
        return new, {"mean": float(probability.mean())}

    def policies(self, state: Any) -> Any:
        return tuple(PythonPlayer(float(each)) for each in state["probability"])


def python_learner(kind: type[PythonLearner] = PythonLearner) -> AlgorithmPlugin:
    def build(env: Any, params: Any, config: LearnerConfig) -> Algorithm:
        made = kind()
        return Algorithm(init=made.init, update=made.update, policies=made.policies, pure=False)

    return AlgorithmPlugin(config=LearnerConfig, build=build, summary="conforms in ordinary Python")


@struct.dataclass(kw_only=True)
class MatchState(environment.EnvState):
    last: jax.Array  # [2] int32
    time: jax.Array  # [] int32


@struct.dataclass(kw_only=True)
class MatchParams(environment.EnvParams):
    prize: jax.Array  # [] float32
    max_steps_in_episode: jax.Array  # [] int32


@dataclasses.dataclass(frozen=True, kw_only=True)
class MatchGame(Game[MatchState, MatchParams]):
    """Both win the prize where they do the same; the first move is drawn."""

    name: str = "Match-v0"
    action_names: tuple[str, ...] = ("left", "right")

    @property
    def base_params(self) -> MatchParams:
        return MatchParams(prize=jnp.float32(1), max_steps_in_episode=jnp.int32(10))

    def reset_env(self, key: jax.Array, params: MatchParams) -> Any:
        state = MatchState(last=jax.random.randint(key, (2,), 0, 2), time=jnp.int32(0))
        return self.observe(key, state, None, params), state

    def step_env(self, key: jax.Array, state: MatchState, action: jax.Array, params: MatchParams) -> Any:
        state = MatchState(last=jnp.asarray(action, jnp.int32), time=state.time + 1)
        same = (action[0] == action[1]).astype(jnp.float32)
        reward = jnp.full(2, params.prize * same)
        return self.observe(key, state, action, params), state, reward, jnp.zeros((), bool), {"same": same}

    def observe(self, key: jax.Array, state: MatchState, action: Any, params: MatchParams) -> jax.Array:
        return jnp.stack([state.last, state.last[::-1]]).astype(jnp.float32)

    def observation_space(self, params: Any = None) -> spaces.Box:
        return spaces.Box(0.0, 1.0, (2, 2), jnp.float32)

    @property
    def num_observations(self) -> int | None:
        return 4

    def observation_table(self) -> jax.Array:
        return jnp.array([[0, 0], [0, 1], [1, 0], [1, 1]], jnp.float32)

    def observation_index(self, state: MatchState) -> jax.Array:
        return jnp.stack([2 * state.last[0] + state.last[1], 2 * state.last[1] + state.last[0]])

    @property
    def strategies(self) -> Any:
        return {"even": lambda game, player: Player(jnp.float32(0))}

    def reference_scores(self, params: MatchParams) -> dict[str, float]:
        return {"always the same": float(params.prize)}


@dataclasses.dataclass(frozen=True)
class MatchConfig:
    prize: float = 1.0
    max_steps_in_episode: int = 10


def game(kind: type[MatchGame] = MatchGame, **changes: Any) -> EnvironmentPlugin:
    """Return the game of another class, or with other fields of the plug-in."""

    def build(config: MatchConfig) -> tuple[MatchGame, MatchParams]:
        return kind(), MatchParams(
            prize=jnp.float32(config.prize), max_steps_in_episode=jnp.int32(config.max_steps_in_episode)
        )

    return EnvironmentPlugin(**{"config": MatchConfig, "build": build, "summary": "conforms", **changes})
