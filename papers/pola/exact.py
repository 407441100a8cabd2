"""Figures 1 and 3 and Tables 1 and 2 of the POLA paper: exact learning in the iterated prisoner's dilemma."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ...runner.report.document import Document
from ..report import Row, policy_format, reproduction
from .drawings import draw_shares, draw_updates
from .exact_runs import ExactRuns, run_settings
from .published import EXACT, FIGURE1, NO_RATES, PROGRAM_RUNS, STATES, TABLE2, Published, Setting
from .statistics import FOUND, p_value, policy_fit, share_of

Progress = Callable[[str], None]

SIGNIFICANCE = 0.05
FOUND_WITH_COLUMN_DD = 0.0
"""Share of the program's runs, POLA with pre-conditioning at factor 1.1, when it pre-conditions by DD as released."""

_OWN_RATES = (
    f"{NO_RATES} The paper gives no rates here: LOLA takes the best of our search (see search.md), or one "
    "of the many pairs that find nothing; naive learning takes 100 updates of rate 2, which gives the printed policies."
)
_MIXED = (
    "Difference: largest of the five entries. Where some runs find tit-for-tat and others end in defection, the mean "
    "says mostly how many did which; the number in brackets is the difference after mixing our two kinds of runs in "
    "the proportion that fits best."
)
_FIGURE1_OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "lola": {"inner_lr": 0.2, "outer_lr": 0.05},
    "pola": {"inner_lr": 0.2, "outer_lr": 0.005, "outer_beta": 5.0},
}


def figure1(*, runs: int, seed: int, report: Progress) -> Document:
    """One update of LOLA and of POLA on two networks that are one policy; nothing is random, so one run is enough."""
    del runs
    settings = [_figure1_setting(row["learner"], row["network"]) for row in FIGURE1["policies"]]
    settings += [_figure1_setting("pola", network, outer_steps=steps) for network, steps in FIGURE1["steps"].items()]
    results = run_settings(settings, runs=1, seed=seed, report=report, initial=_hand_made)
    rows = [_update_row(*each) for each in zip(settings, results, strict=True)]
    start = [0.5] * len(STATES)
    document = reproduction(
        "figure1",
        "Figure 1: one update of two networks that are one policy",
        {
            "update": "{update}",
            "ours (DD, DC, CD, CC, start)": policy_format("policy", 4),
            "published program": policy_format("published", 4),
            "difference": "{difference:.5f}",
        },
        [{"update": "before", "policy": start, "published": start, "difference": None}, *rows],
        notes=(
            "Player 0's policy, contribution factor 1.33. LOLA: inner rate 0.2, outer rate 0.05. POLA: inner rate 0.2, "
            "outer rate 0.005, penalty 5.",
            f"Distance of the two networks' policies after the update: {_network_distances(rows)}.",
            "The published program works in single precision, where the KL of two successive policies is wrong by "
            "about 1e-7, ten times the threshold at which it stops; so it stops early. On the way to our fixed point "
            "lies, at the step named, the policy that it prints.",
        ),
        chart=draw_updates(rows[:4], start),
    )
    return document._replace(data={**document.data, "rows": rows})


def _figure1_setting(learner: str, network: str, **options: Any) -> Setting:
    every = {"parameterisation": "mlp", "hidden_size": 2, **_FIGURE1_OPTIONS[learner], **options}
    return Setting(network, f"{learner}-exact", 1, every)


def _update_row(setting: Setting, result: ExactRuns) -> dict[str, Any]:
    learner, network = setting.learner.removesuffix("-exact"), setting.name
    policy, steps = result.cooperation[0, 0], setting.options.get("outer_steps")
    (theirs,) = (row["policy"] for row in FIGURE1["policies"] if (row["learner"], row["network"]) == (learner, network))
    end = "" if learner == "lola" else f", {steps} steps" if steps else ", fixed point"
    return {
        "update": f"{learner.upper()}, {network}{end}",
        "learner": learner,
        "network": network,
        "policy": policy.tolist(),
        "published": theirs,
        "difference": float(np.abs(policy - theirs).max()),
        "unconverged": int(result.unconverged.sum()),
    }


def _hand_made(setting: Setting, state: Any) -> Any:
    """Give both players the network that the setting is named after."""
    params = {
        name: np.broadcast_to(np.asarray(value, np.float64), getattr(state.params, name).shape)
        for name, value in FIGURE1["networks"][setting.name].items()
    }
    return state.replace(params=state.params.replace(**params))


def _network_distances(rows: Sequence[Row]) -> str:
    """Say how far apart one learner's updates of the two networks end."""
    policies = {(row["learner"], row["network"]): np.asarray(row["policy"]) for row in reversed(rows)}
    return ", ".join(
        f"{learner.upper()} {np.abs(policies[learner, 'net A'] - policies[learner, 'net B']).max():.3f}"
        for learner in _FIGURE1_OPTIONS
    )


def figure3(*, runs: int, seed: int, report: Progress) -> Document:
    """Probability of finding tit-for-tat by contribution factor, learner and parameterisation."""
    shown = [found for (learner, *_), found in EXACT.items() if learner != "naive"]
    settings, theirs = [found.setting for found in shown], [found.found for found in shown]
    released = EXACT["pola", "preconditioned", 1.1].setting  # the program's own column of pre-conditioning
    options = {**released.options, "preconditioned_columns": (0, 0)}
    settings.append(replace(released, name=f"{released.name}, column DD", options=options))
    theirs.append(FOUND_WITH_COLUMN_DD)
    results = run_settings(settings, runs=runs, seed=seed, report=report)
    rows = [_share_row(*each) for each in zip(settings, results, theirs, strict=True)]
    return reproduction(
        "figure3",
        f"Figure 3: probability of finding tit-for-tat, {runs} runs a setting",
        {
            "setting": "{setting}",
            "ours (95% interval)": "{found[share]:.3f} ({found[low]:.2f} to {found[high]:.2f})",
            "published": "{published:.2f}",
            "inside": lambda row: "" if row["inside"] is None else "yes" if row["inside"] else "no",
            "p": "{p_value:.2f}",
            "final policy": policy_format("policy"),
            "given up": "{unconverged} / {attempts}",
        },
        rows,
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
        chart=draw_shares(rows[: len(shown)], runs=runs),
    )


def _outside(rows: Sequence[Row]) -> str:
    """Say which published shares are outside our intervals, and whether that is more than their own chance."""
    outside = [row for row in rows if row["inside"] is False]
    surprising = [row["setting"] for row in outside if row["p_value"] < SIGNIFICANCE]
    return (
        f"{len(outside)} published shares lie outside our interval, which leaves out that they are samples of "
        f"{PROGRAM_RUNS} themselves; taking that into account (p below {SIGNIFICANCE}) there is a difference in "
        f"{', '.join(surprising) or 'none of them'}."
    )


def _share_row(setting: Setting, result: ExactRuns, theirs: float | None) -> dict[str, Any]:
    share = share_of(result.found)
    return {
        **_described(setting, result),
        "published": theirs,
        "inside": None if theirs is None else theirs in share,
        "p_value": None if theirs is None else p_value(result.found, theirs, PROGRAM_RUNS),
    }


def _described(setting: Setting, result: ExactRuns) -> dict[str, Any]:
    return {
        "setting": setting.name,
        "learner": setting.learner,
        "contribution_factor": setting.contribution_factor,
        "updates": setting.updates,
        "options": dict(setting.options),
        "policy": result.policy.round(4).tolist(),
        "unconverged": int(result.unconverged.sum()),
        "attempts": 2 * setting.updates * len(result.found),
        "found": share_of(result.found)._asdict(),
    }


def table1(*, runs: int, seed: int, report: Progress) -> Document:
    """Mean final policies by contribution factor, learner and parameterisation."""
    title = f"Table 1: policies at the end, mean of {runs} runs"
    return _policies("table1", title, EXACT.values(), _OWN_RATES, runs=runs, seed=seed, report=report)


def table2(*, runs: int, seed: int, report: Progress) -> Document:
    """Mean final policies with models of the opponent."""
    title = f"Table 2: policies at the end with opponent models, mean of {runs} runs"
    note = "Contribution factor 1.33; the players themselves are tabular."
    return _policies("table2", title, TABLE2, note, runs=runs, seed=seed, report=report)


def _policies(name: str, title: str, shown: Iterable[Published], note: str, **settings: Any) -> Document:
    """Run some settings and compare the policies that they end with; ``settings`` are those of `run_settings`."""
    shown = list(shown)
    results = run_settings([each.setting for each in shown], **settings)
    rows = [
        {
            **_described(each.setting, result),
            "published": list(each.policy),
            **policy_fit(result, np.asarray(each.policy))._asdict(),
        }
        for each, result in zip(shown, results, strict=True)
    ]
    return reproduction(
        name,
        title,
        {
            "setting": "{setting}",
            "ours (DD DC CD CC start)": policy_format("policy"),
            "published": policy_format("published"),
            "difference": "{difference:.2f} ({mixed_difference:.2f})",
            "found": "{found[share]:.2f}",
            "given up": "{unconverged} / {attempts}",
        },
        rows,
        notes=(
            "Probability of cooperating, own move first, mean over runs and both players.",
            _MIXED,
            note,
            "Given up: updates in which a fixed point or the fit of a model did not converge, of all.",
        ),
    )
