"""How large a network is: what its jobs need follows from that. No torch."""

from typing import NamedTuple


class NetworkSize(NamedTuple):
    """Counts of one network, for one image."""

    parameters: int
    map_values: int
    """Numbers that convolutions, linear layers and products in attention put out, which training
    keeps."""
    largest_map: int
    """Most that one of them puts out."""
    macs: int
    """Multiply-accumulates of all these."""
