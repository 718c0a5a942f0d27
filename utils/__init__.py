"""The course's helper package: small rooms, imported in one direction."""
