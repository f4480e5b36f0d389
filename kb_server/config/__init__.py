"""Settings, and the backends that they name."""
