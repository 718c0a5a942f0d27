"""The course's helper package: small rooms, imported in one direction. `diagnose` and `watch` are there at once."""


def __getattr__(name):
    """Load `diagnose` and `watch` when they are asked for: `import utils` alone loads nothing, and torch takes a second."""
    if name == "diagnose":
        from utils.diagnosis import diagnose

        return diagnose
    if name == "watch":
        from utils.watching import watch

        return watch
    raise AttributeError(f"module 'utils' has no attribute {name!r}")
