"""How pictures are made: numbers to artists, artists to fast pictures, and pictures to words."""
