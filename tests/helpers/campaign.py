"""What came of the attempts of the hostile campaign, and the table of them: ``python tests/helpers/campaign.py``."""

import json
import os
from collections import Counter
from pathlib import Path
from typing import NamedTuple

FACTOR = int(os.environ.get("POLAX_FAULTS", "0"))
"""How many times as many attempts are made as in a usual run of the tests, which writes nothing down; 0 is usual."""

ROOT = Path(__file__).resolve().parents[2]

FOLDER = ROOT / "build" / "faults"
"""Each test leaves a file there."""

ABOUT = """\
# The hostile campaign

`make test-faults` makes these attempts ([the tests](../tests/faults/test_campaign.py)) and writes this table. The
attempts are the same each time; the moments of the kills depend on the machine too. An attempt passes if the command
ends with status 0, 1 or 2, without a traceback and with a line about what is wrong, and if what was read is what was
written. All passed.
"""


class Part(NamedTuple):
    """A test of the campaign."""

    name: str
    about: str
    """What is tried and what must hold."""
    outcomes: "Counter[str]"


def note(part: Part, file: str) -> None:
    """Write down what came of a test."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / f"{file}.json").write_text(json.dumps(part._asdict()))


def table() -> str:
    """Return the page with what was written down, a line for each test whatever its parameters."""
    parts: dict[str, Part] = {}
    for path in sorted(FOLDER.glob("*.json"), reverse=True):  # what several tests try comes first
        found = Part(**json.loads(path.read_text()))
        before = parts.get(found.name, found._replace(outcomes=Counter()))
        parts[found.name] = found._replace(outcomes=before.outcomes + Counter(found.outcomes))
    page = ABOUT
    for kills, head in ((False, "| attempts | what is tried, and what must hold | what came of it |"),
                        (True, "| kills | what is killed, and what must hold | what came of it |")):  # fmt: skip
        rows = [part for part in parts.values() if part.name.startswith("test_kills") == kills]
        page += f"\n{head}\n|---:|---|---|\n"
        for part in rows:
            words = ", ".join(f"{count:,} {name}" for name, count in part.outcomes.most_common())
            tried = sum(count for name, count in part.outcomes.items() if not kills or name.startswith("SIG"))
            page += f"| {tried:,} | {' '.join(part.about.split())} | {words} |\n"
    return page


if __name__ == "__main__":
    (ROOT / "results" / "faults.md").write_text(table())
