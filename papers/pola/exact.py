"""Figures 1 and 3 and Tables 1 and 2 of the POLA paper: exact learning in the iterated prisoner's dilemma."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ...runner.report.document import Document
from . import published
from .drawings import Curve, Update, draw_shares, draw_updates
from .exact_runs import STATES, ExactRuns, run_settings
from .published import FACTORS, PROGRAM_RUNS, Key
from .report import policy_text, reproduction
from .settings import Setting, figure3_setting, table2_setting
from .statistics import FOUND, p_value, policy_fit, share_of

Progress = Callable[[str], None]

SIGNIFICANCE = 0.05
_NO_RATES = "*"
_OWN_RATES = (
    f"{_NO_RATES} The paper gives no rates here: LOLA takes the best of our search (see search.md), or one "
    "of the many pairs that find nothing; naive learning takes 100 updates of rate 2, which gives the printed policies."
)
_MIXED = (
    "Difference: largest of the five entries. Where some runs find tit-for-tat and others end in defection, the mean "
    "says mostly how many did which; the number in brackets is the difference after mixing our two kinds of runs in "
    "the proportion that fits best."
)


def figure1(*, runs: int, seed: int, report: Progress) -> Document:
    """One update of LOLA and of POLA on two networks that are one policy; nothing is random, one run is all."""
    del runs
    settings = [_figure1_setting(*key) for key in published.FIGURE1]
    settings += [_figure1_setting("pola", network, outer_steps=n) for network, n in published.FIGURE1_STEPS.items()]
    results = run_settings(settings, runs=1, seed=seed, report=report, initial=_hand_made)
    rows = [_update_row(*each) for each in zip(settings, results, strict=True)]
    start = [0.5] * len(STATES)
    text = [(row["update"], _four(row["policy"]), _four(row["published"]), f"{row['difference']:.5f}") for row in rows]
    return reproduction(
        name="figure1",
        title="Figure 1: one update of two networks that are one policy",
        columns=("update", "ours (DD, DC, CD, CC, start)", "published program", "difference"),
        rows=[("before", _four(start), _four(start), ""), *text],
        cells=rows,
        notes=(
            "Player 0's policy, contribution factor 1.33. LOLA: inner rate 0.2, outer rate 0.05. POLA: inner rate 0.2, "
            "outer rate 0.005, penalty 5.",
            f"Distance of the two networks' policies after the update: {_network_distances(rows)}.",
            "The published program works in single precision, where the KL of two successive policies is wrong by "
            "about 1e-7, ten times the threshold at which it stops; so it stops early. On the way to our fixed point "
            "lies, at the step named, the policy that it prints.",
        ),
        chart=draw_updates(
            [Update(row["learner"], row["network"], row["policy"], row["published"]) for row in rows[:4]], start
        ),
    )


_FIGURE1_OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "lola": {"inner_lr": 0.2, "outer_lr": 0.05},
    "pola": {"inner_lr": 0.2, "outer_lr": 0.005, "outer_beta": 5.0},
}


def _figure1_setting(learner: str, network: str, **options: Any) -> Setting:
    every = {"parameterisation": "mlp", "hidden_size": 2, **_FIGURE1_OPTIONS[learner], **options}
    return Setting(network, f"{learner}-exact", 1, every)


def _update_row(setting: Setting, result: ExactRuns) -> dict[str, Any]:
    learner = setting.learner.removesuffix("-exact")
    policy, theirs = result.cooperation[0, 0], published.FIGURE1[learner, setting.name]
    steps = setting.options.get("outer_steps")
    end = "" if learner == "lola" else f", {steps} steps" if steps else ", fixed point"
    return {
        "update": f"{learner.upper()}, {setting.name}{end}",
        "learner": learner,
        "network": setting.name,
        "policy": policy.tolist(),
        "published": list(theirs),
        "difference": float(np.abs(policy - theirs).max()),
        "unconverged": int(result.unconverged.sum()),
    }


def _hand_made(setting: Setting, state: Any) -> Any:
    """Give both players the network that the setting is named after."""
    network = published.FIGURE1_NETWORKS[setting.name]
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


def _setting_of(key: Key, **options: Any) -> Setting:
    """Return the published setting of a value, or ours where there is none."""
    name = " ".join(map(str, key))
    ours = key.learner == "naive" or key in published.NOTHING_FOUND_IN_PAPER
    return figure3_setting(key, f"{name}{_NO_RATES}" if ours else name, **options)


def _column_dd_setting(key: Key) -> Setting:
    """Return a setting with the pre-conditioning of the published program as it stands."""
    setting = _setting_of(key, preconditioned_columns=(0, 0))
    return replace(setting, name=f"{setting.name}, column DD")


def figure3(*, runs: int, seed: int, report: Progress) -> Document:
    """Probability of finding tit-for-tat by contribution factor, learner and parameterisation."""
    keys = [key for key in published.TABLE1 if key.learner != "naive"]
    other = published.FOUND_BY_PROGRAM_COLUMN_DD
    settings = [_setting_of(key) for key in keys] + [_column_dd_setting(key) for key in other]
    nothing = dict.fromkeys(published.NOTHING_FOUND_IN_PAPER, 0.0)
    theirs = [(published.FOUND_BY_PROGRAM | nothing).get(key) for key in keys] + list(other.values())
    results = run_settings(settings, runs=runs, seed=seed, report=report)
    rows = [_share_row(*each) for each in zip(settings, results, theirs, strict=True)]
    by_key = dict(zip(keys, rows, strict=False))
    curves = [
        Curve(learner, kind, FACTORS, [by_key[Key(learner, kind, factor)] for factor in FACTORS])
        for learner, kind in dict.fromkeys((key.learner, key.parameterisation) for key in keys)
    ]
    return reproduction(
        name="figure3",
        title=f"Figure 3: probability of finding tit-for-tat, {runs} runs a setting",
        columns=("setting", "ours (95% interval)", "published", "inside", "p", "final policy", "given up"),
        rows=[_share_text(row) for row in rows],
        cells=rows,
        notes=(
            f"{FOUND} Intervals are Wilson's, 95%.",
            f"Published: the released program run again, {PROGRAM_RUNS} runs a setting; 0 where the paper's search "
            "found nothing. Inside: the published share lies in our interval. p: Fisher's exact test that both samples "
            "have one probability.",
            _outside(rows),
            _OWN_RATES,
            "Final policy: DD DC CD CC start, own move first, mean of all runs and both players. Given up: fixed "
            "points that did not converge, of all.",
        ),
        chart=draw_shares(curves, runs=runs),
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


def _share_row(setting: Setting, result: ExactRuns, theirs: float | None) -> dict[str, Any]:
    share = share_of(result.found)
    return {
        **_described(setting, result),
        "found": share._asdict(),
        "published": theirs,
        "inside": None if theirs is None else theirs in share,
        "p_value": None if theirs is None else p_value(result.found, theirs, PROGRAM_RUNS),
    }


def _described(setting: Setting, result: ExactRuns) -> dict[str, Any]:
    return {
        "cell": setting.name,
        "learner": setting.learner,
        "contribution_factor": setting.contribution_factor,
        "updates": setting.updates,
        "options": dict(setting.options),
        "policy": result.policy.round(4).tolist(),
        "unconverged": int(result.unconverged.sum()),
        "attempts": 2 * setting.updates * len(result.found),
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


def table1(*, runs: int, seed: int, report: Progress) -> Document:
    """Mean final policies by contribution factor, learner and parameterisation."""
    settings = [_setting_of(key) for key in published.TABLE1]
    results = run_settings(settings, runs=runs, seed=seed, report=report)
    return _policy_report(
        name="table1",
        title=f"Table 1: policies at the end, mean of {runs} runs",
        rows=[_policy_row(*each) for each in zip(settings, results, published.TABLE1.values(), strict=True)],
        notes=(_OWN_RATES,),
    )


def table2(*, runs: int, seed: int, report: Progress) -> Document:
    """Mean final policies with models of the opponent."""
    settings = [table2_setting(learner, model) for learner, model in published.TABLE2]
    results = run_settings(settings, runs=runs, seed=seed, report=report)
    return _policy_report(
        name="table2",
        title=f"Table 2: policies at the end with opponent models, mean of {runs} runs",
        rows=[_policy_row(*each) for each in zip(settings, results, published.TABLE2.values(), strict=True)],
        notes=("Contribution factor 1.33; the players themselves are tabular.",),
    )


def _policy_row(setting: Setting, result: ExactRuns, theirs: Sequence[float]) -> dict[str, Any]:
    fit = policy_fit(result, np.asarray(theirs))
    return {
        **_described(setting, result),
        "published": list(theirs),
        "found": share_of(result.found)._asdict(),
        **fit._asdict(),
    }


def _policy_report(*, name: str, title: str, rows: Sequence[Mapping[str, Any]], notes: tuple[str, ...]) -> Document:
    return reproduction(
        name=name,
        title=title,
        columns=("setting", "ours (DD DC CD CC start)", "published", "difference", "found", "given up"),
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
