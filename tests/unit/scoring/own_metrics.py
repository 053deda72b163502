"""Metrics as users write them."""

import numpy as np


def largest_difference(features, bypassed, labels):
    return np.abs(features - bypassed).max()


def of_first_class(features, bypassed, labels):
    chosen = labels == labels.min()
    return float(np.square(features[chosen] - bypassed[chosen]).sum())


def two_arguments(features, bypassed):
    return 0.0


def divides(features, bypassed, labels):
    return 1 / 0


def undefined(features, bypassed, labels):
    return float("nan")


def many(features, bypassed, labels):
    return np.abs(features - bypassed).max(axis=0)


def centres_in_place(features, bypassed, labels):
    features -= features.mean(axis=0)
    return np.abs(features).max()
