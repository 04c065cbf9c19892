"""The HTTP face: Quart-Trio app, event streams and the dashboard. Reads boards, asks actors."""
