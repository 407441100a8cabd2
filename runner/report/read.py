"""Which file a folder holds, and whether this polax can read it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..runs.folder import RunError, read_json

FORMAT = 1
"""The latest version of the files that is understood."""

FILES = {"tournament": "tournament.json", "benchmark": "results.json"}
"""The file of each kind of folder."""


def read(folder: Path) -> dict[str, Any]:
    """Read what a tournament or a benchmark has left in its folder.

    Returns:
        The content of the file; ``kind`` says which of `FILES` it is.

    Raises:
        RunError: there is no such folder or file, or it is damaged, or newer than this polax.
    """
    if not folder.is_dir():
        raise RunError(f"{folder} is no folder; give the --out of a polax tournament or a polax benchmark")
    found = [kind for kind, name in FILES.items() if (folder / name).exists()]
    names = " nor ".join(FILES.values())
    if not found:
        hint = _hint(folder)
        raise RunError(f"{folder} has neither {names}; {hint}")
    if len(found) > 1:
        raise RunError(f"{folder} has both a {found[0]} and a {found[1]}; put them in folders of their own")
    path = folder / FILES[found[0]]
    content = read_json(path)
    version = content.get("format")
    if isinstance(version, int) and version > FORMAT:
        raise RunError(f"{path} has format {version}, this polax reads {FORMAT}; use the polax that wrote it")
    if version != FORMAT or content.get("kind") != found[0]:
        raise RunError(f"{path} is not what polax {found[0]} writes; run it again, or give another folder")
    return content


def _hint(folder: Path) -> str:
    if (folder / "config.json").exists():
        return f"it is one run: polax plot {folder} draws its curves, polax tournament {folder} lets it play"
    if (folder / "benchmark.json").exists():
        return "its benchmark was stopped before the first result; the same polax benchmark command goes on"
    return "give the --out of a polax tournament or a polax benchmark"
