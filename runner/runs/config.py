"""Settings of a run in a file, JSON or YAML: read, merged with what is given by hand, written.

A run's own ``config.json`` is such a file. One written by hand may leave out whatever has a default.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from ...options import OptionError, check_whole_number, one_line, shown, suggest
from .files import check_depth, parse_json, read_bytes, write_text
from .folder import FORMAT
from .spec import MAX_SEED, MAX_SEEDS, RunSpec, over

SUFFIXES = (".json", ".yaml", ".yml")

_count = partial(check_whole_number, at_least=1)


def read_config(path: str | Path) -> dict[str, Any]:
    """Return what `polax.read_config` does.

    Options are checked when a run is planned, as the plug-ins that have them are loaded then.

    Raises:
        OptionError: it cannot be read, is of another version, or has an unknown key or a value of the wrong type.
    """
    path = Path(path)
    content = _parse(path)
    version = content.pop("format", FORMAT)
    if version != FORMAT:
        raise OptionError(f"{path} has run format {version!r}, this polax reads {FORMAT}; use the polax that wrote it")
    known = [field.name for field in dataclasses.fields(RunSpec)]
    for key, value in content.items():
        if key not in known:
            raise OptionError(f"{path} has an unknown key {key!r}; {suggest(key, known, otherwise='the keys are')}")
        try:
            _check(key, value)
        except ValueError as cause:
            raise OptionError(f"{path}: {cause}") from cause
    return content


def write_config(path: Path, spec: RunSpec) -> None:
    """Write the settings of a run, in the format that the ending of the file says.

    Raises:
        PolaxError: the file is there, has another ending, or cannot be written.
    """
    _check_suffix(path)
    if path.exists():
        raise OptionError(f"{path} already exists; choose another --save-config, or remove it")
    text = json.dumps({"format": FORMAT, **spec.to_json()}, indent=2)
    if path.suffix != ".json":
        import yaml

        text = yaml.safe_dump(json.loads(text), sort_keys=False)
    write_text(path, text.rstrip() + "\n", hint="choose another --save-config")


def merge(path: Path, config: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a file, overridden by those that are given otherwise.

    Args:
        path: of the file, for messages.
        config: from `read_config`.
        given: keyword arguments of `polax.train`; None: not given.

    Raises:
        OptionError: they are for another learner or game, or start from another preset.
    """
    explicit = {name: value for name, value in given.items() if value is not None}
    for name in ("algorithm", "env"):
        if config.get(name) is not None and explicit.get(name, config[name]) != config[name]:
            raise OptionError(
                f"{path} holds settings for {config[name]}, not for {explicit[name]}; leave {explicit[name]} out, or "
                "take another file"
            )
    preset = explicit.get("preset")
    if preset is not None and preset != config.get("preset") and (config.get("preset") or config.get("options")):
        start = f"start from the preset {config['preset']!r}" if config.get("preset") else "have options of their own"
        raise OptionError(f"the settings in {path} {start}; leave out --preset {preset}, or write it into the file")
    together = {name: over(config.get(name, {}), explicit.get(name, {})) for name in ("options", "env_options")}
    return {**config, **explicit, **together}


def _parse(path: Path) -> dict[str, Any]:
    if path.is_dir():
        raise OptionError(f"{path} is a folder; the settings of a run are in {path / 'config.json'}")
    _check_suffix(path)
    text = read_bytes(path)
    try:
        content = parse_json(text, Any, "it") if path.suffix == ".json" else _parse_yaml(text.decode("utf-8"))
    except ValueError as cause:
        raise OptionError(f"{path} is damaged: {one_line(cause)}") from cause
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise OptionError(f"{path} must hold keys with values, such as algorithm, env, updates and options")
    return content


def _parse_yaml(text: str) -> Any:
    import yaml

    class Loader(yaml.SafeLoader):
        """PyYAML's, with the numbers of YAML 1.2: to it, 1e-3 is a word."""

    number = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$")
    Loader.add_implicit_resolver("tag:yaml.org,2002:float", number, list("-+.0123456789"))
    try:
        content = yaml.load(text, Loader)
    except (yaml.YAMLError, RecursionError) as cause:
        raise ValueError(one_line(cause)) from cause
    check_depth(content, "it")
    return content


def _check_suffix(path: Path) -> None:
    if path.suffix not in SUFFIXES:
        raise OptionError(f"{path} must end in {', '.join(SUFFIXES)}")


def _check(key: str, value: Any) -> None:
    """Raise ValueError for a value of the wrong type; what a run may be without may be null."""
    if key in ("options", "env_options"):
        if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
            raise ValueError(f"{key} must hold options by name, not {shown(value)}")
    elif key == "seeds":
        for each in value if isinstance(value, list) else [value]:
            word, most = ("a seed", MAX_SEED) if isinstance(value, list) else ("seeds", MAX_SEEDS)
            check_whole_number(word, each, at_least=0, at_most=most)
    elif key in ("algorithm", "env", "preset"):
        if not isinstance(value, str) and not (key == "preset" and value is None):
            raise ValueError(f"{key} must be a name, not {shown(value)}")
    else:
        _count(key, value)
