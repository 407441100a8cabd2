"""What was published about LOQA and Advantage Alignment in the coin game, read from ``data``.

Rewards are means per step and player. LOQA's public league holds the results of both learners, but measured in episodes
of different lengths: 50 steps for LOQA and its ablations, 16 for Advantage Alignment. Against a player that always
defects, a learner that reciprocates pays during its first steps, which weigh three times more in 16 steps. So every row
says its number of steps, and a value is only ever shown beside ours of the same number.

- ``league.csv``: means over seeds with their standard deviations (divided by the number of seeds), what the opponent
  got, and the seeds, where they are known. An entry of the league is one policy that plays as both players, also where
  two were trained together (``two players``).
- ``scalability.csv``: seconds until the weak threshold (see `scalability`), from the lowest to the highest seed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..tables import read_table


class LeagueScore(NamedTuple):
    """A mean over seeds; None where something is not known."""

    value: float
    spread: float | None
    opponent_value: float | None
    """What the opponent got."""
    seeds: list[float] | None
    source: str


LEAGUE: Mapping[tuple[str, int, str], LeagueScore] = {
    (row["learner"], row["steps"], row["opponent"]): LeagueScore(*(row[name] for name in LeagueScore._fields))
    for row in read_table(__package__, "league.csv")
}
"""By learner (or what is left out of it), steps of an episode and opponent."""

TIMES: list[dict[str, Any]] = read_table(__package__, "scalability.csv")
