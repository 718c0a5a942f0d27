"""The live view of a training run."""


def open_view(names, steps, title):
    """Return a live view of a run of `steps` steps, or None where there is no notebook to show it in."""
    return
