"""Train the laptop presets of a game with many seeds, and write their table and their picture.

    python benchmarks/laptop.py [--env IPD-v0] [--seeds 10] [--learners NAME ...] [--runs DIR] [--out results]

Runs that are there already are read, or continued where they were interrupted.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
from polax.runner.cli import main as polax
from polax.runner.evaluation.scores import mean_score, pairing, player_scores, score_gap
from polax.runner.process import cpu_cores, set_up
from rich.console import Console


class Study(NamedTuple):
    """What is written about a game."""

    stem: str
    learners: tuple[str, ...]
    title: str
    reading: str


GAPS = (
    "A gap is the difference between the two players' scores in a seed; its mean is not the difference of the means. "
    "Co-play is between the two policies that were trained together; in self-play one policy is both players."
)
LEARNERS = ("loqa", "advantage-alignment", "pola-dice", "pola-om", "lola-dice", "naive")
STUDIES = {
    "IPD-v0": Study(
        "laptop_ipd",
        LEARNERS,
        "iterated prisoner's dilemma",
        "Mean reward per step and player; mutual cooperation earns 0.33, mutual defection 0. " + GAPS,
    ),
    "CoinGame-v0": Study(
        "laptop_coin",
        ("goodwill-loqa", *LEARNERS),
        "coin game",
        "Mean reward per step and player, and the proportion of own-colour coins; the optimum is 0.35 with 1, mutual "
        "defection 0 with 0.5. " + GAPS,
    ),
}
OPPONENTS = ("tit-for-tat", "always-defect", "always-cooperate", "grim", "generous-tit-for-tat")
OWN_COLOUR = "own-colour"


def summary(row: dict[str, float], *, self_play: bool) -> dict[str, float]:
    """Scores of the table: the pair's mean, players and gap; mean and gap against each opponent; own-colour coins."""
    together = pairing(self_play=self_play)
    first, second = player_scores(row)
    found = {together: mean_score(row), "player 0": first, "player 1": second, "gap": score_gap(row)}
    for opponent in OPPONENTS:
        found |= {f"vs {opponent}": mean_score(row, opponent), f"gap vs {opponent}": score_gap(row, opponent)}
    if "own_coin_proportion" in row:
        found[OWN_COLOUR] = row["own_coin_proportion"]
    return {"seed": row["seed"], **{column: round(float(value), 4) for column, value in found.items()}}


def table_of(rows: list[dict[str, float]]) -> list[str]:
    """Return the lines of a table: a row for each seed, and their means."""
    columns = [name for name in rows[0] if name != "seed"]
    means = [float(np.mean([row[name] for row in rows])) for name in columns]
    return [
        "| seed | " + " | ".join(columns) + " |",
        "|---" * (1 + len(columns)) + "|",
        *(f"| {row['seed']} | " + " | ".join(f"{row[name]:+.3f}" for name in columns) + " |" for row in rows),
        "| mean | " + " | ".join(f"{mean:+.3f}" for mean in means) + " |",
        "",
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--env", choices=STUDIES, default="IPD-v0")
    parser.add_argument("--runs", type=Path, help="where the runs are, or will be (default: runs/laptop-ENV)")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--learners", nargs="+", metavar="NAME", help="of the table; the others' rows stay as they are")
    parser.add_argument("--out", type=Path, default=Path("results"))
    options = parser.parse_args()
    study = STUDIES[options.env]
    learners = options.learners or study.learners
    runs = options.runs or Path("runs") / f"laptop-{options.env}"

    set_up(devices=cpu_cores())  # before gymnax is imported, which computes on the device
    from polax.papers.training import trained
    from polax.runner.runs.spec import resolve
    from polax.runner.training.loop import last_rows

    console = Console()
    data = options.out / f"{study.stem}.json"
    tables = json.loads(data.read_text()) if data.exists() else {}
    for learner in learners:
        spec = resolve(learner, options.env, preset="laptop", seeds=tuple(range(options.seeds)))
        folder = trained(spec, runs / learner, console)
        self_play = folder.manifest().get("self_play", False)
        tables[learner] = {
            "command": f"polax train {learner} {options.env} --preset laptop --num-seeds {options.seeds}",
            "config": folder.config(),
            "seeds": [summary(row, self_play=self_play) for row in last_rows(folder)],
        }
    tables = {learner: tables[learner] for learner in study.learners if learner in tables}
    lines = [f"# Laptop presets, {study.title}", "", f"`python benchmarks/laptop.py --env {options.env}`", ""]
    for learner, table in tables.items():
        lines += [f"## {learner}", "", f"`{table['command']}`, {table['config']['updates']} updates", ""]
        lines += table_of(table["seeds"])
    options.out.mkdir(parents=True, exist_ok=True)
    data.write_text(json.dumps(tables, indent=1) + "\n")
    (options.out / f"{study.stem}.md").write_text("\n".join([*lines, study.reading]) + "\n")
    folders = [str(runs / name) for name in study.learners]
    missing = [folder for folder in folders if not (Path(folder) / "config.json").exists()]
    if missing:
        console.print(f"the picture is left as it is: there is no run in {', '.join(missing)}")
        return 0
    return polax(["plot", *folders, "--x", "env-steps", "--out", f"docs/images/{study.stem}.png"])


if __name__ == "__main__":
    sys.exit(main())
