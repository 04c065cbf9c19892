"""The paper exchange: a broker that trades a recorded market in its own file, for a given seed.

It stands in for a real broker in the demo, in tests and in the simulation, and keeps the promises
of `broker.port` with the same care: what it accepted survives a crash, and no call is answered
from a guess.
"""
