"""A choice among texts: which one a learner means, whether it is right, and what is said to a text that is none."""

from utils.exercises.verdict import CORRECT, NO_CHOICE, NOT_ATTEMPTED, NOT_YET, Verdict


def check_choice(answer, truth, explain):
    """Check a choice: `answer` is the learner's, `truth` the right one; returns a Verdict that explains.

    explain: dict choice -> one sentence on what speaks for or against it; its keys are the choices.
    Capitals and spaces do not count. Raises ValueError if `truth` is none of the choices.
    """
    if truth not in explain:
        raise ValueError(f"the truth {truth!r} is none of the choices {list(explain)}")
    choice = chosen(answer, explain)
    if isinstance(choice, Verdict):
        return choice
    return Verdict(CORRECT if choice == truth else NOT_YET, explain[choice])


def chosen(answer, choices):
    """Return the one of `choices` (texts) that a learner's answer names, or a Verdict with all of them if it names none."""
    all_of_them = "choose one of " + ", ".join(f'"{choice}"' for choice in choices)
    if answer is None or answer is ...:
        return Verdict(NOT_ATTEMPTED, all_of_them)
    by_key = {key(choice): choice for choice in choices}
    choice = by_key.get(key(answer)) if isinstance(answer, str) else None
    given = f'"{answer[:80]}"' if isinstance(answer, str) else f"a value of type {type(answer).__name__}"
    return Verdict(NO_CHOICE, f"{given} is none of the answers; {all_of_them}") if choice is None else choice


def key(text):
    """Return a text without capitals and spaces: two texts with the same key count as the same answer."""
    return "".join(text.casefold().split())
