"""Imports flow one way: runner -> registry, algorithms -> envs.base, views only where they are used."""

import ast
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts): path
    for pattern in ("*.py", "envs/**/*.py", "algorithms/**/*.py", "runner/**/*.py", "papers/**/*.py", "testing/**/*.py")
    for path in ROOT.glob(pattern)
}
CONTRACTS = {"envs.base", "envs.play", "envs.animation", "algorithms.base"}
STANDARD_LIBRARY_ONLY = ("registry", "options", "gym_ids", "__init__")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PLUGINS = {
    target.partition(":")[0].removeprefix("polax.") for target in PROJECT["entry-points"]["polax.algorithms"].values()
}


def _imports(module: str) -> set[str]:
    """Return what a module imports anywhere in its text, as dotted paths inside the package or absolute names."""
    path = MODULES[module]
    package = list(path.relative_to(ROOT).parent.parts)
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            base += node.module.split(".") if node.module else []
            children = {".".join([*base, alias.name]) for alias in node.names}
            found |= {each for each in children if each in MODULES} or {".".join(base)}
    return found


def _ours(module: str) -> set[str]:
    return {
        name.removesuffix(".__init__") for name in _imports(module) if name.split(".")[0] in PACKAGES or name in MODULES
    }


PACKAGES = {"envs", "algorithms", "runner", "testing"}
RUNNER = sorted(name for name in MODULES if name.startswith("runner"))
TESTING = sorted(name for name in MODULES if name.startswith("testing"))
ALGORITHMS = sorted(name for name in MODULES if name.startswith("algorithms"))
ENVS = sorted(name for name in MODULES if name.startswith("envs"))


def test_the_folders_hold_modules() -> None:
    assert "registry" in MODULES
    assert "algorithms.base" in ALGORITHMS
    assert "envs.base" in ENVS
    assert "runner.cli" in RUNNER


@pytest.mark.parametrize("module", sorted(MODULES))
def test_inside_the_package_imports_are_relative(module: str) -> None:
    assert not [name for name in _imports(module) if name.split(".")[0] == "polax"]


@pytest.mark.parametrize("module", RUNNER + TESTING)
def test_the_runner_reaches_games_and_learners_through_the_registry_and_the_contracts(module: str) -> None:
    concrete = {name for name in _ours(module) if name.split(".")[0] in ("envs", "algorithms")}
    assert concrete <= CONTRACTS


@pytest.mark.parametrize("module", ALGORITHMS)
def test_algorithms_know_the_contract_of_environments_and_no_concrete_game(module: str) -> None:
    assert {name for name in _ours(module) if name.startswith("envs")} <= {"envs.base", "envs.play"}
    assert not [name for name in _ours(module) if name.startswith("runner") or name == "registry"]


@pytest.mark.parametrize("module", ALGORITHMS)
def test_no_algorithm_imports_another_algorithms_module(module: str) -> None:
    assert not _ours(module) & PLUGINS


@pytest.mark.parametrize("module", sorted({*MODULES} - {*TESTING}))
def test_the_conformance_kit_is_for_tests_only(module: str) -> None:
    assert not [name for name in _ours(module) if name.startswith("testing")]


@pytest.mark.parametrize("module", ENVS)
def test_games_know_neither_learners_nor_runner(module: str) -> None:
    assert not [name for name in _ours(module) if name.split(".")[0] in ("algorithms", "runner")]


@pytest.mark.parametrize("module", STANDARD_LIBRARY_ONLY)
def test_what_import_polax_loads_needs_the_standard_library_only(module: str) -> None:
    import sys

    foreign = {name for name in _at_import(module) if name.split(".")[0] not in sys.stdlib_module_names}
    assert foreign <= {"", "registry", "options", "gym_ids"}


def _at_import(module: str) -> set[str]:
    """Return what a module imports when it is loaded: its top-level statements, type-checking blocks apart."""
    tree = ast.parse(MODULES[module].read_text())
    names: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {alias.name for alias in node.names} if node.level and not node.module else {node.module or ""}
    return names
