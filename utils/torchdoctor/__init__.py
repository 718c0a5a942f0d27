"""Why does my net not learn? `diagnose(model, x, y)` examines any `nn.Module`; `watch(model)` listens to a training.

And `measure(model, x, y)` is the instrument below both. The package is complete in itself: it needs torch, and
matplotlib where a picture is asked for.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .diagnosis import diagnose
    from .measurement import measure
    from .training_log import watch

__all__ = ["diagnose", "measure", "watch"]


def __getattr__(name):
    """Load each of the three when it is asked for: torch alone takes a second."""
    if name == "diagnose":
        from .diagnosis import diagnose

        return diagnose
    if name == "measure":
        from .measurement import measure

        return measure
    if name == "watch":
        from .training_log import watch

        return watch
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *__all__])
