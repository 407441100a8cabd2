"""What documents give in Python and in notebooks: tables, figures and their page."""

import pandas
import polax
import pytest
from polax.runner.report.page import to_html
from polax.runner.report.parts import Reach, Section, Table
from polax.runner.report.writers import to_markdown
from polax.runner.tournament.document import document
from report_samples import tournament


@pytest.fixture(scope="module")
def found():
    return document({**tournament(names=("tit-for-tat", "<b>", "mine:0")), "command": []})


def test_a_table_is_found_by_its_title_or_its_sections_and_without_a_name_it_is_the_one_that_is_printed(found):
    rows = found.table()
    assert rows == found.table("Ranking") == found.table("Ranking by mean score")
    assert [row["place"] for row in rows] == [1.0, 2.0, 3.0]
    assert found.table("Payoffs")[2] == {"": "mine:0", "tit-for-tat": 0.2, "<b>": -0.0467, "mine:0": 0.33}
    after = found.table("Policies")[1]
    assert (after["first step"], after["CC"]) == (0.0, None)  # a situation that never occurred


def test_a_table_makes_a_data_frame(found):
    frame = pandas.DataFrame(found.table("Payoffs"))
    assert frame.shape == (3, 4)
    assert frame["mine:0"].mean() == pytest.approx((0.2541 + 0.31 + 0.33) / 3)


def test_a_figure_is_the_chart_of_that_name_and_a_notebook_shows_it(found, tmp_path):
    figure = found.figure("policies")
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == ["tit-for-tat", "<b>", "mine:0"]
    assert figure._repr_png_().startswith(b"\x89PNG")
    assert [text.get_text() for text in found.figure().axes[0].get_xticklabels()] == ["tit-for-tat", "<b>", "mine:0"]
    figure.savefig(tmp_path / "policies.pdf")


def test_the_page_is_that_of_the_command_and_may_be_written(found, tmp_path):
    html = found.to_html(tmp_path / "page.html")
    assert html == to_html(found) == (tmp_path / "page.html").read_text()
    assert ">Command<" not in html  # there was none
    assert ">Command<" in document(tournament()).to_html()
    with pytest.raises(polax.PolaxError, match="cannot be written"):
        found.to_html(tmp_path / "none" / "page.html")


@pytest.mark.parametrize(("title", "level"), [("", "##"), ("Scores", "###")])
def test_headings_in_markdown_leave_out_no_level(found, tmp_path, title, level):
    tables = [Table(name, ("player",), [["grim"]]) for name in ("First", "Second")]
    page = to_markdown(found._replace(sections=[Section(title, tables, Reach.FILE)]), tmp_path)
    assert [line for line in page.splitlines() if line.endswith(("First", "Second"))] == [
        f"{level} First",
        f"{level} Second",
    ]


def test_a_notebook_shows_the_printed_tables_and_the_console_the_names_of_all(found):
    html = found._repr_html_()
    assert "IPD-v0 tournament" in html
    assert "<caption>Ranking by mean score</caption>" in html
    assert "Players</caption>" not in html
    assert "&lt;b&gt;" in html
    assert "<b></th>" not in html
    names = repr(found)
    assert "'Ranking by mean score'" in names
    assert "figures 'payoffs', 'population', 'policies'" in names


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda found: found.table("Rankin"), "the tournament 'IPD-v0 tournament' has no table 'Rankin'; did you mean"),
        (lambda found: found.figure("payoff"), "has no figure 'payoff'; did you mean 'payoffs'"),
        (lambda found: found._replace(sections=()).figure(), "has no figure None; there are none"),
        (lambda found: found._replace(sections=()).table(), "has no table None; there are none"),
    ],
)
def test_an_unknown_name_gets_a_sentence(found, ask, message):
    with pytest.raises(polax.OptionError, match=message):
        ask(found)
