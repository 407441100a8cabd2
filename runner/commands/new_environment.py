"""``polax new-environment``: write a package with a working game, as a starting point for a new one."""

from __future__ import annotations

from ... import registry
from .new_package import Kind, class_name, write_and_say

ENVIRONMENT = Kind(
    word="environment",
    noun="game",
    listing=registry.list_environments,
    name=lambda name: f"{class_name(name)}-v0",
    message="{folder}: the game {id}, with its tests; its rule is in {folder}/{module}.py\n\n"
    "  pip install -e {folder}\n  polax list {id}\n"
    "  polax train naive {id} --updates 20 --num-envs 64 --hidden-size 8",
)


def main(arguments: list[str]) -> int:
    """Write the package and say what to do next."""
    return write_and_say(ENVIRONMENT, arguments)
