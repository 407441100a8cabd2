"""A document: what a command found, as its files, its page and a notebook show it.

A benchmark, a tournament, a reproduction or an evaluation fills one with `parts`; `writers` and `page` write it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ...options import OptionError, suggest
from .parts import Chart, Finding, Provenance, Reach, Records, Section, Table, Value

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Document(NamedTuple):
    """What a command found; a notebook shows its tables.

    Example:
        >>> import pandas
        >>> found = polax.tournament(["grim", "random"], env="IPD-v0", episodes=10, out="meeting", quiet=True)
        >>> pandas.DataFrame(found.table("Ranking"))["place"].tolist()
        [1, 2]
        >>> found.figure("payoffs").savefig("payoffs.pdf")
    """

    title: str
    sections: Sequence[Section]
    provenance: Provenance
    stem: str = ""
    """Of the names of its files."""
    kind: str = ""
    """One word: benchmark, tournament."""
    summary: str = ""
    """A line below the title: how much was done."""
    findings: Sequence[Finding] = ()
    notes: Sequence[str] = ()
    data: Mapping[str, Any] = {}
    """Everything, as JSON-ready values."""
    records: Records | None = None
    problems: Sequence[str] = ()
    """What could not be read or drawn."""
    folder: Path | None = None
    """Where its files are; None: it has not been written."""

    def charts(self) -> list[Chart]:
        """Return the charts of all sections."""
        return [part for section in self.sections for part in section.parts if isinstance(part, Chart)]

    def tables(self, *, printed: bool = False) -> list[Table]:
        """Return the tables of all sections, or only those that commands print."""
        return [
            part
            for section in self.sections
            for part in section.parts
            if isinstance(part, Table) and not (printed and (part.folded or section.reach is not Reach.CONSOLE))
        ]

    def table(self, name: str | None = None) -> list[dict[str, Any]]:
        """Return the rows of a table, as ``pandas.DataFrame`` takes them.

        Args:
            name: the title of a table, or of a section, which stands for its first table; None: the table that the
                command prints first.

        Returns:
            The values of each row by column: floats without their rounding, words, and None where there is no value.
            Intervals are in ``data``.

        Raises:
            OptionError: no such table; the nearest name is in the message.
        """
        if name is None and (shown := self.tables(printed=True)):
            return _rows(shown[0])
        named = {table.title: table for table in self.tables()}
        for section in self.sections:
            for part in section.parts:
                if isinstance(part, Table):
                    named.setdefault(section.title, part)
        if name not in named:
            raise OptionError(f"{self._name} has no table {name!r}; {suggest(str(name), named)}")
        return _rows(named[name])

    def figure(self, name: str | None = None) -> Figure:
        """Return a chart as a figure of matplotlib, which a notebook shows.

        Args:
            name: of the chart's file, without folder and suffix; None: the first chart.

        Raises:
            OptionError: no such chart; the nearest name is in the message.
        """
        from .figures import figure_of

        named = {_chart_name(chart): chart for chart in self.charts()}
        if name is None and named:
            name = next(iter(named))
        if name not in named:
            raise OptionError(f"{self._name} has no figure {name!r}; {suggest(str(name), named)}")
        return figure_of(named[name])

    def to_html(self, path: str | Path | None = None) -> str:
        """Return the page that `polax report` makes, one self-contained file.

        Args:
            path: a file to write it to as well.

        Raises:
            RunError: the file cannot be written.
        """
        from ..runs.files import write_text
        from .page import to_html

        html = to_html(self)
        if path is not None:
            write_text(Path(path), html, hint="choose another file")
        return html

    def __repr__(self) -> str:
        tables, charts = (
            ", ".join(map(repr, names))
            for names in ([table.title for table in self.tables()], map(_chart_name, self.charts()))
        )
        return f"<Document {self.title!r}: tables {tables or 'none'}; figures {charts or 'none'}>"

    def _repr_html_(self) -> str:
        from .page import to_notebook

        return to_notebook(self)

    @property
    def _name(self) -> str:
        return f"the {self.kind or 'document'} {self.title!r}"


def _rows(table: Table) -> list[dict[str, Any]]:
    return [
        {
            column: cell.number if isinstance(cell, Value) else cell
            for column, cell in zip(table.columns, row, strict=True)
        }
        for row in table.rows
    ]


def _chart_name(chart: Chart) -> str:
    return Path(chart.name).name
