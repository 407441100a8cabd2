"""The site names everything: each public name, each page; `make docs` builds it and runs the notebooks."""

import json
from pathlib import Path

import polax
import pytest

DOCS = Path(__file__).resolve().parent.parent / "docs"


def test_every_public_name_is_in_the_reference():
    text = (DOCS / "api.md").read_text()
    documented = {line.partition("polax.")[2].strip() for line in text.splitlines() if line.startswith(".. auto")}
    assert set(polax.__all__) - {"__version__"} <= documented


def test_every_page_is_in_the_contents():
    contents = (DOCS / "index.md").read_text().splitlines()
    pages = [
        path.relative_to(DOCS).with_suffix("").as_posix()
        for path in DOCS.rglob("*")
        if path.suffix in (".md", ".ipynb")
    ]
    assert len(pages) > 15
    assert set(pages) - {"index"} <= set(contents)


@pytest.mark.parametrize("path", sorted((DOCS / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_holds_no_results(path):
    code = [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]
    assert len(code) > 3
    assert not any(cell["outputs"] or cell["execution_count"] for cell in code)


def test_headings_leave_out_no_level():
    """The site's builder refuses such a page."""
    pages = [*DOCS.rglob("*.md"), *DOCS.parent.glob("*.md"), *(DOCS.parent / "results").rglob("*.md")]
    jumps = []
    for page in pages:
        level, in_code = 0, False
        for line in page.read_text().splitlines():
            in_code ^= line.lstrip().startswith("```")
            if line.startswith("#") and not in_code:
                found = len(line) - len(line.lstrip("#"))
                jumps += [f"{page.name}: {line}"] if found > level + 1 else []
                level = found
    assert len(pages) > 50
    assert not jumps
