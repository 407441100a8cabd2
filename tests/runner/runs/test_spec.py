"""What a run is asked to do, and what of it must not change."""

import json

from polax.options import make_config
from polax.runner.runs.spec import RunSpec, resolve


def test_a_run_is_the_same_after_it_was_written_and_read_also_with_options_that_are_lists():
    spec = resolve("goodwill-loqa", "CoinGame-v0", updates=1, options={"scripted_players": ("tit-for-tat",)})
    found = make_config(RunSpec, json.loads(json.dumps(spec.to_json())), what="it")
    assert found.identity() == spec.identity()
