"""What axes need: ticks at whole numbers, limits of a log axis, and what a log axis can show."""

import math

import numpy as np
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

from utils.figures import style


def whole_ticks():
    """Return ticks at whole numbers; under the large type of a lecture, only as many as there is room for."""
    return MaxNLocator("auto" if style.in_lecture() else 10, integer=True)


def set_log_limits(ax, values, decades=1, limits=None):
    """Make the y axis logarithmic, from and to whole multiples of `decades` that hold all positive finite values."""
    ax.set_yscale("log")
    finite = values[np.isfinite(values) & (values > 0)]
    low, high = (finite.min(), finite.max()) if len(finite) else (1.0, 1.0)
    exponents = [decades * math.floor(math.log10(low) / decades), decades * math.ceil(math.log10(high) / decades)]
    if exponents[0] == exponents[1]:
        exponents[1] += decades
    # matplotlib's own arithmetic on the exponents overflows near the ends of float64
    low, high = (10.0 ** min(max(e, -250), 250) for e in exponents)
    ax.set_ylim(limits or (low, high))
    ax.yaxis.set_major_locator(LogLocator(base=10, numticks=8))
    ax.yaxis.set_minor_locator(NullLocator())


def positive(values):
    """Return values (any shape) as a log axis can show them: what is not positive and finite becomes a gap, NaN."""
    return np.where(np.isfinite(values) & (values > 0), values, np.nan)
