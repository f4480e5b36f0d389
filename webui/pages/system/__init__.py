"""How the service fares."""
