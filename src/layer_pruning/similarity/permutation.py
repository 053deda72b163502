"""The angle between centred features after the best one-to-one matching of features."""

import numpy as np
from scipy.optimize import linear_sum_assignment

from layer_pruning.similarity.features import Array, Labels, angle, centred, norm, normalised


def permutation(reference: Array, candidates: Array, labels: Labels) -> Array:
    """Return the smallest angle over all reorderings of the features, shape (c,), in radians.

    Williams et al. (arXiv 2110.14739), with permutations for the group; by linear assignment.
    The range is [0, pi]: features that move against each other cannot be turned round by
    reordering. It does not change when the features of a side are reordered, shifted or scaled
    as a whole; it does when they are rotated. The labels are not used. Where both sides are
    constant over the images the angle is 0, where one is it is a right angle.
    """
    first, second = centred(reference), centred(candidates)
    sizes = norm(first), norm(second)
    products = normalised(first, sizes[0]).T @ normalised(second, sizes[1])
    cosine = np.empty(len(products))
    for index, product in enumerate(products):
        cosine[index] = product[linear_sum_assignment(product, maximize=True)].sum()
    return angle(cosine, *sizes)
