"""Both back ends of the kernels against each other, golden vectors and a plain-Python oracle."""
