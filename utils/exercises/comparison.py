"""What a learner's answer and the right one differ in, said in one sentence; and whether an argument was changed."""

import copy
import re
from numbers import Real

import torch
from torch import nn

NAN = "nan (which comes of 0/0, or of the root of a negative number)"


def describe_difference(answer, expected, arguments, rtol, atol):
    """Return a sentence on the first difference between an answer and what was expected, or None if they agree."""
    if not isinstance(expected, torch.Tensor):
        single = isinstance(answer, torch.Tensor) and answer.numel() == 1 and not answer.is_complex()
        if isinstance(answer, bool) or not (isinstance(answer, Real) or single):
            return f"expected a number, got {kind_of(answer)}"
        answer, expected = torch.tensor(float(answer)).double(), torch.tensor(float(expected)).double()
    if not isinstance(answer, torch.Tensor):
        numbers = f"{len(expected)} numbers, such as " if expected.dim() == 1 else ""
        return f"expected {numbers}a tensor of shape {tuple(expected.shape)}, got {kind_of(answer)}"
    if answer.shape != expected.shape:
        return f"expected shape {tuple(expected.shape)}, got {tuple(answer.shape)}"
    if answer.is_floating_point() != expected.is_floating_point() or answer.is_complex() != expected.is_complex():
        return f"expected numbers of type {expected.dtype}, got {answer.dtype}"
    if expected.requires_grad and not answer.requires_grad:
        return "the answer is cut off from the graph (detached): autograd cannot go back through it"
    answer, expected = answer.detach().double(), expected.detach().double()
    allowed = rtol * expected.abs() + atol * expected.abs().max() if expected.numel() else expected
    wrong = ~((answer - expected).abs() <= allowed)  # written so that nan counts as wrong
    if not wrong.any():
        return None
    strange = answer.isnan()
    place = tuple((strange if strange.any() else wrong).nonzero()[0].tolist())
    at = f" at {list(place)}" if place else ""
    given = [f"{name} = {value[place].item():.4g}" for name, value in arguments.items()
             if isinstance(value, torch.Tensor) and value.shape == expected.shape]
    given += [describe_argument(name, value) for name, value in arguments.items() if isinstance(value, Real)]
    where = f"{at} for {', '.join(given)}" if given else at
    if strange.any():
        return f"expected {expected[place]:.4g}{where}, but your result is {NAN}"
    return f"expected {expected[place]:.4g}{where}, got {answer[place]:.4g}"


def prints(text, expected):
    """Whether a text ends with the numbers of `expected`, a number or a tensor, as printing rounds them."""
    if not isinstance(expected, (Real, torch.Tensor)):
        return False
    wanted = torch.as_tensor(expected).detach().double().flatten()
    text = re.sub(r"dtype=[\w.]+|grad_fn=<\w+>", "", text)
    last = text[text.rfind("tensor("):] if "tensor(" in text else (text.strip().splitlines() or [""])[-1]
    if len(wanted) != 1 and re.search(r"[A-Za-df-z]", last.replace("tensor", "")):  # other things have numbers in them, too
        return False
    told = [float(number) for number in re.findall(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?", last)]
    found = torch.tensor(told[-len(wanted):], dtype=torch.float64)
    return len(wanted) == len(found) > 0 and torch.allclose(found, wanted, rtol=5e-3, atol=1e-12)


def describe_change(before, after):
    """Return a sentence, with {name} in it, if an argument is not as it was before the call, else None."""
    if isinstance(before, nn.Module):
        if any(p.grad is not None for p in after.parameters()):
            return "it leaves gradients behind in the .grad of {name}'s parameters: use torch.autograd.grad"
        old, new = before.state_dict(), after.state_dict()
        same = old.keys() == new.keys() and all(_equal(old[key], new[key]) for key in old)
    else:
        same = not isinstance(before, torch.Tensor) or _equal(before, after)
    return None if same else "it changes its argument {name} in place: work on a copy"


def _equal(a, b):
    """Whether two tensors agree in type, shape and values."""
    return a.dtype == b.dtype and torch.equal(a, b)


def copy_of(value):
    """Return an independent copy of an argument."""
    if isinstance(value, torch.Tensor):
        return value.detach().clone().requires_grad_(value.requires_grad)
    return copy.deepcopy(value)


def kind_of(value):
    """Name a value's kind for a sentence: a tensor by its shape, anything else by its type."""
    if isinstance(value, torch.Tensor):
        dtype = str(value.dtype).removeprefix("torch.")
        return f"a {dtype} tensor of shape {tuple(value.shape)}"
    return f"a value of type {type(value).__name__}"


def describe_argument(name, value):
    """Describe an argument for a sentence: a number by its value, anything else by its kind."""
    return f"{name} = {value:.4g}" if isinstance(value, Real) else f"{name} is {kind_of(value)}"


def first_words(error):
    """Return the first line of an error's message, cut to a readable length."""
    line = (str(error).strip() or "no message").splitlines()[0]
    return line if len(line) <= 160 else line[:157] + "..."
