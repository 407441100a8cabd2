"""The shares of a population: they stay shares, who dominates takes over, and reciprocity survives defection."""

import numpy as np
import pytest
from polax.runner.tournament.population import GENERATIONS, replicate


def test_shares_are_shares_and_begin_equal():
    found = replicate(np.random.default_rng(0).normal(size=(5, 5)))
    np.testing.assert_allclose(found.shares.sum(axis=1), 1)
    np.testing.assert_allclose(found.shares[0], 0.2)
    assert found.shares.shape == (GENERATIONS, 5)
    assert (found.shares >= 0).all()


def test_the_dilemma_itself_is_taken_over_by_defection():
    defect_cooperate = np.array([[0.0, 0.665], [-0.335, 0.33]])
    shares = replicate(defect_cooperate).shares
    assert (np.diff(shares[:, 0]) > 0).all()
    assert shares[-1, 0] > 0.9


def test_reciprocity_outlives_the_defectors_that_lived_on_cooperators():
    tit_for_tat, defect, cooperate = range(3)
    payoffs = np.array([[0.33, -0.0067, 0.33], [0.0133, 0.0, 0.665], [0.33, -0.335, 0.33]])
    shares = replicate(payoffs).shares
    assert shares[20, defect] > shares[0, defect]
    assert shares[-1, tit_for_tat] == shares[-1].max()
    assert shares[-1, defect] < 0.05
    assert shares[-1, cooperate] > 0


def test_the_course_does_not_depend_on_the_unit_of_payoffs():
    payoffs = np.random.default_rng(1).normal(size=(4, 4))
    np.testing.assert_allclose(replicate(payoffs).shares, replicate(100 * payoffs - 7).shares, atol=1e-9)


@pytest.mark.parametrize("payoffs", [np.zeros((3, 3)), np.full((1, 1), 0.5)])
def test_where_all_earn_the_same_nothing_changes(payoffs):
    np.testing.assert_allclose(replicate(payoffs).shares, 1 / len(payoffs))


def test_a_small_step_follows_the_replicator_equation():
    payoffs = np.random.default_rng(2).normal(size=(4, 4))
    shares = replicate(payoffs / np.ptp(payoffs)).shares
    now, after = shares[30], shares[31]
    earned = payoffs @ now / np.ptp(payoffs)
    np.testing.assert_allclose(after - now, 0.1 * now * (earned - now @ earned), atol=0.002)
