"""Scoring, by its rules and by its invariants."""
