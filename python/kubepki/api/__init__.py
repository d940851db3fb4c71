"""What scripts call: load a configuration, plan, apply, check, report. Every function is also `kubepki.NAME`.

Everything reads files alone; no cluster is asked. `rootfs` is put in front of every path of the node, so that a
mounted disk or a folder can stand for one. Every function that depends on time takes `now` (aware; the system's
clock by default). The GIL is released while the core works.

The arguments of a function are the options of a request of the core (`@asked`), which declares their names, defaults
and meanings: `make reference` writes them here. Paths are of the machine that runs kubepki, unless "of the node" is
said of them; those are below `rootfs`.
"""

from __future__ import annotations
