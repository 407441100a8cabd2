"""Published numbers, read from the tables in a paper's folder ``data``."""

from __future__ import annotations

import csv
import json
from importlib.resources import files
from typing import Any


def read_table(package: str, name: str) -> list[dict[str, Any]]:
    """Read a CSV file of a paper's ``data``: JSON values (numbers, lists) as such, None for an empty entry.

    Args:
        package: of the paper.
        name: of the file.
    """
    with files(package).joinpath("data", name).open(encoding="utf-8") as file:
        return [{column: _value(text) for column, text in row.items()} for row in csv.DictReader(file)]


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text or None
