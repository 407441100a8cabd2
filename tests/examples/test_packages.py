"""The examples' own tests, in the environment that `make test-examples` makes."""

import pytest
from installed import BIN, EXAMPLES, ROOT, run

pytestmark = pytest.mark.examples


@pytest.mark.parametrize("example", sorted(EXAMPLES.values()))
def test_the_examples_own_tests_pass(example: str) -> None:
    words = [str(BIN / "python"), "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "pyproject.toml"]
    run(words, ROOT / "examples" / example)
