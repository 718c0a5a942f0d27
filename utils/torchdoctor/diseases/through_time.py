"""A gradient that shrinks or grows from step to step of a sequence: vanishing in time, exploding in time."""

import torch
from torch import nn

from ..examination import module_of
from .collapsed import ALIKE
from .finding import Remedy, found, remark, times, where
from .through_depth import EXPLODED

# In time all steps share one weight, and their gradients are summed: what is below the rounding of the largest part is
# not in the sum at all. float32 rounds at 6e-8; with a margin of about ten for the steps in between, that is 1e-6. A
# plain RNN still learns a lag of 20 (first / last about 1e-5) and fails at 50 (1e-12); chapter 7.
FORGOTTEN = 1e-6

# A gated net begins with a memory of some thirty steps, whatever it reads, and learns well what lies within: a window of
# a hundred is no disease. It is one where a step that is out of hearing tells the answer: more than chance ever does (of
# 64 samples 0.2, see `lag`; a step of three numbers of which one decides, 0.4), and twice what any step within hearing does.
TELLS, TWICE = 0.35, 2

# Behind words, padding has to be passed: of 4 to 8 words an LSTM learned a task in 150 steps of Adam; with five steps of
# padding in 430, with ten in none of 800. Some nets get through more of it in time, and if it hears so far it is a remark.
PADDED = 10


RECURRENT = ("RNN", "LSTM", "GRU")  # which read a sequence by themselves; any other is called once a step


def find(exam):
    """Yield one of the two for each recurrent layer whose first input counts far less, or far more, than its last.

    A gated layer that forgets is a remark, unless the answer lies where it does not hear, or it hears padding alone.
    """
    for layer in exam.layers:
        norms = layer.through_time
        if norms is None or len(norms) < 2 or not norms[-1] > 0:
            continue
        if layer.type not in RECURRENT:  # a gate on a first state of 0 gets nothing from it, for a reset gate multiplies by it
            norms = norms[norms.nonzero()[0].item():]
        if len(norms) < 2 or not norms[:-1].any():  # no chain at all: a readout whose earlier outputs are thrown away, or weights that are 0
            continue
        share, steps = (norms[0] / norms[-1]).item(), len(norms)
        factor = share ** (1 / (steps - 1)) if share > 0 else 0.0
        # What is called again and again on the same data, until it settles, has no first input to remember.
        forgets = share < FORGOTTEN and layer.last_step_only and layer.in_data
        heard = steps - 1 - (norms >= FORGOTTEN * norms[-1]).nonzero()[0].item()  # steps back to the first one that counts
        if layer.last_step_only and (layer.padding >= PADDED or forgets and layer.padding > heard):
            alone = forgets and layer.padding > heard
            drowned = exam.alike < ALIKE  # one vector again and again may open a gate for good: it hears far, and still nothing else
            tell = found if alone or drowned or forgets and not layer.gated else remark
            yield tell("vanishing in time", [layer], f"{where([layer])} reads {steps} steps and hears about {heard} steps back, "
                       f"and in half of the samples the last {layer.padding} are all alike: it hears "
                       + ("padding alone" if alone else "that padding best"),
                       first_over_last=share, factor_per_step=factor, steps=steps, padding=layer.padding)
            continue
        if forgets and layer.gated:
            yield _hearing(layer, share, factor, steps, heard)
            continue
        if forgets or share > EXPLODED:
            told = (f"the first input counts {times(share)} what the last one counts, a factor {factor:.2g} a step" if share
                    else "of the first input nothing arrives that a floating-point number could hold")
            yield found("vanishing in time" if forgets else "exploding in time", [layer], f"over {steps} steps of "
                        f"{where([layer])}, {told}", first_over_last=share, factor_per_step=factor, steps=steps)


def _hearing(layer, share, factor, steps, heard):
    """How far back a gated layer hears: a remark, or a disease if the answer lies further."""
    numbers = {"first_over_last": share, "factor_per_step": factor, "steps": steps, "steps_back": heard}
    told = f"{where([layer])} reads {steps} steps and hears about {heard} steps back"
    if layer.told_at is not None and heard < steps - 1:
        far, near = layer.told_at[: -heard - 1].max().item(), layer.told_at[-heard - 1 :].max().item()
        if far > max(TELLS, TWICE * near):
            back = steps - 1 - layer.told_at[: -heard - 1].argmax().item()
            return found("vanishing in time", [layer], f"{told}, but in these data the answer lies {back} back",
                         **numbers, answer_back=back)
    return remark("vanishing in time", [layer], f"{told}; sick only if the answer lies further", **numbers)


def prescribe(finding, exam, model):
    """Orthogonal weights against growth; gates that begin open against forgetting (Tallec & Ollivier 2018)."""
    name = finding.layers[0]
    module, steps = module_of(model, name), finding.evidence["steps"]
    if finding.kind == "exploding in time":
        return Remedy("clip the gradient's norm, nn.utils.clip_grad_norm_(model.parameters(), 1.0), and draw "
                      f"{name}'s recurrent weights orthogonal, nn.init.orthogonal_(w)", "7", _orthogonal(name))
    if "padding" in finding.evidence:
        return Remedy("let it end with the last word: pack the sequences, "
                      "nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False), or pad in front", "7")
    # Three hundred steps of Adam then recall a sign a hundred steps back, and as many of gradient descent none.
    slow = exam.optimizer is not None and not exam.optimizer.by_sign
    train = ", and train it by torch.optim.Adam(model.parameters(), 1e-2)" if slow else ""
    if isinstance(module, (nn.LSTM, nn.LSTMCell)):
        return Remedy(f"let {name} remember: forget biases of ln U(1, {steps - 1}) and the opposite for the input gate (chrono "
                      f"initialization){train}", "7", _chrono(name, steps))  # fmt: skip
    if isinstance(module, (nn.GRU, nn.GRUCell)):
        return Remedy(f"let {name} remember: update-gate biases of ln U(1, {steps - 1}) (chrono initialization){train}", "7",
                      _chrono(name, steps))
    return Remedy(f"replace {name} by an LSTM or a GRU, nn.LSTM(inputs, units, batch_first=True), with chrono biases, or cut "
                  "the sequences shorter", "7")


def _orthogonal(name):
    def change(model):
        for key, p in module_of(model, name).named_parameters():
            if key.startswith("weight_hh"):
                for block in p.split(p.shape[1]):
                    nn.init.orthogonal_(block.data)

    return change


def _chrono(name, steps):
    @torch.no_grad()
    def change(model):
        module = module_of(model, name)
        size = module.hidden_size
        for key, p in module.named_parameters():
            if key.startswith("bias_ih"):
                p.zero_()
            elif key.startswith("bias_hh"):
                keep = torch.empty(size, dtype=p.dtype, device="cpu").uniform_(1, max(steps - 1, 1.1)).log_()
                p.zero_()
                p[size : 2 * size] = keep  # of an LSTM (i, f, g, o) the forget gate, of a GRU (r, z, n) the update gate
                if isinstance(module, (nn.LSTM, nn.LSTMCell)):
                    p[:size] = -keep

    return change
