"""The native core of the `kubepki` package. Private: use `kubepki`."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from os import PathLike
from typing import Any, TypedDict, type_check_only

@type_check_only
class BuildInfo(TypedDict):
    version: str
    profile: str
    os: str
    architecture: str
    key_generation: str

__all__ = [
    "__version__",
    "algorithm_names",
    "apply_plan",
    "build_info",
    "certificate_key",
    "certificate_names",
    "check",
    "expiration",
    "export_bundle",
    "import_bundle",
    "install_units",
    "kubeconfig_names",
    "leaf_names",
    "list_backups",
    "load_configuration",
    "parse_algorithm",
    "parse_certificates",
    "plan_cleanup",
    "plan_embed",
    "plan_generate_csr",
    "plan_import",
    "plan_import_bundle",
    "plan_init",
    "plan_renew",
    "plan_restart",
    "plan_restore",
    "plan_sign",
    "prune_backups",
    "read_certificates",
    "recover",
    "remove_units",
    "renewable_names",
    "restart",
    "schedule_units",
    "show_backup",
    "sign_csr",
    "to_yaml",
    "user_kubeconfig",
    "write_secret_file",
]

__version__: str

def build_info() -> BuildInfo: ...
def algorithm_names() -> list[str]: ...
def parse_algorithm(name: str) -> str: ...
def parse_certificates(content: bytes, now: datetime | None = None) -> list[dict[str, Any]]: ...
def certificate_names() -> list[str]: ...
def kubeconfig_names() -> list[str]: ...
def leaf_names() -> list[str]: ...
def load_configuration(node: Mapping[str, Any]) -> dict[str, Any]: ...
def plan_cleanup(cleanup_request: Mapping[str, Any], now: datetime | None = None) -> dict[str, Any]: ...
def plan_embed(embed_request: Mapping[str, Any], now: datetime | None = None) -> dict[str, Any]: ...
def plan_generate_csr(generate_request: Mapping[str, Any], now: datetime | None = None) -> dict[str, Any]: ...
def plan_import(import_request: Mapping[str, Any], now: datetime | None = None) -> dict[str, Any]: ...
def plan_init(init_request: Mapping[str, Any], now: datetime | None = None) -> dict[str, Any]: ...
def plan_renew(renew_request: Mapping[str, Any], now: datetime | None = None) -> dict[str, Any]: ...
def plan_sign(sign_request: Mapping[str, Any], now: datetime | None = None) -> dict[str, Any]: ...
def renewable_names() -> list[str]: ...
def sign_csr(sign_request: Mapping[str, Any], now: datetime | None = None) -> dict[str, Any]: ...
def apply_plan(
    plan: Mapping[str, Any], progress: Callable[[int, int, str], object] | None = None
) -> dict[str, Any]: ...
def check(check_request: Mapping[str, Any], now: datetime | None = None) -> dict[str, Any]: ...
def expiration(node: Mapping[str, Any], now: datetime | None = None) -> dict[str, Any]: ...
def read_certificates(
    paths: Sequence[str | PathLike[str]], rootfs: str | PathLike[str] | None = None, now: datetime | None = None
) -> list[dict[str, Any]]: ...
def plan_restart(restart_request: Mapping[str, Any], now: datetime | None = None) -> dict[str, Any]: ...
def recover(recover_request: Mapping[str, Any]) -> dict[str, Any]: ...
def restart(
    restart_request: Mapping[str, Any],
    progress: Callable[[str, str, float, str], object] | None = None,
    now: datetime | None = None,
) -> dict[str, Any]: ...
def to_yaml(fields: Mapping[str, Any]) -> str: ...
def user_kubeconfig(
    user_request: Mapping[str, Any],
    token: str | None = None,
    dry_run: bool = False,
    progress: Callable[[int, int, str], object] | None = None,
    now: datetime | None = None,
) -> dict[str, Any]: ...
def write_secret_file(
    path: str | PathLike[str],
    text: str,
    force: bool = False,
    mode: int | None = None,
    uid: int | None = None,
    gid: int | None = None,
) -> None: ...
def list_backups(place: Mapping[str, Any]) -> list[dict[str, Any]]: ...
def show_backup(place: Mapping[str, Any], name: str) -> dict[str, Any]: ...
def plan_restore(restore_request: Mapping[str, Any], now: datetime | None = None) -> dict[str, Any]: ...
def prune_backups(prune_request: Mapping[str, Any], now: datetime | None = None) -> dict[str, Any]: ...
def schedule_units(schedule: Mapping[str, Any]) -> list[dict[str, Any]]: ...
def install_units(schedule: Mapping[str, Any], units_request: Mapping[str, Any]) -> list[dict[str, Any]]: ...
def remove_units(units_request: Mapping[str, Any]) -> list[dict[str, Any]]: ...
def certificate_key() -> str: ...
def export_bundle(
    export_request: Mapping[str, Any],
    digits: str | None = None,
    rbac: bool = False,
    dry_run: bool = False,
    now: datetime | None = None,
) -> dict[str, Any]: ...
def plan_import_bundle(
    import_request: Mapping[str, Any], bundle: bytes, digits: str | None = None, now: datetime | None = None
) -> dict[str, Any]: ...
def import_bundle(
    import_request: Mapping[str, Any], bundle: bytes, digits: str | None = None, now: datetime | None = None
) -> dict[str, Any]: ...
