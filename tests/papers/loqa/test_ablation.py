"""The ablation: what is changed, who was met in training, co-play beside self-play, and the files."""

import json

import pytest
from PIL import Image
from polax.papers.loqa import ablation
from polax.papers.loqa.ablation import RETALIATORS, STEPS, STRANGERS, VARIANTS, met_in_training
from polax.papers.loqa.matches import ENV
from polax.papers.loqa.published import LEAGUE
from polax.registry import algorithm_plugin
from polax.runner.cli import main
from polax.runner.runs.spec import resolve

BY_NAME = {each.name: each for each in VARIANTS}


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_every_variant_is_a_learner_with_options_that_it_has_and_that_differ_from_its_own(variant):
    plugin = algorithm_plugin(variant.learner)
    own = plugin.config()
    plugin.config(**variant.options)
    assert all(getattr(own, name) != value for name, value in variant.options.items())


def test_every_published_variant_is_among_ours():
    assert {learner for learner, steps, _ in LEAGUE if steps == STEPS} <= set(BY_NAME)


def test_who_was_met_in_training_is_what_the_learner_declares():
    def spec(name):
        return resolve(BY_NAME[name].learner, ENV, preset="laptop", options=BY_NAME[name].options)

    assert met_in_training(spec("goodwill-loqa")) == []
    assert met_in_training(spec("goodwill-loqa: tit-for-tat met")) == ["tit-for-tat"]
    assert met_in_training(spec("loqa")) == []


@pytest.mark.slow
def test_variants_are_trained_and_scored_in_self_play_and_co_play(tiny, monkeypatch, tmp_path):
    names = ("loqa: two players", "goodwill-loqa", "goodwill-loqa: no goodwill")
    monkeypatch.setattr(ablation, "VARIANTS", tuple(BY_NAME[name] for name in names))
    tiny("loqa")
    tiny("goodwill-loqa")
    words = ["reproduce", "loqa-ablation", "--runs", "2", "--training", str(tmp_path), "--out", str(tmp_path)]
    assert main(words) == 0
    content = json.loads((tmp_path / "loqa_ablation_laptop.json").read_text())
    assert [row["setting"] for row in content["rows"]] == list(names)
    two, goodwill, _ = content["rows"]
    kinds = ["self-play", "co-play", *STRANGERS, *RETALIATORS, "other seeds"]
    assert list(two["scores"]) == kinds
    assert list(goodwill["scores"]) == [kind for kind in kinds if kind != "co-play"]
    assert two["scores"]["self-play"]["published"]["value"] == 0.248
    assert goodwill["scores"]["self-play"]["published"] is None
    assert two["met_in_training"] == []
    assert (tmp_path / "goodwill-loqa-no-goodwill" / "config.json").exists()
    page = (tmp_path / "loqa_ablation_laptop.md").read_text()
    assert "| loqa: two players | always-defect |" in page
    with Image.open(tmp_path / "loqa_ablation_laptop.png") as picture:
        assert picture.size[0] > 1000
