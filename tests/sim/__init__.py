"""Whole worlds under a virtual clock: the real wiring, a paper exchange, faults and crashes."""
