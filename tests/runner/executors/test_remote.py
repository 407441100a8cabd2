"""Tasks that an executor runs, on an executor of a third party: processes of this machine."""

import json
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polax
import process_executor
import pytest
from polax import registry
from polax.runner.cli import main
from polax.runner.executors.view import last_line

Fails = Callable[..., str]
HELPERS = str(Path(process_executor.__file__).parent)
ON = ["--on", "processes"]
QUICK = ["--evaluation-episodes", "8", "--IPD-v0.max-steps-in-episode", "3", "--StagHunt-v0.max-steps-in-episode", "3"]
TOYS = ["benchmark", "--algorithms", "toy_learner:TOY", "--envs", "IPD-v0", "StagHunt-v0", "--num-seeds", "2", *QUICK]


@pytest.fixture(autouse=True)
def _executor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry._EXECUTORS.registered, "processes", process_executor.PROCESSES)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([HELPERS, *filter(None, [os.environ.get("PYTHONPATH")])]))


def _rows(folder: Path) -> list[dict[str, Any]]:
    content = json.loads((folder / "results.json").read_text())
    return [{name: value for name, value in row.items() if name != "seconds"} for row in content["combinations"]]


def _files(folder: Path) -> set[str]:
    """Return what is in a folder, but for names that are different each time."""
    paths = (str(path.relative_to(folder)) for path in folder.rglob("*"))
    return {path for path in paths if "/d/" not in path and "events." not in path}


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a benchmark of two combinations, in this process."""
    out = tmp_path_factory.mktemp("alone") / "out"
    assert main([*TOYS, "--budget", "30", "updates", "--out", str(out)]) == 0
    return out


@pytest.mark.slow
def test_numbers_and_files_are_those_of_this_process_also_where_a_process_is_lost(
    alone: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    words = [*TOYS, "--budget", "30", "updates", *ON, "--processes-lose", "1", "--toy_learner:TOY.work", "0"]
    assert main([*words, "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "its process is lost (was lost), and begins again" in said
    assert "[2/2] toy_learner:TOY in " in said
    assert _rows(out) == _rows(alone)
    assert _files(out) == _files(alone)


@pytest.mark.slow
def test_one_that_fails_is_tried_again_and_stops_no_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "fragile.py").write_text(
        "import pathlib, os\n"
        "from toy_learner import TOY\n"
        "def build(env, params, config):\n"
        "    mark = pathlib.Path('tried')\n"
        "    if env.name == 'IPD-v0' and not mark.exists():\n"
        "        mark.touch()\n"
        "        raise RuntimeError('not yet')\n"
        "    if env.name == 'StagHunt-v0':\n"
        "        os._exit(7)\n"
        "    return TOY.build(env, params, config)\n"
        "FRAGILE = TOY._replace(build=build)\n"
    )
    monkeypatch.chdir(tmp_path)  # where a module that is named on the command line may be
    words = ["benchmark", "--algorithms", "fragile:FRAGILE", "absent_module:X", "--envs", "IPD-v0", "StagHunt-v0"]
    words += ["--num-seeds", "1", "--budget", "1", "updates", *QUICK, *ON, "--retries", "1", "--out", "out"]
    assert main(words) == 1
    first, absent, second, _ = _rows(Path("out"))
    assert (first["status"], first["error"]) == ("done", None)
    assert first["earlier_errors"] == ["algorithm 'fragile:FRAGILE': build failed: RuntimeError: not yet"]
    assert "No module named 'absent_module'" in absent["error"]
    assert second["status"] == "failed"
    assert "its process ended with status 7; see " in second["error"]
    assert "build failed: RuntimeError: not yet; once more" in capsys.readouterr().out
    assert [path.name for path in Path("out/tasks").iterdir()] == ["fragile_FRAGILE-StagHunt-v0"]
    assert "RuntimeError: not yet" in Path("out/errors/fragile_FRAGILE-IPD-v0.txt").read_text()


@pytest.mark.slow
def test_a_signal_stops_all_saved_and_the_same_command_continues_anywhere(alone: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = [*TOYS, "--budget", "30", "updates", "--out", str(out)]
    metrics = out / "runs" / "toy_learner_TOY-IPD-v0" / "metrics.jsonl"

    def interrupt() -> None:
        while not (metrics.exists() and metrics.read_bytes().count(b"\n") > 8):
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    assert main([*words, *ON, "--processes-at-once", "1"]) == 130
    first, second = _rows(out)
    assert first["updates"] < 30
    assert (first["status"], second["status"], second["updates"]) == ("unfinished", "unfinished", None)
    assert main(words) == 0
    assert _rows(out) == _rows(alone)
    assert _files(out) == _files(alone)


@pytest.mark.slow
def test_a_sweep_has_the_same_trials_and_files(tmp_path: Path) -> None:
    words = [
        "sweep",
        "toy_learner:TOY",
        "IPD-v0",
        "--vary",
        "width=2,3",
        "--vary",
        "step_size=0.1,0.3",
        "--num-seeds",
        "2",
    ]
    words += ["--eval-envs", "8", "--env.max-steps-in-episode", "3", "--updates", "3"]
    assert main([*words, "--out", str(tmp_path / "alone")]) == 0
    assert main([*words, *ON, "--out", str(tmp_path / "out")]) == 0
    trials = [json.loads((tmp_path / name / "trials.json").read_text())["trials"] for name in ("alone", "out")]
    for row in (*trials[0], *trials[1]):
        assert row.pop("seconds") > 0
    assert trials[0] == trials[1]
    assert _files(tmp_path / "alone") == _files(tmp_path / "out")


def test_a_folder_that_the_other_machine_does_not_see_is_named(tmp_path: Path, fails: Fails) -> None:
    error = fails(*TOYS, "--budget", "1", "updates", *ON, "--processes-hide", "--out", str(tmp_path / "out"))
    assert error.endswith(
        f"here does not see {tmp_path / 'out'}; choose an --out that all machines share, under the same path\n"
    )
    assert [row["status"] for row in _rows(tmp_path / "out")] == ["unfinished"] * 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--on", "rey"], "there is no executor 'rey' to run on; did you mean 'ray'?"),
        (["--on", "rey://a:1"], "there is no executor 'rey' to run on; did you mean 'ray'?"),
        (
            [*ON, "--slurm-partition", "gpu"],
            "--slurm-partition is for --on slurm, not for --on processes; leave",
        ),
        (["--processes-at-once", "1"], "--processes-at-once is for --on processes, not for --on local; leave it out"),
        ([*ON, "--processes-at-one", "1"], "processes has no option 'at_one'; did you mean 'at_once'?"),
        ([*ON, "--gpus-per-task", "1"], "processes has no option 'gpus_per_task'; did you mean 'cpus_per_task'?"),
        ([*ON, "--gpus-per-task", "some"], "--gpus-per-task: must be a number, not 'some'"),
        (["--cpus-per-task", "2"], "--cpus-per-task is for an executor such as --on ray; a task of --on local has "),
        ([*ON, "--algorithms", "toy"], "algorithm 'toy' is registered in this process alone, and other processes do "),
        (["--on", "ray"], "--on ray is not installed here: pip install 'polax[ray]'"),
        (["--on", "slurm"], "--on slurm is not installed here: pip install 'polax[slurm]'"),
        (["--on", "ray", "--ray-address", "nonsense"], "address must be auto, HOST:PORT or ray://HOST:PORT, not"),
        (["--on", "ray", "--gpus-per-task", "1.5"], "gpus_per_task must be a whole number or below 1, not 1.5"),
        (
            ["--on", "ray://a:1", "--ray-address", "auto"],
            "--on ray://a:1 is an address, and another one is given as",
        ),
        (["--on", "slurm", "--gpus-per-task", "-1"], "gpus_per_task must be a whole number of at least 0, not -1"),
        (["--on", "slurm", "--slurm-memory", "0"], "memory must be a finite number above 0; got 0"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence_and_nothing_is_made(
    words: list[str], message: str, tmp_path: Path, fails: Fails, monkeypatch: pytest.MonkeyPatch
) -> None:
    for library in ("ray", "submitit"):  # whether it is installed or not
        monkeypatch.setitem(sys.modules, library, None)
    toys = [word for word in TOYS if not ("--algorithms" in words and word in ("--algorithms", "toy_learner:TOY"))]
    assert message in fails(*toys, "--budget", "1", "updates", *words, "--out", str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_the_executor_of_the_documentation_runs(alone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = Path(__file__).resolve().parents[3] / "docs" / "executors.md"
    (code,) = re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
    found: dict[str, Any] = {}
    exec(code, found)
    monkeypatch.setitem(registry._EXECUTORS.registered, "one", found["ONE_AT_A_TIME"])
    assert main([*TOYS, "--budget", "30", "updates", "--on", "one", "--out", str(tmp_path / "out")]) == 0
    assert _rows(tmp_path / "out") == _rows(alone)


def test_python_takes_the_same_words(tmp_path: Path) -> None:
    with pytest.raises(polax.OptionError, match="at_once is an option of executors; local has none"):
        polax.benchmark(["toy"], ["IPD-v0"], budget="1 updates", out=tmp_path / "out", on_options={"at_once": 1})
    with pytest.raises(polax.OptionError, match="at_once must be a whole number, not 'one'"):
        polax.sweep(
            "toy",
            "IPD-v0",
            vary={"width": [2, 3]},
            updates=1,
            out=tmp_path / "out",
            on="processes",
            on_options={"at_once": "one"},
        )
    assert not (tmp_path / "out").exists()


def test_executors_are_listed_with_their_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "slurm"]) == 0
    said = capsys.readouterr().out
    assert "slurm: Slurm, through submitit" in said
    assert "--slurm-partition: a string or None (default: None)" in said
    assert main(["list"]) == 0
    assert "Executors" in capsys.readouterr().out


def test_the_last_line_of_a_log_is_shown_without_what_a_terminal_would_obey(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    assert last_line(log) == ""
    log.write_bytes(b"first\n" + b"x" * 9000 + b"\n\x1b[31mupdate 3/4 \xff\n\n")
    assert last_line(log) == "[31mupdate 3/4 \N{REPLACEMENT CHARACTER}"
