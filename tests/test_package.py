"""The package as others get it: the built wheel, installed, imported from outside the repository."""

import ast
import os
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
FOLDERS = ("envs", "algorithms", "runner", "papers", "testing", "zoo")


def _modules() -> set[str]:
    """Return every module of the package by its path below ``polax``."""
    paths = [*ROOT.glob("*.py"), *(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))]
    return {path.relative_to(ROOT).as_posix() for path in paths if path.name != "setup.py"}


def _data_files() -> set[str]:
    """Return templates, parts of pages, the tables of the papers and the trained agents."""
    folders = (ROOT / "runner/commands/templates", ROOT / "runner/report/html", *(ROOT / "papers").glob("*/data"))
    found = [path for folder in folders for path in folder.rglob("*.*")]
    found += [path for folder in ("envs", "algorithms") for path in (ROOT / folder).rglob("*.js")]
    found += (ROOT / "zoo").rglob("*.npz")
    return {f"polax/{path.relative_to(ROOT).as_posix()}" for path in found}


def test_the_list_of_packages_in_pyproject_is_what_the_folders_hold() -> None:
    folders = {Path(module).parent for module in _modules()}
    packages = {".".join(["polax", *folder.parts]) for folder in folders}
    assert set(PROJECT["tool"]["setuptools"]["packages"]) == packages


COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def _taken_names(source: str) -> set[str]:
    """Return the module's names that one comprehension of a function binds and another one there reads."""
    module, taken = ast.parse(source), set()
    own = {node.name for node in module.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    imports = (node.names for node in module.body if isinstance(node, ast.Import | ast.ImportFrom))
    own |= {alias.asname or alias.name for names in imports for alias in names}
    for function in (node for node in ast.walk(module) if isinstance(node, ast.FunctionDef)):
        bound, read = set(), set()
        for each in (node for node in ast.walk(function) if isinstance(node, COMPREHENSIONS)):
            names = [node for node in ast.walk(each) if isinstance(node, ast.Name) and node.id in own]
            here = {name.id for name in names if isinstance(name.ctx, ast.Store)}
            bound |= here
            read |= {name.id for name in names} - here
        taken |= bound & read
    return taken


def test_no_comprehension_takes_a_name_from_another_one() -> None:
    """Python 3.12.1 and 3.12.3 raise UnboundLocalError where a comprehension reads a name of the module that another
    one in the same function binds; 3.11 and 3.13 do not."""
    broken = "def form(x): ...\ndef f(x):\n    y = [form for form in x]\n    return [form(each) for each in y]"
    assert _taken_names(broken) == {"form"}
    assert _taken_names(broken.replace("form for form", "each for each")) == set()
    files = [*ROOT.glob("*.py"), *(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))]
    assert {path: found for path in files if (found := _taken_names(path.read_text()))} == {}


def test_every_entry_point_of_the_built_ins_can_be_loaded() -> None:
    import polax

    for find, names in ((polax.environment_plugin, "polax.envs"), (polax.algorithm_plugin, "polax.algorithms")):
        for name in PROJECT["project"]["entry-points"][names]:
            assert find(name).summary


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the source distribution, and the wheel from it, with the tools of this environment."""
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return out


def test_the_source_distribution_holds_what_its_tests_need(built: Path) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"tests/conftest.py", "tests/runner/conftest.py", "pyproject.toml", "LICENSE", "py.typed"} <= names
    assert _modules() <= names


def test_the_wheel_holds_every_module_and_nothing_else(built: Path) -> None:
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}
        licences = [name for name in wheel.namelist() if name.endswith("LICENSE")]
    assert names == {f"polax/{module}" for module in _modules()} | {"polax/py.typed", *_data_files()}
    assert licences


IMPORT_ALL = """
import importlib, pathlib, pkgutil
import polax
print(pathlib.Path(polax.__file__).parent)
for module in pkgutil.walk_packages(polax.__path__, "polax."):
    try:
        importlib.import_module(module.name)
    except polax.MissingExtraError as error:  # says what to install
        assert "pip install 'polax[" in str(error)
    print(module.name)
assert polax.environment_plugin("IPD-v0").summary
env, params = polax.make_env("CoinGame-v0")
"""


@pytest.mark.slow
def test_the_wheel_works_in_a_fresh_environment_outside_the_repository(built: Path, tmp_path: Path) -> None:
    home = tmp_path / "venv"
    venv.create(home, with_pip=False, symlinks=True)
    python = home / "bin" / "python"
    site = next((home / "lib").glob("python*/site-packages"))
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", site, next(built.glob("*.whl"))],
        check=True,
        capture_output=True,
    )
    # The dependencies come from this environment, after the fresh one; its own (editable) polax is not on that path.
    dependencies = next(path for path in sys.path if path.endswith("site-packages"))
    environment = {**os.environ, "PYTHONPATH": f"{site}:{dependencies}"}
    done = subprocess.run(
        [python, "-c", IMPORT_ALL], capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=120
    )
    assert done.returncode == 0, done.stderr
    first, *names = done.stdout.splitlines()
    assert Path(first) == site / "polax"
    expected = {
        "polax." + module.removesuffix(".py").replace("/", ".").removesuffix(".__init__") for module in _modules()
    }
    assert set(names) == expected - {"polax.__init__"}
