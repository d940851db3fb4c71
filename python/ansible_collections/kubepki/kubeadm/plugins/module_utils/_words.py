# Copyright: The kubepki contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hints in the words of a playbook: options of modules in place of the command line's.

In: a hint as kubepki gives it, and the options of the module. Out: the same hint, where `--client-key FILE` is the
option `client_key`, and `--outlive-ca clamp` is `outlive_ca: clamp`. Commands between backquotes stay, and
those that are run elsewhere (`there: …`): they are run in a shell.

Note that this is private to the collection.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

# Flags whose option has another name, the first of which that the module has.
_OTHER_NAMES: dict[str, tuple[str, ...]] = {
    "add_san": ("add_sans",),
    "allow_missing_ca_keys": ("allow_missing_ca_keys",),
    "before": ("renew_before",),
    "certificate_key": ("key",),
    "certificate_key_file": ("key",),
    "days": ("validity",),
    "force": ("override", "force"),
    "out": ("path",),
    "remove_san": ("remove_sans",),
}
_FLAG = re.compile(r"--([a-z][a-z-]*[a-z])(?: ([^\s,;()]+))?")
_COMMAND = re.compile(r"(`(?!--)[^`]* [^`]*`|\(there: [^)]*\))")


def in_options(text: str, options: Mapping[str, Any]) -> str:
    """Return a hint with the module's options in place of flags that mean the same."""
    parts = _COMMAND.split(text)
    # Every second part is a command.
    parts[::2] = [_FLAG.sub(lambda match: _option(match, options), part) for part in parts[::2]]
    return re.sub(r"\b(\w+), \1\b", r"\1", "".join(parts))


def _option(match: re.Match[str], options: Mapping[str, Any]) -> str:
    flag, word = match[1].replace("-", "_"), match[2]
    if flag.startswith("no_") and flag[3:] in options:
        return _followed(f"{flag[3:]}: false", word)
    name = next((each for each in (*_OTHER_NAMES.get(flag, ()), flag) if each in options), None)
    if name is None:
        return match[0]
    option = options[name]
    if option.get("type") == "bool":
        return _followed(f"{name}: true", word)
    # A placeholder (FILE) says nothing beside the option's name.
    if word and word.isupper():
        return name
    if word and (word in option.get("choices", ()) or any(character.isdigit() for character in word) or "://" in word):
        return f"{name}: {word}"
    return _followed(name, word)


def _followed(name: str, word: str | None) -> str:
    return f"{name} {word}" if word else name
