"""The Python code of the README as a notebook, run from top to bottom in a kernel of Jupyter."""

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.learners

README = Path(__file__).resolve().parents[2] / "README.md"


def test_the_readme_runs_as_a_notebook_that_shows_its_tables_and_figures(tmp_path, monkeypatch):
    import nbclient
    import nbformat

    monkeypatch.chdir(tmp_path)
    cells = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbclient.NotebookClient(notebook, timeout=900, kernel_name="python3").execute()
    shown = [
        {kind for output in cell.outputs if output.output_type == "execute_result" for kind in output.data}
        for cell in notebook.cells
    ]
    assert "image/png" in shown[0]  # the learning curves
    assert "text/html" in shown[1]  # the tournament
    for name in ("episode.gif", "meeting.html", "payoffs.pdf", "meeting/tournament.json"):
        assert (tmp_path / name).stat().st_size > 1000
