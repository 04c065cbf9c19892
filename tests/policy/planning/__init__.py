"""How plans are found, by rules and by invariants."""
