"""Where the helper of these tests is."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent))
