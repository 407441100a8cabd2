"""Make the agents of the zoo from runs of the laptop presets: seeds 0, 1 and 2, none chosen.

    python benchmarks/zoo.py RUN ... [--out zoo]

An agent that is there already is replaced. README.md beside them says what they score, in the numbers that are stored.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polax
from polax.envs.base import Game
from polax.runner.evaluation.scores import over_players, pairing, scores_of_seeds

SEEDS = (0, 1, 2)
OPPONENTS = ("", "tit-for-tat", "always-defect", "always-cooperate")


def main(arguments: Sequence[str]) -> int:
    """Export the runs, then write the table of all agents that are there."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("runs", nargs="*", type=Path, metavar="RUN")
    parser.add_argument("--out", type=Path, default=Path("zoo"), metavar="DIR")
    options = parser.parse_args(arguments)
    for path in options.runs:
        run = polax.load(path)
        file = options.out / run.spec.algorithm / f"{run.spec.env}.npz"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        run.export(file, seeds=SEEDS, half=True)
        print(file)
    agents = {path: polax.load(path) for path in sorted(options.out.glob("*/*.npz"))}
    games = sorted({agent.spec.env for agent in agents.values()}, reverse=True)
    tables = [table(game, {path: agent for path, agent in agents.items() if agent.spec.env == game}) for game in games]
    size = sum(path.stat().st_size for path in agents)
    (options.out / "README.md").write_text("\n\n".join([HEAD.format(size=size / 1000), *tables]) + "\n")
    return 0


HEAD = """# Trained agents

The seeds 0, 1 and 2 of each laptop preset of these learners as they came out, stored with 16 bits a number:
{size:.0f} kB in all. Those of POLA-OM and of the exact rules, with ten seeds each, are in the folder of [the
league](../results/league/league.md). `python benchmarks/zoo.py RUN ...` makes the files and this page from runs;
`polax list zoo:loqa/IPD-v0` shows an agent's settings, the command that trains it again, and every score.

A score is the mean reward per step and player over 1,024 episodes, played with these 16-bit numbers: the mean over the
three seeds, the lowest and the highest. In self-play one policy plays as both players; in co-play two policies that
were trained together play each other, and the gap is the difference between the scores of these two."""


def table(env: str, agents: dict[Path, polax.Agent]) -> str:
    """Return the table of one game."""
    game, params = next(iter(agents.values())).game()
    lines = [
        f"## {env}",
        "",
        f"{reference(game, params)}",
        "",
        "| agent | | together | gap | with tit-for-tat | against always-defect | with always-cooperate |",
        "|---|---|---|---|---|---|---|",
    ]
    for path, agent in agents.items():
        rows = agent.card["scores"]
        found = [over_players(scores) for name in OPPONENTS if (scores := scores_of_seeds(rows, name)) is not None]
        cells = [spread(found[0][0]), f"{found[0][1].mean():.3f}", *(spread(mean) for mean, _ in found[1:])]
        name = path.relative_to(path.parent.parent).with_suffix("").as_posix()
        lines.append(f"| `zoo:{name}` | {pairing(self_play=agent.card['self_play'])} | {' | '.join(cells)} |")
    return "\n".join(lines)


def reference(game: Game, params: object) -> str:
    """Return what the game's known scores are, in a sentence."""
    known = [f"{name} earns {value:.2f}" for name, value in game.reference_scores(params).items()]
    return f"{'; '.join(known)}.".capitalize()


def spread(values: np.ndarray) -> str:
    """Return a mean with the range."""
    return f"{values.mean():.3f} ({values.min():.3f} to {values.max():.3f})"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
