"""``polax new-algorithm``: write a package with a working learner, as a starting point for a new one."""

from __future__ import annotations

import importlib.util
import keyword
import re
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from string import Template

from ... import registry
from ...options import OptionError
from .arguments import CommandParser

FILES = {
    "pyproject.toml": "pyproject.toml",
    "README.md": "README.md",
    "{module}.py": "module.py",
    "tests/test_{module}.py": "test_module.py",
}
"""What is written, and the template it is made from."""


def main(arguments: list[str]) -> int:
    """Write the package and say what to do next."""
    parser = CommandParser("new-algorithm")
    parser.add_argument("name", metavar="NAME", help="name of the learner, such as my-learner")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder of the package (default: NAME)")
    options = parser.parse(arguments)
    folder = write_package(options.name, options.out or Path(options.name))
    print(f"{folder}: a learner that learns, with its tests; its idea is in {folder / _module(options.name)}.py\n")
    print(f"  pip install -e {folder}\n  polax train {options.name} IPD-v0 --updates 50")
    return 0


def write_package(name: str, folder: Path) -> Path:
    """Write a package with an independent policy gradient, and return its folder.

    Args:
        name: of the learner; also the distribution's and, with underscores, the module's.
        folder: where to write; it must be empty or missing.

    Raises:
        OptionError: the name cannot be used or is taken, or the folder is not empty.
        RunError: the folder cannot be written.
    """
    _check_name(name)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OptionError(f"{folder} already exists; choose another --out, or remove it")
    from ..runs.folder import writing

    module = _module(name)
    words = {
        "name": name,
        "module": module,
        "constant": module.upper(),
        "cls": "".join(word.capitalize() for word in module.split("_")),
        "version": ".".join(version("polax").split(".")[:2]),
    }
    templates = files(__package__) / "templates"
    with writing(folder, hint="choose another --out"):
        for target, template in FILES.items():
            path = folder / target.format(module=module)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(Template((templates / f"{template}.template").read_text()).substitute(words))
    return folder


def _module(name: str) -> str:
    return name.lower().replace("-", "_")


def _check_name(name: str) -> None:
    module = _module(name)
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9]*([-_][A-Za-z0-9]+)*", name) or keyword.iskeyword(module):
        raise OptionError(
            f"{name!r} cannot be the name of a learner: letters and digits, words joined by hyphens, "
            "and not a keyword of Python, such as my-learner"
        )
    for row in registry.list_algorithms():
        if row.name.lower() == name.lower():
            raise OptionError(
                f"there is already an algorithm {row.name!r}, from {row.distribution}; choose another name"
            )
    if importlib.util.find_spec(module) is not None:
        raise OptionError(f"there is already a Python module {module!r}, which yours would hide; choose another name")
