"""Write a package with a working plug-in, as a starting point: what the commands ``new-...`` share."""

from __future__ import annotations

import importlib.util
import keyword
import re
from collections.abc import Callable, Iterable
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import NamedTuple

from ...options import OptionError
from ...registry import Listing
from .arguments import CommandParser

FILES = {
    "pyproject.toml": "pyproject.toml",
    "README.md": "README.md",
    "{module}.py": "module.py",
    "tests/test_{module}.py": "test_module.py",
}
"""What is written, and the template it is made from."""


class Kind(NamedTuple):
    """A kind of plug-in."""

    word: str
    """Such as ``algorithm``: of the command, and of the folder of its templates."""
    noun: str
    """What the user calls it."""
    listing: Callable[[], Iterable[Listing]]
    """The plug-ins of this kind that there are."""
    name: Callable[[str], str]
    """The name under which the plug-in is found, made of that of the package."""
    message: str
    """What is said at the end; of the words of the templates, and ``folder``."""


def write_and_say(kind: Kind, arguments: list[str]) -> int:
    """Read the arguments of a command, write the package and say what to do next."""
    parser = CommandParser(f"new-{kind.word}")
    parser.add_argument("name", metavar="NAME", help=f"name of the {kind.noun}, such as my-{kind.noun}")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder of the package (default: NAME)")
    options = parser.parse(arguments)
    folder = options.out or Path(options.name)
    words = write_package(kind, options.name, folder)
    print(kind.message.format(folder=folder, **words))
    return 0


def write_package(kind: Kind, name: str, folder: Path) -> dict[str, str]:
    """Write a package with a plug-in.

    Args:
        kind: of the plug-in.
        name: of the distribution and, with underscores, of the module.
        folder: where to write; it must be empty or missing.

    Returns:
        The words that were put into the templates.

    Raises:
        OptionError: the name cannot be used or is taken, or the folder is not empty.
        RunError: the folder cannot be written.
    """
    words = _words(kind, name)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OptionError(f"{folder} already exists; choose another --out, or remove it")
    from ..runs.files import writing

    templates = files(__package__) / "templates" / kind.word
    with writing(folder, hint="choose another --out"):
        for target, template in FILES.items():
            path = folder / target.format(module=words["module"])
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(Template((templates / f"{template}.template").read_text()).substitute(words))
    return words


def class_name(name: str) -> str:
    """Return a name as that of a class."""
    return "".join(word.capitalize() for word in re.split("[-_]", name))


def _words(kind: Kind, name: str) -> dict[str, str]:
    module = name.lower().replace("-", "_")
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9]*([-_][A-Za-z0-9]+)*", name) or keyword.iskeyword(module):
        raise OptionError(
            f"{name!r} cannot be the name of a {kind.noun}: letters and digits, words joined by hyphens, "
            f"and not a keyword of Python, such as my-{kind.noun}"
        )
    known = kind.name(name)
    for row in kind.listing():
        if row.name.lower() == known.lower():
            raise OptionError(
                f"there is already an {kind.word} {row.name!r}, from {row.distribution}; choose another name"
            )
    if importlib.util.find_spec(module) is not None:
        raise OptionError(f"there is already a Python module {module!r}, which yours would hide; choose another name")
    return {
        "name": name,
        "id": known,
        "module": module,
        "constant": module.upper(),
        "cls": class_name(module),
        "version": ".".join(version("polax").split(".")[:2]),
    }
