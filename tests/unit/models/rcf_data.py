"""Streams that several tests use."""

from __future__ import annotations

import numpy as np


def blood_pressure(n: int, seed: int) -> np.ndarray:
    """(systolic, diastolic): 99 % ordinary, half a percent low, half a percent high."""
    random = np.random.default_rng(seed)
    kind = random.random(n)
    rows = np.stack([random.integers(90, 121, n), random.integers(60, 81, n)], axis=1)
    low, high = kind < 0.005, kind >= 0.995
    rows[low] = np.stack([random.integers(50, 81, low.sum()), random.integers(30, 51, low.sum())], axis=1)
    rows[high] = np.stack([random.integers(130, 201, high.sum()), random.integers(90, 151, high.sum())], axis=1)
    return rows.astype(np.float64)


def heart_rate(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Heart rates, and which are high: 99 % uniform integers 60..100, 1 % 150..200."""
    random = np.random.default_rng(seed)
    high = random.random(n) < 0.01
    rates = np.where(high, random.integers(150, 201, n), random.integers(60, 101, n))
    return rates.astype(np.float64)[:, None], high


KINDS = ("normal", "integers", "constant", "two_valued", "monotone")


def stream(kind: str, n: int, columns: int, seed: int = 0) -> np.ndarray:
    """A stream of a kind, (n, columns)."""
    random = np.random.default_rng(seed)
    if kind == "normal":
        return random.normal(size=(n, columns))
    if kind == "integers":
        return random.integers(0, 6, (n, columns)).astype(np.float64)
    if kind == "constant":
        return np.full((n, columns), 3.25)
    if kind == "two_valued":
        return np.repeat(random.integers(0, 2, (n, 1)).astype(np.float64), columns, axis=1)
    if kind == "monotone":
        return np.arange(n)[:, None] * np.linspace(1.0, 2.0, columns)
    raise ValueError(kind)


def uniform_distance(sample: np.ndarray) -> float:
    """Kolmogorov-Smirnov: sqrt(n) times the distance from the uniform distribution on [0, 1]; 5 % limit 1.36."""
    ordered = np.sort(sample)
    n = ordered.size
    steps = np.arange(n + 1) / n
    return float(np.sqrt(n) * max((steps[1:] - ordered).max(), (ordered - steps[:-1]).max()))


def two_sample_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Kolmogorov-Smirnov for two samples, scaled; 5 % limit 1.36."""
    everything = np.sort(np.concatenate([a, b]))
    at_a = np.searchsorted(np.sort(a), everything, side="right") / a.size
    at_b = np.searchsorted(np.sort(b), everything, side="right") / b.size
    return float(np.abs(at_a - at_b).max() * np.sqrt(a.size * b.size / (a.size + b.size)))
