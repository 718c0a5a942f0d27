"""Work by hand: inside `without_autograd`, whatever records a graph is stopped with one kind sentence."""

from contextlib import contextmanager

from torch.autograd import graph

_SENTENCE = "autograd computes that, but this exercise asks for the formula: write it with the tensors you are given"


class UsedAutograd(RuntimeError):
    """A function that is to be written by hand lets autograd do the work; the message is for the learner."""


@contextmanager
def without_autograd():
    """Inside, an operation that would save a tensor for a backward pass raises UsedAutograd.

    Forward-mode derivatives (`torch.func.jvp`) save nothing, and are not seen.
    """
    def refuse(_):
        raise UsedAutograd(_SENTENCE)

    try:
        with graph.saved_tensors_hooks(refuse, refuse):
            yield
    except RuntimeError as error:
        if "saved tensor hooks" not in str(error):  # what torch.func.grad and its like say to such hooks
            raise
        raise UsedAutograd(_SENTENCE) from error
