"""Whether there is an answer at all: what speaks for it, and how sure that makes one."""
