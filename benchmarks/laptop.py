"""Train the laptop presets of the IPD with ten seeds and write the table and the picture of the README.

    python benchmarks/laptop.py [--runs runs/laptop] [--seeds 10] [--out results]

Runs that are there already are read, not trained again.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import numpy as np

PROGRAM = "import sys; from polax.runner.cli import main; sys.exit(main(sys.argv[1:]))"
LEARNERS = ("pola-dice", "pola-om", "lola-dice", "naive")
EVAL_EVERY = {"lola-dice": 5}
"""Updates between evaluations, for learners of many small updates."""

COLUMNS = ("self-play", "vs always-defect", "vs always-cooperate", "vs tit-for-tat")


def polax(*words: str) -> None:
    subprocess.run([sys.executable, "-c", PROGRAM, *words], check=True)


def last_lines(folder: Path) -> list[dict[str, float]]:
    """Return the last line of metrics of every seed."""
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    last = max(row["update"] for row in rows)
    return sorted((row for row in rows if row["update"] == last), key=lambda row: row["seed"])


def summary(row: dict[str, float]) -> dict[str, float]:
    """Mean over both seats of each score of the table."""
    names = ("", "/vs/always-defect", "/vs/always-cooperate", "/vs/tit-for-tat")
    means = [np.mean([row[f"score/player_{seat}{name}"] for seat in (0, 1)]) for name in names]
    return {"seed": row["seed"], **{column: round(float(mean), 4) for column, mean in zip(COLUMNS, means, strict=True)}}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=Path, default=Path("runs/laptop"), help="where the runs are, or will be")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--out", type=Path, default=Path("results"))
    options = parser.parse_args()
    tables, lines = {}, ["# Laptop presets, iterated prisoner's dilemma", "", "`python benchmarks/laptop.py`", ""]
    for learner in LEARNERS:
        folder = options.runs / learner
        if not folder.exists():
            every = EVAL_EVERY.get(learner, 1)
            words = ("--preset", "laptop", "--num-seeds", str(options.seeds), "--eval-every", str(every))
            polax("train", learner, "IPD-v0", *words, "--out", str(folder))
        rows = [summary(row) for row in last_lines(folder)]
        config = json.loads((folder / "config.json").read_text())
        command = f"polax train {learner} IPD-v0 --preset laptop --num-seeds {len(rows)}"
        tables[learner] = {"command": command, "config": config, "seeds": rows}
        lines += [f"## {learner}", "", f"`{command}`, {config['updates']} updates", ""]
        lines += ["| seed | " + " | ".join(COLUMNS) + " |", "|---" * 5 + "|"]
        lines += [f"| {row['seed']} | " + " | ".join(f"{row[name]:+.3f}" for name in COLUMNS) + " |" for row in rows]
        means = [np.mean([row[name] for row in rows]) for name in COLUMNS]
        lines += ["| mean | " + " | ".join(f"{mean:+.3f}" for mean in means) + " |", ""]
    lines += ["Mean reward a step and player; mutual cooperation earns .33, mutual defection 0."]
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "laptop_ipd.json").write_text(json.dumps(tables, indent=1) + "\n")
    (options.out / "laptop_ipd.md").write_text("\n".join(lines) + "\n")
    runs = [str(options.runs / name) for name in LEARNERS]
    polax("plot", *runs, "--x", "outer-steps", "--out", "docs/images/laptop_ipd.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
