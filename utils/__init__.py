"""The course's helper package: small rooms, imported in one direction (see the table in README.md)."""
