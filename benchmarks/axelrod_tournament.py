"""Enter learned players in a tournament of the Axelrod library, and write the ranking.

    python benchmarks/axelrod_tournament.py [--agents results/league/agents/IPD-v0] [--out results]

They meet the fifteen strategies of Axelrod's first tournament (1980) in matches of 50 rounds, the length they learned,
with the payoffs of IPD-v0. They are the first seeds of learners of the league.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import polax

LEARNERS = {"loqa": "LOQA", "pola-dice": "POLA-DiCE", "naive": "naive learning"}
TURNS, REPETITIONS, SEED = 50, 10, 0


def ranking(agents: Path) -> list[dict[str, Any]]:
    """Play the tournament; best first. A policy that plays as both players enters once."""
    import axelrod
    from polax.envs.views.axelrod_player import axelrod_game, axelrod_player

    learned = []
    for learner, name in LEARNERS.items():
        path = agents / f"{learner}.npz"
        if polax.load(path).card["self_play"]:
            learned.append(axelrod_player(path, name=name))
        else:
            learned += [axelrod_player(path, name=f"{name}, player {each}", player=each) for each in (0, 1)]
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
    parser.add_argument("--agents", type=Path, default=Path("results/league/agents/IPD-v0"), help="their files")
    parser.add_argument("--out", type=Path, default=Path("results"))
    options = parser.parse_args()
    rows = ranking(options.agents)
    settings = f"{TURNS} rounds per match, {REPETITIONS} repetitions, payoffs of IPD-v0, seed {SEED}"
    lines = [
        "# Learned players in a tournament of the Axelrod library",
        "",
        "`python benchmarks/axelrod_tournament.py`",
        "",
    ]
    who = "The fifteen strategies of Axelrod's first tournament, and the first seed of three learners of the league"
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
