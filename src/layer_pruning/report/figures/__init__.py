"""The figures of the report: a module each, with a function that takes tables and returns a Figure.

One figure is about one dataset and architecture, and always shows the baseline. How figures look is
in :mod:`.style`, which networks they are about in :mod:`.networks`, and marks that several of them
use in :mod:`.marks`.
"""
