"""The one training loop of the course, and what a notebook shows while it runs."""
