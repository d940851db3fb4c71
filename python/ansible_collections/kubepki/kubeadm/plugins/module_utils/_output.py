# Copyright: The kubepki contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file that a task names for the output, perhaps in the folder of a user who is not trusted.

In: the options that Ansible has for files. Out: mode, owner and group for a new file, and the same for one that is
kept. Ansible's own functions work with paths: between two of them the folder's owner can put a link in the file's
place. Here everything is done with the open file, and no link is followed.

Note that this is private to the collection.
"""

from __future__ import annotations

import grp
import os
import pwd
import stat
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


def wanted_access(module: AnsibleModule, path: str) -> dict[str, Any]:
    """Return mode, owner and group of the file that is about to be written."""
    uid, gid = _owner(module), _group(module)
    try:
        there = os.lstat(path)
    except OSError:
        there = None
    if gid is None and there and stat.S_ISREG(there.st_mode) and there.st_uid == (os.geteuid() if uid is None else uid):
        gid = there.st_gid
    return {"mode": _mode(module, 0o600), "uid": uid, "gid": gid}


def set_attributes(module: AnsibleModule, path: str, *, changed: bool) -> bool:
    """Give a file the owner, group and mode that are wanted; return whether anything changes, or has changed before."""
    try:
        descriptor = os.open(path, _READ | os.O_NOFOLLOW)
    except OSError:
        # A link stays as it is, and what it leads to is not this task's.
        return changed
    try:
        there = os.fstat(descriptor)
        if stat.S_ISREG(there.st_mode) and _differs(module, there):
            changed = True
            if not module.check_mode:
                _set(module, path, descriptor, there)
    finally:
        os.close(descriptor)
    wanted = module.load_file_common_arguments(module.params)
    # Neither follows a link at the end of the path.
    changed = module.set_context_if_different(path, wanted["secontext"], changed)
    return bool(module.set_attributes_if_different(path, wanted["attributes"], changed))


def _differs(module: AnsibleModule, there: os.stat_result) -> bool:
    uid, gid, mode = _owner(module), _group(module), _mode(module, there.st_mode)
    is_other = (uid not in (None, there.st_uid), gid not in (None, there.st_gid))
    return any(is_other) or mode != stat.S_IMODE(there.st_mode)


def _set(module: AnsibleModule, path: str, descriptor: int, there: os.stat_result) -> None:
    uid, gid = _owner(module), _group(module)
    # A second name of a file that is somebody else's would give them away here.
    if there.st_nlink != 1 or there.st_uid not in (os.geteuid(), uid):
        _fail(
            module,
            msg=f"{path} belongs to user {there.st_uid}, or has other names: owner, group and mode are not changed",
            code="store.foreign_file",
            hint="remove the file, or name another",
        )
    try:
        if uid not in (None, there.st_uid) or gid not in (None, there.st_gid):
            os.fchown(descriptor, -1 if uid is None else uid, -1 if gid is None else gid)
        os.fchmod(descriptor, _mode(module, there.st_mode))
    except OSError as error:
        _fail(
            module,
            msg=f"cannot set owner, group or mode of {path}: {error.strerror}",
            code="store.no_permission",
            hint="run it as root (become), or leave out owner, group and mode",
        )


def _fail(module: AnsibleModule, msg: str, **result: str) -> NoReturn:
    module.fail_json(msg=msg, **result)
    raise AssertionError(result)  # fail_json ends the module


def _owner(module: AnsibleModule) -> int | None:
    return _number(module, "owner", lambda name: pwd.getpwnam(name).pw_uid)


def _group(module: AnsibleModule) -> int | None:
    return _number(module, "group", lambda name: grp.getgrnam(name).gr_gid)


def _number(module: AnsibleModule, option: str, find: Any) -> int | None:
    name = module.params[option]
    if name is None:
        return None
    try:
        return int(name)
    except ValueError:
        pass
    try:
        return int(find(name))
    except KeyError:
        _fail(
            module,
            msg=f"{option}: there is no {name}",
            code="ansible.unknown_owner",
            hint=f"make it first (ansible.builtin.{'user' if option == 'owner' else 'group'}), or give its number",
        )


def _mode(module: AnsibleModule, present: int) -> int:
    wanted = module.params["mode"]
    if wanted is None:
        return stat.S_IMODE(present) & 0o777
    try:
        mode = wanted if isinstance(wanted, int) else int(wanted, 8)
    except ValueError:
        present_file = SimpleNamespace(st_mode=stat.S_IFREG | stat.S_IMODE(present))
        try:
            mode = module._symbolic_mode_to_octal(present_file, wanted)
        except ValueError as error:
            _fail(module, msg=f"mode: {error}", code="ansible.bad_mode", hint="write it as '0600' or u=rw,g=,o=")
    if mode & ~0o777:
        _fail(
            module,
            msg="mode: a kubeconfig has no set-id or sticky bit",
            code="ansible.bad_mode",
            hint="write it as '0600' or u=rw,g=,o=",
        )
    return int(mode)
