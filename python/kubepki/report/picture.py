"""A picture of the core's: static, without a script, in the colours of the text around it."""

from __future__ import annotations

from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from kubepki.arguments import StrPath


class Picture:
    """An SVG picture that a notebook shows."""

    __slots__ = ("svg",)

    svg: str

    def __init__(self, svg: str) -> None:
        self.svg = svg

    def _repr_html_(self) -> str:
        # Within the page, not as an image of its own, which would not know the colour of the text.
        return f'<div style="max-width: 60rem; overflow-x: auto">{self.svg}</div>'

    def __repr__(self) -> str:
        return f"<Picture, {len(self.svg)} characters of SVG>"

    def save(self, path: StrPath) -> None:
        """Write the SVG into a file, black on white."""
        Path(path).write_text(self.svg.replace("<svg ", '<svg color="black" style="background: white" ', 1), "utf-8")
