"""Norms that take the mean of a single value, and leave nothing of it."""

from torch import nn

from ..examination import module_of
from .collapsed import ALIKE
from .finding import Remedy, found, remark


def find(exam):
    """Yield "norm over one value"; a remark where something else, such as a skip, still tells the samples apart."""
    if not exam.erasing:
        return
    names = ", ".join(exam.erasing)
    many = len(exam.erasing) > 1
    before = [layer for layer in exam.layers if layer.name in exam.erasing.values()]
    told = (f"the norm{'s' if many else ''} {names} take{'' if many else 's'} the mean over a single value, which is that value: "
            "what comes out is the same for every input")
    if exam.alike < ALIKE:
        yield found("norm over one value", before or exam.layers[:1], f"{told}, and the outputs of different samples differ by "
                    f"{exam.alike:.1e} of their size", norms=len(exam.erasing), alike=exam.alike)
    else:
        yield remark("norm over one value", before or exam.layers[:1], f"{told}; other ways around {'them' if many else 'it'} "
                     "still tell inputs apart", norms=len(exam.erasing))


def prescribe(finding, exam, model):
    """Take the norm away: with more than one value it may come back."""
    names = list(exam.erasing)

    def change(model):
        for name in names:
            parent, _, child = name.rpartition(".")
            setattr(model.get_submodule(parent), child, nn.Identity())

    kinds = {type(module_of(model, name)) for name in names}
    wider = ("fewer groups than channels, nn.GroupNorm(1, channels)" if nn.GroupNorm in kinds else
             "put it where there are several features, nn.LayerNorm(features)")
    return Remedy(f"leave {', '.join(names)} out, or let it take its mean over more: {wider}", "5", change if all(names) else None)
