"""LOQA, Advantage Alignment and goodwill LOQA with their parts left out, against players met in training or not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from rich.console import Console

from ...runner.report.document import Document
from ...runner.report.parts import MISSING, Chart, Reach, Section, Table, Value, number, score
from ...runner.runs.files import folder_name
from ...runner.runs.folder import RunFolder
from ...runner.runs.spec import RunSpec, build, resolve
from ..report import Columns, Row, as_table, reproduction_of, stem_of
from ..training import configs_of, how_trained, lost_seeds, trained
from .drawings import Line, draw_seeds
from .matches import CO_PLAY, ENV, EPISODES, OTHER_SEEDS, SELF_PLAY, Matches, compared, play_matches

STEPS = 50
"""Of an episode, as in the published ablation."""


class Variant(NamedTuple):
    """A learner's laptop preset with some options changed."""

    name: str
    learner: str
    options: Mapping[str, Any] = MappingProxyType({})


VARIANTS = (
    Variant("loqa", "loqa"),
    Variant("loqa: no other-play", "loqa", {"other_play": False}),
    Variant("loqa: no pool", "loqa", {"opponents": "current"}),
    Variant("loqa: two players", "loqa", {"players": "two"}),
    Variant("loqa: no shaping", "loqa", {"shaping": 0.0, "shaping_end": 0.0}),
    Variant("advantage-alignment", "advantage-alignment"),
    Variant("goodwill-loqa", "goodwill-loqa"),
    Variant("goodwill-loqa: no goodwill", "goodwill-loqa", {"goodwill": 0.0, "goodwill_end": 0.0}),
    Variant("goodwill-loqa: no state baseline", "goodwill-loqa", {"state_baseline": False}),
    Variant("goodwill-loqa: no other-play", "goodwill-loqa", {"other_play": False}),
    Variant("goodwill-loqa: tit-for-tat met", "goodwill-loqa", {"scripted_players": ("tit-for-tat",)}),
)

STRANGERS = ("always-defect", "random", "always-cooperate", "always-cooperate-loqa")
RETALIATORS = ("tit-for-tat", "grim", "tit-for-two-tats", "generous-tit-for-tat")
DRAWN = (SELF_PLAY, "always-defect", "tit-for-tat", "grim")


def loqa_ablation(*, runs: int, seed: int, scale: str, training: Path, console: Console) -> Document:
    """Train every variant in the coin game and score the final policies of its seeds.

    Args:
        runs: seeds of each variant.
        seed: the first of them.
        scale: the preset.
        training: folder of the runs; those that are there are read or continued.
        console: where progress is shown.

    Returns:
        Scores in self-play and against strategies, mean and lowest seed, and the published ablation beside them.

    Raises:
        PolaxError: training was interrupted or failed, or the folder holds a run with other settings.
    """
    seeds = tuple(range(seed, seed + runs))
    specs = {
        variant.name: resolve(variant.learner, ENV, preset=scale, options=variant.options, seeds=seeds)
        for variant in VARIANTS
    }
    folders = {
        name: trained(spec, training / folder_name(*name.replace(":", "").split()), console, course=False)
        for name, spec in specs.items()
    }
    opponents = (*STRANGERS, *RETALIATORS)
    rows = [
        _row(variant, folder, play_matches(folder, opponents, steps=STEPS, seed=seed, console=console))
        for variant, folder in zip(VARIANTS, folders.values(), strict=True)
    ]
    name, stem = "loqa-ablation", stem_of("loqa-ablation", scale)
    sections = [Section("", [*_tables(rows), _chart(stem, rows)], Reach.CONSOLE)]
    title = f"What each part of LOQA, Advantage Alignment and goodwill LOQA does in the coin game ({scale} scale)"
    notes, configs = _notes(folders), configs_of(folders)
    return reproduction_of(name, title, sections, rows, notes=notes, configs=configs, stem=stem)


def _row(variant: Variant, folder: RunFolder, matches: Matches) -> dict[str, Any]:
    """Return what a variant gets, by kind of match, and the published values."""
    return {
        "setting": variant.name,
        "learner": variant.learner,
        "changed": dict(variant.options),
        "met_in_training": met_in_training(folder.spec()),
        "own_coins": {"mean": sum(matches.own_coins) / len(matches.own_coins), "lowest": min(matches.own_coins)},
        "scores": {kind: compared(variant.name, STEPS, kind, matches) for kind in matches.scores},
    }


def met_in_training(spec: RunSpec) -> list[str]:
    """Return the strategies that the learner of a run met in training."""
    return list(build(spec).algorithm.trained_against)


def _score(kind: str) -> Callable[[Row], Value]:
    """Return what shows the mean and the lowest seed of matches of one kind."""

    def show(row: Row) -> Value:
        found = row["scores"].get(kind)
        if found is None:
            return number(None)
        return number(found["mean"])._replace(spread=f"({number(found['lowest'])})")

    return show


def _left(kind: str) -> Callable[[Row], Value]:
    """Return what shows the mean of what the other player gets."""
    return lambda row: number(row["scores"][kind]["opponent_mean"])


def _gap(row: Row) -> Value:
    found = row["scores"].get(CO_PLAY, row["scores"][SELF_PLAY])
    return number(found["gap"])


def _own_coins(row: Row) -> Value:
    return number(row["own_coins"]["mean"])._replace(spread=f"({number(row['own_coins']['lowest'])})")


def _tables(rows: Sequence[Row]) -> list[Table]:
    """Return what the variants get, what they leave to the other player, and the published ablation."""
    first: Columns = {"setting": "{setting}"}
    pair: Columns = {
        SELF_PLAY: _score(SELF_PLAY),
        CO_PLAY: _score(CO_PLAY),
        "gap": _gap,
        "own coins": _own_coins,
        OTHER_SEEDS: _score(OTHER_SEEDS),
    }
    strangers: Columns = {kind: _score(kind) for kind in STRANGERS}
    retaliators: Columns = {kind: _score(kind) for kind in RETALIATORS}
    met: Columns = {"met in training": lambda row: ", ".join(row["met_in_training"]) or MISSING}
    left: Columns = {kind: _left(kind) for kind in (*STRANGERS, *RETALIATORS)}
    published = [
        {"setting": row["setting"], "kind": kind, **found}
        for row in rows
        for kind, found in row["scores"].items()
        if found["published"] is not None
    ]
    return [
        as_table("With each other, mean and (lowest seed)", {**first, **pair}, rows),
        as_table("Against players that do not retaliate", {**first, **strangers}, rows),
        as_table("Against players that retaliate", {**first, **retaliators, **met}, rows),
        as_table("What the opponents get, mean", {**first, **left}, rows),
        as_table("Beside the published ablation", {**first, **_BESIDE}, published),
    ]


_BESIDE: Columns = {
    "opponent": "{kind}",
    "ours": lambda row: number(row["mean"]),
    "lowest seed": lambda row: number(row["lowest"]),
    "published": lambda row: score(row["published"]["value"], row["published"]["spread"], 3),
    "difference": lambda row: f"{row['mean'] - row['published']['value']:+.3f}",
}


def _chart(name: str, rows: Sequence[Row]) -> Chart:
    """Draw every seed of every variant, a panel for each kind of match."""
    learners = list(dict.fromkeys(row["learner"] for row in rows))
    panels = {kind: [_line(row, kind, learners.index(row["learner"])) for row in rows] for kind in DRAWN}
    return draw_seeds(name, "Coin game", panels)


def _line(row: Row, kind: str, colour: int) -> Line:
    found = row["scores"][kind]
    published = None if found["published"] is None else found["published"]["value"]
    return Line(row["setting"], colour, list(found["per_seed"].values()), published)


def _notes(folders: Mapping[str, RunFolder]) -> list[str]:
    """Say what was changed, trained and measured, and what the comparison can mean."""
    changed = [
        f"{each.name} ({', '.join(f'{name} {value}' for name, value in each.options.items())})"
        for each in VARIANTS
        if each.options
    ]
    return [
        f"Every setting is the learner's laptop preset but for: {'; '.join(changed)}.",
        f"The final policies, {EPISODES} episodes of {STEPS} steps for each ordered pair; the learner plays both "
        "roles.",
        f"{SELF_PLAY}: one policy as both players, of two players player 0's. {CO_PLAY}: the two policies that were "
        "trained together. gap: mean over seeds of the absolute difference between the players, in co-play where there "
        "is one. own coins: share of the coins that their owner collected, in self-play.",
        "Scores against the players of 'met in training' are not held out. Tit-for-tat moves as always-cooperate does "
        "until it is robbed, so that for whoever met it always-cooperate is hardly held out either.",
        "Published: LOQA's public league, 10 seeds of the published settings, which train longer on larger batches. "
        f"Its entry for two players is one of the two policies as both players, which is {SELF_PLAY} here. Advantage "
        "Alignment was measured in episodes of 16 steps only and therefore has no value here.",
        *(how_trained(name, folder) for name, folder in folders.items()),
        *lost_seeds(folders),
    ]
