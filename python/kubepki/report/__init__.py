"""Reports in notebooks and in tables: what `to_pandas()`, `timeline()` and `trust_graph()` of a report give.

The core calls these functions from the methods of reports; pandas, altair and nanoarrow are loaded when they are first
needed (`pip install kubepki[notebook]`). Without altair a chart is the picture of the report's page.
"""

from __future__ import annotations

from kubepki.lazy import load

TYPE_CHECKING = False
if TYPE_CHECKING:
    from kubepki.report.charts import timeline, trust_graph
    from kubepki.report.picture import Picture
    from kubepki.report.rows import Table, arrow_c_stream, table, to_pandas

__all__ = ["Picture", "Table", "arrow_c_stream", "table", "timeline", "to_pandas", "trust_graph"]

_HOMES = {
    "Picture": "picture",
    "Table": "rows",
    "arrow_c_stream": "rows",
    "table": "rows",
    "timeline": "charts",
    "to_pandas": "rows",
    "trust_graph": "charts",
}


def __getattr__(name: str) -> object:
    """Load what is first asked for."""
    return load(globals(), name, f"kubepki.report.{_HOMES[name]}" if name in _HOMES else None)


def __dir__() -> list[str]:
    """Return the names that there are, loaded or not."""
    return sorted({*globals(), *__all__})
