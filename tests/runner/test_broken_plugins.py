"""Broken plug-ins, installed by pip as anybody's would be: each is shown with its error, and harms nothing else."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

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
    "odd": ("class Odd(BaseException): pass\nraise Odd('no')", "Odd: no"),
    "unprintable": (
        "class Bad(Exception):\n    def __str__(self): raise RuntimeError\nraise Bad",
        "Bad: its message cannot be shown",
    ),
    "no-summary": (GOOD + "PLUGIN = PLUGIN._replace(summary=None)", "its summary must be a line of text, not None"),
    "no-annotation": (
        GOOD.replace("size: int", "size: 'nobody_knows'"),
        "the types of its options cannot be resolved: NameError: name 'nobody_knows' is not defined",
    ),
    "presets-list": (GOOD + "PLUGIN = PLUGIN._replace(presets=[3])", "its presets must be a mapping, not [3]"),
    "presets-names": (GOOD + "PLUGIN = PLUGIN._replace(presets={3: 4})", "a preset has the name (preset, environment"),
    "presets-values": (
        GOOD + "PLUGIN = PLUGIN._replace(presets={('a', 'b'): 4})",
        "the updates of preset a must be a whole number",
    ),
    "no-attributes": (
        "class P:\n    def __getattr__(self, name): raise OSError('no ' + name)\nPLUGIN = P()",
        "cannot be used: OSError: no ",
    ),
    "slow": ("import time; time.sleep(1.5)\n" + GOOD, None),
    "fine": (GOOD, None),
    "markup": (GOOD.replace('"works"', '"[/bold] [red] \\x1b[31m"'), None),
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
def shown(site: Path) -> list[str]:
    """Return the lines of `polax list`."""
    return _polax(site, "list").stdout.splitlines()


@pytest.mark.parametrize("name", [name for name, (_, error) in PLUGINS.items() if error is not None])
def test_a_broken_plug_in_is_listed_with_its_distribution_and_its_error(shown: list[str], name: str) -> None:
    (line,) = (line for line in shown if line.startswith(f"broken: {name} from {name} 1.0: "))
    assert str(PLUGINS[name][1]) in line


def test_a_name_that_two_distributions_claim_is_listed_twice_with_both(shown: list[str]) -> None:
    lines = [line for line in shown if line.startswith("broken: shared from ")]
    assert [line.split()[3] for line in lines] == ["twin-1", "twin-2"]
    assert all("claimed by twin-1 1.0 and twin-2 1.0" in line for line in lines)


def test_a_slow_plug_in_is_listed_with_the_time_it_takes_and_a_quick_one_is_not(shown: list[str]) -> None:
    (line,) = (line for line in shown if line.startswith("slow: "))
    assert line.startswith("slow: slow from slow 1.0 takes ")
    assert line.endswith(" s to import")


def test_those_that_work_are_listed_as_ever(shown: list[str]) -> None:
    listed = {line.split()[0] for line in shown if line.strip()}
    assert {"fine", "slow", "markup", "naive", "pola-dice", "pola-om", "IPD-v0"} <= listed
    assert not any(line.startswith(("broken: fine", "broken: markup", "broken: naive")) for line in shown)
    assert any("[/bold] [red] \\x1b[31m" in line for line in shown)


@pytest.mark.slow
def test_asking_for_a_broken_one_is_an_error_of_one_line_and_another_one_can_be_asked_for(site: Path) -> None:
    failed = _polax(site, "train", "raises", "IPD-v0", "--updates", "1", status=2)
    assert failed.stderr.startswith("polax: algorithm 'raises' of raises 1.0 cannot be loaded: OSError: no licence")
    assert failed.stderr.count("\n") == 1
    assert "--outer-lr" in _polax(site, "train", "naive", "IPD-v0", "--help").stdout


def test_a_plug_in_is_not_imported_until_its_name_is_asked_for(site: Path) -> None:
    code = "import polax, sys; polax.list_algorithms(); polax.algorithm_plugin('fine'); print('slow' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(site)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.strip() == "False"
