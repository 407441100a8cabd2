"""Small files of tournaments and benchmarks, as polax writes them, for the tests of their pages."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

VERSIONS = {"polax": "0.1.0", "jax": "0.10.2", "orbax-checkpoint": None}
NAMES = ("tit-for-tat", "always-defect", "mine:0")
CONFIG = {"algorithm": "pola-dice", "env": "IPD-v0", "preset": None, "options": {"outer_steps": 2, "outer_lr": 0.03}}
RUN = {
    **CONFIG, "format": 1, "env_options": {}, "seeds": [0, 1], "updates": 2, "eval_every": 1, "eval_envs": 4,
    "checkpoint_every": 1,
}  # fmt: skip


def tournament(names: Sequence[str] = NAMES, **changes: Any) -> dict[str, Any]:
    """Return what ``tournament.json`` holds: three players of the iterated prisoner's dilemma, three steps."""
    first, second, third = names
    mean = [[0.33, -0.1117, 0.2541], [0.2217, 0.0, 0.31], [0.2, -0.0467, 0.33]]
    error = [[0.0, 0.0, 0.012], [0.0, 0.0, 0.004], [0.003, 0.002, None]]
    kinds = [("strategy", None), ("strategy", None), ("run", CONFIG)]
    rows = {
        first: [1.0, 1.0, 0.0, 1.0, 0.0],
        second: [0.0, None, None, 0.0, 0.0],
        third: [0.875, 0.9, 0.25, 0.5, 0.0625],
    }
    tables = {
        name: [
            {"after": after, "cooperate": rate, "count": 0 if rate is None else 16}
            for after, rate in zip(("start", "CC", "CD", "DC", "DD"), rates, strict=True)
        ]
        for name, rates in rows.items()
    }
    return {
        "format": 1,
        "kind": "tournament",
        "versions": VERSIONS,
        "env": "IPD-v0",
        "env_options": {"contribution_factor": 1.33},
        "episodes": 8,
        "steps": 3,
        "action_names": ["defect", "cooperate"],
        "seed": 0,
        "players": [
            {
                "name": name,
                "kind": kind,
                "path": "runs/mine" if config else None,
                "seed": 0 if config else None,
                "algorithm": "pola-dice" if config else None,
                "update": 2 if config else None,
                "self_play": config is None,
                "config": config,
            }
            for name, (kind, config) in zip(names, kinds, strict=True)
        ],
        "scores": {
            "mean": mean,
            "standard_error": error,
            "by_player": [[[value, value] for value in row] for row in mean],
        },
        "rankings": {
            "mean_score": [
                {"name": second, "score": 0.2659, "standard_error": 0.002, "by_player": [0.2859, 0.2459]},
                {"name": third, "score": 0.0767, "standard_error": 0.0018, "by_player": [0.0767, 0.0767]},
                {"name": first, "score": 0.0712, "standard_error": 0.006, "by_player": [0.0712, 0.0712]},
            ],
            "head_to_head": [
                {"name": second, "wins": 2, "draws": 0, "losses": 0, "points": 2.0},
                {"name": first, "wins": 0, "draws": 1, "losses": 1, "points": 0.5},
                {"name": third, "wins": 0, "draws": 1, "losses": 1, "points": 0.5},
            ],
        },
        "measures": [
            _measure(first, [0.33, 0.33], -0.1117, (0.3317, 0.2)),
            _measure(second, [0.0, 0.0], 0.0, (0.0, 0.0)),
            _measure(third, [0.5, 0.16], -0.0467, None),
        ],
        "policy_tables": tables,
        "cooperative_action": 1,
        "player_measures": {"measures": [], "values": {name: {} for name in names}},
        "episodes_shown": [
            _matrix_episode(names[i], names[j], moves)
            for i, j, moves in (
                (0, 0, [(1, 1), (1, 1), (1, 1)]),
                (0, 1, [(1, 0), (0, 0), (0, 0)]),
                (0, 2, [(1, 1), (1, 0), (0, 1)]),
                (1, 1, [(0, 0), (0, 0), (0, 0)]),
                (1, 2, [(0, 1), (0, 0), (0, 0)]),
                (2, 2, [(1, 1), (1, 1), (1, 1)]),
            )
        ],
        "command": ["polax", "tournament", *names, "--env", "IPD-v0"],
        **changes,
    }


def _measure(name: str, itself: list[float], against: float, response: tuple[float, float] | None) -> dict[str, Any]:
    found = None
    if response is not None:
        found = {"score": response[0], "left_with": response[1], "algorithm": "naive", "updates": 8, "options": {}}
    return {
        "name": name, "with_itself": itself, "against": {"always-defect": [against, against]}, "best_response": found
    }  # fmt: skip


def _matrix_episode(row: str, column: str, moves: Sequence[tuple[int, int]]) -> dict[str, Any]:
    payoffs = {(1, 1): [0.33, 0.33], (1, 0): [-0.335, 0.665], (0, 1): [0.665, -0.335], (0, 0): [0.0, 0.0]}
    frames = {"actions": [list(pair) for pair in moves], "rewards": [payoffs[pair] for pair in moves], "boards": []}
    return {"row": row, "column": column, "frames": frames}


def _board(players: Sequence[tuple[int, int]], coin: tuple[int, int], owner: int) -> dict[str, Any]:
    places = [("coin", coin, owner), *(("player", place, player) for player, place in enumerate(players))]
    pieces = [{"name": name, "row": row, "column": column, "player": whose} for name, (row, column), whose in places]
    return {"rows": 3, "columns": 3, "pieces": pieces}


COIN_MEASURES = [
    {"name": name, "title": title, "unit": unit, "references": {}, "plot": plot}
    for name, title, unit, plot in (
        ("own_coin_proportion", "Own-colour coins", "proportion", True),
        ("own_coins", "Own coins taken", "coins a step", False),
        ("other_coins", "Other's coins taken", "coins a step", False),
        ("lost_coins", "Own coins lost", "coins a step", False),
    )
]


def coin_tournament() -> dict[str, Any]:
    """Return a tournament of two players in the coin game, two steps: in the first, B takes A's coin."""
    content = tournament()
    names = list(NAMES[:2])
    episodes = [
        {
            "row": row,
            "column": column,
            "frames": {
                "actions": [[0, 1], [2, 3]],
                "rewards": [[-2.0, 1.0], [0.0, 0.0]],
                "boards": [
                    _board([(0, 0), (1, 0)], (1, 2), 0),
                    _board([(0, 1), (1, 2)], (2, 2), 1),
                    _board([(1, 1), (0, 2)], (2, 2), 1),
                ],
            },
        }
        for row, column in ((names[0], names[0]), (names[0], names[1]), (names[1], names[1]))
    ]
    coins = {"own_coin_proportion": 0.75, "own_coins": 0.3, "other_coins": 0.1, "lost_coins": 0.05}
    return {
        **content,
        "env": "CoinGame-v0",
        "env_options": {},
        "steps": 2,
        "action_names": ["right", "left", "down", "up"],
        "players": content["players"][:2],
        "scores": {name: [row[:2] for row in table[:2]] for name, table in content["scores"].items()},
        "rankings": {name: [row for row in rows if row["name"] in names] for name, rows in content["rankings"].items()},
        "measures": [{**row, "best_response": None} for row in content["measures"][:2]],
        "policy_tables": dict.fromkeys(names),
        "cooperative_action": None,
        "player_measures": {
            "measures": COIN_MEASURES,
            "values": {names[0]: coins, names[1]: {**coins, "own_coin_proportion": None}},
        },
        "episodes_shown": episodes,
    }


def write_tournament(folder: Path, content: dict[str, Any]) -> Path:
    """Write a tournament's folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tournament.json").write_text(json.dumps(content))
    return folder


def write_benchmark(folder: Path, **changes: Any) -> Path:
    """Write a benchmark's folder: one learner that is done, with a run of two seeds, and one that failed."""
    run = folder / "runs" / "pola-dice-IPD-v0"
    run.mkdir(parents=True)
    (run / "config.json").write_text(json.dumps(RUN))
    (run / "manifest.json").write_text(json.dumps({"reference_scores": {"mutual cooperation": 0.33}}))
    lines = [
        {
            "update": update, "seed": seed, "seconds": 1.5 * update, "env_steps": 1000 * update,
            "score/player_0": 0.125 * update + 0.15 * seed, "score/player_1": 0.125 * update - 0.05 * seed,
            "score/player_0/vs/always-defect": -0.25, "score/player_1/vs/always-defect": -0.25,
        }
        for update in range(3)
        for seed in range(2)
    ]  # fmt: skip
    (run / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (folder / "errors").mkdir()
    (folder / "errors" / "broken-IPD-v0.txt").write_text("Traceback\n  <module>\nValueError: no </script> today\n")
    (folder / "results.json").write_text(json.dumps({**benchmark(), **changes}))
    return folder


def benchmark() -> dict[str, Any]:
    """Return what ``results.json`` holds."""
    scores = {
        "score": {"per_seed": [0.25, 0.3], "iqm": 0.275, "low": 0.25, "high": 0.3},
        "score/gap": {"per_seed": [0.1, 0.2], "iqm": 0.15, "low": 0.1, "high": 0.2},
        "score/vs/always-defect": {"per_seed": [-0.25, None], "iqm": -0.25, "low": -0.25, "high": -0.25},
        "score/gap/vs/always-defect": {"per_seed": [0.0, None], "iqm": 0.0, "low": 0.0, "high": 0.0},
        "score/player_0": {"per_seed": [0.3, 0.2], "iqm": 0.25, "low": 0.2, "high": 0.3},
        "score/player_1": {"per_seed": [0.2, 0.4], "iqm": 0.3, "low": 0.2, "high": 0.4},
        "score/player_0/vs/always-defect": {"per_seed": [-0.25, None], "iqm": -0.25, "low": -0.25, "high": -0.25},
        "score/player_1/vs/always-defect": {"per_seed": [-0.25, None], "iqm": -0.25, "low": -0.25, "high": -0.25},
        "cooperation_rate/player_0": {"per_seed": [0.75, 0.875], "iqm": 0.8125, "low": 0.75, "high": 0.875},
    }
    return {
        "format": 2,
        "kind": "benchmark",
        "versions": VERSIONS,
        "command": ["polax", "benchmark", "--out", "a folder"],
        "protocol": {
            "num_seeds": 2,
            "budget": "2 updates",
            "preset": None,
            "evaluation_episodes": 1000,
            "options": {"pola-dice": {"outer_lr": 0.03}},
        },
        "combinations": [
            _combination("pola-dice", status="done", seconds=12.3, env_steps=2000, updates=2, scores=scores),
            _combination("broken", status="failed", error="ValueError: no </script><b>bold</b> today"),
        ],
    }


def _combination(algorithm: str, **changes: Any) -> dict[str, Any]:
    row = {
        "algorithm": algorithm, "env": "IPD-v0", "run": f"runs/{algorithm}-IPD-v0", "preset": None, "status": None,
        "error": None, "seconds": None, "env_steps": None, "updates": None, "self_play": False, "scores": {},
    }  # fmt: skip
    return {**row, **changes}
