"""Broken plug-ins, installed by pip as anybody's would be: each is shown with its error, and harms nothing else."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

GOOD = """
import dataclasses
from polax.algorithms.base import AlgorithmPlugin
@dataclasses.dataclass(frozen=True)
class Config:
    size: int = 3
PLUGIN = AlgorithmPlugin(Config, lambda env, params, config: None, "works")
"""
PLUGINS = {
    "imports-nothing": ("import a_module_nobody_has", "No module named 'a_module_nobody_has'"),
    "raises": ("raise OSError('no\\nlicence')", "OSError: no licence"),
    "exits": ("import sys; sys.exit('no')", "SystemExit: no"),
    "wrong-type": ("PLUGIN = 7", "int has no config, build, summary, api_version"),
    "wrong-version": (GOOD + "PLUGIN = PLUGIN._replace(api_version=0)", "version 0 of the algorithm contract"),
    "without-plugin": ("x = 1", "has no attribute 'PLUGIN'"),
    "slow": ("import time; time.sleep(1.5)\n" + GOOD, None),
    "fine": (GOOD, None),
}
"""Source and error, by the name of distribution and algorithm."""


def _write_wheel(folder: Path, distribution: str, name: str, source: str) -> Path:
    module = distribution.replace("-", "_")
    record = f"{module}-1.0.dist-info"
    content = {
        f"{module}.py": source,
        f"{record}/METADATA": f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n",
        f"{record}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{record}/entry_points.txt": f"[polax.algorithms]\n{name} = {module}:PLUGIN\n",
    }
    content[f"{record}/RECORD"] = "".join(f"{path},,\n" for path in [*content, f"{record}/RECORD"])
    wheel = folder / f"{module}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in content.items():
            archive.writestr(path, text)
    return wheel


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install every plug-in, and two that claim one name, into a folder."""
    folder = tmp_path_factory.mktemp("plugins")
    wheels = [_write_wheel(folder, name, name, source) for name, (source, _) in PLUGINS.items()]
    wheels += [_write_wheel(folder, f"twin-{number}", "shared", GOOD) for number in (1, 2)]
    target = folder / "site"
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target", str(target)]
    subprocess.run([*command, *map(str, wheels)], check=True, capture_output=True)
    return target


def _polax(site: Path, *words: str, status: int = 0) -> "subprocess.CompletedProcess[str]":
    code = "import sys; from polax.runner.cli import main; sys.exit(main())"
    environment = {**os.environ, "PYTHONPATH": str(site), "COLUMNS": "200"}
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, env=environment, cwd=site.parent
    )
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture(scope="module")
def rows(site: Path) -> list[dict[str, Any]]:
    listing: dict[str, list[dict[str, Any]]] = json.loads(_polax(site, "list", "--json").stdout)
    return listing["algorithms"]


def test_each_broken_plug_in_is_listed_with_its_distribution_and_its_error(rows: list[dict[str, Any]]) -> None:
    by_name = {row["name"]: row for row in rows}
    for name, (_, error) in PLUGINS.items():
        assert by_name[name]["distribution"] == name
        assert by_name[name]["version"] == "1.0"
        if error is None:
            assert by_name[name]["error"] is None
            assert by_name[name]["summary"] == "works"
        else:
            assert error in by_name[name]["error"]


def test_a_name_that_two_distributions_claim_is_listed_twice_with_both(rows: list[dict[str, Any]]) -> None:
    claims = [row for row in rows if row["name"] == "shared"]
    assert [row["distribution"] for row in claims] == ["twin-1", "twin-2"]
    assert all("claimed by twin-1 1.0 and twin-2 1.0" in row["error"] for row in claims)


def test_the_built_in_ones_are_listed_as_ever(rows: list[dict[str, Any]]) -> None:
    ours = [row for row in rows if row["distribution"] == "polax"]
    assert {"naive", "pola-dice", "pola-om"} <= {row["name"] for row in ours}
    assert not any(row["error"] for row in ours)


def test_the_table_says_which_plug_ins_are_broken_and_which_are_slow_to_import(site: Path) -> None:
    shown = _polax(site, "list").stdout
    assert (
        "broken: raises from raises 1.0: algorithm 'raises' of raises 1.0 cannot be loaded: OSError: no licence"
        in shown
    )
    assert "slow: slow from slow 1.0 takes" in shown
    assert "slow: fine" not in shown


def test_asking_for_a_broken_one_is_an_error_of_one_line_and_another_one_trains(site: Path, tmp_path: Path) -> None:
    failed = _polax(site, "train", "raises", "IPD-v0", "--updates", "1", status=2)
    assert failed.stderr.startswith("polax: algorithm 'raises' of raises 1.0 cannot be loaded: OSError: no licence")
    assert failed.stderr.count("\n") == 1
    words = ["train", "naive-exact", "IPD-v0", "--updates", "1", "--eval-envs", "4", "--out", str(tmp_path / "run")]
    _polax(site, *words)
    assert (tmp_path / "run" / "metrics.jsonl").is_file()


def test_a_plug_in_is_not_imported_until_its_name_is_asked_for(site: Path) -> None:
    code = "import polax, sys; polax.list_algorithms(); polax.algorithm_plugin('fine'); print('slow' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(site)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.strip() == "False"
