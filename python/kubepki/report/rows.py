"""Reports as tables: for pandas, and by the Arrow PyCapsule interface for polars, pyarrow and DuckDB.

Source: https://arrow.apache.org/docs/format/CDataInterface/PyCapsuleInterface.html
"""

from __future__ import annotations

from kubepki.report.extra import needed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

    from kubepki.types import Certificate, CheckReport, Finding


# The columns of each table in their order: their type, and how they are read off a row.
_CERTIFICATES: dict[str, tuple[str, Callable[[Certificate], object]]] = {
    "name": ("text", lambda one: one.name),
    "subject": ("text", lambda one: one.subject),
    "issuer": ("text", lambda one: one.issuer),
    "serial": ("text", lambda one: one.serial),
    "not_before": ("time", lambda one: one.not_before),
    "not_after": ("time", lambda one: one.not_after),
    "days_left": ("number", lambda one: one.days_left),
    "is_expired": ("flag", lambda one: one.is_expired),
    "key": ("text", lambda one: one.key),
    "is_ca": ("flag", lambda one: one.is_ca),
    "subject_alt_names": ("texts", lambda one: list(one.subject_alt_names)),
    "key_usages": ("texts", lambda one: list(one.key_usages)),
    "extended_key_usages": ("texts", lambda one: list(one.extended_key_usages)),
    "public_key_sha256": ("text", lambda one: one.public_key_sha256),
    "path": ("text", lambda one: _path(one.path)),
}
_FINDINGS: dict[str, tuple[str, Callable[[Finding], object]]] = {
    "severity": ("text", lambda one: one.severity.value),
    "code": ("text", lambda one: one.code),
    "subject": ("text", lambda one: one.subject),
    "path": ("text", lambda one: None if one.path is None else _path(one.path)),
    "evidence": ("text", lambda one: one.evidence),
    "remedy": ("text", lambda one: one.remedy),
}
# In front of them, where there are several trees.
_TREE: dict[str, tuple[str, Callable[[Any], object]]] = {
    "tree": ("text", lambda tree: tree.place),
    "node": ("text", lambda tree: tree.node),
    "cluster": ("text", lambda tree: tree.cluster),
}
_TREES: dict[str, tuple[str, Callable[[Any], object]]] = {
    **_TREE,
    "status": ("text", lambda tree: tree.status.name.lower()),
    "kubernetes_version": ("text", lambda tree: tree.kubernetes_version),
    "certificates": ("number", lambda tree: 0 if tree.report is None else len(tree.report.certificates)),
    "findings": ("number", lambda tree: 0 if tree.report is None else len(tree.report.findings)),
    "problem": ("text", lambda tree: None if tree.problem is None else tree.problem.message),
}


class Table:
    """Rows of a report, by columns.

    `columns` has a list for each. polars, pyarrow and DuckDB take a table as it is (`polars.DataFrame(table)`).
    """

    __slots__ = ("_kinds", "columns")

    columns: dict[str, list[object]]

    def __init__(self, kinds: dict[str, str], rows: Iterable[tuple[object, ...]]) -> None:
        self._kinds = kinds
        found = list(rows)
        self.columns = {name: [row[at] for row in found] for at, name in enumerate(kinds)}

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def __repr__(self) -> str:
        return f"<Table, {len(self)} rows: {', '.join(self.columns)}>"

    def to_pandas(self) -> Any:
        """Return it as a `pandas.DataFrame`; times are UTC.

        Raises:
            ModuleNotFoundError: pandas is not installed.

        """
        pandas = needed("pandas")
        frame = pandas.DataFrame(self.columns, columns=list(self.columns))
        for name, kind in self._kinds.items():
            if kind == "time":
                # An empty column would have no type otherwise.
                frame[name] = pandas.to_datetime(frame[name], utc=True)
        return frame

    def _repr_html_(self) -> str:
        return str(self.to_pandas()._repr_html_())

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        from kubepki.report.arrow import stream

        return stream(self.columns, self._kinds, requested_schema)


def table(report: Any, rows: str = "certificates") -> Table:
    """Return rows of a report: its `certificates`, its `findings`, or the `trees` of a fleet.

    Raises:
        ValueError: It has no such rows.

    """
    trees = getattr(report, "trees", None)
    if trees is None and hasattr(report, "place"):
        trees = [report]
    columns: dict[str, tuple[str, Callable[[Any], object]]]
    match rows:
        case "certificates":
            columns = dict(_CERTIFICATES)
        case "findings":
            columns = dict(_FINDINGS)
        case "trees" if trees is not None:
            return Table(_kinds(_TREES), (_row(_TREES, tree) for tree in trees))
        case _:
            known = "certificates, findings" if trees is None else "certificates, findings, trees"
            raise ValueError(f"there are no rows {rows!r}; there are: {known}")
    if trees is None:
        return Table(_kinds(columns), (_row(columns, one) for one in getattr(report, rows)))
    found = [(_row(_TREE, tree), one) for tree in trees for one in _of(tree.report, rows)]
    if rows == "findings":
        found.extend(
            (_across(each), each.finding) for each in getattr(report, "findings", ()) if hasattr(each, "trees")
        )
    return Table(_kinds({**_TREE, **columns}), ((*front, *_row(columns, one)) for front, one in found))


def to_pandas(report: Any, rows: str = "certificates") -> Any:
    """Return rows of a report as a `pandas.DataFrame`: `table(report, rows).to_pandas()`."""
    return table(report, rows).to_pandas()


def arrow_c_stream(report: Any, requested_schema: object = None) -> object:
    """Return the certificates of a report as a capsule of Arrow's."""
    return table(report).__arrow_c_stream__(requested_schema)


def _kinds(columns: dict[str, tuple[str, Any]]) -> dict[str, str]:
    return {name: kind for name, (kind, _) in columns.items()}


def _row(columns: dict[str, tuple[str, Callable[[Any], object]]], one: object) -> tuple[object, ...]:
    return tuple(read(one) for _, read in columns.values())


def _of(report: CheckReport | None, rows: str) -> Iterator[object]:
    if report is not None:
        yield from getattr(report, rows)


def _across(found: Any) -> tuple[object, ...]:
    """Return what stands in front of a finding about several trees."""
    return (", ".join(found.trees), None, None)


def _path(path: object) -> str:
    """Return a path as text that every library takes: one that is not UTF-8 has bytes that none does."""
    return str(path).encode("utf-8", "replace").decode("utf-8")
