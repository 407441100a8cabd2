"""Figures 1 and 3 and Tables 1 and 2 of the POLA paper: exact learning in the iterated prisoner's dilemma."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from . import published
from .cells import STATES, Cell, Outcome, cell_of_preset, run_cells
from .drawings import Curve, Update, draw_shares, draw_updates
from .published import FACTORS, PROGRAM_RUNS, Key
from .report import Report, policy_text
from .statistics import p_value, policy_fit, share_of

Progress = Callable[[str], None]

SIGNIFICANCE = 0.05
_NO_RATES = "*"
_CRITERION = (
    "Found: at some update the mean return exceeds 80 % of the social optimum while both players cooperate with "
    "probability below .65 after mutual defection and after they alone cooperated. Intervals are Wilson's, 95 %."
)
_OWN_RATES = (
    f"{_NO_RATES} The paper gives no rates for these cells: LOLA takes the best of our search (see search.md), or one "
    "of the many pairs that find nothing; naive learning takes 100 updates of rate 2, which gives the printed policies."
)
_MIXED = (
    "Difference: largest of the five entries. Where some runs find tit-for-tat and others end in defection, the mean "
    "says mostly how many did which; the number in brackets is the difference after mixing our two kinds of runs in "
    "the proportion that fits best."
)


def figure1(*, runs: int, seed: int, report: Progress) -> Report:
    """One update of LOLA and of POLA on two networks that are one policy; nothing is random, one run is all."""
    del runs
    keys = list(published.FIGURE1)
    cells = [_figure1_cell(learner, network) for learner, network in keys]
    stopped = [_figure1_cell("pola", network, outer_steps=steps) for network, steps in published.FIGURE1_STEPS.items()]
    outcomes = run_cells([*cells, *stopped], runs=1, seed=seed, report=report, initial=_hand_made)
    rows = [_update_row(*each) for each in zip([*cells, *stopped], outcomes, strict=True)]
    start = [0.5] * len(STATES)
    text = [(row["update"], _four(row["policy"]), _four(row["published"]), f"{row['difference']:.5f}") for row in rows]
    return Report(
        name="figure1",
        title="Figure 1: one update of two networks that are one policy",
        columns=("update", "ours (DD, DC, CD, CC, start)", "published program", "difference"),
        rows=[("before", _four(start), _four(start), ""), *text],
        cells=rows,
        notes=(
            "Player 0's policy, contribution factor 1.33. LOLA: inner rate .2, outer rate .05. POLA: inner rate .2, "
            "outer rate .005, penalty 5.",
            f"Distance of the two networks' policies after the update: {_network_distances(rows)}.",
            "The published program works in single precision, where the KL of two successive policies is wrong by "
            "about 1e-7, ten times the threshold at which it stops; so it stops early. On the way to our fixed point "
            "lies, at the step named, the policy that it prints.",
        ),
        figure=draw_updates(
            [Update(row["learner"], row["network"], row["policy"], row["published"]) for row in rows[:4]], start
        ),
    )


_FIGURE1_OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "lola": {"inner_lr": 0.2, "outer_lr": 0.05},
    "pola": {"inner_lr": 0.2, "outer_lr": 0.005, "outer_beta": 5.0},
}


def _figure1_cell(learner: str, network: str, **options: Any) -> Cell:
    settings = {"parameterisation": "mlp", "hidden_size": 2, **_FIGURE1_OPTIONS[learner], **options}
    return Cell(network, f"{learner}-exact", 1, settings)


def _update_row(cell: Cell, outcome: Outcome) -> dict[str, Any]:
    learner = cell.learner.removesuffix("-exact")
    policy, theirs = outcome.cooperation[0, 0], published.FIGURE1[learner, cell.name]
    steps = cell.options.get("outer_steps")
    end = "" if learner == "lola" else f", {steps} steps" if steps else ", fixed point"
    return {
        "update": f"{learner.upper()}, {cell.name}{end}",
        "learner": learner,
        "network": cell.name,
        "policy": policy.tolist(),
        "published": list(theirs),
        "difference": float(np.abs(policy - theirs).max()),
        "unconverged": int(outcome.unconverged.sum()),
    }


def _hand_made(cell: Cell, state: Any) -> Any:
    """Give both players the network that the cell is named after."""
    network = published.FIGURE1_NETWORKS[cell.name]
    params = {
        name: np.broadcast_to(np.asarray(value, np.float64), getattr(state.params, name).shape)
        for name, value in network._asdict().items()
    }
    return state.replace(params=state.params.replace(**params))


def _network_distances(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say how far apart one learner's updates of the two networks end."""
    policies = {(row["learner"], row["network"]): np.asarray(row["policy"]) for row in reversed(rows)}
    return ", ".join(
        f"{learner.upper()} {np.abs(policies[learner, 'net A'] - policies[learner, 'net B']).max():.3f}"
        for learner in _FIGURE1_OPTIONS
    )


def _four(policy: Sequence[float]) -> str:
    return " ".join(f"{probability:.4f}" for probability in policy)


def _cell_of(key: Key) -> Cell:
    """Return the published settings of a cell, or ours where there are none."""
    name = " ".join(map(str, key))
    ours = key.learner == "naive" or key in published.NOTHING_FOUND_IN_PAPER
    source = "own" if ours else "figure3"
    label = f"{name}{_NO_RATES}" if ours else name
    return cell_of_preset(f"{key.learner}-exact", f"{source}-{key.parameterisation}-{key.contribution_factor}", label)


def _column_dd_cell(key: Key) -> Cell:
    """Return a cell with the pre-conditioning of the published program as it stands."""
    cell = _cell_of(key)
    options = {**cell.options, "preconditioned_columns": (0, 0)}
    return Cell(f"{cell.name}, column DD", cell.learner, cell.updates, options, cell.contribution_factor)


def figure3(*, runs: int, seed: int, report: Progress) -> Report:
    """Probability of finding tit-for-tat by contribution factor, learner and parameterisation."""
    keys = [key for key in published.TABLE1 if key.learner != "naive"]
    other = published.FOUND_BY_PROGRAM_COLUMN_DD
    cells = [_cell_of(key) for key in keys] + [_column_dd_cell(key) for key in other]
    theirs = [_published_share(key) for key in keys] + list(other.values())
    outcomes = run_cells(cells, runs=runs, seed=seed, report=report)
    rows = [_share_row(*each) for each in zip(cells, outcomes, theirs, strict=True)]
    return _share_report(keys, rows, runs=runs)


def _share_report(keys: Sequence[Key], rows: Sequence[Mapping[str, Any]], *, runs: int) -> Report:
    return Report(
        name="figure3",
        title=f"Figure 3: probability of finding tit-for-tat, {runs} runs a cell",
        columns=("cell", "ours (95 % interval)", "published", "inside", "p", "final policy", "given up"),
        rows=[_share_text(row) for row in rows],
        cells=rows,
        notes=(
            _CRITERION,
            f"Published: the released program run again, {PROGRAM_RUNS} runs a cell; 0 where the paper's search found "
            "nothing. Inside: the published share lies in our interval. p: Fisher's exact test that both samples have "
            "one probability.",
            _outside(rows),
            _OWN_RATES,
            "Final policy: DD DC CD CC start, own move first, mean of all runs and both players. Given up: fixed "
            "points that did not converge, of all.",
        ),
        figure=draw_shares(_curves(keys, rows), runs=runs),
    )


def _outside(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say which published shares are outside our intervals, and whether that is more than their own chance."""
    outside = [row for row in rows if row["inside"] is False]
    surprising = [row["cell"] for row in outside if row["p_value"] < SIGNIFICANCE]
    return (
        f"{len(outside)} published shares lie outside our interval, which leaves out that they are samples of "
        f"{PROGRAM_RUNS} themselves; taking that into account (p below {SIGNIFICANCE}) there is a difference in "
        f"{', '.join(surprising) or 'none of them'}."
    )


def _published_share(key: Key) -> float | None:
    return 0.0 if key in published.NOTHING_FOUND_IN_PAPER else published.FOUND_BY_PROGRAM.get(key)


def _share_row(cell: Cell, outcome: Outcome, theirs: float | None) -> dict[str, Any]:
    share = share_of(outcome.found)
    return {
        **_settings(cell, outcome),
        "found": share._asdict(),
        "published": theirs,
        "inside": None if theirs is None else theirs in share,
        "p_value": None if theirs is None else p_value(outcome.found, theirs, PROGRAM_RUNS),
    }


def _settings(cell: Cell, outcome: Outcome) -> dict[str, Any]:
    return {
        "cell": cell.name,
        "learner": cell.learner,
        "contribution_factor": cell.contribution_factor,
        "updates": cell.updates,
        "options": dict(cell.options),
        "policy": outcome.policy.round(4).tolist(),
        "unconverged": int(outcome.unconverged.sum()),
        "attempts": 2 * cell.updates * len(outcome.found),
    }


def _share_text(row: Mapping[str, Any]) -> tuple[str, ...]:
    found, theirs = row["found"], row["published"]
    return (
        row["cell"],
        f"{found['share']:.3f} ({found['low']:.2f} to {found['high']:.2f})",
        "" if theirs is None else f"{theirs:.2f}",
        "" if theirs is None else "yes" if row["inside"] else "no",
        "" if theirs is None else f"{row['p_value']:.2f}",
        policy_text(row["policy"]),
        f"{row['unconverged']} / {row['attempts']}",
    )


def _curves(keys: Sequence[Key], rows: Sequence[Mapping[str, Any]]) -> list[Curve]:
    by_key = dict(zip(keys, rows, strict=False))
    kinds = dict.fromkeys((key.learner, key.parameterisation) for key in keys)
    return [
        Curve(learner, kind, FACTORS, [by_key[Key(learner, kind, factor)] for factor in FACTORS])
        for learner, kind in kinds
    ]


def table1(*, runs: int, seed: int, report: Progress) -> Report:
    """Mean final policies by contribution factor, learner and parameterisation."""
    keys = sorted(published.TABLE1, key=lambda key: key.learner == "naive")
    cells = [_cell_of(key) for key in keys]
    outcomes = run_cells(cells, runs=runs, seed=seed, report=report)
    return _policy_report(
        name="table1",
        title=f"Table 1: policies at the end, mean of {runs} runs",
        rows=[_policy_row(*each) for each in zip(cells, outcomes, published.TABLE1.values(), strict=True)],
        notes=(_OWN_RATES,),
    )


def table2(*, runs: int, seed: int, report: Progress) -> Report:
    """Mean final policies with models of the opponent."""
    cells = [
        cell_of_preset(f"{learner}-exact", f"table2-{model}", f"{learner}, {model} model")
        for learner, model in published.TABLE2
    ]
    outcomes = run_cells(cells, runs=runs, seed=seed, report=report)
    return _policy_report(
        name="table2",
        title=f"Table 2: policies at the end with opponent models, mean of {runs} runs",
        rows=[_policy_row(*each) for each in zip(cells, outcomes, published.TABLE2.values(), strict=True)],
        notes=("Contribution factor 1.33; the players themselves are tabular.",),
    )


def _policy_row(cell: Cell, outcome: Outcome, theirs: Sequence[float]) -> dict[str, Any]:
    fit = policy_fit(outcome, np.asarray(theirs))
    return {
        **_settings(cell, outcome),
        "published": list(theirs),
        "found": share_of(outcome.found)._asdict(),
        **fit._asdict(),
    }


def _policy_report(*, name: str, title: str, rows: Sequence[Mapping[str, Any]], notes: tuple[str, ...]) -> Report:
    return Report(
        name=name,
        title=title,
        columns=("cell", "ours (DD DC CD CC start)", "published", "difference", "found", "given up"),
        rows=[
            (
                row["cell"],
                policy_text(row["policy"]),
                policy_text(row["published"]),
                f"{row['difference']:.2f} ({row['mixed_difference']:.2f})",
                f"{row['found']['share']:.2f}",
                f"{row['unconverged']} / {row['attempts']}",
            )
            for row in rows
        ],
        cells=rows,
        notes=(
            "Probability of cooperating, own move first, mean over runs and both players.",
            _MIXED,
            *notes,
            "Given up: updates in which a fixed point or the fit of a model did not converge, of all.",
        ),
    )
