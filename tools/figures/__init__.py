"""Figures recomputed from the files of a market folder, with arithmetic of their own.

Nothing of the product is imported: what is compared here was written a second time, from the
definitions, in plain Python.
"""
