"""Hierarchical risk parity: risk spread over clusters, without inverting a covariance.

López de Prado, Building Diversified Portfolios that Outperform Out of Sample (2016): single
linkage on sqrt((1 - ρ) / 2), quasi-diagonal order, recursive bisection in which each half weighs
inversely to the variance of its inverse-variance portfolio.
"""

from __future__ import annotations

import numpy as np

from kernels.checks import Floats

_NOTHING = 1e-12


def hrp_weights(sample: Floats, correlation: Floats) -> Floats:
    """Weights (n,) that add up to 1. `sample` (n, n) with a positive diagonal."""
    order = quasi_diagonal(np.sqrt(np.clip((1.0 - correlation) / 2.0, 0.0, 1.0)))
    weights = np.empty(len(order))
    weights[order] = _bisected(sample[np.ix_(order, order)])
    return weights


def quasi_diagonal(distance: Floats) -> list[int]:
    """The leaves of the single-linkage tree from left to right.

    Of two clusters that merge the one that was made earlier is on the left.
    """
    count = len(distance)
    children: list[tuple[int, int]] = []
    cluster = list(range(count))
    for left, right in _spanning_tree(distance):
        first, second = sorted((_root(cluster, left), _root(cluster, right)))
        cluster.append(count + len(children))
        cluster[first] = cluster[second] = count + len(children)
        children.append((first, second))
    order: list[int] = []
    waiting = [len(cluster) - 1]
    while waiting:
        node = waiting.pop()
        if node < count:
            order.append(node)
        else:
            left, right = children[node - count]
            waiting += (right, left)
    return order


def _root(cluster: list[int], node: int) -> int:
    """The cluster a leaf is in now; the path to it is shortened on the way."""
    path: list[int] = []
    while cluster[node] != node:
        path.append(node)
        node = cluster[node]
    for passed in path:
        cluster[passed] = node
    return node


def _spanning_tree(distance: Floats) -> list[tuple[int, int]]:
    """The edges of the minimum spanning tree from short to long (Prim, from the first leaf)."""
    count = len(distance)
    nearest = distance[0].copy()
    source = np.zeros(count, dtype=np.intp)
    nearest[0] = np.inf
    outside = np.ones(count, dtype=np.bool_)
    outside[0] = False
    edges: list[tuple[float, int, int]] = []
    for _ in range(count - 1):
        chosen = int(nearest.argmin())
        edges.append((float(nearest[chosen]), int(source[chosen]), chosen))
        outside[chosen] = False
        nearest[chosen] = np.inf
        closer = (distance[chosen] < nearest) & outside
        nearest[closer] = distance[chosen][closer]
        source[closer] = chosen
    return [edge[1:] for edge in sorted(edges, key=lambda edge: edge[0])]


def _bisected(sample: Floats) -> Floats:
    """The weights in tree order.

    Every cluster is a slice, so the variance of its inverse-variance portfolio,
    Σ u_i u_j C_ij / (Σ u)² with u = 1 / C_ii, comes from running sums in two dimensions.
    """
    count = len(sample)
    inverse = 1.0 / np.diag(sample)
    sums = np.zeros((count + 1, count + 1))
    sums[1:, 1:] = (inverse[:, None] * sample * inverse).cumsum(axis=0).cumsum(axis=1)
    line = [0.0, *np.cumsum(inverse).tolist()]

    def variance(start: int, stop: int) -> float:
        whole = sums[stop, stop] - sums[start, stop] - sums[stop, start] + sums[start, start]
        total: float = line[stop] - line[start]
        # Halves that cancel out leave rounding only, of either sign.
        return max(float(whole), _NOTHING) / (total * total)

    weights = [1.0] * count
    waiting = [(0, count)]
    while waiting:
        start, stop = waiting.pop()
        if stop - start < 2:
            continue
        middle = start + (stop - start) // 2
        first, second = variance(start, middle), variance(middle, stop)
        part = 1.0 - first / (first + second)
        for item in range(start, middle):
            weights[item] *= part
        for item in range(middle, stop):
            weights[item] *= 1.0 - part
        waiting += [(start, middle), (middle, stop)]
    return np.array(weights)
