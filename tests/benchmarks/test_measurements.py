"""Benchmarks: tables, files, ratios to older files, and one of them at its smallest."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def measurements():
    spec = importlib.util.spec_from_file_location("measurements", BENCHMARKS / "measurements.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_measurements_are_printed_written_and_compared(measurements, tmp_path, capsys):
    out = tmp_path / "results" / "first.json"
    parser = measurements.make_parser("A benchmark.")
    measurements.finish(parser.parse_args(["--out", str(out)]), {"step s": 2.0, "memory GiB": 0.5})
    content = json.loads(out.read_text())
    assert content["measurements"] == {"step s": 2.0, "memory GiB": 0.5}
    assert content["machine"]["versions"].keys() >= {"polax", "jax"}
    assert content["machine"]["cores"] >= 1
    capsys.readouterr()
    measurements.finish(parser.parse_args(["--compare", str(out)]), {"step s": 1.0, "other s": 3.0})
    printed = capsys.readouterr().out
    assert "0.50 of 2" in printed
    assert f"not in {out}: other s" in printed


def test_a_median_leaves_out_the_first_call(measurements, monkeypatch):
    clock = iter([0.0, 1.0, 10.0, 13.0, 20.0, 22.0])
    calls = []
    monkeypatch.setattr(measurements.time, "perf_counter", lambda: next(clock))
    assert measurements.median_seconds(lambda: calls.append(1), repeats=3) == 2.0
    assert len(calls) == 4


@pytest.mark.slow
def test_an_outer_step_is_measured_and_set_against_its_floor(tmp_path):
    out = tmp_path / "outer.json"
    sizes = ["--num-envs", "4", "--num-steps", "3", "--hidden-size", "4", "--outer-steps", "1", "--repeats", "1"]
    command = [sys.executable, str(BENCHMARKS / "outer_step.py"), *sizes, "--device", "cpu", "--out", str(out)]
    subprocess.run(command, check=True, capture_output=True)
    content = json.loads(out.read_text())
    found = content["measurements"]
    assert content["settings"]["num_steps"] == 3
    assert found["update_s"] == pytest.approx(2 * found["outer_step_s"])
    assert found["ratio_to_floor"] == pytest.approx(found["outer_step_s"] / found["floor_s"])
    assert found["compile_s"] > found["update_s"]
