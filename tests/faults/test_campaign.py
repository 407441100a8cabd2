"""The hostile campaign: whatever a file, a command line, a plug-in or an action is, the answer is one line or true.

``POLAX_FAULTS=30`` makes thirty times as many attempts as a usual run of the tests. The attempts of a number are always
the same.
"""

import json
import os
import shutil
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import polax
import pytest
import toy_learner
from campaign import FACTOR
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from polax.algorithms.base import AlgorithmPlugin, Preset
from polax.options import PolaxError
from polax.runner.cli import main
from polax.runner.runs.folder import RunFolder
from report_samples import tournament, write_benchmark
from runner_helpers import final_state

WELL, WRONG, REFUSED, TRUE = "ended well", "said what is wrong", "refused in a line", "as it was saved"
"""What may come of an attempt."""


def attempts(number: int) -> Any:
    """Return the settings of a test that makes so many attempts in a usual run."""
    return settings(
        max_examples=number * max(1, FACTOR),
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**30, -1, 0, 2**31, 2**63, 10**400])
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["\ud800", "²", "a:b", "os:system", "../..", "/etc/passwd", "\x1b[2J", "[/bold]", "x" * 5000])
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@st.composite
def edits(draw: st.DrawFn, content: Any) -> Any:
    """Return JSON in which one entry, at any depth, is another one, is gone or is new."""
    if not isinstance(content, dict | list) or not content or draw(st.integers(0, 3)) == 0:
        return draw(JSON)
    if isinstance(content, list):
        place = draw(st.integers(0, len(content) - 1))
        return [draw(edits(each)) if index == place else each for index, each in enumerate(content)]
    kind, name = draw(st.sampled_from(["change", "change", "remove", "add"])), draw(st.sampled_from(sorted(content)))
    if kind == "remove":
        return {key: value for key, value in content.items() if key != name}
    if kind == "add":
        return {**content, draw(st.text(max_size=8)): draw(JSON)}
    return {**content, name: draw(edits(content[name]))}


@st.composite
def damage(draw: st.DrawFn, content: bytes) -> bytes:
    """Return bytes of which some are changed, cut out or put in between."""
    place = draw(st.integers(0, len(content)))
    more = draw(
        st.binary(max_size=20) | st.sampled_from([b"\n", b"null\n", b"[]\n", b"[" * 5000, b"{" * 5000, b"\xff"])
    )
    return content[:place] + more + content[place + draw(st.integers(0, 40)) :]


def answers(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Run a command, which must end well or with lines that are no tracebacks, and return which of these it did."""
    capsys.readouterr()
    status = main(list(words))
    error = capsys.readouterr().err
    assert status in (0, 1, 2), (words, error)
    assert "Traceback" not in error
    if status == 2:
        (line,) = error.splitlines()[-1:]
        assert line.startswith("polax: "), error
        assert len(line) < 2000
        assert line.isprintable()
    return (WELL, WRONG, REFUSED)[status]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run of two checkpoints."""
    out = tmp_path_factory.mktemp("trained") / "run"
    words = ["--updates", "4", "--checkpoint-every", "2", "--eval-envs", "4", "--env.max-steps-in-episode", "3"]
    assert main(["train", "toy_learner:TOY", "IPD-v0", *words, "--out", str(out)]) == 0
    return out


@pytest.fixture
def run(trained: Path, tmp_path: Path, registry: ModuleType, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    """Return a run that a test may damage; it makes it anew for each attempt."""
    registry.allow_import("toy_learner:TOY")
    monkeypatch.chdir(tmp_path)
    return RunFolder(Path(shutil.copytree(trained, tmp_path / "run")))


def _anew(run: RunFolder, trained: Path) -> None:
    shutil.rmtree(run.path)
    shutil.copytree(trained, run.path)


USES = st.sampled_from(
    [
        ["plot", "run", "--out", "a.svg"],
        ["doctor", "run"],
        ["evaluate", "run", "--eval-envs", "4"],
        ["train", "--resume", "run", "--updates", "5", "--log", "none"],
    ]
)


def _is_short(config: Any) -> bool:
    """Tell whether a run's episodes end: a game may have as many steps as somebody wants to wait for."""
    options = config.get("env_options") if isinstance(config, dict) else None
    steps = options.get("max_steps_in_episode") if isinstance(options, dict) else None
    return not isinstance(steps, int) or steps < 1000


@pytest.mark.parametrize("name", ["config.json", "manifest.json"])
def test_edited_json_of_a_run(
    name: str, run: RunFolder, trained: Path, capsys: pytest.CaptureFixture[str], outcomes: "Counter[str]"
) -> None:
    """One entry of `config.json` or `manifest.json` is changed, removed or added, at any depth; then one of `plot`,
    `doctor`, `evaluate`, `train --resume`."""
    content = json.loads((run.path / name).read_text())

    @attempts(10)
    @given(edits(content), USES)
    def attempt(edited: Any, words: list[str]) -> None:
        assume(_is_short(edited))
        _anew(run, trained)
        (run.path / name).write_text(json.dumps(edited))
        outcomes[answers(capsys, *words)] += 1

    attempt()


@pytest.mark.parametrize("name", ["config.json", "manifest.json", "metrics.jsonl"])
def test_damaged_bytes_of_a_run(
    name: str, run: RunFolder, trained: Path, capsys: pytest.CaptureFixture[str], outcomes: "Counter[str]"
) -> None:
    """Bytes of `config.json`, `manifest.json` or `metrics.jsonl` are changed, cut out or put in between; then one of
    these four commands. Metrics are rebuilt from the lines that are whole."""
    content = (run.path / name).read_bytes()

    @attempts(8)
    @given(damage(content), USES)
    def attempt(damaged: bytes, words: list[str]) -> None:
        _anew(run, trained)
        (run.path / name).write_bytes(damaged)
        outcomes[answers(capsys, *words)] += 1
        if name == "metrics.jsonl":
            run.repair_metrics()
            assert run.repair_metrics() == []
            list(run.metrics())

    attempt()


def test_damaged_metrics_of_a_run_that_is_resumed(
    run: RunFolder, trained: Path, capsys: pytest.CaptureFixture[str], outcomes: "Counter[str]"
) -> None:
    """Bytes of `metrics.jsonl` of a run that has not finished; it is resumed, and its parameters are those of a run
    that was left alone."""
    content = (run.path / "metrics.jsonl").read_bytes()
    whole = final_state(run, 4)

    @attempts(1)
    @given(damage(content))
    def attempt(damaged: bytes) -> None:
        _anew(run, trained)
        shutil.rmtree(run.checkpoints / "00000004")
        (run.path / "metrics.jsonl").write_bytes(damaged)
        found = answers(capsys, "train", "--resume", str(run.path))
        assert found == WELL
        outcomes[found] += 1
        for ours, theirs in zip(final_state(run, 4), whole, strict=True):
            np.testing.assert_array_equal(ours, theirs)

    attempt()


def test_damaged_bytes_of_a_checkpoint(run: RunFolder, outcomes: "Counter[str]") -> None:
    """Bytes of a file of a checkpoint: it is refused, or every array is what was saved."""
    folder = run.checkpoints / "00000004"
    wanted = final_state(run, 4)
    files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    @attempts(13)
    @given(st.sampled_from(sorted(files)).flatmap(lambda name: st.tuples(st.just(name), damage(files[name]))))
    def attempt(change: tuple[str, bytes]) -> None:
        name, content = change
        (folder / name).write_bytes(content)
        try:
            found = final_state(run, 4)
        except PolaxError as error:
            assert len(str(error).splitlines()) == 1  # noqa: PT017
            outcomes[REFUSED] += 1
        else:
            for ours, theirs in zip(found, wanted, strict=True):
                np.testing.assert_array_equal(ours, theirs)
            outcomes[TRUE] += 1
        (folder / name).write_bytes(files[name])

    attempt()


@pytest.mark.parametrize("kind", ["benchmark", "tournament"])
def test_edited_results_of_a_report(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], outcomes: "Counter[str]"
) -> None:
    """One entry of `results.json` or `tournament.json` is changed, removed or added; then `report`."""
    folder = tmp_path / "results"
    if kind == "benchmark":
        write_benchmark(folder)
        path = folder / "results.json"
    else:
        folder.mkdir()
        path = folder / "tournament.json"
        path.write_text(json.dumps(tournament()))
    content = json.loads(path.read_text())

    @attempts(5)
    @given(edits(content))
    def attempt(edited: Any) -> None:
        path.write_text(json.dumps(edited))
        outcomes[answers(capsys, "report", str(folder))] += 1

    attempt()


WORDS = st.sampled_from(
    [
        "train", "toy", "naive", "IPD-v0", "CoinGame-v0", "--updates", "0", "-1", "1e9", "99999999999", "--seeds", "1",
        "--seed", "--preset", "laptop", "--resume", "run", "--checkpoint", "best", "²", "--out", "a.svg", "", " ",
        "--hidden-size", "--num-envs", "--env.max-steps-in-episode", "nan", "inf", "None", "[[", "--x", "seconds",
        "--against", "tit-for-tat", "run#0@1", "run#²", "axelrod:Nobody", "a:b", "os:system", "--help", "--json", "=",
        "--", "--=", "--env.", "--a.b.c", "--max-time", "1h", "--allow-import", "--debugs", "\udcff", "x" * 3000,
    ]
)  # fmt: skip


@attempts(50)
@given(
    command=st.sampled_from(
        ["train", "evaluate", "plot", "report", "render", "tournament", "benchmark", "doctor", "play"]
    ),
    words=st.lists(WORDS | st.text(max_size=6).filter(lambda word: "\0" not in word), max_size=6),
)
def test_odd_command_lines(
    capsys: pytest.CaptureFixture[str],
    tmp_path_factory: pytest.TempPathFactory,
    outcomes: "Counter[str]",
    command: str,
    words: list[str],
) -> None:
    """One of nine commands with up to six odd words: what is refused leaves nothing behind."""
    folder = tmp_path_factory.getbasetemp() / "empty"
    folder.mkdir(exist_ok=True)
    before = Path.cwd()
    os.chdir(folder)
    try:
        found = answers(capsys, command, *words)
        if found == REFUSED:
            assert [path for path in folder.iterdir() if path.name != "tournaments"] == []
    finally:
        os.chdir(before)
        shutil.rmtree(folder)
    outcomes[found] += 1


ODD = JSON | st.just(print) | st.just(toy_learner.ToyConfig) | st.builds(object)


PRESETS = st.dictionaries(
    st.tuples(st.text(max_size=3), st.text(max_size=3)),
    ODD | st.builds(Preset, updates=ODD, options=ODD, env_options=ODD),
    max_size=2,
)


def mostly(sound: Any, odd: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Draw what is sound two times in three, so that not every attempt fails at the first thing that is odd."""
    return st.integers(0, 2).flatmap(lambda number: st.sampled_from(sound) if number else odd)


@attempts(33)
@given(
    config=mostly([toy_learner.ToyConfig], ODD),
    build=mostly([toy_learner.TOY.build], ODD),
    summary=mostly(["A toy"], ODD),
    version=mostly([1], ODD),
    presets=mostly([{}], ODD | PRESETS),
)
def test_odd_plug_ins(
    outcomes: "Counter[str]", config: Any, build: Any, summary: Any, version: Any, presets: Any
) -> None:
    """Plug-ins of learners of which some fields are anything: refused, or the learner is built."""
    game, params = polax.make_env("IPD-v0")
    plugin = AlgorithmPlugin(config, build, summary, version, presets)
    try:
        with polax.registry.isolated():
            polax.register_algorithm("odd", plugin)
            polax.make_algorithm("odd", game, params)
    except PolaxError as error:
        assert "\n" not in str(error)  # noqa: PT017
        outcomes[REFUSED] += 1
    else:
        outcomes[WELL] += 1


@attempts(33)
@given(
    env=st.sampled_from(["IPD-v0", "StagHunt-v0", "CoinGame-v0"]),
    options=st.dictionaries(
        st.sampled_from(
            ["payoff_matrix", "contribution_factor", "max_steps_in_episode", "grid_size", "own_reward", "x"]
        ),
        mostly([1, 3, 5, 1.5, [[0, 1], [2, 3]]], JSON),
        max_size=3,
    ),
)
def test_odd_options_of_games(outcomes: "Counter[str]", env: str, options: dict[str, Any]) -> None:
    """Options of three games of which some are anything: refused, or every number of the game is finite."""
    try:
        _, params = polax.make_env(env, **options)
    except PolaxError as error:
        assert "\n" not in str(error)  # noqa: PT017
        assert len(str(error)) < 1000  # noqa: PT017
        outcomes[REFUSED] += 1
    else:
        outcomes[WELL] += 1
        assert all(np.isfinite(np.asarray(value)).all() for value in vars(params).values())


@attempts(20)
@given(actions=mostly([[0, 1], [1, 1], [[0, 0], [1, 0]], [0, 2], [-1, 0], [True, 1], [0.0, 1.0], [0], 1], JSON))
def test_odd_actions(outcomes: "Counter[str]", actions: Any) -> None:
    """Joint actions that are anything: refused, or they exist."""
    game, _ = polax.make_env("IPD-v0")
    try:
        found = game.check_actions(actions)
    except (TypeError, ValueError, OverflowError):
        outcomes[REFUSED] += 1
        return
    outcomes[WELL] += 1
    assert found.shape[-1] == 2
    assert ((found >= 0) & (found < 2)).all()
