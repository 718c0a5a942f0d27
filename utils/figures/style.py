"""How every figure of the course looks: palette, sizes, and the lecture mode.

Nothing here changes matplotlib for the rest of the process: `rc_params()` returns settings, and whoever makes a
figure applies them to that figure alone.
"""

import os

# After Okabe & Ito's palette (2008), darkened until every colour has a contrast of at least 3:1 on white (WCAG 2.1,
# graphical objects). That brought some too close for colour-blind eyes: orange, purple and grey have moved until any
# two stay apart under protanopia, deuteranopia and tritanopia (tests/figures/test_accessibility.py measures it).
BLUE = "#0072B2"
VERMILLION = "#D55E00"
GREEN = "#009E73"
PURPLE = "#93799A"
ORANGE = "#BA8B4B"
BROWN = "#7B3F00"
VIOLET = "#6000D8"
GREY = "#504C4C"
BLACK = "#1A1A1A"

# One meaning, one colour, in all seven chapters.
MEASURED = BLUE
THEORY = BLACK
ALARM = VERMILLION
HEALTHY = GREEN
GUESS = PURPLE

# Ink on paper, for what is said to a learner: a contrast of at least 7:1 (WCAG 2.1, text, the stricter level).
GOOD, BAD, NEUTRAL = ("#1B5E20", "#E8F5E9"), ("#8A2D00", "#FFF3E8"), ("#424242", "#F2F2F2")

CYCLE = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, BLACK, GREY, BROWN, VIOLET)
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "p")  # colour never carries a meaning alone
DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)), (0, (8, 2)), (0, (6, 1, 1, 1, 1, 1)))

SEQUENTIAL = "cividis"  # perceptually even, and the same to a colour-blind reader
DIVERGING = "PuOr"
# What is left of a gradient in a drawn net: it fades on paper, so that what is alive catches the eye, and not what is dead.
INK = ("#F6F8FB", "#A9CBE3", "#4E9DCB", BLUE, "#004A80", "#00203F")  # equal steps of lightness

WIDTH, HEIGHT, DPI = 9.0, 3.8, 100  # inches, inches, pixels per inch: one figure fits one notebook cell
LEAST = 0.85  # how far a picture shrinks in a narrow window; then it is scrolled, or its type would be too small to read

LECTURE_VARIABLE = "COURSE_LECTURE"


def fit(width):
    """Return the layout of a picture of `width` inches in a widget, as a dict: what the margins leave of a notebook."""
    pixels = round(width * DPI)
    least = f"max(calc(100% - 4px), {round(LEAST * pixels)}px)"
    return {"width": f"{pixels}px", "max_width": least, "flex": "0 0 auto"}


def lecture(on=True):
    """Switch the lecture mode of this kernel on or off: larger type, thicker lines, for the last row of a hall."""
    os.environ[LECTURE_VARIABLE] = "1" if on else ""


def in_lecture():
    """Whether figures are drawn for a lecture hall (`lecture()`, or the environment variable COURSE_LECTURE=1)."""
    return os.environ.get(LECTURE_VARIABLE, "") not in ("", "0")


def rc_params():
    """Return the matplotlib settings of the course as a dict for `matplotlib.rc_context`."""
    scale = 1.35 if in_lecture() else 1.0  # slides enlarge a figure by another quarter (teaching/lecture.css)
    return {
        "font.family": "DejaVu Sans",
        "font.size": 10.5 * scale,
        "axes.titlesize": 11.5 * scale,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.labelsize": 10.5 * scale,
        "xtick.labelsize": 9.5 * scale,
        "ytick.labelsize": 9.5 * scale,
        "legend.fontsize": 9.5 * scale,
        "legend.frameon": False,
        "lines.linewidth": 2.0 * scale,
        "lines.markersize": 5.5 * scale,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "grid.color": "#E3E3E3",
        "grid.linewidth": 0.8,
        "axes.axisbelow": True,
        "axes.edgecolor": GREY,
        "figure.facecolor": "white",
        "savefig.facecolor": "white",
        "image.cmap": SEQUENTIAL,
    }
