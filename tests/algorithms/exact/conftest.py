"""The published numbers of the exact game, and the precision to meet them in."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from polax.algorithms.exact import ExactGame, public_goods_rewards

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "exact_game.npz"


@pytest.fixture(scope="session")
def golden() -> Mapping[str, np.ndarray]:
    with np.load(GOLDEN) as archive:
        return dict(archive)


@pytest.fixture
def float64() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


@pytest.fixture
def make_game():
    def make(contribution_factor: float = 1.33, discount: float = 0.96) -> ExactGame:
        payoffs = public_goods_rewards(contribution_factor).reshape(2, 2, 2)
        return ExactGame(jnp.asarray(payoffs, float), jnp.asarray(discount, float))

    return make
