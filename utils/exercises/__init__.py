"""How answers are judged: checkers, quizzes, and the clinic, with what is said to a learner."""
