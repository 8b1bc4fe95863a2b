"""What decides a click: rows of two classes, each two clusters at corners of a hypercube, stretched and turned.

It is the generator of I. Guyon ("Design of experiments for the NIPS 2003 variable selection benchmark", 2003) as
scikit-learn has it in ``make_classification``, with ten features: six that inform, two that are mixtures of these, and
two of noise, in an order of their own; one label of a hundred is thrown anew.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]

FEATURES, INFORMATIVE, REDUNDANT, CLUSTERS = 10, 6, 2, 4
NOISE = FEATURES - INFORMATIVE - REDUNDANT
FLIPPED = 0.01


@dataclass(frozen=True)
class Concept:
    """One way to decide clicks.

    Attributes
    ----------
    corners
        (4, 6) where the clusters lie; clusters 0 and 2 are class 0.
    mixes
        (4, 6, 6) how each cluster is stretched and turned.
    redundant
        (6, 2) how the mixtures are made.
    order
        (10,) the order of the features.
    """

    corners: Floats
    mixes: Floats
    redundant: Floats
    order: npt.NDArray[np.int64]

    @classmethod
    def drawn(cls, random: np.random.RandomState) -> Concept:
        """A concept at random."""
        corners = _corners(random)
        mixes = np.stack([_mix(random, INFORMATIVE) for _ in range(CLUSTERS)])
        redundant = _mix(random, REDUNDANT)
        return cls(corners, mixes, redundant, random.permutation(FEATURES))

    def rows(self, random: np.random.RandomState, count: int) -> tuple[Floats, Labels]:
        """Rows (count, 10) of this concept and their labels, each row by itself."""
        clusters = random.randint(CLUSTERS, size=count)
        features = self._features(random.standard_normal((count, INFORMATIVE)), clusters)
        features[:, INFORMATIVE + REDUNDANT :] = random.standard_normal((count, NOISE))
        labels = clusters % 2
        flipped = random.uniform(size=count) < FLIPPED
        labels[flipped] = random.randint(2, size=int(flipped.sum()))
        return features[:, self.order], labels.astype(np.int64)

    def _features(self, normals: Floats, clusters: Labels) -> Floats:
        """Informative and redundant features from normal numbers (n, 6); those of noise are left 0."""
        features = np.zeros((len(normals), FEATURES))
        for cluster in range(CLUSTERS):
            own = clusters == cluster
            features[own, :INFORMATIVE] = normals[own] @ self.mixes[cluster] + self.corners[cluster]
        features[:, INFORMATIVE : INFORMATIVE + REDUNDANT] = features[:, :INFORMATIVE] @ self.redundant
        return features


def concept_and_rows(random: np.random.RandomState, count: int) -> tuple[Floats, Labels]:
    """A new concept and all its rows at once, as ``make_classification(count, n_features=10, n_informative=6,
    n_redundant=2, shift=0.0, scale=1.0, random_state=random)`` gives them: equal draws, equal rows.

    Parameters
    ----------
    random
        Drawn from in scikit-learn's order.
    count
        How many rows; clusters differ by one row at most.

    Returns
    -------
    tuple
        (count, 10) rows and (count,) labels 0 and 1.
    """
    sizes = np.full(CLUSTERS, int(count * 0.5 / 2))
    for extra in range(count - int(sizes.sum())):
        sizes[extra % CLUSTERS] += 1
    clusters = np.repeat(np.arange(CLUSTERS), sizes)
    corners = _corners(random)
    normals = random.standard_normal((count, INFORMATIVE))
    mixes = np.stack([_mix(random, INFORMATIVE) for _ in range(CLUSTERS)])
    concept = Concept(corners, mixes, _mix(random, REDUNDANT), np.arange(FEATURES))
    features = concept._features(normals, clusters)
    features[:, INFORMATIVE + REDUNDANT :] = random.standard_normal((count, NOISE))
    labels = clusters % 2
    flipped = random.uniform(size=count) < FLIPPED
    labels[flipped] = random.randint(2, size=int(flipped.sum()))
    rows, columns = np.arange(count), np.arange(FEATURES)
    random.shuffle(rows)
    random.shuffle(columns)
    return features[rows][:, columns], labels[rows].astype(np.int64)


def _corners(random: np.random.RandomState) -> Floats:
    """Four corners of the hypercube with sides from -1 to 1, all different."""
    numbers = random.permutation(2**INFORMATIVE)[:CLUSTERS]
    bits = numbers[:, None] >> np.arange(INFORMATIVE - 1, -1, -1) & 1
    return np.asarray(2.0 * bits - 1.0, np.float64)


def _mix(random: np.random.RandomState, width: int) -> Floats:
    mixed: Floats = 2.0 * random.uniform(size=(INFORMATIVE, width)) - 1.0
    return mixed
