"""Which settings of a scene the web edition holds: a grid of values, thinned evenly, with all that the text speaks of."""

import itertools
import math
import re

from ipywidgets import fixed

TOGETHER = 16  # states in one file: a move of one slider stays in it for a few steps


def values_of(control):
    """Return (value, label) of everything that a learner can give a control, in the order in which it shows them."""
    if isinstance(control, fixed):
        return [(control.value, str(control.value))]
    if hasattr(control, "options"):
        options = control.options.items() if isinstance(control.options, dict) else control.options
        pairs = [(option[1], option[0]) if isinstance(option, tuple) else (option, option) for option in options]
        return [(value, say(label)) for value, label in pairs]
    if isinstance(control.value, bool):
        return [(False, "off"), (True, "on")]
    steps = round((control.max - control.min) / control.step)
    values = [min(control.min + step * control.step, control.max) for step in range(steps + 1)]
    if isinstance(control.value, float):
        values = [control.value if math.isclose(value, control.value, abs_tol=1e-9) else round(value, 9) for value in values]
    return [(value, say(value)) for value in values]


def is_slider(control):
    """Whether a control has an order, so that values between two of its values can be left out."""
    return hasattr(control, "max") or type(control).__name__.startswith("Selection")


def say(value):
    """Return a value as a learner reads it beside its control."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def numbers_in(text):
    """Return the numbers that a text speaks of, without those that count its points: (1), (2)."""
    text = re.sub(r"\(\d\)", " ", text.replace("−", "-"))
    return {float(number.replace(",", "")) for number in re.findall(r"(?<![\w.])[-+]?\d[\d,]*(?:\.\d+)?", text)
            if number.replace(",", "").strip("+-")}  # fmt: skip


def spoken_of(text, names):
    """Return (name, number) of what a text says of controls: of those that a sentence names, or of all if it names none."""
    found = []
    for sentence in re.split(r"(?<=[.?!;:])\s|\(\d\)", text):
        named = [name for name in names if re.search(rf"\b{name}\b|\b{name.replace('_', ' ')}\b", sentence)]
        found += [(name, number) for number in sorted(numbers_in(sentence)) for name in named or names]
    return found


def choose(controls, most, texts=()):
    """Return, for each control by name, the indices of the values that are kept, so that their grid has at most `most` states.

    Kept in any case are both ends and the default of each control, even if these alone are more. As far as there is room:
    every choice, then the numbers in `texts` that are values of a slider, the first text first; the rest lies evenly.
    """
    values = {name: [value for value, _ in values_of(control)] for name, control in controls.items()}
    must = {name: {0, len(values[name]) - 1, values[name].index(control.value)} for name, control in controls.items()}

    def add(name, index):
        others = math.prod(len(kept) for other, kept in must.items() if other != name)
        if index not in must[name] and others * (len(must[name]) + 1) <= most:
            must[name].add(index)

    for name in controls:
        if not is_slider(controls[name]):
            for index in range(len(values[name])):
                add(name, index)
    for text in texts:
        for name, number in spoken_of(text, [name for name in controls if is_slider(controls[name])]):
            if number in values[name]:
                add(name, values[name].index(number))
    counts = {name: len(values[name]) for name in controls}
    while math.prod(counts.values()) > most:
        loose = [name for name in controls if counts[name] > len(must[name])]
        if not loose:
            break
        counts[max(loose, key=counts.get)] -= 1
    return {name: _evenly(len(values[name]), counts[name], must[name]) for name in controls}


def _evenly(length, count, must):
    """Return `count` of range(length), `must` among them: the middle of the widest gap is taken, again and again."""
    if count >= length:
        return list(range(length))
    kept = sorted(must)
    while len(kept) < count:
        left, right = max(itertools.pairwise(kept), key=lambda pair: pair[1] - pair[0])
        kept = sorted([*kept, (left + right) // 2])
    return kept


def snake(shape):
    """Yield every place of a grid, so that from one to the next a single control moves by a single step."""
    if not shape:
        yield ()
        return
    for row, place in enumerate(snake(shape[:-1])):
        last = range(shape[-1])
        yield from ((*place, index) for index in (reversed(last) if row % 2 else last))


def edges_of(shape):
    """Return how many neighbours along each control share a file."""
    edges = [1] * len(shape)
    while math.prod(edges) < TOGETHER:
        growing = [i for i, length in enumerate(shape) if edges[i] < length]
        if not growing:
            break
        edges[min(growing, key=lambda i: (edges[i], -shape[i]))] += 1
    return edges


def block_of(place, shape, edges):
    """Return the number of the file in which the state at `place` is."""
    number = 0
    for index, length, edge in zip(place, shape, edges):
        number = number * -(-length // edge) + index // edge
    return number
