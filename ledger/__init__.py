"""Values and facts of the portfolio: what every other room speaks in. Standard library only."""
