"""A song to be learned by heart, letter by letter: the first line of each verse of an English carol (printed in 1780).

Which gift a line ends with depends on one word only, some forty letters before it, and all lines say the same in between.
"""

_DAYS = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"
_GIFTS = (
    "a partridge in a pear tree", "two turtle doves", "three french hens", "four calling birds", "five gold rings",
    "six geese a laying", "seven swans a swimming", "eight maids a milking", "nine ladies dancing", "ten lords a leaping",
    "eleven pipers piping", "twelve drummers drumming",
)  # fmt: skip

LETTERS = "\n abcdefghijklmnopqrstuvwxyz"
_OPENINGS = [f"on the {day} day of christmas my true love gave to me " for day in _DAYS.split()]
BEGIN = max(map(len, _OPENINGS))  # where the gifts begin: shorter lines have spaces in front, and a line break behind
CODES = [[LETTERS.index(letter) for letter in opening.rjust(BEGIN) + gift.ljust(27, "\n")]
         for opening, gift in zip(_OPENINGS, _GIFTS)]  # fmt: skip


def spell(codes):
    """Return a line of text for its codes, up to the first line break."""
    return "".join(LETTERS[code] for code in codes).partition("\n")[0]
