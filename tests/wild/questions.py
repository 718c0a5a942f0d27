"""Public questions "my net does not learn", of PyTorch's forum and of GitHub, rebuilt in our own code.

What the asker told of net, loss, optimizer and learning rate is kept; nets are smaller, and data of the same form stand
in for theirs. Where something was not told, the words of the fault say so, or it is what the tutorials take. What is
right was decided before `diagnose` was asked; that the nets do not learn, and their corrected versions do, was tried:
`python -m tests.wild --train`, and the slow test.
"""

from tests.wild import ends, flow, owned, scales, sequences, sound  # noqa: F401  each puts its own into QUESTIONS
from tests.wild.question import QUESTIONS

__all__ = ["QUESTIONS"]
