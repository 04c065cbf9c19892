"""How a plan is found: candidates, sequences of them, their scores, the search and its proof."""
