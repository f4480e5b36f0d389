"""The use cases: what a person can ask of the system, each independent of how it is asked."""
