"""The content of the seven chapters that learners must not see first: right answers, typical mistakes, patients."""
