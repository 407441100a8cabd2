"""``polax new-algorithm``: write a package with a working learner, as a starting point for a new one."""

from __future__ import annotations

from ... import registry
from .new_package import Kind, write_and_say

ALGORITHM = Kind(
    word="algorithm",
    noun="learner",
    listing=registry.list_algorithms,
    name=str,
    message="{folder}: a learner that learns, with its tests; its idea is in {folder}/{module}.py\n\n"
    "  pip install -e {folder}\n  polax train {name} IPD-v0 --updates 50",
)


def main(arguments: list[str]) -> int:
    """Write the package and say what to do next."""
    return write_and_say(ALGORITHM, arguments)
