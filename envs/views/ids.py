"""Make the ids of polax known to gymnax, Gymnasium and PettingZoo without importing any of them.

These libraries keep a table of ids that is filled by calling their ``register``. Importing them costs seconds, so an id
is registered at once only where the library is loaded already, and else when it is first imported.
Registering is idempotent and never takes an id that another package holds.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from ... import registry


def _register_in_gymnax(module: ModuleType, name: str) -> None:
    if name not in module.registered_envs:
        module.register(name, partial(_game_for_gymnax, name))


def _register_in_gymnasium(module: ModuleType, name: str) -> None:
    # An id that Gymnasium cannot spell (its pattern is "[namespace/]name[-vN]") exists for polax and gymnax only.
    if name not in module.registry and module.ENV_ID_RE.fullmatch(name):
        one, many = f"{__package__}.gymnasium:GameEnv", f"{__package__}.gymnasium_vector:GameVectorEnv"
        module.register(name, entry_point=one, vector_entry_point=many, kwargs={"env_id": name})


def _register_in_pettingzoo(module: ModuleType, name: str) -> None:
    # PettingZoo, in the versions that have a registry, has one for each of its two interfaces.
    view = f"{__package__}.pettingzoo"
    for kind, entry_point in (("aec", f"{view}:make_aec"), ("parallel", f"{view}:GameParallelEnv")):
        if name not in module._get_registry(kind):
            module.register(kind, name, entry_point=entry_point, kwargs={"env_id": name})


def _game_for_gymnax(name: str, **options: Any) -> Any:
    """Make what ``gymnax.make(name, **options)`` returns: the game whose default params hold the numeric options."""
    env, params = registry.make_env(name, **options)
    return env.with_default_params(params)


_REGISTER: dict[str, Callable[[ModuleType, str], None]] = {
    "gymnax.registration": _register_in_gymnax,
    "gymnasium.envs.registration": _register_in_gymnasium,
    "pettingzoo.env_registry.registration": _register_in_pettingzoo,
}
"""For each module that holds a table of ids: how to add one."""


def _announce(name: str) -> None:
    """Register one id in every library that is loaded."""
    for module_name, register in _REGISTER.items():
        if module_name in sys.modules:
            register(sys.modules[module_name], name)


def _announce_all(module: ModuleType) -> None:
    """Register every id in one library."""
    for name in {row.name for row in registry.list_environments()}:
        _REGISTER[module.__name__](module, name)


class _Watcher(MetaPathFinder):
    """Lets `_announce_all` follow the import of each module in `_REGISTER`; it finds nothing itself."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of the first other finder that has one, with a loader that announces our ids at the end."""
        if fullname not in _REGISTER:
            return None
        others = [finder for finder in sys.meta_path if finder is not self and hasattr(finder, "find_spec")]
        specs = (finder.find_spec(fullname, path, target) for finder in others)
        spec = next((spec for spec in specs if spec is not None), None)
        if spec is not None and spec.loader is not None:
            spec.loader = _AnnouncingLoader(spec.loader)
        return spec


class _AnnouncingLoader(Loader):
    """Loads as another loader does, gives the module back to that loader, and announces our ids."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)  # get_source, get_resource_reader and the like, before the module is loaded

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Create the module as the other loader does."""
        module: ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Execute the module, which from then on knows the other loader only, then announce our ids."""
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        _announce_all(module)


def install() -> None:
    """Register all ids where a library is loaded, and watch for the others; a second call changes nothing."""
    if any(type(finder).__name__ == _Watcher.__name__ for finder in sys.meta_path):  # by name: polax may be reloaded
        return
    sys.meta_path.insert(0, _Watcher())
    registry.on_environment_registered(_announce)
    for module_name in _REGISTER:
        if module_name in sys.modules:
            _announce_all(sys.modules[module_name])
