"""Durable state in SQLite: the journal of facts, orders, plans, runs and everything projected."""
