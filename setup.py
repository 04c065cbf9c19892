"""The Cython extensions; everything else is in pyproject.toml.

They are optional: without a compiler the install succeeds and the numpy kernels serve instead.
"""

import os

from Cython.Build import cythonize
from setuptools import Extension, setup

DEBUG = os.environ.get("TRIMTAB_DEBUG_KERNELS") == "1"

# No fused multiply-add: both back ends must round alike, so that plans are bit-identical anywhere.
FLAGS = ["-O3", "-ffp-contract=off"]

extensions = cythonize(
    [
        Extension(f"kernels.{name}", [f"kernels/{name}.pyx"], extra_compile_args=FLAGS)
        for name in ("_sequences", "_search", "_risk", "_indicators", "_rolling")
    ],
    compiler_directives={
        "language_level": 3,
        "boundscheck": DEBUG,
        "wraparound": False,
        "initializedcheck": DEBUG,
        "cdivision": True,
    },
)
for extension in extensions:
    extension.optional = True  # `cythonize` makes new extensions and does not carry this over

setup(ext_modules=extensions)
