"""Imports flow one way, indirectly too, and nobody knows by name what belongs to a game or a learner."""

import ast
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import jax
import polax
import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("envs", "algorithms", "runner", "papers", "testing", "zoo")
FILES = [*ROOT.glob("*.py"), *(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))]

LAYERS = (
    ("options",),
    ("registry",),
    ("envs.base", "envs.gymnax", "envs.settings", "envs.rendering.frame", "envs.rendering.pictures"),
    ("envs", "zoo"),
    ("algorithms",),
    ("runner.process", "runner.runs", "runner.training", "runner.evaluation", "runner.loggers"),
    ("runner.report", "runner.executors"),
    ("runner.benchmark", "runner.sweep", "runner.tournament"),
    ("runner.league",),
    ("papers",),
    ("runner",),
    ("testing", "__main__"),
)
"""From the lowest to the highest, by the longest prefix of a module's name. A module may import its own layer and every
lower one, never a higher one, and no circle anywhere."""

BEYOND_THE_LAYER = {
    "algorithms": ("envs.base", "envs.policies", "envs.settings", "algorithms", "options", "registry"),
    "testing": ("runner.training", "runner.evaluation", "runner.runs", "envs", "algorithms", "options", "registry"),
}
"""Groups that may import less than their layer allows, with what remains."""

STANDARD_LIBRARY_ONLY = ("__init__", "options", "registry", "envs.views.ids")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def _name(path: Path) -> str:
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    return name.removesuffix(".__init__")


MODULES = {_name(path): path for path in FILES}


@cache
def _tree(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text())


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """Walk through a tree, inside functions too; what only a type checker reads is left out."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            continue
        yield child
        yield from _statements(child)


@cache
def _imports(module: str) -> frozenset[str]:
    """Return the modules of the package that a module imports anywhere in its text."""
    path = MODULES[module]
    package = list(path.relative_to(ROOT).parent.parts)
    found: set[str] = set()
    for node in _statements(_tree(module)):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = [*package[: len(package) - node.level + 1], *(node.module.split(".") if node.module else [])]
            children = {".".join([*base, alias.name]) for alias in node.names}
            found |= {each for each in children if each in MODULES}
            if not children <= MODULES.keys():
                found.add(".".join(base) or "__init__")
    return frozenset(found - {module})


def _group(module: str) -> str:
    names = [name for layer in LAYERS for name in layer if f"{module}.".startswith(f"{name}.")]
    assert names, f"{module} is in no layer: give it a place in LAYERS"
    return max(names, key=len)


def _layer(module: str) -> int:
    return next(number for number, layer in enumerate(LAYERS) if _group(module) in layer)


LAYERED = sorted(set(MODULES) - {"__init__"})


@pytest.mark.parametrize("module", LAYERED)
def test_imports_flow_from_higher_layers_to_lower_ones(module: str) -> None:
    # The package's front door registers ids and imports nothing, so everything may stand on it.
    wrong = {each for each in _imports(module) - {"__init__"} if _layer(each) > _layer(module)}
    assert not wrong


@pytest.mark.parametrize("module", LAYERED)
def test_no_module_reaches_a_higher_layer_through_others(module: str) -> None:
    reached, queue = set(), [module]
    while queue:
        for each in _imports(queue.pop()) - reached:
            reached.add(each)
            queue.append(each)
    assert not {each for each in reached if each != "__init__" and _layer(each) > _layer(module)}


@pytest.mark.parametrize("module", [name for name in LAYERED if _group(name) in BEYOND_THE_LAYER])
def test_some_groups_may_import_less(module: str) -> None:
    allowed = BEYOND_THE_LAYER[_group(module)]
    assert not {each for each in _imports(module) if not each.startswith((*allowed, _group(module)))}


def test_there_is_no_circle() -> None:
    finished: set[str] = set()

    def follow(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join([*path[path.index(module) :], module])
        if module not in finished:
            for each in _imports(module):
                follow(each, (*path, module))
            finished.add(module)

    for module in MODULES:
        follow(module, ())


@pytest.mark.parametrize("module", LAYERED)
def test_inside_the_package_imports_are_relative(module: str) -> None:
    names = [alias.name for node in ast.walk(_tree(module)) if isinstance(node, ast.Import) for alias in node.names]
    names += [
        node.module or "" for node in ast.walk(_tree(module)) if isinstance(node, ast.ImportFrom) and not node.level
    ]
    assert not [name for name in names if name.split(".")[0] == "polax"]


PLUGINS = {
    target.partition(":")[0].removeprefix("polax."): group
    for group, targets in PROJECT["entry-points"].items()
    if group != "polax.policies"  # a module that resolves references does other things too
    for target in targets.values()
}


@pytest.mark.parametrize("module", LAYERED)
def test_plug_ins_are_reached_through_the_registry_alone(module: str) -> None:
    assert not _imports(module) & {name for name in PLUGINS if _group(name) != _group(module)}


@pytest.mark.parametrize("module", sorted(name for name, group in PLUGINS.items() if group == "polax.algorithms"))
def test_no_learner_imports_another_one(module: str) -> None:
    assert not _imports(module) & PLUGINS.keys()


@pytest.mark.parametrize("module", STANDARD_LIBRARY_ONLY)
def test_what_import_polax_loads_needs_the_standard_library_only(module: str) -> None:
    names = set()
    for node in _tree(module).body:
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add((node.module or "").split(".")[0])
    assert names <= sys.stdlib_module_names


@cache
def _names_of_games() -> frozenset[str]:
    """Return the ids of the built-in games, and the keys of what they count."""
    names = set()
    for name in PROJECT["entry-points"]["polax.envs"]:
        game, params = polax.make_env(name)
        key = jax.random.key(0)
        state = jax.eval_shape(game.reset_env, key, params)[1]
        info = jax.eval_shape(game.step_env, key, state, jax.numpy.zeros(game.num_players, int), params)[4]
        names |= {name, *info, *game.summarise(dict.fromkeys(info, jax.numpy.ones(())))}
    return frozenset(names)


@cache
def _options_of_learners() -> frozenset[str]:
    """Return the options that are more than one word: a single one, such as `players`, means other things too."""
    names = PROJECT["entry-points"]["polax.algorithms"]
    fields = {field for name in names for field in polax.algorithm_plugin(name).config.__dataclass_fields__}
    return frozenset(field for field in fields if "_" in field)


def _strings(module: str) -> set[str]:
    """Return the strings of a module's code; a string that stands alone, such as a docstring, is none."""
    alone = {id(node.value) for node in ast.walk(_tree(module)) if isinstance(node, ast.Expr)}
    return {
        node.value
        for node in ast.walk(_tree(module))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in alone
    }


GENERIC = [
    name for name in LAYERED if name.startswith(("runner", "envs.views", "envs.rendering", "envs.policies.play"))
]


@pytest.mark.parametrize("module", GENERIC)
def test_a_games_name_and_what_it_counts_are_spelled_in_its_own_module(module: str) -> None:
    assert not _strings(module) & _names_of_games()


@pytest.mark.parametrize("module", [name for name in GENERIC if name.startswith("runner")])
def test_a_learners_options_are_spelled_in_its_own_module(module: str) -> None:
    assert not _strings(module) & _options_of_learners()
