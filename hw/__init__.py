"""The display room: one port, its drivers, and the pure code that turns state into pixels."""
