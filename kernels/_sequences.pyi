from kernels.checks import Ints
from kernels.workload import Scores, Workload

def run(work: Workload, sequences: Ints, out: Scores, /) -> None: ...
