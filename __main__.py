"""``python -m polax``: the command line."""

import sys

from .runner.cli import main

if __name__ == "__main__":
    sys.exit(main())
