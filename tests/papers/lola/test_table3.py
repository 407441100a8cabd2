"""Table 3 of the LOLA paper: what is counted, and that ours agrees where the settings are the published ones."""

import numpy as np
import pytest
from polax.papers.lola import table3


def silent(line: str) -> None:
    assert line


def final(policies) -> dict[str, np.ndarray]:
    """Return metrics of one run from the policies of both players."""
    return {
        f"cooperation/{state}/player_{player}": np.array([chance])
        for player, policy in enumerate(policies)
        for state, chance in zip(table3.STATES, policy, strict=True)
    }


def test_tit_for_tat_is_counted_by_the_likelier_answers_of_each_player():
    first, second = [0.1, 0.9, 0.2, 0.8, 0.0], [0.1, 0.4, 0.6, 0.8, 1.0]
    assert table3._share_of_tit_for_tat(final([first, second])) == 1.0
    assert table3._share_of_tit_for_tat(final([first, first])) == 0.5
    assert table3._share_of_tit_for_tat(final([[0.0] * 5, [1.0] * 5])) == 0.0


def test_the_published_numbers_are_those_quoted():
    naive, lola = table3.PUBLISHED["IPD", "naive"], table3.PUBLISHED["IPD", "LOLA as published"]
    assert (naive["tit_for_tat"], naive["reward"], naive["deviation"]) == (20.8, -1.98, 0.14)
    assert (lola["tit_for_tat"], lola["reward"], lola["deviation"]) == (81.0, -1.06, 0.19)


@pytest.mark.slow
def test_rewards_agree_with_the_published_ones_within_their_spread():
    document = table3.lola_table3(runs=50, seed=0, report=silent)
    rows = {(row["game"], row["learner"]): row for row in document.data["rows"]}
    for key, published in table3.PUBLISHED.items():
        row = rows[key]
        assert row["reward"] == pytest.approx(published["reward"], abs=0.5 * published["deviation"])
    assert 60 < rows["IPD", "LOLA as published"]["tit_for_tat"] < 95
