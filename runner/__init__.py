"""The command line: training, evaluation, checkpoints, run folders, figures."""
