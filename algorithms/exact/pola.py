"""Exact proximal LOLA: updates of bounded change in *policy*, however it is written (Zhao et al. 2022, section 3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from ...envs.base import Game
from ...options import Count, NotNegative, Positive, select
from ..base import Algorithm, AlgorithmPlugin, Metrics, PlayerLearner, Preset
from .derivatives import simultaneous_gradient
from .games import DifferentiableGame
from .joint import ground_of, losses_of
from .learner import ExactLookaheadConfig, ExactState, Learned, build_exact
from .many_players import OfMany
from .matchup import Matchup, descend, losses, opponent_step
from .one_player import build_exact_player
from .parameterisations import Params, bernoulli_kl


@dataclass(frozen=True, kw_only=True)
class PolaExactConfig(ExactLookaheadConfig):
    """Options of ``pola-exact``; the defaults are those published for tabular policies at contribution factor 1.33."""

    outer_lr: Positive = 0.3
    """Step size of the outer steps."""
    inner_lr: NotNegative = 5.0
    """Step size of the opponent's imagined steps."""
    outer_beta: NotNegative = 0.1
    """Weight of KL(old || new) of the learner's policy, summed over the five states."""
    inner_beta: NotNegative = 0.0
    """Weight of KL(old || new) of the opponent's policy in its imagined steps after the first."""
    inner_steps: Count = 1
    """Imagined steps of the opponent in each lookahead."""
    outer_steps: Count | None = None
    """Outer steps of an update; None continues to a fixed point."""
    threshold: Positive = 1e-8
    """A fixed point is where KL between successive policies is below this in both directions."""
    max_steps: Count = 5_000
    """Give up the search for a fixed point after this many outer steps; the metrics say so."""


class Descent(NamedTuple):
    """How far the outer steps of an update have come."""

    params: Params
    logits: jax.Array  # [5] of these parameters
    steps: jax.Array  # [] int32: outer steps taken
    converged: jax.Array  # [] bool: this policy and the one before are within the threshold of each other


def look_ahead(matchup: Matchup, own: Params, other: Params, inner_steps: int) -> Params:
    """Return the opponent's parameters after some gradient steps on its loss plus ``inner_beta`` KL(old || new).

    The KL is taken to the opponent's policy before the steps (POLA, Algorithm 1). Differentiable in both arguments.

    Args:
        matchup: who learns against whom.
        own: the learner's parameters, fixed during these steps.
        other: the opponent's parameters before the first step.
        inner_steps: how many steps, at least 1.
    """
    # The first step leaves from the reference policy, where the penalty has no gradient.
    ahead = opponent_step(matchup, own, other)
    if inner_steps == 1:
        return ahead
    player = 1 - matchup.player
    reference = matchup.other.logits(other, player)

    def objective(each: Params) -> jax.Array:
        penalty = bernoulli_kl(reference, matchup.other.logits(each, player))
        return losses(matchup, own, each).other + matchup.rates.inner_beta * penalty

    def step(each: Params, _: None) -> tuple[Params, None]:
        return descend(each, jax.grad(objective)(each), matchup.rates.inner_lr), None

    return jax.lax.scan(step, ahead, None, length=inner_steps - 1)[0]


def outer_gradient(matchup: Matchup, own: Params, other: Params, *, reference: jax.Array, inner_steps: int) -> Params:
    """Return the gradient of ``L_i(theta_i, theta_j after the inner steps) + outer_beta KL(reference || theta_i)``.

    Args:
        matchup: who learns against whom.
        own: the learner's parameters at this outer step.
        other: the opponent's *old* parameters, from which every lookahead starts.
        reference: logits ``[5]`` of the learner's policy before the whole update.
        inner_steps: steps of the opponent in the lookahead.
    """

    def objective(each: Params) -> jax.Array:
        ahead = look_ahead(matchup, each, other, inner_steps)
        penalty = bernoulli_kl(reference, matchup.own.logits(each, matchup.player))
        return losses(matchup, each, ahead).own + matchup.rates.outer_beta * penalty

    return jax.grad(objective)(own)


@dataclass(frozen=True)
class ProximalRule:
    """POLA's update: descend the proximal objective for a number of steps, or to a fixed point of the policy.

    A fixed point is where the KL between successive policies is below ``rates.threshold`` in both directions. Mapped
    over runs, each run keeps the parameters at which it stopped while the others continue.
    """

    inner_steps: int
    """Steps of the opponent in each lookahead."""
    outer_steps: int | None
    """Take exactly this many steps; None continues to the fixed point."""
    max_steps: int
    """Give up the search for a fixed point after this many steps."""

    def __call__(self, matchup: Matchup, own: Params, other: Params) -> Learned:
        """Return the learner after the update."""
        end = self.descend(matchup, own, other)
        if self.outer_steps is not None:
            return Learned(end.params, jnp.bool_(True), {})
        return Learned(end.params, end.converged, {"converged": end.converged, "outer_steps": end.steps})

    def descend(self, matchup: Matchup, own: Params, other: Params) -> Descent:
        """Return where the update ends.

        Args:
            matchup: who learns against whom.
            own: the learner's parameters before the update.
            other: the opponent's parameters before the update.
        """
        reference = matchup.own.logits(own, matchup.player)

        def logits_of(params: Params) -> jax.Array:
            return matchup.own.logits(params, matchup.player)

        def gradient(params: Params) -> Params:
            return outer_gradient(matchup, params, other, reference=reference, inner_steps=self.inner_steps)

        start = Descent(own, reference, jnp.int32(0), jnp.bool_(False))
        return self.descend_from(start, gradient, logits_of, matchup.rates.outer_lr, matchup.rates.threshold)

    def descend_from(
        self,
        start: Descent,
        gradient: Callable[[Params], Params],
        logits_of: Callable[[Params], jax.Array],
        rate: jax.Array | float,
        threshold: jax.Array | float,
    ) -> Descent:
        """Return where descending a proximal objective ends.

        Args:
            start: the policy before the update.
            gradient: of the objective, by the learner's parameters.
            logits_of: the policy that has some parameters.
            rate: step size.
            threshold: KL between successive policies at a fixed point.
        """

        def step(before: Descent) -> Descent:
            params = descend(before.params, gradient(before.params), rate)
            logits = logits_of(params)
            change = jnp.maximum(bernoulli_kl(before.logits, logits), bernoulli_kl(logits, before.logits))
            return Descent(params, logits, before.steps + 1, change < threshold)

        def unfinished(at: Descent) -> jax.Array:
            return (at.steps < self.max_steps) & ~at.converged

        if self.outer_steps is None:
            return jax.lax.while_loop(unfinished, step, start)
        if self.outer_steps == 1:
            return step(start)
        return jax.lax.fori_loop(0, self.outer_steps, lambda _, at: step(at), start)


@dataclass(frozen=True)
class JointPola:
    """``update`` of more than two players: each learns as `ProximalRule` says, against what all others will be.

    With ``ahead_j`` the others after their steps of descent on ``L_j + inner_beta KL(old_j || j)``, which all take at
    once and in which all but player i are what they were before the update (Zhao et al. 2022, appendix A), player i
    descends ``L_i(theta_i, ahead_-i(theta_i)) + outer_beta KL(old_i || theta_i)``.
    """

    problem: OfMany
    rule: ProximalRule

    def __call__(self, key: jax.Array, state: ExactState) -> tuple[ExactState, Metrics]:
        """Return the state after one update, and its metrics; nothing is random."""
        del key
        old, rates, losses_at = state.params, state.rates, losses_of(self.problem, state)

        def step_of_others(theta: jax.Array, player: jax.Array) -> jax.Array:
            penalties = jax.grad(lambda at: bernoulli_kl(old, at).sum())(theta)
            direction = simultaneous_gradient(losses_at, theta) + rates["inner_beta"] * penalties
            return theta - rates["inner_lr"] * direction.at[player].set(0.0)

        def learn(player: jax.Array) -> Descent:
            def objective(own: jax.Array) -> jax.Array:
                ahead = old.at[player].set(own)
                for _ in range(self.rule.inner_steps):
                    ahead = step_of_others(ahead, player)
                return losses_at(ahead)[player] + rates["outer_beta"] * bernoulli_kl(old[player], own)

            start = Descent(old[player], old[player], jnp.int32(0), jnp.bool_(False))
            gradient = jax.grad(objective)
            return self.rule.descend_from(start, gradient, lambda own: own, rates["outer_lr"], rates["threshold"])

        ends = jax.vmap(learn)(jnp.arange(self.problem.num_players))
        given_up = jnp.zeros_like(state.unconverged) if self.rule.outer_steps is not None else ~ends.converged
        state = state.replace(params=ends.params, unconverged=state.unconverged + given_up)  # type: ignore[attr-defined]
        metrics = {}
        if self.rule.outer_steps is None:
            metrics = {"converged": ends.converged, "outer_steps": ends.steps, "unconverged": state.unconverged}
        named = {
            f"{name}/player_{player}": values[player].astype(float)
            for name, values in metrics.items()
            for player in range(self.problem.num_players)
        }
        return state, named | self.problem.describe(state.params, state.game)


def build(env: Game[Any, Any], params: Any, config: PolaExactConfig) -> Algorithm:
    """Make the learner for a game."""
    if not isinstance(env, DifferentiableGame) and env.num_players > 2:
        ground, rule = ground_of(env, params, config, None), select(ProximalRule, config)
        return Algorithm(ground.init, JointPola(OfMany(env.num_players), rule), ground.policies)
    return build_exact(env, params, config, select(ProximalRule, config))


def build_player(env: Game[Any, Any], params: Any, config: PolaExactConfig, player: int) -> PlayerLearner:
    """Make the learner of one player."""
    return build_exact_player(env, params, config, player, rule=select(ProximalRule, config))


POLA_EXACT = AlgorithmPlugin(
    config=PolaExactConfig,
    build=build,
    build_player=build_player,
    summary="POLA on exact returns of memory-one policies: proximal steps to a fixed point",
    presets={
        ("laptop", "IPD-v0"): Preset(2),
        # With an imagined step of 5 it leaves defection at once and loses that again.
        ("laptop", "PublicGoods-v0"): Preset(10, {"inner_lr": 2.0}, env_options={"contribution_factor": 2.0}),
    },
    steps_per_update=lambda config: {} if config.outer_steps is None else {"outer-steps": config.outer_steps},
)
