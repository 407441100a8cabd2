"""Table 3 of the LOLA paper: exact naive learning and LOLA in the prisoner's dilemma and in matching pennies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from ... import registry
from ...algorithms.exact.returns import STATES
from ...runner.report.document import Document
from ...runner.report.parts import Chart, Panel
from ...runner.report.svg import INK, SERIES
from ..many_runs import learn, starts
from ..report import Row, reproduction
from ..tables import read_table

Progress = Callable[[str], None]

UPDATES, OUTER_LR, INNER_LR = 200, 1.0, 1.0
"""Those with which the released program runs unless told otherwise."""


class Game(NamedTuple):
    """A repeated game of the table."""

    env: str
    options: Mapping[str, Any]
    discount: float


GAMES = {
    "IPD": Game("IPD-v0", {"payoff_matrix": ((-2.0, 0.0), (-3.0, -1.0))}, 0.96),
    "IMP": Game("MatchingPennies-v0", {}, 0.9),
}
"""The iterated prisoner's dilemma (mutual cooperation pays -1, mutual defection -2) and matching pennies."""

LEARNERS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "naive": ("naive-exact", {}),
    "LOLA as published": ("lola-exact", {"form": "shaping", "inner_lr": INNER_LR}),
    "LOLA as published, imagined step 0.5": ("lola-exact", {"form": "shaping", "inner_lr": 0.5}),
    "LOLA, Taylor form": ("lola-exact", {"form": "taylor", "inner_lr": INNER_LR}),
    "LOLA, actual update": ("lola-exact", {"form": "actual", "inner_lr": INNER_LR}),
}

PUBLISHED = {(row["game"], row["learner"]): row for row in read_table(__package__, "table3.csv")}
"""By game and learner; other learners are ours."""

_TIT_FOR_TAT = np.array([[0, 1, 0, 1], [0, 0, 1, 1]], bool)
"""Whether each player cooperates after DD, DC, CD, CC, player 0's action first, if it plays tit-for-tat."""


def lola_table3(*, runs: int, seed: int, report: Progress) -> Document:
    """Share of tit-for-tat, and mean reward a step with its standard deviation over the runs."""
    rows = []
    for game, (env_id, env_options, discount) in GAMES.items():
        env, params = registry.make_env(env_id, **env_options)
        for learner, (name, options) in LEARNERS.items():
            shared = {"outer_lr": OUTER_LR, "initial_std": 1.0, "discount": discount}
            algorithm = registry.make_algorithm(name, env, params, **shared, **options)
            rows.append(_row(game, learner, _final(algorithm, runs=runs, seed=seed), discount))
            report(f"{game}, {learner}: {runs} runs of {UPDATES} updates")
    return reproduction(
        "lola-table3",
        f"Table 3: tit-for-tat and rewards after {UPDATES} updates, {runs} runs",
        {
            "game": "{game}",
            "learner": "{learner}",
            "% tit-for-tat, ours": "{tit_for_tat:.1f}",
            "published ": "{published_tit_for_tat:.1f}",
            "reward a step (sd), ours": "{reward:.2f} ({deviation:.2f})",
            "published": "{published_reward:.2f} ({published_deviation:.2f})",
        },
        rows,
        notes=(
            f"Logits drawn from N(0, 1), rate {OUTER_LR:g}, of the opponent's imagined step too unless it says so: "
            "the defaults of the released program. Discount 0.96 in the prisoner's dilemma (payoffs -1, -3, 0, -2), "
            "0.9 in matching pennies. Reward: discounted return times 1 - discount, of player 0.",
            "Published: NL-Ex and LOLA-Ex of Table 3 as quoted by another reproduction; we have not seen the table "
            "itself. The share of Nash play in matching pennies is left out: we found no source that quotes it.",
            "Tit-for-tat: share of policies whose likelier answer to each of the four joint actions is that of "
            "tit-for-tat. How the paper counts is not known to us; by no count that we tried do naive learners reach "
            "its 20.8.",
            "LOLA as published keeps only the term that shapes the opponent's step. The Taylor form also counts what "
            "that step does to the own gradient (Letcher et al. 2019); the actual update is not expanded at all.",
        ),
        chart=_draw(rows),
        stem="lola_table3",
    )


def _final(algorithm: Any, *, runs: int, seed: int) -> dict[str, np.ndarray]:
    """Return the metrics of every run after the last update, ``[runs]`` each."""
    names = ["return/player_0", *(f"cooperation/{state}/player_{player}" for player in (0, 1) for state in STATES)]
    found = learn(algorithm, starts(algorithm, runs=runs, seed=seed), UPDATES, names)
    return {name: values[-1] for name, values in found.items()}


def _row(game: str, learner: str, final: Mapping[str, np.ndarray], discount: float) -> dict[str, Any]:
    rewards, published = (1 - discount) * final["return/player_0"], PUBLISHED.get((game, learner), {})
    return {
        "game": game,
        "learner": learner,
        "tit_for_tat": 100 * float(_share_of_tit_for_tat(final)) if game == "IPD" else None,
        "published_tit_for_tat": published.get("tit_for_tat"),
        "reward": float(rewards.mean()),
        "deviation": float(rewards.std()),
        "published_reward": published.get("reward"),
        "published_deviation": published.get("deviation"),
    }


def _share_of_tit_for_tat(final: Mapping[str, np.ndarray]) -> float:
    """Return the share of policies, of all runs and both players, whose likelier answers are those of tit-for-tat."""
    policies = np.array(
        [[final[f"cooperation/{state}/player_{player}"] for state in STATES[:4]] for player in (0, 1)]
    )  # [player, state, runs]
    return float(((policies > 0.5) == _TIT_FOR_TAT[:, :, None]).all(axis=1).mean())


def _draw(rows: Sequence[Row]) -> Chart:
    panels = [
        Panel(game, partial(_draw_rewards, [row for row in rows if row["game"] == game], own=place == 0))
        for place, game in enumerate(GAMES)
    ]
    return Chart("", "Reward a step, mean and standard deviation over runs", panels, (5.2, 3.2), grid="x")


def _draw_rewards(rows: Sequence[Row], axes: Axes, *, own: bool) -> None:
    """Draw the rewards of one game, the published ones a little below ours."""
    places = -np.arange(len(rows), dtype=float)
    shown = {"ours": (0.0, "", SERIES[0]), "published": (-0.25, "published_", INK)}
    for label, (shift, prefix, colour) in shown.items():
        known = [place for place, row in enumerate(rows) if row[f"{prefix}reward"] is not None]
        mean, spread = ([rows[place][f"{prefix}{name}"] for place in known] for name in ("reward", "deviation"))
        axes.errorbar(mean, places[known] + shift, xerr=spread, fmt="o", color=colour, label=label)
    axes.set_yticks(places, [row["learner"] for row in rows] if own else [""] * len(rows))
    axes.set(xlabel="reward a step", ylim=(-len(rows) + 0.3, 0.7))
