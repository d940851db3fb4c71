"""The native core of the `kubepki` package. Private: use `kubepki`."""

from typing import TypedDict, type_check_only

@type_check_only
class BuildInfo(TypedDict):
    version: str
    profile: str
    os: str
    architecture: str

__all__ = ["__version__", "algorithm_names", "build_info", "parse_algorithm"]

__version__: str

def build_info() -> BuildInfo: ...
def algorithm_names() -> list[str]: ...
def parse_algorithm(name: str) -> str: ...
