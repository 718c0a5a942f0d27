"""Why does my net not learn? `diagnose(model, x, y)` examines any `nn.Module`; `watch(model)` listens to a training."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .diagnosis import diagnose
    from .training_log import watch

__all__ = ["diagnose", "watch"]


def __getattr__(name):
    """Load `diagnose` and `watch` when they are asked for: torch alone takes a second."""
    if name == "diagnose":
        from .diagnosis import diagnose

        return diagnose
    if name == "watch":
        from .training_log import watch

        return watch
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *__all__])
