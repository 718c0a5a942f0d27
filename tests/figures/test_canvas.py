import io
import itertools
import logging
import warnings

import matplotlib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import RendererAgg
from PIL import Image

from utils.figures import style
from utils.figures.canvas import Canvas, course_settings
from utils.figures.words import describe

X = np.linspace(0.0, 1.0, 40)


def pixels(canvas, small=False):
    return np.asarray(Image.open(io.BytesIO(canvas.png(small))).convert("RGB"), dtype=int)


def lines(ax, k, label, log):
    ax.plot(X, np.exp(k * X), "o-", label="rising" if label else None)
    ax.plot(X, np.exp(-k * X), "--", color=style.THEORY, label="theory" if label else None)
    ax.set_yscale("log" if log else "linear")
    ax.set_title("Rising" if label else "", color=style.ALARM if k > 2 else style.BLACK)
    if label:
        ax.legend(loc="upper left")
    return f"k is {k}." if log else None


def fixed_limits(ax, k, label, log):
    ax.plot(X, k * X, label="line")
    ax.fill_between(X, k * X - 0.2, k * X + 0.2, alpha=0.3)
    ax.axvline(k / 4, color=style.GUESS, linestyle=":")
    ax.annotate("here", (k / 4, k / 4), xytext=(0.5, 0.5), arrowprops={"arrowstyle": "->"})
    ax.set(xlim=(0, 1), ylim=(-1, 4), xlabel="x" if label else "", ylabel="y", title="Fixed")
    if log:
        ax.text(0.5, 3, f"{k:.1f}")
    return f"A long caption, which says once more that k is {k}, " * 4


def histogram(ax, k, label, log):
    ax.hist(np.sin(17 * k * X), bins=12, log=log, label="values" if label else None)
    ax.set_xlabel("value")
    ax.set_ylabel("count of the values of this histogram")


def image(ax, k, label, log):
    picture = ax.imshow(np.outer(X, np.cos(k * X)), aspect="auto" if log else "equal")
    if label:
        ax.figure.colorbar(picture, ax=ax, label="cosine")
    ax.set_title("Image")


def twins(ax, k, label, log):
    ax.plot(X, X**k)
    twin = ax.twinx()
    twin.plot(X, np.cos(k * X), color=style.ALARM)
    twin.set_ylabel("cosine" if label else "")
    twin.set_yscale("symlog" if log else "linear")


def bars(ax, k, label, log):
    names = ["sigmoid", "tanh", "a rather long name"][: 2 + label]
    ax.barh(names, [k, 1.0, 2.0][: len(names)], color=style.CYCLE[: len(names)])
    ax.tick_params(axis="x", labelrotation=30 if log else 0)
    ax.grid(log)


def ticks(ax, k, label, log):
    ax.plot(X, X)
    ax.set_xticks([0.0, round(k / 4, 1), 1.0], labels=["none", "some", "all"])
    ax.get_xticklabels()[1].set_color(style.ALARM if label else style.BLACK)
    ax.spines["left"].set_visible(not log)
    ax.spines["bottom"].set_position(("data", 0.5 if k > 2 else 1.0))
    ax.set_xlabel("how much", labelpad=k)
    ax.set_title("Ticks", pad=5 * k)
    ax.invert_yaxis()
    if log:
        ax.set_axis_off()


def touched(ax, k, label, log):
    """What hardly any scene does to its frame, one thing at a time."""
    ax.plot(X, X)
    ax.set(xlim=(0, 1), ylim=(0, 1))
    ax.set_yscale("symlog", linthresh=0.1 * k)
    ax.xaxis.get_gridlines()[0].set_color(style.ALARM if label else style.GREY)
    ax.yaxis.get_gridlines()[0].set_linewidth(1 + log)
    ax.set_title("Boxed", bbox={"facecolor": style.ORANGE if log else "white"})
    ax.patch.set_hatch("/" if label and log else None)


SCENES = [lines, fixed_limits, histogram, image, twins, bars, ticks, touched]

@st.composite
def calls(draw):
    """Some calls of one or two scenes, so that frames often stay the same and often change."""
    scenes = draw(st.lists(st.sampled_from(SCENES), min_size=1, max_size=2, unique=True))
    call = st.tuples(st.sampled_from(scenes), st.sampled_from([0.5, 1.0, 2.5, 3.5]), st.booleans(), st.booleans())
    return draw(st.lists(call, min_size=2, max_size=6))


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(calls())
def test_what_was_drawn_before_leaves_no_trace(calls):
    canvas = Canvas()
    for scene, k, label, log in calls:
        canvas.draw(scene, k=k, label=label, log=log)
    fresh = Canvas()
    fresh.draw(scene, k=k, label=label, log=log)
    assert np.array_equal(pixels(canvas), pixels(fresh)), (scene.__name__, k, label, log)
    assert canvas.alt == fresh.alt


@pytest.mark.parametrize("scene", SCENES)
def test_a_cached_frame_changes_no_pixel(scene):
    canvas, fresh = Canvas(), Canvas()
    for k in (1.0, 1.2, 3.5, 1.0, 1.0):
        canvas.draw(scene, k=k, label=True, log=False)
    fresh.draw(scene, k=1.0, label=True, log=False)
    assert np.array_equal(pixels(canvas), pixels(fresh))


@pytest.mark.parametrize("scene", [lines, fixed_limits, histogram, bars])  # a twin's grid goes below the data here
def test_the_picture_is_the_one_that_matplotlib_draws(scene):
    figures = []

    def remember(ax, **params):
        figures.append(ax.figure)
        scene(ax, **params)  # without its caption, which matplotlib would not know

    canvas = Canvas()
    canvas.draw(remember, k=1.0, label=True, log=False)
    renderer = RendererAgg(*figures[0].bbox.size.astype(int), style.DPI)
    for artist in figures[0].findobj():
        artist.set_animated(False)
    with course_settings():
        figures[0].draw(renderer)
    expected = np.asarray(Image.fromarray(np.asarray(renderer.buffer_rgba())).convert("RGB"), dtype=int)
    assert np.array_equal(pixels(canvas), expected)


def test_only_a_changed_frame_is_drawn_again(monkeypatch):
    drawn = []
    draw_frame = Canvas._draw_frame
    monkeypatch.setattr(Canvas, "_draw_frame", lambda self, figure: (drawn.append(1), draw_frame(self, figure)))
    canvas = Canvas()
    for k in (1.0, 1.5, 2.0):
        canvas.draw(fixed_limits, k=k, label=True, log=True)
    assert len(drawn) == 1
    canvas.draw(fixed_limits, k=2.0, label=False, log=True)
    assert len(drawn) == 2
    canvas.draw(fixed_limits, k=1.5, label=True, log=True)  # a frame of before is still there, with its pixels
    assert len(drawn) == 2
    fresh = Canvas()
    fresh.draw(fixed_limits, k=1.5, label=True, log=True)
    assert np.array_equal(pixels(canvas), pixels(fresh))


def test_frames_beyond_the_last_few_are_forgotten(monkeypatch):
    drawn = []
    draw_frame = Canvas._draw_frame
    monkeypatch.setattr(Canvas, "_draw_frame", lambda self, figure: (drawn.append(1), draw_frame(self, figure)))
    canvas = Canvas()
    titles = [f"title {i}" for i in range(20)]
    for title in (*titles, titles[-1], titles[0]):
        canvas.draw(lambda ax, title: ax.set_title(title) and None, title=title)
    assert len(drawn) == 21


def test_panels_reach_the_scene_as_an_array():
    shapes = []
    for panels in (2, (2, 2)):
        Canvas(panels).draw(lambda axes: shapes.append(axes.shape))
    assert shapes == [(2,), (2, 2)]


def test_panels_without_labels_between_them_move_together():
    sizes = {}

    def grid(axes, outer_only):
        for ax in axes.flat:
            ax.set(xlabel="x", ylabel="y", xticks=(0, 1), yticks=(0, 1))
            if outer_only:
                ax.label_outer()
        sizes[outer_only] = axes[0, 0]

    canvas = Canvas((3, 4), size=(8.4, 5))
    for outer_only in (False, True, False, True):  # the second time from the frames that it keeps
        canvas.draw(grid, outer_only=outer_only)
        sizes[outer_only] = sizes[outer_only].get_position().size
    assert sizes[True][0] > 1.2 * sizes[False][0] and sizes[True][1] > 1.2 * sizes[False][1]


@pytest.mark.parametrize("panels", [1, 2, (2, 2)])
def test_no_label_is_cut_off_or_overlaps_another(panels):
    """Long labels, ticks and captions: all texts inside the picture, and those along the axes apart."""
    figures = []

    def scene(axes):
        for ax in np.atleast_1d(axes).flat:
            ax.plot(X, 1e-5 * X)
            ax.set(xlabel="layer", ylabel="norm", title="A title")
            ax.set_yticks([0, 1e-5], labels=["nothing at all", "a rather long label"])
            figures.append(ax.figure)
        return "A caption. " * 30

    canvas = Canvas(panels)
    canvas.draw(scene)
    figure = figures[0]
    height, width, _ = pixels(canvas).shape
    labels = [text for ax in figure.axes for text in (ax.xaxis.label, ax.yaxis.label, ax.title, *ax.get_yticklabels())]
    boxes = [text.get_window_extent(canvas._renderer) for text in labels if text.get_text()]
    floor = len(canvas._lines) * style.DPI * 10.5 / 72
    for box in boxes:
        assert box.x0 >= 0 and box.x1 <= width and box.y0 >= floor and box.y1 <= height
    for first, second in itertools.pairwise(boxes):
        assert not first.overlaps(second)


def test_the_caption_is_wrapped_and_written_below_the_axes():
    canvas = Canvas()
    canvas.draw(fixed_limits, k=1.0, label=True, log=False)
    with_caption = pixels(canvas)
    assert " ".join(canvas._lines) == canvas.caption.strip()
    assert len(canvas._lines) >= 2
    foot = with_caption[-round(len(canvas._lines) * 1.4 * style.DPI * 10.5 / 72) :]
    assert (foot < 100).any(), "no ink at the foot of the picture"
    assert (foot[:, :10] == 255).all() and (foot[:, -10:] == 255).all(), "the caption runs out of the picture"


def test_an_exception_in_a_scene_leaves_the_picture_alone():
    canvas = Canvas()
    canvas.draw(lines, k=1.0, label=True, log=True)
    before, alt = pixels(canvas), canvas.alt

    def fails(ax):
        ax.plot(X, X)
        ax.set_title("half drawn")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        canvas.draw(fails)
    assert np.array_equal(pixels(canvas), before)
    assert canvas.alt == alt
    canvas.draw(lines, k=1.0, label=True, log=True)
    assert np.array_equal(pixels(canvas), before)


def test_a_formula_that_cannot_be_typeset_spoils_no_later_picture():
    canvas, fresh = Canvas(), Canvas()
    with pytest.raises(ValueError):
        canvas.draw(lambda ax: ax.set_title("$\\frac{1$") and None)
    for each in (canvas, fresh):
        each.draw(lines, k=1.0, label=True, log=False)
    assert np.array_equal(pixels(canvas), pixels(fresh))


def test_a_scene_returns_a_sentence_or_nothing():
    with pytest.raises(TypeError, match="a scene returns its caption or nothing, not list"):
        Canvas().draw(lambda ax: ax.plot([1, 2]))


def test_the_process_settings_of_matplotlib_stay_as_they_were():
    before = dict(matplotlib.rcParams)
    Canvas().draw(lines, k=1.0, label=True, log=True)
    assert dict(matplotlib.rcParams) == before


def test_data_that_cannot_be_drawn_make_no_noise(caplog):
    def empty(ax):
        ax.semilogy([1, 2, 3], [0.0, np.nan, -1.0])
        ax.text(np.nan, np.inf, "nowhere")
        ax.imshow(np.full((2, 2), np.nan))

    with warnings.catch_warnings(record=True) as caught, caplog.at_level(logging.WARNING):
        Canvas().draw(empty)
    assert [str(warning.message) for warning in caught] == []
    assert caplog.messages == []


def test_the_lecture_mode_redraws_the_frame(monkeypatch):
    canvas = Canvas()
    canvas.draw(fixed_limits, k=1.0, label=True, log=False)
    monkeypatch.setenv(style.LECTURE_VARIABLE, "1")
    canvas.draw(fixed_limits, k=1.0, label=True, log=False)
    fresh = Canvas()
    fresh.draw(fixed_limits, k=1.0, label=True, log=False)
    assert np.array_equal(pixels(canvas), pixels(fresh))


def test_the_saved_picture_is_small_and_looks_the_same():
    for scene in SCENES:
        canvas = Canvas()
        canvas.draw(scene, k=1.0, label=True, log=False)
        assert len(canvas.png(small=True)) < 30_000
        assert np.abs(pixels(canvas) - pixels(canvas, small=True)).max() <= 40  # of 255, on the soft edge of a line


def test_the_alternative_text_says_what_the_picture_shows():
    canvas = Canvas()
    canvas.draw(lines, k=1.0, label=True, log=True)
    for part in ("Rising", "(log scale)", "from 1 to 2.72", "from 1 to 0.368", "k is 1.0."):
        assert part in canvas.alt


def test_the_alternative_text_finds_extremes_and_gaps():
    texts = []

    def scene(ax):
        ax.plot([0, 1, 2, 3], [1.0, 5.0, np.nan, 2.0], label="hill")
        ax.plot([0, 1], [3.0, 3.0], label="level")
        ax.plot([0], [np.nan], label="lost")
        ax.plot([0, 1], [7.0, 8.0])
        texts.append(describe(ax.figure))

    Canvas().draw(scene)
    assert "Hill: from 1 to 2, highest 5, 1 of 4 values not finite." in texts[0]
    assert "Level: 3 throughout." in texts[0]
    assert "Lost: no finite values." in texts[0]
    assert "8" not in texts[0]


def test_a_legend_in_a_box_lies_above_a_heat_map():
    def heat(ax, legend=True):
        ax.imshow(np.ones((2, 2)), extent=(0, 1, 0, 1), aspect="auto")
        ax.plot([], [], label="theory")
        if legend:
            ax.legend(loc="upper right", frameon=True)

    canvas = Canvas()
    canvas.draw(heat, legend=False)
    without = pixels(canvas)
    canvas.draw(heat)
    assert (pixels(canvas) != without).any(axis=2).sum() > 500


def test_of_a_drawing_the_words_are_told_and_not_its_strokes():
    def drawing(ax):
        ax.plot([0, 1, 0, 1], [0, 0, 1, 1])
        ax.imshow(np.zeros((1, 2, 4)))
        ax.text(0.5, 0.5, "a wire"), ax.text(0.2, 0.5, "w = 2")
        ax.set_axis_off()
        return "Two."

    canvas = Canvas()
    canvas.draw(drawing)
    assert canvas.alt == "A drawing, in which is written: a wire, w = 2. Two."


@pytest.mark.parametrize("drawn, told", [
    (lambda ax: ax.plot(X), False), (lambda ax: ax.bar(X, X), False), (lambda ax: ax.fill_between(X, X), False),
    (lambda ax: ax.scatter(X, X, color=style.BLUE), False), (lambda ax: ax.set_title("The darkness within"), False),
    (lambda ax: ax.imshow([[1, 2]]), True), (lambda ax: ax.pcolormesh([[1, 2]]), True),
    (lambda ax: ax.scatter(X, X, c=X), True), (lambda ax: ax.set_title("Darker is more"), True),
])  # fmt: skip
def test_a_picture_whose_shades_mean_something_is_known(drawn, told):
    """What no theme may turn from dark to bright; of all others JupyterLab is told that they are made for a bright page."""
    canvas = Canvas()
    canvas.draw(lambda ax: drawn(ax) and None)
    assert canvas.shades is told
    assert ("needs_background" in canvas.bundle()[1]) is not told


def test_a_caption_may_speak_of_shades():
    canvas = Canvas()
    canvas.draw(lambda ax: "White is nothing.")
    assert canvas.shades
