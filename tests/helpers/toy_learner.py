"""A learner small enough to test the runner with: each player's log-odds of action 1 take noisy steps upwards."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from polax.algorithms.base import Algorithm, AlgorithmPlugin, Preset


@dataclasses.dataclass(frozen=True)
class ToyConfig:
    """Options of the toy.

    Attributes:
        step_size: how far the log-odds move in an update.
    """

    step_size: float = 0.5
    outer_steps: int = 2
    """Steps in an update."""
    fails_after: int = 0
    """The update after which the loss is NaN where the log-odds of player 0 are below 0; 0: never."""
    work: int = 0
    """Rounds of useless arithmetic, to take time."""
    width: int = 2
    """Size of a vector carried along."""

    def __post_init__(self) -> None:
        if self.step_size <= 0:
            raise ValueError(f"step_size must be above 0, not {self.step_size}")


@struct.dataclass
class ToyState:
    log_odds: jax.Array  # [2]
    step_size: jax.Array  # []
    count: jax.Array  # [] int32
    noise_key: jax.Array  # a key among the leaves
    vector: jax.Array  # [width]
    nothing: jax.Array  # [0]


@struct.dataclass
class ToyPolicy:
    log_odds: jax.Array  # []

    def initial_memory(self, num_envs: int) -> Any:
        return ()

    def act(self, key: jax.Array, observation: jax.Array, memory: Any) -> tuple[jax.Array, Any]:
        chosen = jax.random.bernoulli(key, jax.nn.sigmoid(self.log_odds), observation.shape[:1])
        return chosen.astype(jnp.int32), memory


@dataclasses.dataclass(frozen=True)
class _Init:
    step_size: float
    width: int

    def __call__(self, key: jax.Array) -> ToyState:
        start_key, noise_key = jax.random.split(key)
        return ToyState(
            log_odds=jax.random.normal(start_key, (2,)),
            step_size=jnp.asarray(self.step_size),  # weakly typed on purpose
            count=jnp.int32(0),
            noise_key=noise_key,
            vector=jax.random.normal(noise_key, (self.width,)),
            nothing=jnp.zeros(0),
        )


@dataclasses.dataclass(frozen=True)
class _Update:
    outer_steps: int
    fails_after: int
    work: int

    def __call__(self, key: jax.Array, state: ToyState) -> tuple[ToyState, dict[str, jax.Array]]:
        noise_key, next_key = jax.random.split(state.noise_key)
        noise = 0.1 * jax.random.normal(key, (2,)) + 0.1 * jax.random.normal(noise_key, (2,))
        log_odds = state.log_odds + state.step_size * (1 + noise)
        vector = jax.lax.fori_loop(0, self.work, lambda _, x: jnp.tanh(x + 0.1), jnp.resize(state.vector, 4096))
        failing = (state.count + 1 > self.fails_after) & (self.fails_after > 0) & (log_odds[0] < 0)
        loss = jnp.where(failing, jnp.nan, -log_odds.mean())
        state = state.replace(
            log_odds=log_odds,
            count=state.count + 1,
            noise_key=next_key,
            vector=state.vector + 1e-6 * jnp.resize(vector, state.vector.shape),
        )
        return state, {"loss/player_0": loss, "env_steps": jnp.float32(100 * self.outer_steps)}


def _policies(state: ToyState) -> tuple[ToyPolicy, ...]:
    return ToyPolicy(state.log_odds[0]), ToyPolicy(state.log_odds[1])


def _build(env: Any, params: Any, config: ToyConfig) -> Algorithm:
    if env.num_actions != 2:
        raise ValueError(f"the toy plays games of two actions, {env.name} has {env.num_actions}")
    return Algorithm(
        init=_Init(config.step_size, config.width),
        update=_Update(config.outer_steps, config.fails_after, config.work),
        policies=_policies,
    )


TOY = AlgorithmPlugin(
    config=ToyConfig,
    build=_build,
    summary="A toy",
    presets={
        ("quick", "IPD-v0"): Preset(updates=3, options={"step_size": 0.25}, env_options={"max_steps_in_episode": 7})
    },
    steps_per_update=lambda config: {"outer-steps": config.outer_steps},
)


class _NumpyPolicy:
    """A player of ordinary Python, not a pytree."""

    def __init__(self, probability: float) -> None:
        self.probability = probability

    def initial_memory(self, num_envs: int) -> None:
        return None

    def act(self, key: jax.Array, observation: jax.Array, memory: None) -> tuple[np.ndarray, None]:
        seed = int(jax.random.randint(key, (), 0, 2**31 - 1))
        return (np.random.default_rng(seed).random(len(observation)) < self.probability).astype(np.int64), None


def _build_python(env: Any, params: Any, config: ToyConfig) -> Algorithm:
    def init(key: jax.Array) -> dict[str, np.ndarray]:
        return {"probability": np.float64(jax.random.uniform(key)), "count": np.zeros((), np.int64)}

    def update(key: jax.Array, state: dict[str, np.ndarray]) -> tuple[dict[str, np.ndarray], dict[str, float]]:
        nudge = float(jax.random.uniform(key)) * 0.1 * config.step_size
        failing = bool(config.fails_after) and state["count"] >= config.fails_after and state["probability"] < 0.5
        new = {"probability": np.minimum(1.0, state["probability"] + nudge), "count": state["count"] + 1}
        return new, {"loss/player_0": float("nan") if failing else -float(new["probability"])}

    def policies(state: dict[str, np.ndarray]) -> tuple[_NumpyPolicy, ...]:
        return (_NumpyPolicy(float(state["probability"])),) * 2

    return Algorithm(init=init, update=update, policies=policies, pure=False)


PYTHON_TOY = AlgorithmPlugin(config=ToyConfig, build=_build_python, summary="A toy in ordinary Python")
