"""Numbers of the POLA paper (Zhao et al. 2022, arXiv:2210.10125), to stand beside ours.

Policies are probabilities of cooperating in DD, DC, CD, CC and at the start, the own move first, averaged over both
players and all runs. "The program" is the authors' released one, run again; "the paper" is what is printed.
"""

from __future__ import annotations

from typing import NamedTuple

FACTORS = (1.1, 1.25, 1.33, 1.4, 1.6)
PROGRAM_RUNS = 20
"""Runs behind each share in `FOUND_BY_PROGRAM`."""

Policy = tuple[float, ...]


class Key(NamedTuple):
    """What a value of Figure 3 and Table 1 is about."""

    learner: str
    parameterisation: str
    contribution_factor: float


_FOUND_BY_PROGRAM = {
    ("lola", "tabular"): {1.1: 1.0},
    ("lola", "mlp"): {1.33: 0.30, 1.4: 0.65, 1.6: 0.60},
    ("pola", "tabular"): dict.fromkeys(FACTORS, 1.0),
    ("pola", "mlp"): {1.1: 0.95, 1.25: 1.0, 1.33: 1.0, 1.4: 1.0, 1.6: 0.95},
    ("pola", "preconditioned"): {1.1: 0.45, 1.33: 1.0},
}
FOUND_BY_PROGRAM = {
    Key(*column, factor): share for column, shares in _FOUND_BY_PROGRAM.items() for factor, share in shares.items()
}
"""Share of runs that found tit-for-tat, out of `PROGRAM_RUNS`."""

FOUND_BY_PROGRAM_COLUMN_DD = {Key("pola", "preconditioned", 1.1): 0.0}
"""The same with the program's own column of pre-conditioning (DD), which is not the paper's."""

NOTHING_FOUND_IN_PAPER = (
    *(Key("lola", "preconditioned", factor) for factor in FACTORS),
    Key("lola", "mlp", 1.1),
    Key("lola", "mlp", 1.25),
)
"""Where the paper's search over rates found no setting that ever reaches tit-for-tat."""

_TABLE1 = """
f    |lola tabular|lola mlp           |lola preconditioned|pola tabular     |pola mlp           |pola preconditioned
1.1  |0 1 0 1 1   |0 .01 0 .03 .02    |0 0 .97 0 0        |0 .97 .45 1 .94  |0 .94 .49 1 .94    |.01 .29 .26 .87 .60
1.25 |0 1 0 1 1   |0 .02 .01 .06 .02  |0 0 .96 0 0        |.08 .97 .18 1 .95|.01 .87 .47 1 .85  |.12 .97 .23 1 .77
1.33 |0 1 0 1 1   |.03 .35 .06 .41 .15|0 0 .96 0 0        |.13 .96 .08 1 .94|.02 .85 .45 .99 .68|.18 .99 .30 1 .76
1.4  |0 1 0 1 1   |.25 .87 .37 .88 .65|0 0 .96 0 0        |.13 .96 .12 1 .95|.02 .87 .44 .99 .76|.21 .98 .33 1 .75
1.6  |0 1 0 1 1   |.15 .98 .41 .97 .67|.10 .10 .87 .10 .10|.05 .90 .07 1 .91|.03 .95 .28 .99 .87|.08 .98 .20 1 1
"""
_TABLE1_NAIVE = """
f    | naive tabular
1.1  | 0 .06 .06 .16 .01
1.33 | 0 .07 .07 .19 .02
1.6  | 0 .09 .09 .23 .05
"""


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(map(float, text.split()))


def _policies(table: str) -> dict[Key, Policy]:
    """Read a table whose columns are learner and parameterisation, whose rows are contribution factors."""
    head, *rows = ([entry.strip() for entry in line.split("|")] for line in table.strip().splitlines())
    found = {}
    for factor, *entries in rows:
        for column, entry in zip(head[1:], entries, strict=True):
            learner, parameterisation = column.split()
            found[Key(learner, parameterisation, float(factor))] = _numbers(entry)
    return found


TABLE1 = _policies(_TABLE1) | _policies(_TABLE1_NAIVE)
"""Mean final policies of the paper, 20 runs."""

TABLE2: dict[tuple[str, str], Policy] = {
    ("lola", "tabular"): (0.02, 0.99, 0.17, 1, 0.93),
    ("lola", "mlp"): (0, 0.99, 0.03, 1, 0.97),
    ("lola", "preconditioned"): (0, 0.10, 0.07, 0.23, 0.08),
    ("pola", "tabular"): (0.01, 0.97, 0.05, 1, 0.97),
    ("pola", "mlp"): (0.01, 0.97, 0.05, 1, 0.97),
    ("pola", "preconditioned"): (0.12, 0.94, 0.02, 1, 0.85),
}
"""Mean final policies of the paper with opponent models, by learner and the model's parameterisation, 10 runs."""


class Network(NamedTuple):
    """A hand-made policy network of Figure 1, two hidden units."""

    hidden_weights: tuple[tuple[float, ...], ...]
    hidden_biases: tuple[float, float]
    output_weights: tuple[float, float]
    output_bias: float


_NET_B_WEIGHTS = (
    "1.1074687263023 0.275260757781574 0.489599039857568 0.130220650429065 0.130220650428934 -0.0416038405697266",
    "0.0142691805853789 0.933207934425381 -0.0153849853273826 0.170635830969251 0.17063583096918 0.985901625511033",
)
FIGURE1_NETWORKS = {
    "net A": Network(((-1, 1, -1, 1, -1, 1), (-1, 1, -1, 1, -1, 1)), (0, 0), (-1, 1), 0),
    "net B": Network(tuple(map(_numbers, _NET_B_WEIGHTS)), (0.286705849, -0.00180708), (1, 0.5), -1),
}
"""Two networks that are the same policy."""

FIGURE1: dict[tuple[str, str], Policy] = {
    ("lola", "net A"): (0.3908, 0.5113, 0.4350, 0.4683, 0.4479),
    ("lola", "net B"): (0.4318, 0.4418, 0.4204, 0.4352, 0.4375),
    ("pola", "net A"): (0.2199, 0.5447, 0.3444, 0.5965, 0.4811),
    ("pola", "net B"): (0.2237, 0.5215, 0.3258, 0.6115, 0.4871),
}
"""Player 0's policy after one update, as the program prints it."""

FIGURE1_STEPS = {"net A": 206, "net B": 351}
"""Outer steps of POLA after which our policy is the one that the program prints, to its four decimals."""


class Score(NamedTuple):
    """A final value of Figure 4 or 5, read off the plot (error about .01), with the 95 % interval over 10 seeds."""

    value: float
    low: float | None = None
    high: float | None = None


FIGURE4 = {
    ("pola-dice", "self-play"): Score(0.313, 0.308, 0.318),
    ("pola-dice", "against always-defect"): Score(-0.036),
    ("pola-om", "self-play"): Score(0.315),
    ("pola-om", "against always-defect"): Score(-0.035),
    ("lola-dice", "self-play"): Score(0.107, 0.01, 0.205),
    ("lola-dice", "against always-defect"): Score(-0.006),
}
"""Iterated prisoner's dilemma after 20,000 outer steps."""

FIGURE5 = {
    ("pola-dice", "own-colour coins"): Score(0.82, 0.79, 0.86),
    ("pola-dice", "self-play"): Score(0.26, 0.245, 0.28),
    ("pola-dice", "against always-defect"): Score(-0.025),
    ("pola-om", "own-colour coins"): Score(0.77),
    ("pola-om", "self-play"): Score(0.235, 0.215, 0.25),
    ("pola-om", "against always-defect"): Score(-0.025),
    ("lola-dice", "own-colour coins"): Score(0.50),
    ("lola-dice", "self-play"): Score(0.003),
    ("lola-dice", "against always-defect"): Score(-0.32, -0.47, -0.17),
}
"""Coin game after 50,000 outer steps."""


class Course(NamedTuple):
    """Scores of two seeds of the published program after some updates, at a setting small enough for a laptop."""

    updates: tuple[int, ...]
    self_play: tuple[tuple[float, float], ...]
    against_always_defect: tuple[tuple[float, float], ...]


COURSE = Course(
    updates=(1, 10, 15, 25, 30, 40),
    self_play=((0.098, 0.158), (0.085, 0.178), (0.120, 0.214), (0.22, 0.240), (0.22, 0.265), (0.284, 0.295)),
    against_always_defect=(
        (-0.086, -0.140),
        (-0.038, -0.048),
        (-0.033, -0.031),
        (-0.014, -0.021),
        (-0.011, -0.021),
        (-0.009, -0.018),
    ),
)
"""POLA-DiCE, iterated prisoner's dilemma, batch 128, hidden 16, 50 outer steps, 2 inner steps of rate .01, outer rate
.02, critic rate .002, penalties 10 and 100, shared observations."""
