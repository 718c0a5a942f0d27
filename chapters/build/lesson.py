"""What a lesson keeps to: the time that it takes, how much it shows, and what it must hold.

A chapter is two notebooks: the lesson, source/NN_name.py, and its evidence, source/evidence/NN_name.py.
The build prints the time in the lesson's head, and the tests hold the limits. Cells are those of `build.read_source`, in
which speaker notes are no cells any more.
"""

import ast
import re
from dataclasses import dataclass

MINUTES = 45  # of a lesson without its exercises
CELLS, WORDS, LINES = 50, 2000, 200  # of a lesson: cells with exercises, words and lines of code without them
CELL_LINES, LINE = 15, 100  # lines of a code cell, characters of a line
TAKE_HOME = range(6, 13)  # lines of the cell that a learner takes home
WORDS_A_MINUTE, SECONDS_A_LINE = 150, 4  # of prose, of code
TRY, PICTURE, CLINIC, EXERCISE = 2, 0.5, 5, 5  # minutes: an explorer or a prediction, a still picture, a clinic, an exercise
HEAD = re.compile(r"^\*About \d+ minutes.*\.\*$", re.MULTILINE)  # the line that says the time, and does not count itself


@dataclass
class Section:
    """What stands below one heading: words and lines of code, and how often a learner tries, looks, and treats."""

    title: str
    is_exercise: bool = False
    words: int = 0
    lines: int = 0
    tries: int = 0  # explorers and predictions
    pictures: int = 0  # still ones
    clinic: bool = False
    exercises: int = 0

    @property
    def minutes(self):
        """The minutes that it takes; exercises count by the piece, whatever they say."""
        if self.is_exercise:
            return EXERCISE * self.exercises
        reading = self.words / WORDS_A_MINUTE + self.lines * SECONDS_A_LINE / 60
        return reading + TRY * self.tries + PICTURE * self.pictures + CLINIC * self.clinic


def sections(cells):
    """Return the list of `Section` of a lesson, a heading of the first or second level each.

    Exercises are what stands below the heading "Exercises". The clinic counts once, where it first stands.
    """
    found = [Section("(before the title)")]
    for cell in cells:
        if cell.cell_type == "code":
            _add_code(found[-1], cell.source, first_clinic=not any(section.clinic for section in found))
            continue
        for part in re.split(r"^(?=##? )", cell.source, flags=re.MULTILINE):
            if heading := re.match(r"##? (.+)", part):
                found.append(Section(heading[1].strip(), is_exercise=heading[1].strip().casefold() == "exercises"))
            found[-1].words += words_of(part)
            found[-1].pictures += len(re.findall(r"!\[|<img", part))
            found[-1].lines += sum(len(_lines(block)) for block in re.findall(r"```\w*\n(.*?)```", part, re.DOTALL))
    return [section for section in found if section != Section(section.title, section.is_exercise)]


def minutes(cells):
    """Return the minutes of a lesson without its exercises, and those of its exercises."""
    parts = sections(cells)
    return tuple(sum(part.minutes for part in parts if part.is_exercise == is_exercise) for is_exercise in (False, True))


def head_line(cells):
    """Return the line that the build prints below a lesson's title."""
    lesson, exercises = minutes(cells)
    further = f", and {exercises:.0f} more for the exercises" if exercises else ""
    return f"*About {max(round(lesson), 1)} minutes{further}.*"


def time_table(cells):
    """Return minutes by heading as text, with what they are made of."""
    row = "{:>7} {:>6} {:>6} {:>6} {:>9}  {}".format
    text = [row("minutes", "words", "lines", "tries", "pictures", "heading")]
    for part in sections(cells):
        remark = f" (exercises: {part.exercises})" * part.is_exercise + " (clinic)" * part.clinic
        text.append(row(f"{part.minutes:.1f}", part.words, part.lines, part.tries, part.pictures, part.title + remark))
    told = [part for part in sections(cells) if not part.is_exercise]
    sums = [sum(getattr(part, name) for part in told) for name in ("words", "lines", "tries", "pictures")]
    text.append(row(f"{minutes(cells)[0]:.1f}", *sums, f"without exercises; the most is {MINUTES} minutes, {WORDS} words, "
                    f"{LINES} lines, and {CELLS} cells, of which there are {len(cells)}"))
    return "\n".join(text)


def words_of(text):
    """Count the words of Markdown that a learner sees; a formula is one, what stands in a block of code is none."""
    text = re.sub(r"<!--.*?-->|```.*?```", " ", HEAD.sub("", text), flags=re.DOTALL)
    text = re.sub(r"\$\$.*?\$\$|\$[^$]*\$", " formula ", text, flags=re.DOTALL)
    text = re.sub(r"<[^>]+>|\]\([^)]*\)", " ", text)
    return len(re.findall(r"[^\W\d_][\w'’-]*", text))


def calls(tree, *names):
    """Yield the calls of functions of these names, whatever module they are called through."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in names:
            yield node


def claim_ids(code):
    """Return the ids of the calls of `claim` in a cell, in order.

    Raises ValueError if an id, or what is given as `only`, is computed: the tests read both without running the cell.
    """
    try:
        tree = ast.parse(code)
    except SyntaxError:  # a command of IPython's, or a cell that is to fail
        return []
    found = [call.args[0] if call.args else None for call in calls(tree, "claim")]
    for only in (word.value for call in calls(tree, "claim") for word in call.keywords if word.arg == "only"):
        if not isinstance(only, ast.Tuple) or not all(isinstance(factor, ast.Constant) for factor in only.elts):
            raise ValueError('only= of a claim is written out, as a tuple: only=("budget",)')
    for id in found:
        if not (isinstance(id, ast.Constant) and isinstance(id.value, str) and re.fullmatch(r"C\d+\.\d\d", id.value)):
            raise ValueError('the first argument of claim is its id, in quotes: claim("C1.14", ...)')
    return list(dict.fromkeys(id.value for id in found))


def check_of(code):
    """Return the last line of a code cell if it calls a checker, `check_...`: the cell is an exercise; else None."""
    statements = ast.parse(code).body
    last = statements[-1] if statements else None
    if isinstance(last, ast.Expr) and isinstance(last.value, ast.Call):
        name = ast.unparse(last.value.func).rpartition(".")[2]
        return ast.unparse(last) if name.startswith("check_") else None
    return None


def faults(cells, stem, own_lines=None):
    """Return a sentence for each thing in which a lesson misses its limits; an empty list if it keeps to them.

    stem: of the source's name, "01_saturation". own_lines: name -> lines of code, of each function of utils that this
    lesson alone uses: they count as its own.
    """
    parts = [part for part in sections(cells) if not part.is_exercise]
    own = own_lines or {}
    words, lines = sum(part.words for part in parts), sum(part.lines for part in parts) + sum(own.values())
    elsewhere = f" ({', '.join(f'{name} in utils: {count}' for name, count in own.items())})" if own else ""
    taken, prose = minutes(cells)[0], "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    found = [
        f"{len(cells)} cells, and {CELLS} is the most" * (len(cells) > CELLS),
        f"{words} words outside exercises, and {WORDS} is the most" * (words > WORDS),
        f"{lines} lines of code{elsewhere}, and {LINES} is the most" * (lines > LINES),
        f"{taken:.1f} minutes, and {MINUTES} is the most" * (taken > MINUTES),
        f"no line links to the evidence: [...](evidence/{stem}.ipynb)" * (f"](evidence/{stem}.ipynb)" not in prose),
    ]
    code = [cell for cell in cells if cell.cell_type == "code"]
    for cell in code:
        found += [f"{fault}: {cell.source.splitlines()[0]}" for fault in faults_of_code(cell.source, "take-home" in tags_of(cell))]
    home = [cell for cell in code if "take-home" in tags_of(cell)]
    if len(home) != 1 or code[-1] is not home[0]:
        found.append('the last code cell, and no other, has the tag "take-home"')
    elif len(_lines(home[0].source)) not in TAKE_HOME:
        found.append(f"the take-home cell has {TAKE_HOME[0]} to {TAKE_HOME[-1]} lines, not {len(_lines(home[0].source))}")
    return list(filter(None, found))


def tags_of(cell):
    """Return the tags of a cell."""
    return cell.metadata.get("tags", [])


def faults_of_code(code, is_take_home=False):
    """Return what is wrong with one visible cell of code, in a few words each; what is taken home has no `table` to call."""
    lines, tree = _lines(code), ast.parse(code)
    starts = [node.lineno for node in ast.walk(tree) if isinstance(node, ast.stmt)]
    return list(filter(None, [
        f"{len(lines)} lines in a cell, and {CELL_LINES} is the most" * (len(lines) > CELL_LINES),
        f"a line of more than {LINE} characters" * any(len(line) > LINE for line in lines),
        "two statements on a line" * (len(starts) > len(set(starts))),
        "`stopped or`: say claim(..., unless=runs)" * bool(re.search(r"stopped\s+or\b", code)),
        "a claim of a training lacks unless=" * _forgets_the_stop(tree),
        "formats a table by hand: return table(...) or clinic.chart(...)" * (_prints_a_table(tree) and not is_take_home),
    ]))  # fmt: skip


def _prints_a_table(tree):
    """Whether numbers are formatted and printed line by line, in a loop or in a comprehension that is printed."""
    loops = [node for node in ast.walk(tree) if isinstance(node, (ast.For, ast.While)) and any(calls(node, "print"))]
    joined = [node for call in calls(tree, "print") for node in ast.walk(call)
              if isinstance(node, (ast.ListComp, ast.GeneratorExp))]
    said = {id(part) for call in calls(tree, "claim") for part in ast.walk(call)}
    return any(isinstance(part, ast.FormattedValue) and part.format_spec and id(part) not in said
               for node in loops + joined for part in ast.walk(node))


def _forgets_the_stop(tree):
    """Whether a cell trains and makes a claim that would be judged after a training that was stopped."""
    bare = [call for call in calls(tree, "claim") if "unless" not in {word.arg for word in call.keywords} and len(call.args) < 4]
    return bool(bare) and any(calls(tree, "race", "fit"))


def _add_code(section, code, first_clinic):
    tree = ast.parse(code)
    section.lines += len(_lines(code))
    section.words += sum(words_of(text) for text in _texts(tree))
    section.tries += len(list(calls(tree, "explore", "predict")))
    section.pictures += len(list(calls(tree, "show")))
    section.clinic |= first_clinic and not section.is_exercise and "clinic." in ast.unparse(tree)
    section.exercises += bool(check_of(code))


def _lines(code):
    return [line for line in code.splitlines() if line.strip()]


def _texts(tree):
    """Yield what a learner reads of code as prose: the texts of `claim` and `predict`, and captions, which scenes return."""
    for call in calls(tree, "claim"):
        named = [word.value for word in call.keywords if word.arg == "sentence"]
        yield from (text for node in [*call.args[1:2], *named] for text in _strings(node))
    for call in calls(tree, "predict"):
        named = [word.value for word in call.keywords if word.arg == "guess"]
        yield from (text for node in [*call.args, *named] for text in _strings(node))
    for node in ast.walk(tree):
        if isinstance(node, ast.Return) and node.value:
            yield from _strings(node.value)


def _strings(node):
    """Yield the texts of an expression, without what it computes with: keys, arguments of calls, format specifications."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif not isinstance(node, (ast.Call, ast.Subscript, ast.FormattedValue)):
        for part in ast.iter_child_nodes(node):
            yield from _strings(part)
