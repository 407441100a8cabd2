"""One self-contained HTML page about a tournament or a benchmark, made from the files in its folder."""
