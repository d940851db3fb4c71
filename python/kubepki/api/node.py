"""The arguments that say which node, and how arguments are handed to the native core."""

from __future__ import annotations

import os
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from kubepki.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable

StrPath = str | os.PathLike[str]

# Where the files that an operation replaces or removes are kept as they were.
DEFAULT_BACKUP_DIR = "/var/lib/kubepki/backups"

# The kubelet's folder unless its flags name another.
DEFAULT_KUBELET_DIR = "/var/lib/kubelet"


class NodeOptions(TypedDict, total=False):
    """Which node, and where its files are; `kubepki.api` has the table of their meanings."""

    lenient: bool
    node_name: str | None
    certificates_dir: StrPath | None
    kubeconfig_dir: StrPath | None
    rootfs: StrPath | None
    config_text: str | None


def node_fields(
    config: StrPath | None,
    *,
    lenient: bool = False,
    node_name: str | None = None,
    certificates_dir: StrPath | None = None,
    kubeconfig_dir: StrPath | None = None,
    rootfs: StrPath | None = None,
    config_text: str | None = None,
) -> dict[str, Any]:
    """Return the core's request for a node.

    Raises:
        ConfigurationError: `api.two_configurations`.

    """
    if config is not None and config_text is not None:
        raise ConfigurationError(
            "a configuration is given as a file and as text",
            code="api.two_configurations",
            hint="give `config` or `config_text`, not both",
        )
    return {
        "config": path_text(config),
        "config_text": config_text,
        "lenient": lenient,
        "node_name": node_name,
        "certificates_dir": path_text(certificates_dir),
        "kubeconfig_dir": path_text(kubeconfig_dir),
        "rootfs": path_text(rootfs),
    }


def path_text(path: StrPath | None) -> str | None:
    """Return a path as the core takes it."""
    return None if path is None else os.fspath(path)


def path_list(paths: StrPath | Iterable[StrPath]) -> list[StrPath]:
    """Return one path, or many, as a list."""
    # A text is an iterable of texts too, and its letters are no paths.
    return [paths] if isinstance(paths, str | os.PathLike) else list(paths)


def path_texts(paths: StrPath | Iterable[StrPath]) -> list[str]:
    """Return one path, or many, as the core takes them."""
    return [os.fspath(path) for path in path_list(paths)]


def selection(names: Literal["all"] | Iterable[str]) -> str | dict[str, list[str]]:
    """Return names as the core takes them."""
    if names == "all":
        return "all"
    chosen = list(names)
    return {"names": chosen} if chosen else "none"


def in_utc(now: datetime | None) -> datetime | None:
    """Return the moment in UTC, which the core counts in.

    Raises:
        ConfigurationError: `api.naive_datetime`.

    """
    if now is None:
        return None
    if now.utcoffset() is None:
        raise ConfigurationError(
            f"`now` has no time zone: {now.isoformat()}",
            code="api.naive_datetime",
            hint="use an aware datetime, as datetime.now(timezone.utc)",
        )
    return now.astimezone(timezone.utc)
