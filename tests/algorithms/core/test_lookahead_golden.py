"""The lookahead on the published program's numbers: tabular policies on recorded trajectories.

The lookahead is written for any network that offers `unroll` and its derivatives, so a table of logits stands in for
the recurrent network here, and the recorded trajectories for sampling.
"""

from pathlib import Path
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from polax.algorithms.core import dice, lookahead
from polax.algorithms.core.lookahead import ActorCritic, Coefficients, Lookahead, Structure
from polax.algorithms.core.networks import Observations, Unrolled
from polax.algorithms.core.rollout import Batch, Side

GOLDEN = Path(__file__).parents[2] / "golden" / "dice_and_lookahead.npz"

TABULAR = SimpleNamespace(
    unroll=lambda table, seen: Unrolled(table[seen.values], None),
    unroll_backward=lambda table, seen, hidden, bars: jnp.zeros_like(table).at[seen.values].add(bars),
    unroll_tangent=lambda table, tangent, seen, hidden: Unrolled(tangent[seen.values], None),
    unroll_backward_tangent=lambda table, seen, hidden, bars, *, tangents: (
        jnp.zeros_like(table).at[seen.values].add(tangents.cotangents)
    ),
)


@pytest.mark.slow
@pytest.mark.parametrize("inner_steps", [1, 2])
def test_gradient_through_the_inner_steps_is_the_published_one(inner_steps, monkeypatch):
    with jax.enable_x64(True), np.load(GOLDEN) as archive:
        prefix = f"lookahead{inner_steps}/"
        data = {
            name.removeprefix(prefix): jnp.asarray(archive[name]) for name in archive.files if name.startswith(prefix)
        }
        key = jax.random.key(0)
        key_inner, key_outer = jax.random.split(key)
        recorded = [f"inner{i}" for i in range(inner_steps)] + ["outer"]
        keys = [*jax.random.split(key_inner, inner_steps), key_outer]

        def side(name, player, table):
            states = data[f"{name}/states"]
            return Side(
                observations=Observations(jnp.concatenate([states, states[:1]])),
                actions=data[f"{name}/actions{player}"],
                rewards=data[f"{name}/rewards{player}"],
                logits=table[states],
                hidden=None,
            )

        def pick(key, choices):
            """The one of ``choices`` whose key is ``key``, which is traced."""
            result = choices[-1]
            for known, choice in zip(keys[:-1], choices[:-1], strict=True):
                same = jnp.all(jax.random.key_data(key) == jax.random.key_data(known))
                result = jax.tree.map(lambda yes, no, same=same: jnp.where(same, yes, no), choice, result)
            return result

        def replay(self, key, own, other):
            return pick(key, [Batch(side(name, 1, own), side(name, 2, other)) for name in recorded])

        def recorded_advantages(critic, side, coefficients):
            """Recognise whose rewards these are, and use the recorded values of that player's critic."""
            advantages = jnp.zeros_like(side.rewards)
            for name in recorded:
                for player in (1, 2):
                    rewards = data[f"{name}/rewards{player}"]
                    found = dice.generalized_advantages(
                        rewards,
                        data[f"{name}/values{player}"],
                        data[f"{name}/end_value{player}"],
                        discount=coefficients.discount,
                        gae_lambda=coefficients.gae_lambda,
                    )
                    advantages = jnp.where(jnp.all(side.rewards == rewards), found, advantages)
            return advantages, jnp.zeros(()), critic

        monkeypatch.setattr(lookahead, "networks", TABULAR)
        monkeypatch.setattr(lookahead, "evaluate_critic", recorded_advantages)
        monkeypatch.setattr(Lookahead, "sample", replay)
        coefficients = Coefficients(
            inner_lr=data["inner_lr"],
            outer_lr=jnp.float64(0.1),
            critic_lr=jnp.float64(0.0),
            inner_beta=data["inner_beta"],
            outer_beta=data["outer_beta"],
            discount=data["gamma"],
            gae_lambda=jnp.float64(1.0),
            dice_lambda=jnp.float64(1.0),
        )
        structure = Structure(
            num_envs=5,
            num_steps=7,
            hidden_size=1,
            inner_steps=inner_steps,
            outer_steps=1,
            kl_direction="forward",
        )
        critic = jnp.zeros((5, 1))
        settings = Lookahead(
            env=None,
            env_params=None,
            structure=structure,
            coefficients=coefficients,
            player=jnp.int32(0),
            other=ActorCritic(data["theta2"], critic),
            start=data["theta1_reference"],
        )
        gradient, _ = lookahead.outer_gradient(key, ActorCritic(data["theta1"], critic), settings)
        np.testing.assert_allclose(gradient.policy, data["grad_theta1"], atol=1e-9)
        opponent, _ = lookahead._imagine(key_inner, data["theta1"], settings.other, settings)
        np.testing.assert_allclose(opponent.policy, data["theta2_after_inner"], atol=1e-9)
