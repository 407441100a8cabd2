"""The command line: errors in one line, quick help, listings, evaluation, plots."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polax
import pytest
from polax import registry
from polax.runner.cli import COMMANDS, main
from polax.runner.commands.arguments import options_of
from polax.runner.runs import checkpoint
from polax.runner.runs.folder import RunFolder
from runner_helpers import HERE, edit_json

Train = Callable[..., RunFolder]
Fails = Callable[..., str]


def _fresh(*words: str, path: str = "") -> "subprocess.CompletedProcess[str]":
    code = (
        "import sys; from polax.runner.cli import main; status = main()\n"
        "heavy = {'jax', 'numpy', 'gymnax', 'gymnasium', 'matplotlib', 'orbax'} & set(sys.modules)\n"
        "print('loaded:', *heavy, file=sys.stderr); sys.exit(status)"
    )
    environment = {**os.environ, "PYTHONPATH": path, "COLUMNS": "200"}
    return subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, env=environment, cwd="/"
    )


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["list"], ["list", "--json"], ["train", "--help"]])
def test_help_and_listings_load_no_numerical_library(words: list[str]) -> None:
    done = _fresh(*words)
    assert done.returncode == 0
    assert done.stderr.split() == ["loaded:"]
    assert done.stdout


def test_help_is_quick() -> None:
    code = "import time; start = time.process_time(); from polax.runner.cli import main; main(['--help'])\n"
    code += "print(time.process_time() - start)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(done.stdout.splitlines()[-1]) < 0.5
    assert all(name in done.stdout for name in COMMANDS)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["trian"], "unknown command 'trian'; did you mean 'train'?"),
        (["train"], "missing algorithm or environment"),
        (["train", "pola-dise", "IPD-v0"], "unknown algorithm 'pola-dise'; did you mean 'pola-dice'?"),
        (["train", "toy", "IPD"], "unknown environment 'IPD'; did you mean 'IPD-v0'?"),
        (["train", "toy", "IPD-v0"], "missing training length: pass --updates N or --preset quick"),
        (["train", "toy", "IPD-v0", "--preset", "quik"], "no preset 'quik' for IPD-v0; did you mean 'quick'?"),
        (["train", "toy", "IPD-v0", "--updates", "many"], "argument --updates: invalid int value: 'many'"),
        (["train", "toy", "IPD-v0", "--updates", "0"], "--updates must be a whole number of at least 1; got 0"),
        (["train", "toy", "IPD-v0", "--preset", "quick", "--eval-envs", "0"], "--eval-envs must be"),
        (["train", "toy", "IPD-v0", "--updates", "1", "--step-sise", "2"], "did you mean 'step_size'?"),
        (["train", "toy", "IPD-v0", "--updates", "1", "--step-size", "fast"], "step_size must be a number, not 'fast'"),
        (["train", "toy", "IPD-v0", "--updates", "1", "--step-size=-1"], "step_size must be above 0"),
        (["train", "toy", "IPD-v0", "--updates", "1", "--step-size"], "--step-size needs a value: a number"),
        (["train", "toy", "IPD-v0", "--updates", "1", "--env.contribution-factor", "9"], "contribution_factor"),
        (["train", "toy", "IPD-v0", "--updates", "1", "--env.colour", "9"], "IPD-v0 has no option 'colour'"),
        (["train", "toy", "CoinGame-v0", "--updates", "1"], "the toy plays games of two actions"),
        (["train", "toy", "IPD-v0", "--updates", "1", "--seeds", "1", "1"], "not all different"),
        (["train", "toy", "IPD-v0", "--updates", "1", "--seed=-1"], "a seed must be a whole number from 0"),
        (["train", "toy", "IPD-v0", "--updates", "1", "--num-seeds", "0"], "--num-seeds: must be at least 1"),
        (["train", "toy", "IPD-v0", "third", "--updates", "1"], "unrecognized arguments: third"),
        (["train", "--resume", "nowhere"], "nowhere is not a run folder"),
        (["evaluate", "nowhere"], "nowhere is not a run folder"),
        (["evaluate", "nowhere", "--eval-envs", "0"], "--eval-envs: must be at least 1"),
        (["plot", "nowhere", "--out", "a.png"], "nowhere is not a run folder"),
        (["plot", "nowhere"], "the following arguments are required: --out"),
    ],
)
def test_a_mistake_gets_one_line_and_exit_status_2_and_leaves_nothing(
    fails: Fails, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert message in fails(*words)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_damaged_entry_of_the_compilation_cache_is_replaced_without_a_word(tmp_path: Path) -> None:
    words = [
        "train",
        "toy_learner:TOY",
        "IPD-v0",
        "--updates",
        "1",
        "--eval-envs",
        "3",
        "--env.max-steps-in-episode",
        "2",
    ]
    cache = tmp_path / "cache"
    code = "import sys; from polax.runner.cli import main; sys.exit(main())"
    environment = {name: value for name, value in os.environ.items() if name != "JAX_COMPILATION_CACHE_DIR"}
    environment |= {"POLAX_CACHE": str(cache), "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
    damaged: list[Path] = []
    for number in range(2):
        done = subprocess.run(
            [sys.executable, "-c", code, *words, "--out", str(tmp_path / f"run{number}")],
            capture_output=True,
            text=True,
            cwd=HERE,
            env=environment,
        )
        assert done.returncode == 0
        assert done.stderr == ""
        if not number:
            damaged = list(cache.glob("jit__update-*-cache"))
            for path in damaged:
                path.write_bytes(path.read_bytes()[:50])
    assert damaged
    assert all(path.stat().st_size > 50 for path in damaged)


def test_debug_shows_where_an_error_comes_from() -> None:
    with pytest.raises(registry.UnknownNameError):
        main(["--debug", "train", "pola-dise", "IPD-v0"])


def test_nothing_is_overwritten(train: Train, fails: Fails, tmp_path: Path) -> None:
    run = train("run", "--updates", "1")
    before = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    words = ["train", "toy", "IPD-v0", "--updates", "1", "--out"]
    assert f"{run.path} is not empty" in fails(*words, str(run.path))
    assert "is a file" in fails(*words, str(run.path / "config.json"))
    assert "cannot be written: Not a directory" in fails(*words, str(run.path / "config.json" / "deeper"))
    assert {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()} == before


def test_a_run_gets_a_folder_of_its_own_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["train", "toy_learner:TOY", "IPD-v0", "--updates", "1", "--eval-envs", "16", "--eval-every", "9"]
    assert main(words) == 0
    assert main(words) == 0
    names = sorted(path.name for path in (tmp_path / "runs").iterdir())
    assert len(names) == 2
    assert all(name.startswith("toy_learner_TOY-IPD-v0-2") for name in names)


def test_resuming_takes_no_options_and_a_finished_run_says_so(train: Train, fails: Fails) -> None:
    run = train("run", "--updates", "2")
    assert "leave out --step-size" in fails("train", "--resume", str(run.path), "--step-size", "3")
    assert "leave out --seed" in fails("train", "--resume", str(run.path), "--seed", "3")
    assert "leave out toy" in fails("train", "toy", "IPD-v0", "--resume", str(run.path))
    assert "has all its 2 updates" in fails("train", "--resume", str(run.path))


def test_a_damaged_run_folder_is_an_error(train: Train, fails: Fails) -> None:
    run = train("run", "--updates", "2")
    edit_json(run.path / "config.json", format=99)
    assert "has run format 99, this polax reads 1" in fails("evaluate", str(run.path))
    edit_json(run.path / "config.json", format=1, surprise=3)
    assert "is not what polax writes" in fails("evaluate", str(run.path))
    (run.path / "config.json").write_text("{")
    assert "cannot be read" in fails("evaluate", str(run.path))


def test_a_run_of_a_plug_in_that_is_gone_names_it(train: Train, fails: Fails) -> None:
    run = train("run", "--updates", "1")
    edit_json(run.path / "config.json", algorithm="gone:PLUGIN")
    assert "No module named 'gone'; for a module in the current folder set PYTHONPATH=." in fails(
        "evaluate", str(run.path), "--allow-import"
    )


def test_a_checkpoint_of_another_algorithm_is_refused(train: Train, fails: Fails) -> None:
    run = train("run", "--updates", "1")
    edit_json(run.path / "config.json", options={**run.spec().options, "width": 5})
    error = fails("evaluate", str(run.path))
    assert "has 'vector' as float32[1, 2], this learner needs float32[1, 5]" in error


def test_evaluate_scores_any_checkpoint_and_prints_json(
    train: Train, fails: Fails, capsys: pytest.CaptureFixture[str]
) -> None:
    run = train("run", "--updates", "4", "--num-seeds", "2")
    saved = checkpoint.saved_updates(run.checkpoints)
    for which, update in (("last", 4), ("best", saved[-1]), (str(saved[0]), saved[0])):
        capsys.readouterr()
        assert main(["evaluate", str(run.path), "--json", "--eval-envs", "16", "--checkpoint", which]) == 0
        result: dict[str, Any] = json.loads(capsys.readouterr().out)
        assert result["checkpoint"] in saved if which == "best" else result["checkpoint"] == update
        assert {row["seed"] for row in result["seeds"]} == {0, 1}
        assert result["mean"]["score/player_0/vs/always-defect"] < 0
        assert set(result["gap"]) >= {"co-play", "tit-for-tat", "always-defect"}
        assert " in all 2 seeds: " in result["learned"]
    assert "no checkpoint 3; there are" in fails("evaluate", str(run.path), "--checkpoint", "3")
    assert "best or last, not 'first'" in fails("evaluate", str(run.path), "--checkpoint", "first")
    assert main(["evaluate", str(run.path), "--eval-envs", "16"]) == 0
    shown = capsys.readouterr().out
    assert "always-cooperate" in shown
    assert " in all 2 seeds: " in shown
    assert main(["evaluate", str(run.path), "--eval-envs", "4", "--against", "grim"]) == 0
    shown = capsys.readouterr().out
    assert "grim" in shown
    assert ("co-play" in shown, "always-defect" in shown) == (False, False)


def test_evaluation_of_a_checkpoint_gives_what_training_wrote_for_it(
    train: Train, capsys: pytest.CaptureFixture[str]
) -> None:
    run = train("run", "--updates", "2")
    capsys.readouterr()
    assert main(["evaluate", str(run.path), "--json", "--eval-envs", "16"]) == 0
    result = json.loads(capsys.readouterr().out)["seeds"][0]
    written = next(row for row in run.metrics() if row["update"] == 2)
    for name in result:
        assert result[name] == pytest.approx(written[name], abs=1e-6)


def test_help_of_a_learner_and_a_game_shows_their_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "toy", "IPD-v0", "--help"]) == 0
    out = capsys.readouterr().out
    assert "  --step-size: a number (default: 0.5)\n      how far the log-odds move in an update." in out
    assert "  --outer-steps: a whole number (default: 2)\n      Steps in an update." in out
    assert "  --env.contribution-factor: a number above 1 and below 2 (default: 1.33)" in out
    assert "presets of toy for IPD-v0 (polax list toy): quick" in out
    assert main(["train", "pola-dice", "CoinGame-v0", "--help"]) == 0
    out = capsys.readouterr().out
    assert "  --kl-direction: one of forward, reverse (default: forward)\n" in out
    assert "  --env.grid-size: one of 3, 4, 5, 6, 7 (default: 3)\n" in out
    assert "  --env.max-steps-in-episode: a whole number of at least 1 (default: 50)\n" in out


def test_python_m_polax_is_the_command_line() -> None:
    done = subprocess.run([sys.executable, "-m", "polax", "trian"], capture_output=True, text=True, cwd="/")
    assert (done.returncode, done.stderr) == (2, "polax: unknown command 'trian'; did you mean 'train'?\n")


def test_list_of_a_learner_shows_every_option_and_preset(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "loqa"]) == 0
    out = capsys.readouterr().out
    assert "from polax " in out
    assert "  --num-envs: a whole number of at least 1 (default: 256)\n      Episodes in a batch" in out
    assert "  --players: one of shared, two (default: shared)\n" in out
    assert "  --max-gradient-norm: a number above 0 or None (default: 1.0)\n" in out
    usual, _, apart = out.partition("presets of polax reproduce loqa-scalability:\n")
    assert "  laptop for CoinGame-v0: 100 updates, --residual-lambda 0.3 --shaping-end 0.6\n" in usual
    assert "laptop-5x5" not in usual
    assert "  laptop-5x5 for CoinGame-v0: 100 updates, " in apart
    assert "--env.grid-size 5" in apart
    assert main(["list", "loqa", "--json"]) == 0
    (entry,) = json.loads(capsys.readouterr().out)["algorithms"]
    config = polax.algorithm_plugin("loqa").config
    assert [option["name"] for option in entry["options"]] == list(config.__dataclass_fields__)
    assert all(option["about"] and option["allowed"] for option in entry["options"])
    (five,) = (preset for preset in entry["presets"] if preset["preset"] == "laptop-5x5")
    assert five["env_options"] == {"grid_size": 5}


@pytest.mark.parametrize("row", [*polax.list_algorithms(), *polax.list_environments()], ids=lambda row: row.name)
def test_every_option_of_every_plug_in_has_a_sentence(row: registry.Listing) -> None:
    find = polax.algorithm_plugin if row in polax.list_algorithms() else polax.environment_plugin
    for option in options_of(find(row.name).config):
        assert option.about, option.name
        assert "Annotated" not in option.allowed


def test_list_of_a_game_a_prefix_and_a_logger_shows_what_there_is_of_them(
    capsys: pytest.CaptureFixture[str], fails: Fails
) -> None:
    assert main(["list", "CoinGame-v0"]) == 0
    out = capsys.readouterr().out
    assert "strategies: always-cooperate, always-defect, " in out
    assert "  --env.grid-size: one of 3, 4, 5, 6, 7 (default: 3)\n" in out
    assert "measure own_coin_proportion: own-colour coins\n" in out
    assert "mutual defection: 0 per step" in out
    assert main(["list", "axelrod"]) == 0
    assert "from polax " in capsys.readouterr().out
    assert main(["list", "tensorboard"]) == 0
    assert "polax.runner.loggers.tensorboard:tensorboard" in capsys.readouterr().out
    assert "there is no 'pola-dise' to show; did you mean 'pola-dice'?" in fails("list", "pola-dise")


def test_a_logger_whose_library_is_not_installed_is_not_broken(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    monkeypatch.delitem(sys.modules, "polax.runner.loggers.wandb", raising=False)
    assert main(["list", "wandb"]) == 0
    assert "wandb: Weights & Biases is not installed here: pip install 'polax[wandb]'" in capsys.readouterr().out


def test_list_details_shows_summaries_presets_and_strategies(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--details", "--json"]) == 0
    listing: dict[str, Any] = json.loads(capsys.readouterr().out)
    games = {entry["name"]: entry for entry in listing["environments"]}
    assert "tit-for-tat" in games["IPD-v0"]["strategies"]
    assert "tit-for-tat" in games["CoinGame-v0"]["strategies"]
    learners = {entry["name"]: entry for entry in listing["algorithms"]}
    assert {"preset": "laptop", "env": "IPD-v0", "command": ""} in learners["pola-dice"]["presets"]
    assert main(["list", "--details"]) == 0
    assert "strategies: always-cooperate, always-defect" in capsys.readouterr().out


def test_listing_survives_broken_plug_ins_and_names_their_distributions(tmp_path: Path) -> None:
    for name, target, source in (
        ("broken-import", "broken_import:X", "import a_module_nobody_has"),
        ("broken-type", "broken_type:X", "X = 3"),
        ("claims-pola", "claims_pola:X", "X = 3"),
    ):
        record = tmp_path / f"{name.replace('-', '_')}-0.3.dist-info"
        record.mkdir()
        (record / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.3\n")
        plugin = "pola-dice" if name == "claims-pola" else name
        (record / "entry_points.txt").write_text(f"[polax.algorithms]\n{plugin} = {target}\n")
        (tmp_path / f"{target.split(':')[0]}.py").write_text(source)
    done = _fresh("list", path=str(tmp_path))
    assert done.returncode == 0
    assert "IPD-v0" in done.stdout
    assert "broken: broken-import from broken-import 0.3: " in done.stdout
    assert "No module named 'a_module_nobody_has'" in done.stdout
    assert "broken: broken-type from broken-type 0.3: " in done.stdout
    assert "claimed by claims-pola 0.3 and polax" in done.stdout
    listing = json.loads(_fresh("list", "--json", path=str(tmp_path)).stdout)
    errors = {entry["distribution"]: entry["error"] for entry in listing["algorithms"] if entry["error"]}
    assert set(errors) == {"broken-import", "broken-type", "claims-pola", "polax"}


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_plot_draws_several_runs_in_one_file(train: Train, tmp_path: Path, suffix: str) -> None:
    first = train("first", "--updates", "2", "--num-seeds", "2")
    second = train("second", "--updates", "3")
    for axis in ("updates", "outer-steps", "env-steps", "seconds"):
        out = tmp_path / f"{axis}{suffix}"
        assert main(["plot", str(first.path), str(second.path), "--out", str(out), "--x", axis]) == 0
        assert out.stat().st_size > 5000


def test_plot_says_what_it_cannot_draw(train: Train, fails: Fails, tmp_path: Path) -> None:
    run = train("run", "--updates", "1")
    assert "must end in .png, .svg, .pdf" in fails("plot", str(run.path), "--out", "a.gif")
    assert "cannot be written" in fails("plot", str(run.path), "--out", str(run.path / "config.json" / "a.png"))
    rows = [{name: row[name] for name in row if name != "env_steps"} for row in run.metrics()]
    (run.path / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    out = str(tmp_path / "a.png")
    assert "does not record 'env-steps' to draw over" in fails("plot", str(run.path), "--out", out, "--x", "env-steps")
    assert "did you mean 'outer-steps'?" in fails("plot", str(run.path), "--out", out, "--x", "outer-step")
    (run.path / "metrics.jsonl").write_text("")
    assert "no scores to draw" in fails("plot", str(run.path), "--out", out)


def test_what_nobody_foresaw_is_one_line_with_its_log_in_the_folder_that_was_written(
    train: Train, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from polax.runner.training import loop

    def broken(*arguments: Any) -> None:
        raise LookupError("nobody\nforesaw \x1b[31m this")

    monkeypatch.setattr(loop.MetricsLog, "write", broken)
    run = train("run", "--updates", "2", status=70)
    (log,) = run.path.glob("crash-*.log")
    error = capsys.readouterr().err
    said = "LookupError: nobody foresaw \\x1b[31m this"
    assert error == (
        f"polax: this is a bug in polax, please report it: {said} (the traceback is in {log}; --debug shows it)\n"
    )
    text = log.read_text()
    assert "command: polax train toy_learner:TOY IPD-v0" in text
    assert "jax: " in text
    assert 'raise LookupError("nobody' in text
    with pytest.raises(LookupError):
        main(["--debug", "train", "--resume", str(run.path)])


def test_the_log_of_a_crash_outside_a_run_goes_to_the_temporary_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from polax.runner.commands import list as listing

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(listing, "_print_tables", lambda *arguments, **options: [][0])
    assert main(["list"]) == 70
    assert str(next(tmp_path.glob("crash-*.log"))) in capsys.readouterr().err


def test_a_file_that_cannot_be_used_is_the_users_and_no_bug(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from polax.runner.commands import list as listing

    def denied(*arguments: Any, **options: Any) -> None:
        raise PermissionError(13, "Permission denied", "/somewhere")

    monkeypatch.setattr(listing, "_print_tables", denied)
    assert main(["list"]) == 2
    assert capsys.readouterr().err == "polax: /somewhere cannot be used: Permission denied\n"


def test_the_command_may_be_called_thousands_of_times_in_a_process(capsys: pytest.CaptureFixture[str]) -> None:
    assert {main(["--help"]) for _ in range(3000)} == {0}
    capsys.readouterr()


@pytest.mark.parametrize("where", ["collect", "load"])
def test_an_interrupt_where_nothing_can_be_raised_ends_the_process_without_a_traceback(where: str) -> None:
    code = f"""
import gc, sys
from polax.runner.cli import main
from polax.runner.commands import list as listing
def interrupt(*arguments):
    raise KeyboardInterrupt
def collect(*arguments, **options):
    gc.callbacks.append(interrupt)
    gc.collect()
def load(*arguments, **options):  # as numpy's PyErr_Print does, where compiled code is interrupted while it imports
    try:
        interrupt()
    except BaseException:
        sys.excepthook(*sys.exc_info())
    raise ImportError("Encountered an error while initializing the extension.")
listing._print_tables = {where}
sys.argv = ["polax", "list"]
sys.exit(main())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (130, "")
