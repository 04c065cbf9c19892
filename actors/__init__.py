"""The supervised tasks: each awaits the world, asks `policy` what to do, and writes it down."""
