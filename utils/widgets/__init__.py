"""A scene on a page: a picture, sliders for it, or a question with a reveal."""
