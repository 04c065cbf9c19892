"""One module per group of URLs; each holds its blueprint, its shapes and its handlers."""
