"""Charts of a report, drawn by altair where it is installed: the core says what is where, and draws it otherwise."""

from __future__ import annotations

from kubepki.report.extra import wanted
from kubepki.report.picture import Picture

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# The height of a line, and how wide a chart is.
_LINE = 20
_WIDTH = 640
# Texts are as wide as the reader's letters, which whoever draws does not know.
_PADDING = {"left": 24, "right": 32, "top": 5, "bottom": 5}


def timeline(_report: object, drawn: dict[str, Any]) -> Any:
    """Return when certificates end, as an `altair.LayerChart`, or as a `Picture`."""
    altair = wanted("altair")
    data = drawn["data"]
    if altair is None or not data["bars"]:
        return Picture(drawn["svg"])
    bars = [{**bar, "label": _label(bar), "order": at} for at, bar in enumerate(data["bars"])]
    scale = altair.Scale(domain=[_day(altair, data["from"]), _day(altair, data["until"])], clamp=True)
    named = altair.Y("label:N", sort=altair.EncodingSortField("order"), title=None, axis=altair.Axis(labelLimit=260))
    told = [altair.Tooltip(f"{name}:N") for name in ("node", "name", "state", "left")]
    told += [altair.Tooltip(f"{name}:T") for name in ("not_before", "not_after")]
    base = altair.Chart(altair.Data(values=bars))
    drawn_bars = base.mark_bar(cornerRadius=2, clip=True).encode(
        x=altair.X("not_before:T", scale=scale, title=None),
        x2="not_after:T",
        y=named,
        color=altair.Color("colour:N", scale=None),
        tooltip=told,
    )
    texts = (
        base.mark_text(align="left", dx=4, color="gray")
        .encode(x=altair.value(_WIDTH), y=named, text=altair.Text("words:N"))
        .transform_calculate(words="datum.left + (datum.state == 'ok' ? '' : ', ' + datum.state)")
    )
    now = altair.Chart(altair.Data(values=[{"now": data["now"]}])).mark_rule(strokeDash=[4, 3], color="gray")
    chart = altair.layer(drawn_bars, texts, now.encode(x=altair.X("now:T", scale=scale)))
    title = "When certificates end"
    if data["left_out"]:
        title += f" ({data['left_out']} later ones are not drawn)"
    return chart.properties(width=_WIDTH, height=_LINE * len(bars), title=title, padding=_PADDING)


def trust_graph(_report: object, drawn: dict[str, Any]) -> Any:
    """Return which CA signs what, as an `altair.LayerChart`, or as a `Picture`."""
    altair = wanted("altair")
    data = drawn["data"]
    if altair is None or not data["signed"]:
        return Picture(drawn["svg"])
    authorities = data["authorities"]
    signed = [{**one, "label": _times(one), "top": authorities[one["authority"]]["row"]} for one in data["signed"]]
    rows = max(one["row"] for one in signed) + 1
    y = altair.Scale(domain=[rows, -1])
    x = altair.Scale(domain=[0, 1])
    across = altair.Chart(altair.Data(values=signed)).transform_calculate(left="0.42", right="0.6")
    lines = across.mark_rule(opacity=0.6).encode(
        x=altair.X("left:Q", scale=x, axis=None),
        x2="right:Q",
        y=altair.Y("top:Q", scale=y, axis=None),
        y2="row:Q",
        color=altair.condition("datum.is_broken", altair.value("#d1242f"), altair.value("gray")),
        strokeDash=altair.condition("datum.is_broken", altair.value([5, 4]), altair.value([1, 0])),
    )
    leaves = across.mark_point(filled=True, size=70, opacity=1).encode(
        x=altair.X("right:Q", scale=x),
        y=altair.Y("row:Q", scale=y),
        color=altair.Color("colour:N", scale=None),
        tooltip=[altair.Tooltip(f"{name}:N") for name in ("name", "count", "state")],
    )
    words = across.mark_text(align="left", dx=10, color="gray").encode(
        x=altair.X("right:Q", scale=x), y=altair.Y("row:Q", scale=y), text="label:N"
    )
    above = altair.Chart(altair.Data(values=[{**one, "colour": _colour(one)} for one in authorities]))
    above = above.transform_calculate(
        left="0.42", label="datum.subject + (datum.state == 'ok' ? '' : ', ' + datum.state)"
    )
    points = above.mark_square(filled=True, size=120, opacity=1).encode(
        x=altair.X("left:Q", scale=x),
        y=altair.Y("row:Q", scale=y),
        color=altair.Color("colour:N", scale=None),
        tooltip=[altair.Tooltip(f"{name}:N") for name in ("subject", "public_key_sha256", "nodes", "state")],
    )
    subjects = above.mark_text(align="right", dx=-10, color="gray", fontWeight="bold").encode(
        x=altair.X("left:Q", scale=x), y=altair.Y("row:Q", scale=y), text="label:N"
    )
    title = "Which CA signs what"
    if data["left_out"]:
        title += f" ({data['left_out']} more CAs are not drawn)"
    chart = altair.layer(lines, leaves, words, points, subjects)
    return chart.properties(width=_WIDTH + 160, height=_LINE * (rows + 1), title=title, padding=_PADDING)


def _label(bar: dict[str, Any]) -> str:
    return f"{bar['node']}: {bar['name']}" if bar["node"] else str(bar["name"])


def _times(one: dict[str, Any]) -> str:
    """Return the name of what was signed, how often, and how it is where it is not well."""
    words = [str(one["name"]), " (CA)" if one["is_ca"] else "", f" \u00d7 {one['count']}" if one["count"] > 1 else ""]
    state = "this CA did not sign it" if one["is_broken"] else one["state"]
    return "".join(words) + ("" if state == "ok" else f", {state}")


def _colour(one: dict[str, Any]) -> str:
    return "gray" if one["colour"] == "currentColor" else str(one["colour"])


def _day(altair: Any, moment: str) -> Any:
    year, month, day = (int(part) for part in moment[:10].split("-"))
    return altair.DateTime(year=year, month=month, date=day, utc=True)
