"""What came of the attempts of the campaign is written down, for the table in results/faults.md."""

from collections import Counter
from collections.abc import Iterator

import pytest
from campaign import FACTOR, Part, note


@pytest.fixture
def outcomes(request: pytest.FixtureRequest) -> "Iterator[Counter[str]]":
    """Count what comes of the attempts of a test, whose docstring says what is tried and what must hold."""
    found: Counter[str] = Counter()
    yield found
    if FACTOR:
        note(Part(request.function.__name__, request.function.__doc__, found), request.node.name)
