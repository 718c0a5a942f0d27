"""What `diagnose` says to public questions, as a Markdown table.

    python -m tests.wild            each question, what was wrong, what diagnose says, whether that is right
    python -m tests.wild --train    what a short training makes of each net and of its corrected version
"""

import sys
from collections import Counter

from tests.wild.questions import QUESTIONS


def table():
    """One row a question; below, the counts, and what is said to the corrected versions."""
    print("| question | the fault | diagnose says | | it should say |\n|---|---|---|---|---|")
    counts, kinds, alarms = Counter(), {}, []
    for question in QUESTIONS:
        answer = question.answer()
        judgement = question.judge(answer)
        counts[judgement] += 1
        kinds.setdefault(question.right[0], Counter())[judgement] += 1
        due = " or ".join(question.right)
        asked = f"[{question.title}]({question.address})"
        cells = [asked, question.fault, str(answer), judgement, f"{due}: {question.says}"]
        print("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        if question.can_be_fixed:
            corrected = question.answer(fixed=True)
            if corrected.findings or corrected.error:
                alarms.append(f"{question.name}: {corrected}")
    print("\n| due | right | partly | wrong |\n|---|---|---|---|")
    for kind in sorted(kinds):
        print(f"| {kind} | " + " | ".join(str(kinds[kind][name]) for name in ("right", "partly", "wrong")) + " |")
    fixed = sum(question.can_be_fixed for question in QUESTIONS)
    numbers = ", ".join(f"{name} {counts[name]}" for name in ("right", "partly", "wrong"))
    print(f"\n{len(QUESTIONS)} questions: {numbers}.\n")
    print(f"Of {fixed} corrected versions {len(alarms)} are called sick. " + "; ".join(alarms))


def training():
    """One row a question: the score after a short training, and whether it is enough."""
    print("| question | steps | enough | as asked | corrected |\n|---|---|---|---|---|")
    for question in QUESTIONS:
        asked, fixed = question.trained(), question.trained(fixed=True) if question.can_be_fixed else ""
        cells = [f"{score:.3g}" if isinstance(score, float) else score[:60] for score in (asked, fixed)]
        as_said = question.is_enough(asked) == question.learns and (fixed == "" or question.is_enough(fixed))
        row = [question.name, str(question.steps), str(question.enough), *cells]
        print("| " + " | ".join(row) + " |", "" if as_said else "NOT AS SAID")


if __name__ == "__main__":
    training() if "--train" in sys.argv else table()
