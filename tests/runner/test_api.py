"""Train, load and evaluate from Python: the commands' files and numbers, and errors of one sentence."""

import json
import signal
from pathlib import Path

import jax
import numpy as np
import polax
import pytest
from PIL import Image
from polax.runner.cli import main
from polax.runner.training import seeds as training_seeds

QUICK = {"eval_envs": 16, "checkpoint_every": 2, "quiet": True}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Three updates of two seeds."""
    from toy_learner import TOY

    with polax.registry.isolated():
        polax.register_algorithm("toy", TOY)
        out = tmp_path_factory.mktemp("api") / "run"
        return polax.train("toy", "IPD-v0", updates=3, seeds=[4, 2], options={"step_size": 0.25}, out=out, **QUICK)


def leaves(run, seed):
    return jax.tree.leaves(run.policies(seed))


def without_times(run):
    return [{name: value for name, value in row.items() if name != "seconds"} for row in run.folder.metrics()]


def test_the_command_writes_the_same_numbers(run, tmp_path):
    out = tmp_path / "command"
    settings = ["--updates", "3", "--seeds", "4", "2", "--step-size", "0.25"]
    quick = ["--eval-envs", "16", "--checkpoint-every", "2"]
    assert main(["train", "toy", "IPD-v0", *settings, *quick, "--out", str(out)]) == 0
    command = polax.load(out)
    assert command.spec == run.spec
    assert without_times(command) == without_times(run)
    for ours, theirs in zip(leaves(run, 2), leaves(command, 2), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    files = ["config.json", "figures/learning.png", "manifest.json", "metrics.jsonl"]
    assert all((each.path / name).exists() for each in (run, command) for name in files)


def test_a_number_of_seeds_is_that_many_from_0(tmp_path):
    found = polax.train("toy", "IPD-v0", updates=1, seeds=2, out=tmp_path / "run", **QUICK)
    assert found.spec.seeds == (0, 1)


def test_quiet_training_prints_nothing(tmp_path, capsys):
    polax.train("toy", "IPD-v0", updates=1, out=tmp_path / "quiet", **QUICK)
    assert capsys.readouterr() == ("", "")
    polax.train("toy", "IPD-v0", updates=1, out=tmp_path / "loud", **{**QUICK, "quiet": False})
    assert "learning.png" in capsys.readouterr().out


def test_policies_are_those_of_the_seed_and_of_the_checkpoint(run):
    first, second = run.policies(seed=2)
    assert run.policy(seed=2, player=1).log_odds == second.log_odds != first.log_odds
    assert run.policy().log_odds == run.policy(seed=4).log_odds != run.policy(seed=2).log_odds
    assert run.policy(checkpoint=3).log_odds == run.policy(checkpoint="best").log_odds == run.policy().log_odds


def test_metrics_are_arrays_with_an_entry_for_each_update_and_seed(run):
    metrics = run.metrics()
    assert metrics["update"].tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert metrics["seed"].tolist() == [4, 2] * 4
    assert np.isnan(metrics["loss/player_0"]).tolist() == [True] * 2 + [False] * 6  # nothing was learned at update 0
    assert all(values.shape == (8,) for values in metrics.values())


def test_game_is_the_one_that_was_learned(run):
    env, params = run.game()
    assert env.name == "IPD-v0"
    assert polax.make_policy(str(run.path), env, params).log_odds == run.policy().log_odds


def test_a_resumed_run_is_what_it_would_have_been(run, tmp_path):
    settings = {**QUICK, "seeds": [4, 2], "options": {"step_size": 0.25}}
    part = polax.train("toy", "IPD-v0", updates=2, out=tmp_path / "part", **settings)
    before = part.policy(seed=2).log_odds
    assert part.resume(updates=3, quiet=True) is part
    assert part.policy(seed=2).log_odds == run.policy(seed=2).log_odds != before
    assert without_times(part) == without_times(run)
    with pytest.raises(polax.PolaxError, match="has all its 3 updates"):
        part.resume(quiet=True)


def test_evaluate_gives_what_the_command_prints_as_json(run, capsys):
    found = run.evaluate(num_envs=16)
    assert found.data == polax.evaluate(str(run.path), num_envs=16).data
    assert main(["evaluate", str(run.path), "--eval-envs", "16", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(found.data))


def test_an_evaluation_has_a_table_and_a_figure(run):
    found = run.evaluate(["tit-for-tat", run], num_envs=16)
    assert [row["line-up"] for row in found.table()] == ["tit-for-tat", str(run.path)]
    assert found.table()[0]["player 1"] == pytest.approx(found.data["mean"]["score/player_1/vs/tit-for-tat"])
    names = [text.get_text() for text in found.figure().axes[0].get_yticklabels()]
    assert names[0] == "tit-for-tat"
    assert found.data["learned"] == ""
    assert "tit-for-tat</th>" in found._repr_html_()


def test_the_learning_curves_are_a_figure_and_an_episode_a_picture(run, tmp_path, capsys):
    drawn = run.figure(x="updates")
    assert "Co-play" in [axes.get_title(loc="left") for axes in drawn.axes]
    film = run.render(tmp_path / "new" / "one.gif", seed=2, size=120)
    assert main(["render", str(run.path), "--seed", "2", "--size", "120", "--out", str(tmp_path / "two.gif")]) == 0
    assert film.read_bytes() == (tmp_path / "two.gif").read_bytes()
    assert str(tmp_path / "two.gif") in capsys.readouterr().out
    both = polax.render([run, str(run.path)], tmp_path / "both.png", size=120)
    with Image.open(both) as two, Image.open(run.render(tmp_path / "one.png", size=120)) as one:
        assert two.width * two.height > 1.5 * one.width * one.height


def test_a_run_stands_for_its_path(run):
    env, params = run.game()
    assert Path(run) == run.path
    assert polax.make_policy(run, env, params, player=1).log_odds == run.policy(player=1).log_odds


def test_evaluate_takes_policies_as_opponents(run):
    env, params = run.game()
    by_name = run.evaluate(["tit-for-tat"], num_envs=16)
    strategy = polax.make_policy("tit-for-tat", env, params)
    by_object = run.evaluate([strategy], num_envs=16)
    assert by_object.table()[0]["line-up"] == type(strategy).__name__
    scores = [[v for name, v in each.data["mean"].items() if name.startswith("score")] for each in (by_name, by_object)]
    assert scores[0] == scores[1] != []


def test_training_without_a_sound_seed_left_says_so_and_keeps_the_run(tmp_path):
    options = {"fails_after": 1, "step_size": 0.01}
    with pytest.raises(polax.TrainingError, match=r"every seed of .* stopped being finite by update 2") as caught:
        # The log-odds of player 0 begin below 0 in this seed.
        polax.train("toy", "IPD-v0", updates=4, seeds=[failing_seed()], options=options, out=tmp_path / "run", **QUICK)
    assert caught.value.run.metrics()["update"].max() == 1


def failing_seed():
    from toy_learner import _Init

    keys = training_seeds.seed_keys(range(20)).init
    return next(seed for seed, key in enumerate(keys) if _Init(0.01, 2)(key).log_odds[0] < -0.5)


def test_an_interrupted_training_is_saved_and_can_go_on(tmp_path, monkeypatch):
    take = training_seeds.CompiledLearner.update

    def update(self, keys, number, *rest):
        if number == 2:
            signal.raise_signal(signal.SIGINT)
        return take(self, keys, number, *rest)

    monkeypatch.setattr(training_seeds.CompiledLearner, "update", update)
    with pytest.raises(polax.TrainingInterrupted, match="stopped after update 2 of 4 and saved") as caught:
        polax.train("toy", "IPD-v0", updates=4, out=tmp_path / "run", **QUICK)
    assert caught.value.exit_status == 130
    monkeypatch.undo()
    assert caught.value.run.resume(quiet=True).metrics()["update"].max() == 4


def test_a_signal_in_the_last_update_is_told_though_all_is_saved(tmp_path):
    stop = polax.Callback(on_update=lambda event: signal.raise_signal(signal.SIGTERM) if event.update == 2 else None)
    with pytest.raises(polax.TrainingInterrupted, match="all 2 updates were taken and saved in") as caught:
        polax.train("toy", "IPD-v0", updates=2, out=tmp_path / "run", callbacks=[stop], **QUICK)
    assert caught.value.exit_status == 143
    assert caught.value.run.metrics()["update"].max() == 2


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda run, path: run.policies(seed=9), r"has no seed 9; there are 4, 2$"),
        (lambda run, path: run.policy(player=2), r"player of .* must be a whole number from 0 to 1, not 2$"),
        (lambda run, path: run.policy(player=-1), r"must be a whole number from 0 to 1, not -1$"),
        (lambda run, path: run.policy(checkpoint="first"), "number of an update, best or last, not 'first'"),
        (lambda run, path: run.policy(checkpoint=77), "77"),
        (lambda run, path: run.evaluate("tit-for-tat"), r"against must be a list, such as \['tit-for-tat'\]"),
        (lambda run, path: run.evaluate(num_envs=0), "num_envs must be a whole number of at least 1; got 0"),
        (lambda run, path: run.evaluate(["tit-for-tit"]), "tit-for-tat"),
        (lambda run, path: run.figure(x="minutes"), "does not record 'minutes' to draw over"),
        (lambda run, path: run.render(path / "a.bmp"), "out: a.bmp must end in one of"),
        (lambda run, path: run.render(path / "a.gif", seed=9), "has no seed 9; there are 4, 2"),
        (lambda run, path: run.render(path / "a.gif", fps=0), "fps must be above 0, not 0"),
        (lambda run, path: run.render(path / "a.gif", size=20), "size must be a whole number of at least 120; got 20"),
        (lambda run, path: polax.render(run, path / "a.gif"), "runs must be a list, such as"),
        (lambda run, path: polax.render([], path / "a.gif"), "runs is empty; give at least one"),
        (lambda run, path: polax.load(path), "is not a run folder"),
        (lambda run, path: polax.evaluate(path), "is not a run folder"),
        (lambda run, path: polax.train("toy", "IPD-v0", out=path), "missing training length"),
        (lambda run, path: polax.train("toy", "IPD-v0", updates=1, seeds=0, out=path), "at least one seed"),
        (lambda run, path: polax.train("toy", "IPD-v0", updates=1, seeds="1", out=path), "whole number"),
        (lambda run, path: polax.train("toy", "IPD-v0", updates=1, options={"step": 1}, out=path), "step_size"),
        (lambda run, path: polax.train("toy", "IPD-v0", updates=1, out=run.path), "is not empty"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(run, tmp_path, call, message):
    with pytest.raises(polax.PolaxError, match=message) as caught:
        call(run, tmp_path / "none")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "none").exists()
