"""The web front on fake boards and views; no actor runs."""
