"""What every benchmark does with its measurements: a table, a JSON file, and the ratios to an older one."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any


def make_parser(description: str | None) -> argparse.ArgumentParser:
    """Return a parser with the options that all benchmarks have."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="write the measurements as JSON")
    parser.add_argument("--compare", type=Path, help="print the ratios to measurements written before")
    return parser


def parse_sizes(parser: argparse.ArgumentParser, sizes: Mapping[str, int]) -> argparse.Namespace:
    """Parse the command line of a benchmark of programs; the device is chosen, and nothing is taken from a cache.

    Args:
        parser: from `make_parser`, with the benchmark's own options.
        sizes: whole numbers to add as options, with their defaults.
    """
    import jax  # benchmarks of the start-up measure without it

    parser.add_argument("--device", choices=("cpu", "gpu", "tpu"), help="default: the best there is")
    for name, default in sizes.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    if options.device:
        jax.config.update("jax_platforms", options.device)
    os.environ.pop("JAX_COMPILATION_CACHE_DIR", None)
    return options


def median_seconds(function: Callable[[], Any], repeats: int) -> float:
    """Return the median time of a call, after a first one that compiles; the call waits for its own results."""
    function()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        function()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def finish(options: argparse.Namespace, results: Mapping[str, float]) -> None:
    """Print the measurements, beside older ones if asked, and write them if asked.

    Args:
        options: from `make_parser`; what else is in it is written as the settings.
        results: by name; a name ends with its unit.
    """
    before = json.loads(options.compare.read_text())["measurements"] if options.compare else {}
    width = max(map(len, results))
    for name, value in results.items():
        ratio = f"   {value / before[name]:6.2f} of {before[name]:.4g}" if before.get(name) else ""
        print(f"{name:{width}} {value:10.4g}{ratio}")
    missing = [name for name in results if name not in before]
    if options.compare and missing:
        print(f"not in {options.compare}: {', '.join(missing)}")
    if options.out:
        settings = {name: value for name, value in vars(options).items() if name not in ("out", "compare")}
        content = {"machine": machine(), "settings": settings, "measurements": dict(results)}
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(content, indent=1, default=str) + "\n")


def machine() -> dict[str, Any]:
    """Return what the measurements were taken on."""
    found: dict[str, Any] = {
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "architecture": platform.machine(),
        "python": platform.python_version(),
        "versions": {package: version(package) for package in ("polax", "jax", "jaxlib", "numpy", "gymnasium")},
    }
    if "jax" in sys.modules:  # asking it would start the devices of a benchmark that has no need of them
        found["devices"] = [f"{device.platform}: {device.device_kind}" for device in sys.modules["jax"].devices()]
    return found
