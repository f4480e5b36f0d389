"""What the lock may hold: looked at without a network, as a part of `make lint`."""
