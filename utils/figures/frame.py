"""Tell the frame of a figure (ticks, labels, titles, legends) from its data, and tell whether two frames look the same."""

# What tells one sample of a legend from another.
_LOOKS = ("color", "edgecolor", "facecolor", "alpha", "linestyle", "linewidth", "marker", "markersize", "fillstyle",
          "markeredgecolor", "markerfacecolor", "hatch", "visible")  # fmt: skip


def visible_labels(ax, which="xy"):
    """Return the texts along the axes `which` of `ax`: labels, offsets, and the labels of the ticks in view."""
    texts = []
    for axis in (getattr(ax, f"{letter}axis") for letter in which):
        low, high = sorted(axis.get_view_interval())
        ticks = [tick for tick in (*axis.majorTicks, *axis.minorTicks) if low <= tick.get_loc() <= high]
        texts += [axis.label, axis.offsetText, *(label for tick in ticks for label in (tick.label1, tick.label2))]
    return [text for text in texts if ax.axison and text.get_visible() and text.get_text()]


def _fixed_legend(ax):
    """Return the legend of `ax` if its place does not depend on the data and it lies beneath them, else None."""
    legend = ax.get_legend()
    if legend is None or legend._loc == 0 or legend.get_frame_on():  # 0 is "best": where the data leave room
        return None  # and a box of its own is there to cover the data, such as a heat map
    return legend


def data_artists(figure):
    """Yield what belongs to the data: every artist in the order of drawing, but for the frame of the axes."""
    for ax in sorted(figure.axes, key=lambda ax: ax.get_zorder()):
        titles = [ax.title, ax._left_title, ax._right_title]
        hidden = [] if ax.axison and ax.get_frame_on() else list(ax.spines.values())
        frame = {ax.patch, ax.xaxis, ax.yaxis, *titles, *hidden, _fixed_legend(ax)}
        if ax.get_visible():
            yield from sorted((a for a in ax.get_children() if a not in frame), key=lambda a: a.get_zorder())
    others = [a for a in figure.get_children() if a is not figure.patch and a not in figure.axes]
    yield from sorted(others, key=lambda a: a.get_zorder())


def describe_frame(ax):
    """Return a value that is equal for two axes whose frames have the same pixels."""
    return (
        ax.get_position().bounds, ax.get_visible(), ax.axison, ax.get_frame_on(), ax.get_axisbelow(), ax.get_zorder(),
        describe_patch(ax.patch), ax.titleOffsetTrans.get_matrix().tobytes(),
        *(str(ax.spines[side].get_position()) for side in ("left", "bottom", "right", "top") if side in ax.spines),
        *(_describe_text(text) for text in (ax.title, ax._left_title, ax._right_title)),
        *(_describe_axis(axis) for axis in (ax.xaxis, ax.yaxis)), _describe_legend(_fixed_legend(ax)),
    )  # fmt: skip


def _describe_legend(legend):
    if legend is None:
        return None
    samples = tuple(
        (type(handle).__name__, str(getattr(handle, "_dash_pattern", None)),  # "--" stands for every pattern of one's own
         *(str(getattr(handle, f"get_{look}")()) for look in _LOOKS if hasattr(handle, f"get_{look}")))
        for handle in legend.legend_handles
    )  # fmt: skip
    texts = tuple(_describe_text(text) for text in (*legend.get_texts(), legend.get_title()))
    anchor = legend.get_bbox_to_anchor().bounds
    return legend._loc, anchor, legend._ncols, legend.get_visible(), describe_patch(legend.get_frame()), texts, samples


def _describe_axis(axis):
    ticks = []
    for locations, formatter, which, made in (
        (axis.get_majorticklocs(), axis.get_major_formatter(), "major", axis.majorTicks),
        (axis.get_minorticklocs(), axis.get_minor_formatter(), "minor", axis.minorTicks),
    ):
        labels = formatter.format_ticks(locations)
        # More than one tick is made so far only if the scene touched them, or their labels.
        looks = [(_describe_text(t.label1), _describe_line(t.gridline), _describe_line(t.tick1line)) for t in made]
        settings = sorted((key, str(value)) for key, value in axis.get_tick_params(which).items())
        places = axis.get_transform().transform(locations).tobytes()  # two symlog scales may differ in this alone
        ticks.append((tuple(locations), places, tuple(labels), formatter.get_offset(), tuple(looks), tuple(settings)))
    return (
        axis.get_visible(), axis.get_scale(), tuple(axis.get_view_interval()),
        axis.get_label_position(), axis.get_ticks_position(), axis.labelpad, _describe_text(axis.label), *ticks,
    )  # fmt: skip


def _describe_text(text):
    return (
        text.get_text(), str(text.get_color()), text.get_alpha(), text.get_visible(), text.get_rotation(),
        text.get_position(), text.get_ha(), text.get_va(), hash(text.get_fontproperties()),
        text.get_bbox_patch() and describe_patch(text.get_bbox_patch()),
    )  # fmt: skip


def _describe_line(line):
    return line.get_visible(), str(line.get_color()), line.get_linewidth(), str(line.get_linestyle()), line.get_alpha()


def describe_patch(patch):
    """Return a value that is equal for two patches that look the same (the place apart)."""
    return (
        patch.get_visible(), patch.get_facecolor(), patch.get_edgecolor(), patch.get_linewidth(), patch.get_hatch(),
        str(patch.get_linestyle()),
    )  # fmt: skip
