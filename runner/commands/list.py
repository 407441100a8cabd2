"""``polax list``: algorithms, environments, policies, loggers and executors, or all about one of them."""

from __future__ import annotations

import importlib
import inspect
import json
import shlex
import textwrap
import time
from collections.abc import Callable, Mapping
from typing import Any

from ... import registry
from ...options import MissingExtraError, OptionError, PolaxError, option_types, suggest
from ..api import Agent, load
from ..cli import printable
from ..completion import with_names
from .arguments import CommandParser, options_of, options_text

KINDS: dict[str, tuple[Callable[[], tuple[registry.Listing, ...]], Callable[[str], Any]]] = {
    "algorithms": (registry.list_algorithms, registry.algorithm_plugin),
    "environments": (registry.list_environments, registry.environment_plugin),
    "policies": (registry.list_policies, registry.policy_resolver),
    "loggers": (registry.list_loggers, registry.logger),
    "executors": (registry.list_executors, registry.executor_plugin),
}

SLOW = 1.0
"""Seconds from which the import time of a plug-in is shown."""


def main(arguments: list[str]) -> int:
    """Print the listing."""
    parser = CommandParser("list")
    with_names(
        parser.add_argument(
            "name",
            nargs="?",
            metavar="NAME",
            help="show all about this one, or about trained agents such as zoo:loqa/IPD-v0",
        ),
        _rows,
    )
    parser.add_argument(
        "--details", action="store_true", help="load everything (seconds): summaries, presets, options, strategies"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    options = parser.parse(arguments)
    if options.name is not None:
        return _show(options.name, as_json=options.json)
    listing = {kind: [_describe(kind, row, load=options.details) for row in KINDS[kind][0]()] for kind in KINDS}
    if options.json:
        print(json.dumps(listing, indent=2))
    else:
        _print_tables(listing, details=options.details)
    return 0


def _rows() -> list[registry.Listing]:
    return [row for listing, _ in KINDS.values() for row in listing()]


def _show(name: str, *, as_json: bool) -> int:
    """Print everything about the plug-ins of one name."""
    if ":" in name and registry.split_reference(name)[0] in registry.policy_prefixes():
        return _show_agent(name, as_json=as_json)
    found = {kind: [row for row in KINDS[kind][0]() if row.name == name] for kind in KINDS}
    if not any(found.values()):
        raise registry.UnknownNameError(f"there is no {name!r} to show; {suggest(name, (r.name for r in _rows()))}")
    listing = {kind: [_everything(kind, row) for row in rows] for kind, rows in found.items() if rows}
    if as_json:
        print(json.dumps(listing, indent=2))
    else:
        print("\n\n".join(_text(kind, entry) for kind, entries in listing.items() for entry in entries))
    return 0


def _show_agent(reference: str, *, as_json: bool) -> int:
    """Print the card of trained agents."""
    agent = load(reference)
    if not isinstance(agent, Agent):
        raise OptionError(f"{reference} is not a trained agent, which polax list could show; see polax evaluate")
    if as_json:
        print(json.dumps(agent.card, indent=2))
        return 0
    from ..report.evaluation import score_table
    from ..report.writers import console_table
    from ..training.progress import wide_console

    card, spec = agent.card, agent.spec
    options = {**spec.options, **{f"env.{name}": value for name, value in spec.env_options.items()}}
    versions = ", ".join(f"{name} {version}" for name, version in card["versions"].items() if version)
    lines = [
        f"{reference}: {spec.algorithm} in {spec.env}, seeds {' '.join(map(str, spec.seeds))}, update {card['update']}",
        f"file: {agent.path}, SHA-256 of its card {card['seal']}",
        f"trained with: {shlex.join(card['command'])}",
        f"versions: {versions}" if versions else "",
        "options: " + " ".join(f"--{name.replace('_', '-')} {value}" for name, value in options.items()),
        f"trained against: {', '.join(card['trained_against'])}" if card["trained_against"] else "",
    ]
    print("\n".join(printable(line) for line in lines if line))
    console = wide_console()
    console.print(console_table(score_table(card["scores"], self_play=card["self_play"])))
    return 0


def _everything(kind: str, row: registry.Listing) -> dict[str, Any]:
    """Return one row with each option, and with the content of each preset or the measures of the game."""
    entry = _describe(kind, row, load=True)
    if entry["error"] or "options" not in entry:
        return entry
    plugin = KINDS[kind][1](row.name)
    entry["options"] = [option._asdict() for option in options_of(plugin.config)]
    if kind == "algorithms":
        entry["presets"] = [
            {"preset": preset, "env": env, **_plain(content._asdict())}
            for (preset, env), content in sorted(getattr(plugin, "presets", {}).items())
        ]
        return entry
    if kind == "executors":
        return entry
    env, params = registry.make_env(row.name)
    return entry | {
        "actions": list(env.action_names),
        "measures": [measure._asdict() for measure in env.measures],
        "player_measures": [measure._asdict() for measure in env.player_measures],
        "reference_scores": {name: float(value) for name, value in env.reference_scores(params).items()},
    }


def _plain(content: Mapping[str, Any]) -> dict[str, Any]:
    return {name: dict(value) if isinstance(value, Mapping) else value for name, value in content.items()}


def _text(kind: str, entry: Mapping[str, Any]) -> str:
    """Return what `_everything` found, for people."""
    target = f" ({entry['target']})" if entry["target"] else ""
    lines = [f"{entry['name']}: {entry.get('summary', '')}", f"from {_origin(entry)}{target}"]
    if entry["error"]:
        return "\n".join([*lines, f"broken: {entry['error']}"])
    if "names" in entry:
        lines += ["", *(f"  {entry['name']}:{each}" for each in entry["names"])]
    if "actions" in entry:
        lines += ["", f"actions: {', '.join(entry['actions'])}", f"strategies: {', '.join(entry['strategies'])}"]
        lines += [f"measure {each['name']}: {each['title'].lower()}" for each in entry["measures"]]
        lines += [f"measure of a player {each['name']}: {each['title'].lower()}" for each in entry["player_measures"]]
        lines += [f"{name}: {value:.4g} per step" for name, value in entry["reference_scores"].items()]
    if "options" in entry:
        prefix = {"environments": "env.", "executors": f"{entry['name']}-"}.get(kind, "")
        lines += ["", "options:", options_text(KINDS[kind][1](entry["name"]).config, prefix=prefix)]
    by_command: dict[str, list[dict[str, Any]]] = {}
    for preset in entry.get("presets", []):
        by_command.setdefault(preset["command"], []).append(preset)
    for command, presets in sorted(by_command.items()):
        lines += ["", f"presets of polax {command}:" if command else "presets:"]
        lines += [_preset(each) for each in presets]
    return "\n".join(lines)


def _preset(preset: Mapping[str, Any]) -> str:
    options = {**preset["options"], **{f"env.{name}": value for name, value in preset["env_options"].items()}}
    words = " ".join(f"--{name.replace('_', '-')} {value}" for name, value in options.items())
    env = "any environment" if preset["env"] == "*" else preset["env"]
    head = f"  {preset['preset']} for {env}: {preset['updates']} updates{', ' if words else ''}"
    return textwrap.fill(head + words, 108, subsequent_indent=" " * 6, break_long_words=False, break_on_hyphens=False)


def _describe(kind: str, row: registry.Listing, *, load: bool) -> dict[str, Any]:
    """Return one row; third-party plug-ins are always loaded, so that a broken one is seen."""
    entry: dict[str, Any] = row._asdict()
    if row.error is None and (load or row.distribution != "polax"):
        for contract in ("envs.base", "algorithms.base"):  # load jax and gymnax, so that no plug-in is blamed for it
            importlib.import_module(f"...{contract}", __package__)
        begun = time.perf_counter()
        try:
            plugin = KINDS[kind][1](row.name)
            entry["import_seconds"] = round(time.perf_counter() - begun, 3)
            with registry.plugin_code(f"{row.name!r}", "its description"):
                entry |= _details(kind, row.name, plugin)
        except MissingExtraError as error:
            entry["summary"] = str(error)
        except PolaxError as error:
            entry["error"] = str(error)
    return entry


def _details(kind: str, name: str, plugin: Any) -> dict[str, Any]:
    if kind in ("policies", "loggers"):
        names = {"names": list(map(str, plugin.names()))} if hasattr(plugin, "names") else {}
        return {"summary": (inspect.getdoc(plugin) or "").partition("\n")[0], **names}
    details: dict[str, Any] = {
        "summary": " ".join(plugin.summary.split()),
        "options": list(option_types(plugin.config)),
    }
    if kind == "algorithms":
        presets = sorted(plugin.presets) if hasattr(plugin, "presets") else []
        return details | {
            "presets": [
                {"preset": preset, "env": env, "command": plugin.presets[preset, env].command}
                for preset, env in presets
            ]
        }
    if kind == "executors":
        return details
    try:
        env, _ = registry.make_env(name)
    except PolaxError as error:
        return details | {"error": str(error)}
    return details | {"strategies": list(map(str, env.strategies))}


def _print_tables(listing: dict[str, list[dict[str, Any]]], *, details: bool) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from ..training.progress import say

    console = Console()
    for kind, entries in listing.items():
        table = Table(title=kind.capitalize(), title_justify="left", title_style="bold", box=None, show_header=False)
        table.add_column(no_wrap=True, style="cyan")
        for entry in entries:
            # Text, since what others have written might be taken for markup.
            table.add_row(
                Text(printable(entry["name"]) + (":" if kind == "policies" else "")),
                Text("\n".join(map(printable, _lines(entry)))),
            )
        console.print(table, "")
    every = [entry for entries in listing.values() for entry in entries]
    for entry in every:
        if entry["error"]:
            say(console, printable(f"broken: {entry['name']} from {_origin(entry)}: {entry['error']}"))
    for entry in every:
        if entry["distribution"] != "polax" and entry.get("import_seconds", 0) >= SLOW:
            say(console, f"slow: {entry['name']} from {_origin(entry)} takes {entry['import_seconds']:.1f} s to import")
    if not details:
        say(console, "polax list --details adds summaries, presets and strategies; polax list NAME shows one of them")


def _origin(entry: Mapping[str, Any]) -> str:
    return f"{entry['distribution']} {entry['version']}".strip()


def _lines(entry: dict[str, Any]) -> list[str]:
    lines = [entry["summary"]] if entry.get("summary") else []
    if entry.get("strategies"):
        lines.append("strategies: " + ", ".join(entry["strategies"]))
    if entry.get("names"):
        lines.append("there are " + ", ".join(entry["names"]))
    presets: dict[tuple[str, str], list[str]] = {}
    for each in entry.get("presets", []):
        presets.setdefault((each["command"], each["env"]), []).append(each["preset"])
    for (command, env), names in sorted(presets.items()):
        apart = f" of polax {command}" if command else ""
        lines.append(f"presets{apart} for {'any environment' if env == '*' else env}: {', '.join(names)}")
    return [*lines, f"from {_origin(entry)}" if lines else _origin(entry)]
