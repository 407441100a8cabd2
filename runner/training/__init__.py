"""The loop around compiled updates: seeds, progress, interrupts. May import `runner.runs` and `runner.evaluation`."""
