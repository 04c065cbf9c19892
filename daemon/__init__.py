"""The program itself: what starts, watches, serves and stops everything else."""
