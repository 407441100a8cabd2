"""The tandem game and the iterated prisoner's dilemma of the SOS paper: losses of every rule, step by step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from ... import registry
from ...algorithms.exact.games import TANDEM
from ...runner.report.document import Document
from ...runner.report.figures import DASHES, colour_of
from ...runner.report.parts import Chart, Panel
from ...runner.report.svg import SERIES
from ..many_runs import learn, starts
from ..report import reproduction

Progress = Callable[[str], None]

IPD_PAYOFFS = ((0.0, 2.0), (-1.0, 1.0))
"""Rows: own action, defect first; columns: the other's. The published payoffs plus `ADDED`, which no gradient notices:
so mutual defection pays 0, from where the game's reciprocity is measured."""

ADDED = 2.0

COOPERATES_BELOW = 1.2
"""Loss a step under which a run counts as cooperation, which costs 1; mutual defection costs 2."""


class Entry(NamedTuple):
    """A rule with its settings, apart from the step sizes."""

    name: str
    algorithm: str
    options: Mapping[str, Any] = {}
    imagines: bool = True
    """Whether it has the step size of an imagined step too."""


ENTRIES = (
    Entry("SOS", "sos-exact"),
    Entry("LOLA", "lola-exact", {"form": "taylor"}),
    Entry("LookAhead", "lookahead-exact"),
    Entry("CO", "consensus-exact", {"consensus_weight": 1.0}, imagines=False),
    Entry("SGA", "sga-exact", imagines=False),
    Entry("CGD", "cgd-exact"),
    Entry("EG", "extragradient-exact"),
    Entry("LSS", "lss-exact", {"damping": 0.1}, imagines=False),
    Entry("naive", "naive-exact", imagines=False),
)
"""The rules of the paper and of its released program; the program damps LSS by 0.1 where H is singular."""

SHAPING = ("SOS", "LOLA")
WORSE_IN_THE_PAPER = ("LookAhead", "CO", "SGA", "naive")


def sos_tandem(*, runs: int, seed: int, report: Progress) -> Document:
    """Mean losses in the tandem game: rate 0.1, 100 steps from N(0, 0.1^2)."""
    rate, updates = 0.1, 100
    curves = {}
    for entry in ENTRIES:
        algorithm = _make(entry, TANDEM, None, rate, initial_std=0.1)
        both = learn(algorithm, starts(algorithm, runs=runs, seed=seed), updates, ["loss/player_0", "loss/player_1"])
        curves[entry.name] = (both["loss/player_0"] + both["loss/player_1"]) / 2
        report(f"{entry.name}: {runs} runs of {updates} steps")
    overshoot = (1 - 2 * rate) / (1 - 4 * rate)
    theory = {"LOLA": overshoot**2 - overshoot, "CO": None}
    rows: list[dict[str, Any]] = [
        {**_summary(name, curve[-1]), "theory": theory.get(name, 0.0)} for name, curve in curves.items()
    ]
    return reproduction(
        "sos-tandem",
        f"Tandem game: mean loss of both players after {updates} steps, {runs} runs",
        {
            "rule": "{rule}",
            "ours (standard deviation over runs)": "{mean:.4f} ({deviation:.4f})",
            "where the rule ends, by algebra": "{theory:.4f}",
        },
        rows,
        notes=(
            f"Rates {rate}, parameters drawn from N(0, 0.1^2). The stable fixed points x + y = 1 have the mean loss 0.",
            "LOLA's gradients vanish at x + y = (1 - 2 rate) / (1 - 4 rate) instead, where the mean loss is 4/9. At "
            "this rate CO turns the sign of x + y - 1 in every step and never shrinks it.",
            f"The paper says that SOS always outperforms LOLA here, which overshoots. {_verdict(curves)}",
            "The paper prints curves and no table, so that there is no number of its own to stand beside ours.",
        ),
        chart=_draw("Tandem game", "mean loss", curves, dict.fromkeys(["stable fixed points"], 0.0)),
        stem="sos_tandem",
    )


def sos_ipd(*, runs: int, seed: int, report: Progress) -> Document:
    """Losses a step in the iterated prisoner's dilemma: rate 1, 100 steps from N(0, 1)."""
    rate, updates, discount = 1.0, 100, 0.96
    env, params = registry.make_env("IPD-v0", payoff_matrix=IPD_PAYOFFS)
    curves, rows = {}, []
    for entry in ENTRIES:
        algorithm = _make(entry, env, params, rate, initial_std=1.0, discount=discount)
        names = ["return/player_0", "return/player_1", "tit_for_tat"]
        found = learn(algorithm, starts(algorithm, runs=runs, seed=seed), updates, names)
        loss = ADDED - (1 - discount) * (found["return/player_0"] + found["return/player_1"]) / 2
        curves[entry.name] = loss
        rows.append(
            {
                **_summary(entry.name, loss[-1]),
                "cooperate": float((loss[-1] < COOPERATES_BELOW).mean()),
                "tit_for_tat": float(found["tit_for_tat"][-1].mean()),
                "paper": _of_paper(entry.name),
            }
        )
        report(f"{entry.name}: {runs} runs of {updates} steps")
    return reproduction(
        "sos-ipd",
        f"Iterated prisoner's dilemma: loss a step after {updates} steps, {runs} runs",
        {
            "rule": "{rule}",
            "ours (standard deviation over runs)": "{mean:.3f} ({deviation:.3f})",
            "cooperate": "{cooperate:.2f}",
            "reciprocate": "{tit_for_tat:.2f}",
            "the paper": "{paper}",
        },
        rows,
        notes=(
            f"Rates {rate:g}, logits drawn from N(0, 1), discount {discount}, payoffs -1, -3, 0, -2. The mean of both "
            "players' discounted loss times 1 - discount: mutual cooperation costs 1, mutual defection 2.",
            f"Cooperate: share of runs with a loss below {COOPERATES_BELOW}. Reciprocate: share in which both players "
            "gain more than 80% of what mutual cooperation does over defection, and cooperate with probability below "
            "0.65 after mutual defection and after they alone cooperated.",
            "The paper prints curves and no table: the comparison is with what it says of them, that opponent shaping "
            f"is superior to LookAhead, CO, SGA and naive learning. {_order(curves)}",
        ),
        chart=_draw("Iterated prisoner's dilemma", "loss a step", curves, {"cooperation": 1.0, "defection": 2.0}),
        stem="sos_ipd",
    )


def _make(entry: Entry, env: Any, params: Any, rate: float, **options: Any) -> Any:
    """Return the learner of an entry with the step size ``rate``, imagined steps included."""
    rates = {"outer_lr": rate, **({"inner_lr": rate} if entry.imagines else {})}
    return registry.make_algorithm(entry.algorithm, env, params, **rates, **options, **entry.options)


def _summary(name: str, final: np.ndarray) -> dict[str, Any]:
    return {"rule": name, "mean": float(final.mean()), "deviation": float(final.std())}


def _of_paper(name: str) -> str | None:
    if name in SHAPING:
        return "shapes: cooperation"
    return "worse than SOS" if name in WORSE_IN_THE_PAPER else None


def _verdict(curves: Mapping[str, np.ndarray]) -> str:
    better = float((curves["SOS"][-1] < curves["LOLA"][-1]).mean())
    return f"SOS loses less than LOLA in {better:.0%} of our runs."


def _order(curves: Mapping[str, np.ndarray]) -> str:
    """Say which rules of the paper's comparison lose more than SOS, by two standard errors of the difference."""
    best = curves["SOS"][-1]
    worse = [
        name
        for name in WORSE_IN_THE_PAPER
        for lead in [curves[name][-1] - best]
        if lead.mean() > 2 * lead.std(ddof=1) / np.sqrt(len(lead))
    ]
    return f"Here SOS loses less, by two standard errors and more, than {', '.join(worse) or 'none of them'}."


def _draw(title: str, label: str, curves: Mapping[str, np.ndarray], levels: Mapping[str, float]) -> Chart:
    names = list(curves)
    half = -(-len(names) // 2)
    panels = [
        Panel(", ".join(part), partial(_draw_curves, {name: curves[name] for name in part}, names, label, levels))
        for part in (names[:half], names[half:])
    ]
    return Chart("", title, panels, (5.0, 3.8), share_y=True)


def _draw_curves(
    curves: Mapping[str, np.ndarray], names: Sequence[str], label: str, levels: Mapping[str, float], axes: Axes
) -> None:
    for name, level in levels.items():
        axes.axhline(level, color="#999999", linewidth=0.8, linestyle=":")
        axes.annotate(name, (1, level), xycoords=("axes fraction", "data"), ha="right", va="top", fontsize=8)
    for name, curve in curves.items():
        index = names.index(name)
        steps, mean, spread = np.arange(1, len(curve) + 1), curve.mean(axis=1), curve.std(axis=1)
        # Colours repeat after seven, with dashes moved on by one: no two curves look alike.
        colour, dashes = colour_of(index), DASHES[(index + index // len(SERIES)) % len(DASHES)]
        axes.plot(steps, mean, label=name, linewidth=1.6, color=colour, linestyle=dashes)
        axes.fill_between(steps, mean - spread, mean + spread, color=colour, alpha=0.12, linewidth=0)
    axes.set(xlabel="step", ylabel=label)
    axes.label_outer()
