"""Where the tasks of a benchmark or a sweep run: in this process, or wherever an executor starts processes.

A task is one combination of a benchmark, or one compiled program of a sweep. Wherever it runs, the same function does
it in the same folder, from the last checkpoint that it finds there; its result and its progress are files of that
folder, so nothing else has to be transported. ``base`` has the contract of an executor.
"""
