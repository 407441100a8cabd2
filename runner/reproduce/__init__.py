"""Published figures and tables, run again and compared number by number."""
