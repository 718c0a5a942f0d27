"""Long stacks of transformer blocks whose norms stand behind the sums."""

from .finding import Remedy, remark

# nn.TransformerEncoder of width 32, trained for 250 steps of Adam with lr = 1e-3 to tell which of two kinds of words is more
# frequent among ten, two seeds each. With the norms first, stacks of 6, 12, 18 and 24 blocks learn (loss below 0.06); with the
# norms behind the sums, those of 6 and 12 do, and those of 18 and 24 stay at chance (0.66 to 0.67). With a warm-up of a hundred
# steps one of these four learns, two are on the way (0.5), one is not.
LONG = 18


def find(exam):
    """Yield the remark "post-norm stack" by the length of torch's own stacks, unless they have learned already."""
    if exam.post_norms >= LONG and not exam.constant.is_beaten_by(exam.loss):
        yield remark("post-norm stack", exam.layers[:1], f"{exam.post_norms} transformer blocks in a row have their norms behind the "
                     "sums (norm_first=False): so long a stack often stays at chance, at first at least", blocks=exam.post_norms)


def prescribe(finding, exam, model):
    """Norms first; they fit the same weights."""
    def change(model):
        for module in model.modules():
            if getattr(module, "norm_first", None) is False:
                module.norm_first = True

    return Remedy("norm_first=True, and a norm behind the last block (norm= of nn.TransformerEncoder); or let lr rise from 0 in the "
                  "first few hundred steps, which helps less", "5, 6", change)
