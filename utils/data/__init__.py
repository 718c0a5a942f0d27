"""What the course looks at: small data that ships with it, and the dates of the field."""
