"""Samples that hear of each other: output i depends on input j."""

from torch import nn

from .finding import Remedy, found

# Rounding, which differs from batch to batch, makes about 1e-6; a thousandth of what tells samples apart is no rounding.
MIXED = 1e-3


def find(exam):
    """Yield "samples mixed" if outputs change when other samples do. (Asked in up to two more forward passes.)"""
    if exam.probes.mixed > MIXED:
        yield found("samples mixed", exam.layers, "the answer to a sample changes when other samples of the batch are changed, by "
                    f"{exam.probes.mixed:.2g} times what tells samples apart: something reads, or sums, along the first axis of x",
                    mixed=exam.probes.mixed)


def prescribe(finding, exam, model):
    """The axis of the samples, where a module or the graph tells who takes it for another."""
    # Of a recurrent layer it is known how many steps it has read: if not as many as there are samples, it was given time first.
    turned = [layer.name for layer in exam.layers if layer.through_time is not None and len(layer.through_time) != exam.samples]
    by_time = [name for name, module in model.named_modules() if getattr(module, "batch_first", True) is False]
    readers = [name for name in by_time if name not in turned]
    softmaxes = [name for name, module in model.named_modules()
                 if isinstance(module, (nn.Softmax, nn.LogSoftmax, nn.Softmin)) and module.dim == 0]
    if readers:
        return Remedy(f"set batch_first=True in {readers[0]}: it takes the first axis for time", "not in this course",
                      _set(readers, "batch_first", True))
    if softmaxes or exam.graph.over_samples:
        return Remedy(f"take the softmax{f' ({softmaxes[0]})' if softmaxes else ''} over the last axis, dim=-1: over the first, it "
                      "shares out among the samples", "not in this course", _set(softmaxes, "dim", -1) if softmaxes else None)
    if by_time:
        return Remedy(f"{by_time[0]} is given time on its first axis, as it takes it: look for a reshape or view before or behind it "
                      "that is to swap two axes, and only deals the numbers out anew; x.transpose(0, 1) swaps them", "not in this course")
    return Remedy("keep the samples on the first axis throughout: look for a reshape, a transpose, or a mean, a norm or a product "
                  "over axis 0, such as x.mean(0) or x / x.sum()", "not in this course")


def _set(names, key, value):
    def change(model):
        for name in names:
            setattr(model.get_submodule(name), key, value)

    return change
