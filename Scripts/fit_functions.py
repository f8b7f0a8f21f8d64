#!/usr/bin/env python3
"""The coefficients of Sources/CZooKernels/kernels/activation.h, fitted to the least relative error.

    python fit_functions.py

Prints them from the constant on, and the largest relative error in exact arithmetic. To run it takes numpy and scipy.
"""
import numpy as np
from scipy.special import erfcx

ROUNDS = 600


def reweighted(points, solve):
    """The best of repeated weighted fits: points of large errors count for more in the next (Lawson's method)."""
    weights = np.ones_like(points)
    best = None
    for _ in range(ROUNDS):
        coefficients, errors = solve(np.sqrt(weights))
        if best is None or errors.max() < best[0]:
            best = errors.max(), coefficients
        weights *= errors / errors.max() + 1e-3
        weights /= weights.sum()
    return best


def exponential(degree=6):
    """exp(f) for |f| <= log(2) / 2, as a polynomial that begins with 1 + f."""
    x = np.log(2) / 2 * 1.0005 * np.cos(np.linspace(0, np.pi, 4001))
    truth = np.exp(x)
    powers = np.vander(x, degree + 1, increasing=True)[:, 2:]

    def solve(weights):
        scale = weights / truth
        fit = np.linalg.lstsq(powers * scale[:, None], (truth - 1 - x) * scale, rcond=None)[0]
        return np.concatenate([[1, 1], fit]), np.abs((1 + x + powers @ fit) / truth - 1)

    return reweighted(x, solve)


def normal_tail(upper=4, lower=5, end=13):
    """The probability of less than -a, divided by exp(-a^2 / 2), for 0 <= a <= end, as a ratio of polynomials."""
    a = end * ((1 - np.cos(np.linspace(0, np.pi, 4001))) / 2) ** 1.5
    truth = 0.5 * erfcx(a / np.sqrt(2))
    unit = 3  # columns of about the same size
    numerator = np.vander(a / unit, upper + 1, increasing=True)
    denominator = np.vander(a / unit, lower + 1, increasing=True)
    divisor = np.ones_like(a)

    def solve(weights):
        nonlocal divisor
        scale = weights / truth / np.abs(divisor)
        rows = np.concatenate([numerator, -denominator[:, 1:] * truth[:, None]], 1) * scale[:, None]
        fit = np.linalg.lstsq(rows, truth * scale, rcond=None)[0]
        p, q = fit[: upper + 1], np.concatenate([[1], fit[upper + 1 :]])
        divisor = denominator @ q
        errors = np.abs(numerator @ p / divisor / truth - 1)
        return (p / unit ** np.arange(upper + 1.0), q / unit ** np.arange(lower + 1.0)), errors

    return reweighted(a, solve)


def listed(coefficients):
    return ", ".join(f"{c:.9g}" for c in coefficients)


if __name__ == "__main__":
    error, polynomial = exponential()
    print(f"exp(f): {listed(polynomial)}; {error:.1e}")
    error, (p, q) = normal_tail()
    print(f"tail of the normal distribution: {listed(p)} over {listed(q)}; {error:.1e}")
