"""Exit codes that a script can tell apart: 0 done, these, and nothing else."""

FAILED, WRONG_SETTINGS, NO_ANSWER, ALREADY_RUNNING = 1, 2, 3, 4
