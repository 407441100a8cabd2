"""What a process sets up: the folder of compiled programs and the devices."""

import importlib.machinery
import os
import sys
import zlib
from pathlib import Path

import pytest
from polax.runner.process import command_line, remove_damaged, use_compilation_cache

ENTRY = zlib.compress(bytes(range(256)) * 100)


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


@pytest.mark.parametrize("damaged", [b"", ENTRY[:1], ENTRY[:50], ENTRY[:-1], b"no entry", b"\x28\xb5\x2f\xfd half"])
def test_an_entry_that_ends_too_early_is_removed_and_the_others_are_kept(tmp_path: Path, damaged: bytes) -> None:
    (tmp_path / "a-cache").write_bytes(ENTRY)
    (tmp_path / "b-cache").write_bytes(damaged)
    (tmp_path / "something-else").write_bytes(b"")
    remove_damaged(tmp_path)
    assert _names(tmp_path) == ["a-cache", "something-else"]
    assert (tmp_path / "a-cache").read_bytes() == ENTRY


def test_what_was_checked_is_not_read_again_and_what_was_written_since_is(tmp_path: Path) -> None:
    old, new = tmp_path / "old-cache", tmp_path / "new-cache"
    old.write_bytes(ENTRY)
    os.utime(old, (1e9, 1e9))
    remove_damaged(tmp_path)
    old.write_bytes(ENTRY[:50])
    os.utime(old, (1e9, 1e9))
    new.write_bytes(ENTRY[:50])
    remove_damaged(tmp_path)
    assert _names(tmp_path) == ["old-cache"]


def test_a_folder_that_is_not_there_is_left_to_jax(tmp_path: Path) -> None:
    remove_damaged(tmp_path / "nowhere")
    assert _names(tmp_path) == []


def test_the_cache_goes_where_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", "elsewhere")
    monkeypatch.setenv("POLAX_CACHE", "off")
    use_compilation_cache()
    assert "JAX_COMPILATION_CACHE_DIR" not in os.environ
    monkeypatch.setenv("POLAX_CACHE", str(tmp_path / "mine"))
    use_compilation_cache()
    assert os.environ["JAX_COMPILATION_CACHE_DIR"] == str(tmp_path / "mine")
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR")
    monkeypatch.delenv("POLAX_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    use_compilation_cache()
    assert os.environ["JAX_COMPILATION_CACHE_DIR"] == str(tmp_path / "home" / "polax" / "xla")


def test_the_command_line_is_what_a_shell_would_be_given(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/usr/bin/polax", "tournament", "grim"])
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", None)
    assert command_line() == ["polax", "tournament", "grim"]
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", importlib.machinery.ModuleSpec("study.__main__", None))
    assert command_line() == ["python", "-m", "study", "tournament", "grim"]
    monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)
    assert command_line() == []
