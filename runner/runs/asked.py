"""The folder of a benchmark or a sweep says what was asked for; it is continued only by the same."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .files import RunError, make_folder, part_of, read_json, write_json
from .lock import LOCK


def open_folder(folder: Path, file: str, asked: Mapping[str, Any], *, what: str, version: int) -> bool:
    """Make a folder, or take one in which the same was asked for; return whether it was there before.

    Args:
        folder: where it is.
        file: its file that says what was asked for.
        asked: JSON-ready values.
        what: of what it is the folder, in a word.
        version: of the format of the file.

    Raises:
        RunError: the folder holds something else, or other values.
    """
    path = folder / file
    # A process that was killed while it wrote the file leaves a part of it.
    other = {each.name for each in make_folder(folder)} - {part_of(path).name, LOCK}
    if not path.exists():
        if other:
            raise RunError(f"{folder} is not empty and holds no {what}; choose another --out")
        write_json(path, {"format": version, **asked})
        return False
    before = read_json(path)
    if before.get("format") != version:
        raise RunError(f"{folder} has {what} format {before.get('format')!r}, this polax reads {version}")
    wanted = json.loads(json.dumps(asked))
    different = [
        f"--{name.replace('_', '-')} was {_words(before.get(name))}, now it is {_words(value)}"
        for name, value in wanted.items()
        if before.get(name) != value
    ]
    if different:
        said = "; ".join(different)
        raise RunError(f"{folder} holds another {what}: {said}. Give the same arguments again, or another --out")
    return True


def _words(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value))
    return "not given" if value in (None, {}) else str(value)
