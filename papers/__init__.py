"""Published results, one folder a paper: numbers, settings, programs that reproduce them. May import the runner."""
