"""The course as a web site: read it, move it, guess it, with nothing installed. `site` makes it; see its docstring."""
