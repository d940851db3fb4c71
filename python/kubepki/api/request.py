"""How the arguments of a function become a request of the core."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone

from kubepki import _core
from kubepki.errors import ConfigurationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# What `config` is for the configuration that the cluster has.
_OF_CLUSTER = "cluster"


def request(arguments: Mapping[str, Any], *others: str) -> dict[str, Any]:
    """Return the arguments of a function, its `locals()`, as the core takes them; not `others`, `now` and `progress`.

    Raises:
        ConfigurationError: `api.two_configurations`; `key.unknown_algorithm`.

    """
    if arguments.get("config") is not None and arguments.get("config_text") is not None:
        raise ConfigurationError(
            "a configuration is given as a file and as text",
            code="api.two_configurations",
            hint="give `config` or `config_text`, not both",
        )
    fields = {name: plain(value) for name, value in arguments.items() if name not in {"now", "progress", *others}}
    if "config_text" in fields and fields["config"] == _OF_CLUSTER:
        fields.update(_of_cluster(arguments["config"], fields))
    if fields.get("algorithm") is not None:
        fields["algorithm"] = _core.parse_algorithm(str(fields["algorithm"]))
    return fields


def _of_cluster(config: object, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration that the cluster has; a path is a file of that name."""
    if isinstance(config, os.PathLike):
        return {"config": os.path.join(os.curdir, _OF_CLUSTER)}  # noqa: PTH118 (a Path drops the dot)
    node, access = (
        {name: fields[name] for name in names if name in fields}
        for names in (("config", "kubeconfig_dir", "rootfs"), ("kubeconfig", "request_timeout"))
    )
    return {"config_text": _core.cluster_configuration(node, access)}


def plain(value: Any) -> Any:  # noqa: ANN401 (any argument)
    """Return a value as the core takes it: a duration in seconds, a path as text."""
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {name: plain(item) for name, item in value.items()}
    return value


def secrets_of_authorities(
    secret: str | bytes | Mapping[str, str | bytes] | None,
) -> bytes | dict[str, bytes] | None:
    """Return keys or passphrases of CAs as the core takes them."""
    if isinstance(secret, Mapping):
        return {name: encoded(each) for name, each in secret.items()}
    return None if secret is None else encoded(secret)


def encoded(secret: str | bytes) -> bytes:
    """Return a secret as the core takes it."""
    return secret.encode() if isinstance(secret, str) else secret


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
    try:
        return now.astimezone(timezone.utc)
    except OverflowError:
        # A few hours beyond the first or the last day that a datetime can say.
        first, last = datetime(1, 1, 1, tzinfo=timezone.utc), datetime(9999, 12, 31, 23, 59, 59, tzinfo=timezone.utc)
        return first if now.year == 1 else last
