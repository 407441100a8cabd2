"""What a second writer, a disk, a person's editor and a stranger's file may do to a run."""

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from polax import registry
from polax.options import PolaxError
from polax.runner.cli import main
from polax.runner.runs import checkpoint
from polax.runner.runs.folder import RunFolder
from polax.runner.runs.lock import alone
from polax.runner.runs.metrics import MetricsLog
from runner_helpers import command, edit_json, final_state, without_time

Train = Callable[..., RunFolder]
Fails = Callable[..., str]


def _files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run of four updates with the checkpoints 2 and 4, which tests copy."""
    out = tmp_path_factory.mktemp("trained") / "run"
    words = ["--updates", "4", "--checkpoint-every", "2", "--eval-envs", "16", "--keep-checkpoints", "9"]
    assert main(["train", "toy_learner:TOY", "IPD-v0", *words, "--out", str(out)]) == 0
    return out


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> RunFolder:
    """Return a run of four updates of its own."""
    return RunFolder(Path(shutil.copytree(trained, tmp_path / "run")))


@pytest.fixture
def strict() -> Iterator[None]:
    """Forget what this process has asked to import."""
    with registry.isolated():
        yield


def test_a_second_writer_is_refused_and_changes_nothing(run: RunFolder, fails: Fails, tmp_path: Path) -> None:
    (tmp_path / "benchmark").mkdir()
    benchmark = ["--algorithms", "toy", "--envs", "IPD-v0", "--budget", "1", "updates"]
    for words, folder in (
        (["train", "--resume", str(run.path), "--updates", "9"], run.path),
        (["benchmark", *benchmark, "--out", str(tmp_path / "benchmark")], tmp_path / "benchmark"),
    ):
        with alone(folder):
            before = _files(folder)
            assert "is being written by process " in fails(*words)
            assert _files(folder) == before


@pytest.mark.slow
def test_of_two_processes_that_resume_a_run_at_once_one_goes_on_as_if_it_were_alone(
    train: Train, run: RunFolder
) -> None:
    words = ["train", "--resume", str(run.path), "--updates", "60", "--allow-import"]
    processes = [command(*words) for _ in range(2)]
    ends = sorted((process.wait(120), *process.communicate()) for process in processes)
    assert [status for status, *_ in ends] == [0, 2]
    assert "is being written by process " in ends[1][2]
    whole = train("whole", "--updates", "60", "--checkpoint-every", "2")
    assert without_time(run) == without_time(whole)
    for ours, theirs in zip(final_state(run, 60), final_state(whole, 60), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def _flip(path: Path, place: float, bit: int = 3) -> None:
    content = bytearray(path.read_bytes())
    content[int(place * (len(content) - 1))] ^= 1 << bit
    path.write_bytes(content)


def test_no_changed_byte_of_a_checkpoint_loads_as_other_parameters(run: RunFolder) -> None:
    folder = run.checkpoints / "00000004"
    wanted, whole = final_state(run, 4), _files(folder)
    noticed = 0
    # Some bytes say nothing: orbax leaves the parts there from which it has put the arrays together.
    for path, content in whole.items():
        for place in (0.1, 0.4, 0.6, 0.9):
            if not content:
                continue
            _flip(path, place)
            try:
                found = final_state(run, 4)
            except PolaxError as error:
                noticed += "00000004" in str(error)
            else:  # a byte that says nothing
                for ours, theirs in zip(found, wanted, strict=True):
                    np.testing.assert_array_equal(ours, theirs)
            path.write_bytes(content)
    assert noticed > 8


@pytest.fixture
def damaged(run: RunFolder) -> RunFolder:
    """Return a run whose last checkpoint has one wrong byte in its arrays."""
    arrays = max((run.checkpoints / "00000004").rglob("d/*"), key=lambda path: path.stat().st_size)
    _flip(arrays, 0.5)
    return run


def test_evaluation_falls_back_to_the_checkpoint_before_a_damaged_one_and_says_so(
    damaged: RunFolder, fails: Fails, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["evaluate", str(damaged.path), "--eval-envs", "16", "--json"]
    assert main(words) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out)["checkpoint"] == 2
    assert "00000004" in shown.err
    assert shown.err.strip().endswith("checkpoint 2 is used")
    assert "00000004" in fails(*words, "--checkpoint", "4")
    _flip(max((damaged.checkpoints / "00000002").rglob("d/*"), key=lambda path: path.stat().st_size), 0.5)
    assert f"every checkpoint of {damaged.path} is damaged" in fails(*words)
    assert f"every checkpoint of {damaged.path} is damaged" in fails("train", "--resume", str(damaged.path))


def test_resuming_falls_back_to_the_checkpoint_before_a_damaged_one_and_keeps_it(
    damaged: RunFolder, trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = _files(damaged.checkpoints / "00000004")
    assert main(["train", "--resume", str(damaged.path)]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "kept, but not used:" in out
    assert "4 updates, from update 2" in out
    aside = damaged.checkpoints / "00000004.aside"
    assert {path.name: text for path, text in _files(aside).items()} == {p.name: text for p, text in before.items()}
    assert without_time(damaged) == without_time(RunFolder(trained))
    for ours, theirs in zip(final_state(damaged, 4), final_state(RunFolder(trained), 4), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_run_can_be_resumed_at_an_earlier_checkpoint(
    run: RunFolder, trained: Path, fails: Fails, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "has no checkpoint 3; there are 2, 4" in fails("train", "--resume", str(run.path), "--checkpoint", "3")
    assert "a new run has none" in fails("train", "toy", "IPD-v0", "--checkpoint", "3")
    assert main(["train", "--resume", str(run.path), "--checkpoint", "2"]) == 0
    assert "from update 2" in capsys.readouterr().out
    assert (run.checkpoints / "00000004.aside").is_dir()
    assert without_time(run) == without_time(RunFolder(trained))


def test_what_a_person_puts_into_the_folder_of_checkpoints_stays(run: RunFolder) -> None:
    names = ["00000080.backup", "mine", "²", "٣", "5", "00000005x", "00000004.orbax-checkpoint-tmp-mine", "9" * 30]
    for name in names:
        (run.checkpoints / name).mkdir()
        (run.checkpoints / name / "content").write_text("mine")
    (run.checkpoints / "00000099.removed").write_text("a file")
    assert checkpoint.saved_updates(run.checkpoints) == [2, 4]
    assert main(["train", "--resume", str(run.path), "--updates", "6"]) == 0
    assert all((run.checkpoints / name / "content").read_text() == "mine" for name in names)
    assert (run.checkpoints / "00000099.removed").read_text() == "a file"


def test_a_checkpoint_under_another_number_is_not_taken_for_it(run: RunFolder, fails: Fails) -> None:
    (run.checkpoints / "00000004").rename(run.checkpoints / "00000007")
    assert "holds checkpoint 4, which is not what its name says" in fails(
        "evaluate", str(run.path), "--checkpoint", "7"
    )


def test_a_file_names_code_to_import_only_with_permission(
    run: RunFolder, strict: None, fails: Fails, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hidden_module.py").write_text("raise SystemExit('it was imported')")
    edit_json(run.path / "config.json", algorithm="hidden_module:X")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    commands = (
        ["train", "--resume", str(run.path)],
        ["evaluate", str(run.path)],
        ["render", str(run.path), "--out", "a.gif"],
        ["tournament", str(run.path), "tit-for-tat"],
        ["play", "IPD-v0", "--opponent", str(run.path)],
        ["evaluate", str(run.path), "--against", f"run:{run.path}#0"],
    )
    for words in commands:
        error = fails(*words)
        assert "config.json names code to import, 'hidden_module:X'; if you trust it, pass --allow-import" in error
    for words in commands:
        assert "cannot be loaded: SystemExit: it was imported" in fails(*words, "--allow-import")


def test_a_colon_in_a_path_imports_nothing(run: RunFolder, strict: None, fails: Fails, tmp_path: Path) -> None:
    odd = run.path.rename(tmp_path / "st:range")
    (tmp_path / "st.py").write_text("raise SystemExit('it was imported')")
    before = list(sys.path)
    edit_json(odd / "config.json", algorithm="st:range")
    assert "names code to import" in fails("train", "--resume", str(odd))
    assert sys.path == before


def test_what_the_command_line_has_named_may_stand_in_files_too(run: RunFolder, strict: None) -> None:
    with pytest.raises(registry.PluginError, match="allow_import=True"):
        run.trusted_spec()
    registry.algorithm_plugin("toy_learner:TOY")
    assert run.trusted_spec().algorithm == "toy_learner:TOY"


def test_python_gives_permission_for_one_run(run: RunFolder, strict: None) -> None:
    import polax

    with pytest.raises(registry.PluginError, match="names code to import"):
        polax.load(run.path).policies()
    assert len(polax.load(run.path, allow_import=True).policies()) == 2


CONFIGS = [
    ({"options": 3}, "options must be an object, not 3"),
    ({"env_options": ["a"]}, "env_options must be an object"),
    ({"algorithm": 7}, "algorithm must be a string, not 7"),
    ({"env": None}, "env must be a string, not None"),
    ({"updates": 10**30}, "--updates must be a whole number of at most 1000000000"),
    ({"updates": True}, "updates must be a whole number, not True"),
    ({"updates": 2.5}, "updates must be a whole number, not 2.5"),
    ({"seeds": 3}, "seeds must be a list, not 3"),
    ({"seeds": [True]}, "seeds[0] must be a whole number, not True"),
    ({"seeds": [10**30]}, "a seed must be a whole number from 0 to"),
    ({"seeds": []}, "at least one seed is needed"),
    ({"preset": 4}, "preset must be a string or None, not 4"),
    ({"updatez": 4}, "did you mean 'updates'?"),
    ({"format": [1]}, "has run format [1], this polax reads 1"),
]


@pytest.mark.parametrize(("changes", "message"), CONFIGS)
def test_an_edited_config_is_one_line_whoever_reads_it(
    run: RunFolder, fails: Fails, changes: dict[str, Any], message: str
) -> None:
    edit_json(run.path / "config.json", **changes)
    for words in (["evaluate", str(run.path)], ["plot", str(run.path), "--out", "a.png"]):
        assert message in fails(*words)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"measures": [{"name": "a"}]}, "it.measures[0] has no "),
        ({"reference_scores": {"a": None}}, "it.reference_scores.a must be a number, not None"),
        ({"steps_per_update": {"a": "b"}}, "it.steps_per_update.a must be a whole number, not 'b'"),
        ([], "it must be an object"),
    ],
)
def test_an_edited_manifest_is_one_line_and_resuming_begins_it_anew(
    run: RunFolder, fails: Fails, content: Any, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (run.path / "manifest.json").write_text(json.dumps(content))
    assert message in fails("plot", str(run.path), "--out", "a.png")
    assert main(["train", "--resume", str(run.path), "--updates", "5"]) == 0
    assert "it is manifest.json.aside now" in " ".join(capsys.readouterr().out.split())
    assert json.loads((run.path / "manifest.json.aside").read_text()) == content
    assert len(run.manifest()["launches"]) == 1


@pytest.mark.parametrize("damage", [b"\xff\xfe\n", b"nonsense\n", b'{"update": 1}\n', b"[]\n", b"null\n"])
def test_a_run_with_damaged_metrics_is_resumed_from_its_checkpoint_and_rebuilds_them(
    run: RunFolder, train: Train, damage: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    path = run.path / "metrics.jsonl"
    content = path.read_bytes() + damage
    path.write_bytes(content)
    assert main(["train", "--resume", str(run.path), "--updates", "5"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "metrics.jsonl: line 6 is damaged" in out
    assert "the damaged file is metrics.jsonl.aside now" in out
    assert (run.path / "metrics.jsonl.aside").read_bytes() == content
    assert without_time(run) == without_time(train("whole", "--updates", "5"))


@pytest.mark.parametrize("change", ["emptied", "removed", "shortened"])
def test_lines_that_are_missing_are_told_when_a_run_is_resumed(
    run: RunFolder, change: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = run.path / "metrics.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("" if change == "emptied" else "".join(lines[:2] + lines[4:]))
    if change == "removed":
        path.unlink()
    assert main(["train", "--resume", str(run.path), "--updates", "5"]) == 0
    gap = "updates 2 to 3" if change == "shortened" else "updates 0 to 4"
    assert f"has no metrics of {gap}; training does not need them" in " ".join(capsys.readouterr().out.split())


def _interfere(monkeypatch: pytest.MonkeyPatch, what: Callable[[Path], None]) -> None:
    """Let something happen to the folder of a run after its update 3."""
    write = MetricsLog.write

    def then(log: MetricsLog, common: Any, *rest: Any) -> Any:
        rows = write(log, common, *rest)
        if common["update"] == 3:
            what(log._path)
        return rows

    monkeypatch.setattr(MetricsLog, "write", then)


def test_metrics_that_are_removed_during_a_run_are_put_back(
    train: Train, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = train("whole", "--updates", "6")
    with monkeypatch.context() as patch:
        _interfere(patch, lambda path: (path / "metrics.jsonl").unlink())
        run = train("removed", "--updates", "6")
        assert "was removed or replaced by another process; it is put back" in " ".join(capsys.readouterr().out.split())
        assert without_time(run) == without_time(whole)
    with monkeypatch.context() as patch:
        _interfere(patch, lambda path: (path / "metrics.jsonl").write_text(""))
        train("emptied", "--updates", "6")
        assert "was changed by another process: " in " ".join(capsys.readouterr().out.split())


def test_a_manifest_that_is_removed_during_a_run_is_written_again(
    train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    _interfere(monkeypatch, lambda path: (path / "manifest.json").unlink())
    run = train("run", "--updates", "4")
    assert run.manifest()["launches"][0]["update"] == 4


def test_a_run_of_64_bit_numbers_says_why_it_does_not_fit(
    run: RunFolder, fails: Fails, monkeypatch: pytest.MonkeyPatch
) -> None:
    import jax

    assert run.manifest()["launches"][0]["x64"] is False
    with jax.enable_x64(True):
        error = fails("evaluate", str(run.path))
    assert "it was saved with jax's 64-bit numbers off, here they are on; set JAX_ENABLE_X64=0" in error
