"""Tell the frame of a figure (ticks, labels, titles) from its data, and tell whether two frames look the same."""


def visible_labels(ax):
    """Return the texts along the axes of `ax`: labels, offsets, and the labels of the ticks in view."""
    texts = []
    for axis in (ax.xaxis, ax.yaxis):
        low, high = sorted(axis.get_view_interval())
        ticks = [tick for tick in (*axis.majorTicks, *axis.minorTicks) if low <= tick.get_loc() <= high]
        texts += [axis.label, axis.offsetText, *(label for tick in ticks for label in (tick.label1, tick.label2))]
    return [text for text in texts if ax.axison and text.get_visible() and text.get_text()]


def data_artists(figure):
    """Yield what belongs to the data: every artist in the order of drawing, but for the frame of the axes."""
    for ax in sorted(figure.axes, key=lambda ax: ax.get_zorder()):
        titles = [ax.title, ax._left_title, ax._right_title]
        hidden = [] if ax.axison and ax.get_frame_on() else list(ax.spines.values())
        frame = {ax.patch, ax.xaxis, ax.yaxis, *titles, *hidden}
        if ax.get_visible():
            yield from sorted((a for a in ax.get_children() if a not in frame), key=lambda a: a.get_zorder())
    others = [a for a in figure.get_children() if a is not figure.patch and a not in figure.axes]
    yield from sorted(others, key=lambda a: a.get_zorder())


def describe_frame(ax):
    """Return a value that is equal for two axes whose frames have the same pixels."""
    return (
        ax.get_position().bounds, ax.get_visible(), ax.axison, ax.get_frame_on(), ax.get_axisbelow(), ax.get_zorder(),
        ax.patch.get_visible(), ax.patch.get_facecolor(), ax.titleOffsetTrans.get_matrix().tobytes(),
        *(str(ax.spines[side].get_position()) for side in ("left", "bottom", "right", "top") if side in ax.spines),
        *(_describe_text(text) for text in (ax.title, ax._left_title, ax._right_title)),
        *(_describe_axis(axis) for axis in (ax.xaxis, ax.yaxis)),
    )  # fmt: skip


def _describe_axis(axis):
    ticks = []
    for locations, formatter, which, made in (
        (axis.get_majorticklocs(), axis.get_major_formatter(), "major", axis.majorTicks),
        (axis.get_minorticklocs(), axis.get_minor_formatter(), "minor", axis.minorTicks),
    ):
        labels = formatter.format_ticks(locations)
        looks = [_describe_text(tick.label1) for tick in made]  # more than one only if the scene touched the labels
        settings = sorted((key, str(value)) for key, value in axis.get_tick_params(which).items())
        ticks.append((tuple(locations), tuple(labels), formatter.get_offset(), tuple(looks), tuple(settings)))
    return (
        axis.get_visible(), axis.get_scale(), axis.get_transform().__class__, tuple(axis.get_view_interval()),
        axis.get_label_position(), axis.get_ticks_position(), axis.labelpad, _describe_text(axis.label), *ticks,
    )  # fmt: skip


def _describe_text(text):
    return (
        text.get_text(), str(text.get_color()), text.get_alpha(), text.get_visible(), text.get_rotation(),
        text.get_position(), text.get_ha(), text.get_va(), hash(text.get_fontproperties()),
    )  # fmt: skip
