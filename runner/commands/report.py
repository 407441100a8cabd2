"""``polax report``: a tournament, benchmark, sweep or league as one page for the browser."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from ...options import describe_error
from .arguments import CommandParser

ANY = "give the --out of a polax tournament, benchmark, sweep or league"

EPILOG = """\
The page is one self-contained file: it can be mailed, printed, and opened without a network. It is made from the files
in the folder (tournament.json, trials.json, league.json, or results.json with the runs); make it again when these
have changed."""


def main(arguments: list[str]) -> int:
    """Write the page."""
    parser = CommandParser("report", epilog=EPILOG)
    parser.add_argument(
        "folder", type=Path, metavar="DIR", help="the --out of a tournament, benchmark, sweep or league"
    )
    parser.add_argument("--out", type=Path, metavar="FILE.html", help="the page to write (default: DIR/report.html)")
    options = parser.parse(arguments)

    from ..runs.files import RunError, write_text

    out = options.out or options.folder / "report.html"
    if out.is_dir():
        raise RunError(f"{out} is a folder; give a file, such as --out {out / 'report.html'}")
    if not out.parent.is_dir() and options.out is not None:
        raise RunError(f"{out.parent} is not a folder; make it first, or choose another --out")
    html, problems = make(options.folder)
    write_text(out, html, hint="choose another --out FILE.html")
    for problem in problems:
        print(f"polax: not on the page: {problem}", file=sys.stderr)
    print(f"report: {out}")
    return 0


def make(folder: Path) -> tuple[str, list[str]]:
    """Return the page of a tournament, benchmark, sweep or league, and what could not be read.

    Raises:
        RunError: there is no such folder or file, or it is damaged, or newer than this polax.
    """
    from ..benchmark import document as benchmark
    from ..league import document as league
    from ..report.page import to_html
    from ..runs.files import RunError, read_json
    from ..sweep import document as sweep
    from ..tournament import document as tournament

    if not folder.is_dir():
        raise RunError(f"{folder} is not a folder; {ANY}")
    kinds: dict[str, Any] = {"tournament": tournament, "benchmark": benchmark, "sweep": sweep}
    kinds["league"] = league
    found = [kind for kind, module in kinds.items() if (folder / module.FILE).exists()]
    if not found:
        files = ", ".join(module.FILE for module in kinds.values())
        raise RunError(f"{folder} has none of {files}; {_hint(folder)}")
    if len(found) > 1:
        raise RunError(f"{folder} has both a {' and a '.join(found)}; put them in folders of their own")
    (kind,) = found
    path, reads = folder / kinds[kind].FILE, kinds[kind].FORMAT
    content = read_json(path)
    version = content.get("format")
    if isinstance(version, int) and version > reads:
        raise RunError(f"{path} has format {version}, this polax reads {reads}; use the polax that wrote it")
    if version != reads or content.get("kind") != kind:
        raise RunError(f"{path} is not what polax {kind} writes; run it again, or give another folder")
    try:
        page = benchmark.document(folder, content) if kind == "benchmark" else kinds[kind].document(content)
        return to_html(page), list(page.problems)
    except RunError:
        raise
    except Exception as cause:  # the file says what is on the page, so whatever it leads to is due to the file
        said = describe_error(cause)
        raise RunError(f"{path} is not what polax {kind} writes: {said}; run it again") from cause


def _hint(folder: Path) -> str:
    if (folder / "config.json").exists():
        return f"it is one run: polax plot {folder} draws its curves, polax tournament {folder} plays it"
    for kind in ("benchmark", "sweep"):
        if (folder / f"{kind}.json").exists():
            return f"its {kind} was stopped before the first result; the same polax {kind} command continues it"
    return ANY
