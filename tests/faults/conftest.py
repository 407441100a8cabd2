"""What came of the attempts of the campaign is written down, for the table in results/faults.md."""

import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

FACTOR = int(os.environ.get("POLAX_FAULTS", "0"))
"""How many times as many attempts are made as in a usual run of the tests, which writes nothing down."""

FOLDER = Path(__file__).resolve().parents[2] / "build" / "faults"


@pytest.fixture
def outcomes(request: pytest.FixtureRequest) -> "Iterator[Counter[str]]":
    """Count what comes of the attempts of a test, whose docstring says what is tried and what must hold."""
    found: Counter[str] = Counter()
    yield found
    if FACTOR:
        FOLDER.mkdir(parents=True, exist_ok=True)
        (FOLDER / f"{request.node.name}.json").write_text(
            json.dumps({"test": request.function.__name__, "what": request.function.__doc__, "outcomes": found})
        )
