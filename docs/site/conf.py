"""The site: `make docs` builds it from the Markdown of the repository, and takes the reference from the docstrings.

The source folder is the repository itself, so that links between pages work here, in an editor and on a host alike.
"""

import re
from importlib.metadata import version as version_of
from pathlib import Path

from sphinx.application import Sphinx

project = "polax"
author = copyright = "polax contributors"  # noqa: A001  # Sphinx's name
version = release = version_of("polax")

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
]
root_doc = "docs/index"
include_patterns = [
    "docs/*.md",
    "docs/environments/*.md",
    "docs/notebooks/*.ipynb",
    "results/*.md",
    "results/league/league.md",
    "zoo/README.md",
    "benchmarks/README.md",
    "examples/*/README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "CODE_OF_CONDUCT.md",
    "SECURITY.md",
]
source_suffix = {".md": "myst-nb", ".ipynb": "myst-nb"}

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4  # links such as learners.md#sweep-by-vmap

nb_execution_mode = "force"
nb_execution_timeout = 600
nb_execution_raise_on_error = True

default_role = "py:obj"  # `polax.train` in a docstring
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_attr_annotations = True

html_theme = "furo"
html_title = f"polax {version}"
html_extra_path = ["root"]
html_theme_options = {"navigation_with_keys": True}
copybutton_exclude = ".linenos, .gp, .go"


def _begin_with_the_readme(app: Sphinx, docname: str, source: list[str]) -> None:
    """Put the README, whose links lead from the repository's root, at the top of the first page."""
    if docname == root_doc:
        readme = (Path(app.srcdir) / "README.md").read_text(encoding="utf-8")
        source[0] = re.sub(r"\]\((?!https?:|#)", "](../", readme) + source[0]


def setup(app: Sphinx) -> None:
    """Let Sphinx call the above."""
    app.connect("source-read", _begin_with_the_readme)
