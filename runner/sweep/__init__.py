"""Sweeps: many settings of one learner in one game, those that differ in numbers alone as one compiled program."""
