"""Documents of results: what they hold, their charts, and their files (JSON, CSV, Markdown, console, HTML page).

Imports runs and evaluation. What fills a document (benchmark, tournament, papers, commands) imports this.
"""
