"""Stands in front of rich, which comes with tools for tests: structlog would load it at start."""

raise ImportError("rich is no part of an installation")
