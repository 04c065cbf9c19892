"""Target weights from what is expected, how it moves together, and what the owner wants of it.

build        snapshot, groups, scores, histories  →  given (OptimizerInput)
run          given  →  ledger.optimization.OptimizerRun, one pure function
weekly, covariance       weekly EUR returns, shrunk covariance with gaps
returns, outlook         expected returns
bounds, constraints      what each security and each group may weigh
qp, ladder, hrp, blend   mean-variance, hierarchical risk parity, and one answer from both
    shares                   concentration, and where the volatility comes from
"""
