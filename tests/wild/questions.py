"""All questions, in the order of their families."""

from tests.wild import ends, flow, scales, sequences, sound  # noqa: F401  each puts its own into QUESTIONS
from tests.wild.question import QUESTIONS

__all__ = ["QUESTIONS"]
