"""Independent advantage actor-critic in PyTorch: ordinary Python around a compiled game.

Mnih et al. 2016, arXiv:1602.01783, one batch of whole episodes for each update. polax runs such an algorithm seed after
seed instead of compiling it (``pure=False``); everything else, from checkpoints to evaluation, is as for any other.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import torch
from polax.algorithms.base import Algorithm, AlgorithmPlugin, Preset
from polax.envs.base import Game

from .network import ActorCritic, PlayerState, new_player, one_thread, pack, unpack

__all__ = ["TORCH_A2C", "A2CConfig"]

State = tuple[PlayerState, ...]


@dataclass(frozen=True, kw_only=True)
class A2CConfig:
    """Options of the actor-critic."""

    num_envs: int = 64
    """Episodes in a batch; an update plays one batch."""
    hidden_size: int = 32
    """Width of both layers."""
    learning_rate: float = 0.01
    """Rate of Adam."""
    discount: float = 0.96
    """Discount of later rewards."""
    entropy_weight: float = 0.01
    """Weight of the entropy bonus."""
    value_weight: float = 0.5
    """Weight of the value loss."""

    def __post_init__(self) -> None:
        for name in ("num_envs", "hidden_size"):
            if not isinstance(getattr(self, name), int) or getattr(self, name) < 1:
                raise ValueError(f"{name} must be a whole number of at least 1; got {getattr(self, name)!r}")
        for name in ("learning_rate", "discount", "entropy_weight", "value_weight"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must be at least 0; got {getattr(self, name)!r}")


class TorchPlayer:
    """A learned player, for polax: it draws actions from the network's logits and remembers nothing."""

    def __init__(self, network: ActorCritic) -> None:
        """Keep the network, which is only read."""
        self.network = network

    def initial_memory(self, num_envs: int) -> None:
        """Return nothing: the observation is all it goes by."""
        del num_envs

    def act(self, key: jax.Array, observation: jax.Array, memory: None) -> tuple[np.ndarray, None]:
        """Draw one action ``[B]`` for each observation ``[B, F]``."""
        with torch.no_grad(), one_thread():
            logits, _ = self.network(_tensor(observation))
            return _draw(logits, torch.Generator().manual_seed(_seed(key))).numpy(), memory


class Batch(NamedTuple):
    """What all players saw and did in a batch of episodes."""

    observation: torch.Tensor  # [T, B, P, F]
    action: torch.Tensor  # [T, B, P] int64
    reward: torch.Tensor  # [T, B, P]


class _Learner:
    """The three functions of the algorithm; nothing in here changes after it is made."""

    def __init__(self, env: Game[Any, Any], params: Any, config: A2CConfig) -> None:
        self._env, self._params, self._config = env, params, config
        self._num_steps = int(params.max_steps_in_episode)
        self._sizes = (env.observation_space(params).shape[-1], config.hidden_size, env.num_actions)

    def init(self, key: jax.Array) -> State:
        """Draw every player."""
        return tuple(new_player(_seed(each), self._sizes) for each in jax.random.split(key, self._env.num_players))

    @one_thread()
    def update(self, key: jax.Array, state: State) -> tuple[State, dict[str, float]]:
        """Play a batch, then let each player learn from its side of it."""
        players = [unpack(player, self._sizes, self._config.learning_rate) for player in state]
        batch = self._play(key, [network for network, _ in players])
        metrics: dict[str, float] = {}
        for player, (network, optimizer) in enumerate(players):
            loss, values = self._loss(network, Batch(*(each[:, :, player] for each in batch)))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            metrics |= {f"{name}/player_{player}": value.item() for name, value in values.items()}
        metrics["env_steps"] = float(self._config.num_envs * self._num_steps)
        return tuple(pack(network, optimizer) for network, optimizer in players), metrics

    def policies(self, state: State) -> tuple[TorchPlayer, ...]:
        """Return the players."""
        return tuple(TorchPlayer(unpack(player, self._sizes, 0.0)[0]) for player in state)

    def _play(self, key: jax.Array, networks: list[ActorCritic]) -> Batch:
        """Play a batch of episodes: the game is compiled, the loop is Python's."""
        actions_key, reset_key, steps_key = jax.random.split(key, 3)
        generator = torch.Generator().manual_seed(_seed(actions_key))
        observation, game = _reset(self._env, self._config.num_envs, reset_key, self._params)
        record = []
        for step_key in jax.random.split(steps_key, self._num_steps):
            seen = _tensor(observation)
            with torch.no_grad():
                chosen = [_draw(network(seen[:, player])[0], generator) for player, network in enumerate(networks)]
            action = torch.stack(chosen, dim=1)
            observation, game, reward = _step(self._env, step_key, game, action.numpy().astype(np.int32), self._params)
            record.append(Batch(seen, action, _tensor(reward)))
        return Batch(*(torch.stack(each) for each in zip(*record, strict=True)))

    def _loss(self, network: ActorCritic, side: Batch) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Return the loss of one player, and what is worth reporting."""
        config = self._config
        logits, value = network(side.observation)
        returns = _discounted_returns(side.reward, config.discount)
        advantage = (returns - value).detach()
        log_probs = torch.log_softmax(logits, dim=-1)
        chosen = log_probs.gather(-1, side.action[..., None])[..., 0]
        entropy = -(log_probs.exp() * log_probs).sum(-1).mean()
        value_loss = torch.square(returns - value).mean()
        loss = -(chosen * advantage).mean() + config.value_weight * value_loss - config.entropy_weight * entropy
        return loss, {"value_loss": value_loss, "entropy": entropy}


@partial(jax.jit, static_argnums=(0, 1))
def _reset(env: Game[Any, Any], num_envs: int, key: jax.Array, params: Any) -> tuple[jax.Array, Any]:
    return jax.vmap(env.reset_env, in_axes=(0, None))(jax.random.split(key, num_envs), params)


@partial(jax.jit, static_argnums=0)
def _step(env: Game[Any, Any], key: jax.Array, game: Any, action: jax.Array, params: Any) -> tuple[Any, Any, Any]:
    keys = jax.random.split(key, len(action))
    observation, game, reward, _, _ = jax.vmap(env.step_env, in_axes=(0, 0, 0, None))(keys, game, action, params)
    return observation, game, reward


def _discounted_returns(reward: torch.Tensor, discount: float) -> torch.Tensor:
    """Return what follows each step, ``[T, B]``, nothing after the last."""
    returns = torch.zeros_like(reward)
    following = torch.zeros_like(reward[0])
    for step in reversed(range(len(reward))):
        following = reward[step] + discount * following
        returns[step] = following
    return returns


def _draw(logits: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    return torch.multinomial(torch.softmax(logits, dim=-1), 1, generator=generator)[..., 0]


def _seed(key: jax.Array) -> int:
    """Return a whole number for torch from a key of jax."""
    return int(jax.random.bits(key, (), jnp.uint32))


def _tensor(array: jax.Array) -> torch.Tensor:
    return torch.from_numpy(np.array(array))


def build(env: Game[Any, Any], params: Any, config: A2CConfig) -> Algorithm:
    """Make the learner for a game; any number of players and actions will do."""
    learner = _Learner(env, params, config)
    return Algorithm(init=learner.init, update=learner.update, policies=learner.policies, pure=False)


TORCH_A2C = AlgorithmPlugin(
    config=A2CConfig,
    build=build,
    summary="Independent advantage actor-critic in PyTorch, in a loop of ordinary Python",
    presets={("laptop", "IPD-v0"): Preset(updates=100), ("laptop", "CoinGame-v0"): Preset(updates=400)},
)
