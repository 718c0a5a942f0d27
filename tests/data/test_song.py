"""The song: twelve lines of one length, and a gift that only the day tells."""

from utils.data import song


def test_every_line_has_its_gift_behind_the_same_letters():
    lines = ["".join(song.LETTERS[code] for code in codes) for codes in song.CODES]
    assert len(lines) == 12 and len(set(map(len, lines))) == 1
    between = " day of christmas my true love gave to me "
    assert all(line[: song.BEGIN].endswith(between) for line in lines)
    openings, gifts = ({line[part] for line in lines} for part in (slice(song.BEGIN), slice(song.BEGIN, None)))
    assert len(openings) == len(gifts) == 12


def test_a_line_is_spelt_up_to_its_end():
    gift = song.CODES[6][song.BEGIN :]
    assert song.spell(gift) == "seven swans a swimming" and song.spell([]) == ""
    assert song.spell(song.CODES[0]).strip() == "on the first day of christmas my true love gave to me a partridge in a pear tree"
