"""Every decision as a pure function of ledger values: no clock, no I/O, no awaiting."""
