"""Enter learned players in a tournament of the Axelrod library, and write the ranking.

    python benchmarks/axelrod_tournament.py [--runs runs/laptop_ipd] [--out results]

They meet the fifteen strategies of Axelrod's first tournament (1980) in matches of 50 rounds, the length they learned,
with the payoffs of IPD-v0. The runs are those of benchmarks/laptop.py; what is not there is trained, one seed of it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

PROGRAM = "import sys; from polax.runner.cli import main; sys.exit(main(sys.argv[1:]))"
LEARNERS = {"pola-dice": "POLA-DiCE", "naive": "naive learning"}
TURNS, REPETITIONS, SEED = 50, 10, 0


def ranking(runs: dict[str, Path]) -> list[dict[str, Any]]:
    """Play the tournament; best first."""
    import axelrod
    from polax.envs.views.axelrod_player import axelrod_game, axelrod_player

    learned = [
        axelrod_player(runs[learner], name=f"{name}, player {player}", player=player)
        for learner, name in LEARNERS.items()
        for player in (0, 1)
    ]
    others = [strategy() for strategy in axelrod.axelrod_first_strategies]
    players = [*learned, *others]
    tournament = axelrod.Tournament(
        players, game=axelrod_game("IPD-v0"), turns=TURNS, repetitions=REPETITIONS, seed=SEED
    )
    results = tournament.play(progress_bar=False)
    return [
        {
            "rank": row.Rank + 1,
            "player": row.Name,
            "median_score_per_round": round(float(row.Median_score), 4),
            "cooperation": round(float(row.Cooperation_rating), 3),
            "matches_won": float(row.Wins),
        }
        for row in results.summarise()
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=Path, default=Path("runs/laptop_ipd"), help="where the runs are, or will be")
    parser.add_argument("--out", type=Path, default=Path("results"))
    options = parser.parse_args()
    runs = {learner: options.runs / learner for learner in LEARNERS}
    for learner, folder in runs.items():
        if not folder.exists():
            words = ["train", learner, "IPD-v0", "--preset", "laptop", "--out", str(folder)]
            subprocess.run([sys.executable, "-c", PROGRAM, *words], check=True)
    rows = ranking(runs)
    settings = f"{TURNS} rounds per match, {REPETITIONS} repetitions, payoffs of IPD-v0, seed {SEED}"
    lines = [
        "# Learned players in a tournament of the Axelrod library",
        "",
        "`python benchmarks/axelrod_tournament.py`",
        "",
    ]
    who = (
        "The fifteen strategies of Axelrod's first tournament, and both players of the first seed of two laptop presets"
    )
    lines += [f"{who}: {settings}.", ""]
    lines += ["| rank | player | median score per round | cooperation | matches won (median) |"]
    lines += ["|---|---|---|---|---|"]
    for row in rows:
        score, cooperation = f"{row['median_score_per_round']:.3f}", f"{row['cooperation']:.2f}"
        lines.append(f"| {row['rank']} | {row['player']} | {score} | {cooperation} | {row['matches_won']:g} |")
    print("\n".join(lines))
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "axelrod_tournament.md").write_text("\n".join(lines) + "\n")
    content = {"settings": settings, "ranking": rows}
    (options.out / "axelrod_tournament.json").write_text(json.dumps(content, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
