"""Columns as a stream of Arrow's, by nanoarrow.

Source: https://arrow.apache.org/docs/format/Columnar.html
"""

from __future__ import annotations

import array
from itertools import accumulate

from kubepki.report.extra import needed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any


def stream(columns: dict[str, list[object]], kinds: dict[str, str], requested_schema: object) -> object:
    """Return a capsule `arrow_array_stream` with one batch.

    Raises:
        ModuleNotFoundError: nanoarrow is not installed.

    """
    na = needed("nanoarrow")
    schema = na.struct({name: _type(na, kinds[name]) for name in columns})
    children = [_column(na, kinds[name], values) for name, values in columns.items()]
    length = len(next(iter(columns.values())))
    batch = na.c_array_from_buffers(schema, length, [None], null_count=0, children=children)
    return na.c_array_stream(batch, schema=None).__arrow_c_stream__(requested_schema)


def _type(na: Any, kind: str) -> Any:
    types = {
        "text": na.string,
        "number": na.int64,
        "flag": na.bool_,
        "time": lambda: na.timestamp("us", timezone="UTC"),
        "texts": lambda: na.list_(na.string()),
    }
    return types[kind]()


def _column(na: Any, kind: str, values: list[Any]) -> Any:
    if kind == "time":
        return na.c_array([_microseconds(value) for value in values], _type(na, kind))
    if kind != "texts":
        return na.c_array(values, _type(na, kind))
    offsets = array.array("i", accumulate(map(len, values), initial=0))
    texts = na.c_array([text for each in values for text in each], na.string())
    return na.c_array_from_buffers(_type(na, kind), len(values), [None, offsets], null_count=0, children=[texts])


def _microseconds(value: datetime) -> int:
    from datetime import datetime as kind
    from datetime import timedelta, timezone

    return (value - kind(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(microseconds=1)
