"""The outside world: the port every broker fits, and the adapters behind it."""
