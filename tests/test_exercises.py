"""What a chapter's checkers answer to junk and to a stub; right and wrong answers stand in test_chapterNN.

Chapter 5's stand in test_chapter05: one of its checkers takes an invention, for which other things are junk.
"""

import importlib

import pytest
import torch

from utils.verdict import NOT_ATTEMPTED, NOT_YET

CHAPTERS = [importlib.import_module(f"utils.chapter{number:02}") for number in (1, 2, 3, 4, 6, 7)]
CHECKERS = {  # each where it is written, not where it is imported
    f"{chapter.__name__}.{name}": checker
    for chapter in CHAPTERS
    for name, checker in vars(chapter).items()
    if name.startswith("check_") and checker.__module__ == chapter.__name__
}
JUNK = [3, "text", torch.ones(3), [], len, lambda: 1, lambda *a: 1 / 0, lambda *a: "no", lambda *a: [None],
        lambda *a: (torch.ones(2, 2), "no"), lambda *a: torch.ones(2, 2, 2)]  # fmt: skip
checkers = pytest.mark.parametrize("checker", CHECKERS.values(), ids=CHECKERS)


@checkers
@pytest.mark.parametrize("junk", JUNK)
def test_junk_gets_one_sentence(checker, junk):
    verdict = checker(junk)
    assert verdict.status == NOT_YET and len(verdict.sentence.splitlines()) == 1, verdict


@checkers
def test_a_stub_is_not_attempted(checker):
    def stub(*arguments):
        ...

    assert checker(...).status == checker(None).status == NOT_ATTEMPTED
    assert checker(stub).status == NOT_ATTEMPTED
