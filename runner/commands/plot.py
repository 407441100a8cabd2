"""``polax plot``: learning curves of one run or several in one figure."""

from __future__ import annotations

from pathlib import Path

from .arguments import CommandParser


def main(arguments: list[str]) -> int:
    """Draw the figure."""
    from ..report.learning import X_AXES, draw_learning_curves
    from ..runs.folder import RunFolder

    parser = CommandParser("plot")
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="folders of training runs")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="a .png, .svg or .pdf file")
    parser.add_argument(
        "--x",
        metavar="AXIS",
        help=f"{', '.join(X_AXES)}, or steps that the learner counts, such as outer-steps (default: env-steps, or "
        "updates where a run has none)",
    )
    options = parser.parse(arguments)
    path = draw_learning_curves([RunFolder.open(run) for run in options.runs], options.out, x=options.x)
    print(f"figure: {path}")
    return 0
