"""The command `kb` from outside: the main job, bad input, interruption."""
