"""``polax evaluate``: score a run's players at one checkpoint."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

from ..process import set_up
from .arguments import CommandParser, add_run, at_least


def main(arguments: list[str]) -> int:
    """Load, play, print."""
    parser = CommandParser("evaluate")
    add_run(parser)
    parser.add_argument(
        "--against",
        nargs="+",
        default=[],
        metavar="PLAYER",
        help="play against these instead: strategies, other runs (RUN, RUN#SEED), PREFIX:NAME (axelrod:NAME)",
    )
    parser.add_argument(
        "--eval-envs", type=at_least(1), default=1024, metavar="N", help="episodes per match-up (default: 1024)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse(arguments)
    set_up()
    from ..runs.folder import RunFolder

    folder = RunFolder.open(options.run)
    result = evaluate_run(folder, which=options.checkpoint, num_envs=options.eval_envs, against=options.against)
    if options.json:
        print(json.dumps(result, indent=2))
        return 0
    from ..report.evaluation import document
    from ..report.writers import show
    from ..training.progress import wide_console

    console = wide_console()
    found = document(result, sys.argv)
    console.print(found.title, markup=False)
    show(found, console)
    return 0


def evaluate_run(folder: Any, *, which: str, num_envs: int, against: Sequence[str] = ()) -> dict[str, Any]:
    """Score the players of a run at a checkpoint (an update's number, ``best`` or ``last``).

    Args:
        folder: the run.
        which: the checkpoint.
        num_envs: episodes of each match-up.
        against: the opponents, as `polax.make_policy` takes them; if empty, the run's own players together and every
            strategy.

    Returns:
        ``seeds``, the metrics of each; ``mean``, over seeds; ``gap``, between the players by line-up, the mean of that
        of each seed; ``learned``, a sentence, empty where there is none; and what was played.
    """
    from ... import registry
    from ..evaluation.evaluate import Evaluator, measure_dilemma, score_against
    from ..evaluation.scores import mean_gap, opponents_of, pairing
    from ..evaluation.verdict import verdict
    from ..runs.load import load_run

    run = load_run(folder, checkpoint=which)
    if against:
        opponents = [
            [registry.make_policy(name, run.env, run.params, player=player) for player in range(run.env.num_players)]
            for name in against
        ]
        table = score_against(run, opponents, against, num_envs=num_envs)
    else:
        evaluator = Evaluator(run.env, run.params, num_envs=num_envs, pure=run.pure)
        table = evaluator(run.keys.evaluate, run.update, run.policies)
    seeds = [
        {"seed": seed, **{name: float(values[index]) for name, values in table.items()}}
        for index, seed in enumerate(run.spec.seeds)
    ]
    learned = ""
    if not against:
        dilemma = measure_dilemma(run.env, run.params)
        learned = verdict(seeds, dilemma, self_play=run.self_play, trained_against=run.trained_against)
    return {
        "run": str(folder.path),
        "algorithm": run.spec.algorithm,
        "env": run.spec.env,
        "checkpoint": run.update,
        "eval_envs": num_envs,
        "self_play": run.self_play,
        "seeds": seeds,
        "learned": learned,
        "mean": {name: float(values.mean()) for name, values in table.items()},
        "gap": {
            opponent or pairing(self_play=run.self_play): mean_gap(seeds, opponent)
            for opponent in opponents_of(seeds[0])
        },
    }
