"""The reader takes nothing on trust; the writer leaves files whole."""

import json
import os
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import pytest
from polax.runner.runs import files
from polax.runner.runs.files import RunError, read_json, read_lines, set_aside, write_text


class _Kind(TypedDict):
    count: int
    rates: dict[str, float]
    names: NotRequired[list[str]]


GOOD = {"count": 3, "rates": {"a": 0.5}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"\xff\xfe{}", "codec can't decode"),
        (b"{", "Expecting property name"),
        (b"", "Expecting value"),
        (b"[1]", "it must be an object, not [1]"),
        (b"[" * 100_000, "nested more than 24 levels deep"),
        (b'{"count": ' + b"[" * 30 + b"]" * 30 + b"}", "nested more than 24 levels deep"),
        (b'{"count": ' + b"1" * 5000 + b"}", "digits"),
        (b'{"count": true, "rates": {}}', "it.count must be a whole number, not True"),
        (b'{"count": 3.5, "rates": {}}', "it.count must be a whole number, not 3.5"),
        (b'{"rates": {}}', "it has no count"),
        (b'{"count": 3, "rates": {"a": null}}', "it.rates.a must be a number, not None"),
        (b'{"count": 3, "rates": [1]}', "it.rates must be an object"),
        (b'{"count": 3, "rates": {}, "names": ["a", 7]}', "it.names[1] must be a string, not 7"),
    ],
)
def test_what_is_not_of_its_kind_is_one_line_that_names_the_file_and_the_place(
    tmp_path: Path, text: bytes, message: str
) -> None:
    path = tmp_path / "content.json"
    path.write_bytes(text)
    with pytest.raises(RunError) as caught:
        read_json(path, _Kind)
    said = str(caught.value)
    assert said.startswith(f"{path} cannot be read, it is damaged or not what polax writes: ")
    assert message in said
    assert len(said) < 400
    assert "\n" not in said


def test_what_is_of_its_kind_is_read_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "content.json"
    path.write_text(json.dumps({**GOOD, "more": [None]}))
    assert read_json(path, _Kind) == {**GOOD, "more": [None]}


def test_a_file_that_is_too_large_or_no_regular_file_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "content.json"
    os.mkfifo(path)
    with pytest.raises(RunError, match="not a regular file"):
        read_json(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(RunError, match="not a regular file"):
        read_json(path)
    with pytest.raises(RunError, match="No such file"):
        read_json(tmp_path / "nothing")
    monkeypatch.setattr(files, "LARGEST_FILE", 10)
    (tmp_path / "large").write_text(json.dumps(GOOD))
    with pytest.raises(RunError, match="is larger than"):
        read_json(tmp_path / "large")


def test_a_file_is_read_only_inside_the_folder_it_belongs_to(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (tmp_path / "secret").write_text(json.dumps(GOOD))
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "circle").symlink_to(folder / "circle")
    for path in (folder / "link", folder / ".." / "secret", tmp_path / "secret"):
        with pytest.raises(RunError, match="leads out of"):
            read_json(path, within=folder)
    for path in (folder / "circle", folder / "a\0b"):
        with pytest.raises(RunError):
            read_json(path, within=folder)
    (folder / "own").write_text(json.dumps(GOOD))
    assert read_json(folder / "own", within=folder) == GOOD


def test_damaged_lines_are_named_and_the_others_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LARGEST_LINE", 100)
    path = tmp_path / "lines"
    whole = json.dumps(GOOD).encode()
    path.write_bytes(b"\n".join([whole, b"x", b" " * 250, whole, b"\xff", b'{"count": 1']))
    lines = list(read_lines(path, _Kind))
    assert [(line.number, line.content is not None) for line in lines] == [
        (1, True), (2, False), (3, False), (4, True), (5, False),
    ]  # fmt: skip
    assert "longer than" in lines[2].problem


def test_what_is_set_aside_is_kept_under_a_name_of_its_own(tmp_path: Path) -> None:
    names = []
    for content in ("first", "second"):
        (tmp_path / "file").write_text(content)
        names.append(set_aside(tmp_path / "file"))
    assert [path.read_text() for path in names] == ["first", "second"]
    assert not (tmp_path / "file").exists()


def test_a_text_with_a_name_that_is_not_utf_8_can_be_written(tmp_path: Path) -> None:
    write_text(tmp_path / "out", "run \udcff")
    assert (tmp_path / "out").read_text() == "run \\udcff"


def _metrics(**changes: Any) -> bytes:
    row = {"update": 1, "seed": 0, "seconds": 0.1, "loss": float("nan"), **changes}
    return json.dumps({name: value for name, value in row.items() if value is not ...}).encode() + b"\n"


@pytest.mark.parametrize(
    "line",
    [
        b"7\n",
        b"\xff\n",
        b"nonsense\n",
        _metrics(update=...),
        _metrics(seed=-1),
        _metrics(seed=2**32),
        _metrics(update=True),
        _metrics(update=10**30),
        _metrics(loss=None),
        _metrics(loss="1"),
        _metrics(loss=[1]),
        _metrics(loss=10**400),
        _metrics(seconds=float("inf")),
        _metrics(),
    ],
    ids=range(14),
)
def test_damaged_metrics_are_named_where_they_are_read_and_rebuilt_from_what_is_whole(
    tmp_path: Path, line: bytes
) -> None:
    from polax.runner.runs.folder import RunFolder

    run = RunFolder(tmp_path)
    path = tmp_path / "metrics.jsonl"
    whole = [_metrics(), _metrics(update=2, loss=3)]
    path.write_bytes(whole[0] + line + whole[1])
    if line != whole[0]:
        with pytest.raises(RunError, match=r"metrics.jsonl line 2 is damaged.*polax doctor .* --repair"):
            list(run.metrics())
    told = run.repair_metrics()
    assert told[0].startswith("metrics.jsonl: line 2 ")
    assert told[-1] == "the damaged file is metrics.jsonl.aside now"
    assert path.read_bytes() == b"".join(whole)
    assert (tmp_path / "metrics.jsonl.aside").read_bytes() == whole[0] + line + whole[1]
    assert run.repair_metrics() == []
