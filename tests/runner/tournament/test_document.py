"""The document of a tournament: the same rows in every file, and on the console."""

import csv
import io
from pathlib import Path
from typing import Any

from polax.runner.report.document import Document
from polax.runner.report.parts import Table
from polax.runner.report.writers import console_table, markdown_table, to_csv, write
from polax.runner.tournament.document import document
from report_samples import tournament
from rich.console import Console


def _table(found: Document, section: str) -> Table:
    (part,) = (
        part for each in found.sections if each.title == section for part in each.parts if isinstance(part, Table)
    )
    return part


def _rows(table: Table) -> list[list[str]]:
    return [[str(cell) for cell in row] for row in table.rows]


def test_the_csv_has_a_line_for_each_ordered_pair() -> None:
    scores = {
        "mean": [[1.5, 4.0], [0.5, 2.0]],
        "standard_error": [[0.1, 0.2], [0.3, 0.4]],
        "by_player": [[[0, 0]] * 2] * 2,
    }
    content = tournament()
    changes: dict[str, Any] = {"players": [{**content["players"][0], "name": name} for name in "ab"], "scores": scores}
    changes["policy_tables"], changes["episodes_shown"], changes["measures"] = {}, [], []
    assert to_csv(document({**content, **changes})).splitlines() == [
        "player,against,score,standard_error",
        "a,a,1.5,0.1",
        "a,b,4.0,0.2",
        "b,a,0.5,0.3",
        "b,b,2.0,0.4",
    ]


def test_columns_of_a_best_response_appear_only_where_one_was_trained() -> None:
    row = {"name": "mine:0", "with_itself": [1.0, 0.5], "against": {}, "best_response": None}
    first = ["mine:0", "co-play", "0.7500 (1.000, 0.500)", "0.5000"]
    assert _rows(_table(document(tournament(measures=[row])), "Measures")) == [first]
    trained = {**row, "best_response": {"score": 0.665, "left_with": -0.335, "algorithm": "naive", "updates": 8}}
    assert _rows(_table(document(tournament(measures=[row, trained])), "Measures")) == [
        [*first, "-", "-"],
        [*first, "0.6650", "-0.3350"],
    ]


def test_every_file_has_the_same_rows(tmp_path: Path) -> None:
    found = document(tournament())
    paths = write(found, tmp_path, records="payoffs.csv")
    assert {path.name for path in paths} == {path.name for path in tmp_path.iterdir()} == {
        "tournament.json", "tournament.md", "payoffs.csv", "payoffs.png", "policies.png", "population.png",
    }  # fmt: skip
    page = (tmp_path / "tournament.md").read_text(encoding="utf-8")
    ranking = _table(found, "Ranking")
    assert markdown_table(ranking) in page
    assert [row[0] for row in _rows(ranking)] == ["always-defect", "mine:0", "tit-for-tat"]
    assert "![" in page
    assert "(payoffs.png)" in page
    with (tmp_path / "payoffs.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 9
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(console_table(ranking))
    assert "0.2659 ± 0.0020" in console.export_text()


def test_names_that_look_like_markup_are_printed_as_they_are(tmp_path: Path) -> None:
    names = ("[bold]a[/bold]", "$x_1$ | b", "mine:0")
    found = document(tournament(names))
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(console_table(_table(found, "Ranking")))
    assert "[bold]a[/bold]" in console.export_text()
    assert "| $x_1$ \\| b |" in markdown_table(_table(found, "Ranking"))
    assert write(found, tmp_path)


def test_a_game_without_policy_tables_has_no_section_of_policies() -> None:
    found = document(tournament(policy_tables=dict.fromkeys(("tit-for-tat", "always-defect", "mine:0"))))
    assert "Policies" not in [section.title for section in found.sections]
    assert [chart.name for chart in found.charts()] == ["payoffs", "population"]
