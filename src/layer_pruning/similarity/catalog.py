"""Which metrics there are, what each needs and what it promises: data, and no import but Python's.

The workflow reads this while it is being parsed, so nothing here may import numpy.
"""

import math
from dataclasses import dataclass

_CONSENSUS = "Mugnaini et al., arXiv 2411.14345"
_SHAPE = "Williams et al., Generalized Shape Metrics on Neural Representations, arXiv 2110.14739"
_STOCHASTIC = "Duong et al., Representational Dissimilarity Metric Spaces, arXiv 2211.11665"


@dataclass(frozen=True)
class MetricInfo:
    """What there is to know about one metric without computing it.

    ``module`` is the module of this room that has a function called like the metric. A distance
    lies in [0, ``upper_bound``]; 0 means that the candidate changes nothing. ``images`` is the
    smallest probe set for which the metric is more than a constant; ``images_beyond_features``,
    where set, asks for that many more images than features.
    """

    module: str
    description: str
    source: str
    upper_bound: float
    images: int = 1
    images_beyond_features: int | None = None
    minimum_images_per_class: int = 1

    def minimum_images(self, features: int) -> int:
        """Return how many images, of all classes together, this many features need."""
        if self.images_beyond_features is None:
            return self.images
        return max(self.images, features + self.images_beyond_features)

    def minimum_different(self, features: int, classes: int) -> int:
        """Return how many different images a resample has to hold, some of them repeated.

        Of at least one class there are then as many as the metric needs of each.
        """
        of_one_class = classes * (self.minimum_images_per_class - 1) + 1
        return max(self.minimum_images(features), of_one_class)


PAPER_METRICS: tuple[str, ...] = (
    "cka",
    "procrustes",
    "cca",
    "permutation",
    "wasserstein",
    "stochastic_means",
    "stochastic",
    "stochastic_covariances",
)

CATALOG: dict[str, MetricInfo] = {
    "cka": MetricInfo(
        module="cka",
        description="One minus linear centred kernel alignment, biased estimator.",
        source=f"{_CONSENSUS}; Kornblith et al., arXiv 1905.00414",
        upper_bound=1.0,
        # two centred images span one line, which is aligned with any other
        images=3,
    ),
    "procrustes": MetricInfo(
        module="procrustes",
        description="Angle left between the centred features after the best rotation.",
        source=f"{_CONSENSUS}; {_SHAPE}, alpha = 1",
        upper_bound=math.pi / 2,
        images=3,
    ),
    "cca": MetricInfo(
        module="procrustes",
        description="Angle whose cosine is the mean canonical correlation of the features.",
        source=f"{_CONSENSUS}; {_SHAPE}, alpha = 0",
        upper_bound=math.pi / 2,
        # up to one more image than features, both sides span every centred direction
        images_beyond_features=2,
    ),
    "permutation": MetricInfo(
        module="permutation",
        description="Angle left between the centred features after the best reordering of them.",
        source=f"{_CONSENSUS}; {_SHAPE}, permutations",
        upper_bound=math.pi,
        images=2,
    ),
    "wasserstein": MetricInfo(
        module="wasserstein",
        description="Wasserstein-1 distance between all feature values as two sets of numbers.",
        source=_CONSENSUS,
        upper_bound=math.inf,
    ),
    "stochastic_means": MetricInfo(
        module="stochastic",
        description="Distance between the class means after the best rotation.",
        source=f"{_CONSENSUS}; {_STOCHASTIC}, alpha = 2",
        upper_bound=math.inf,
    ),
    "stochastic": MetricInfo(
        module="stochastic",
        description="Wasserstein-2 distance between class Gaussians after a rotation fitted to it.",
        source=f"{_CONSENSUS}; {_STOCHASTIC}, alpha = 1",
        upper_bound=math.inf,
        images=2,
        minimum_images_per_class=2,
    ),
    "stochastic_covariances": MetricInfo(
        module="stochastic",
        description="Bures distance between class covariances after a rotation fitted to it.",
        source=f"{_CONSENSUS}; {_STOCHASTIC}, alpha = 0",
        upper_bound=math.inf,
        images=2,
        minimum_images_per_class=2,
    ),
    "cka_debiased": MetricInfo(
        module="cka",
        description="One minus linear centred kernel alignment from the unbiased HSIC estimator.",
        source="Nguyen et al., arXiv 2010.15327; Song et al., JMLR 13 (2012), equation 5",
        upper_bound=2.0,
        images=4,
    ),
}

VARIANT_METRICS: tuple[str, ...] = tuple(name for name in CATALOG if name not in PAPER_METRICS)
