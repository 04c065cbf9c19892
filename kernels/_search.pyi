from kernels.checks import Bools, Ints
from kernels.search_work import Extensions, SearchWork

def extend(
    work: SearchWork, parents: Ints, steps_left: int, blocked: Bools, out: Extensions, /
) -> None: ...
