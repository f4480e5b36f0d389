"""Settings files and prompts that come with the program."""
