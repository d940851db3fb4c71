"""What scripts call: load a configuration, plan, apply, check, report. Every function is also `kubepki.NAME`.

Everything reads files alone; no cluster is asked. `rootfs` is put in front of every path of the node, so that a
mounted disk or a folder can stand for one. Every function that depends on time takes `now` (aware; the system's
clock by default). The GIL is released while the core works.

| parameter | it means |
|---|---|
| `config` | a kubeadm configuration file (v1beta3, v1beta4); kubeadm's defaults without one |
| `config_text` | the configuration itself as YAML or JSON text, instead of `config` |
| `lenient` | unknown fields are warnings, as for kubeadm, not errors |
| `node_name` | the node's name instead of the configuration's |
| `certificates_dir` | instead of the configuration's `certificatesDir` (`/etc/kubernetes/pki`) |
| `kubeconfig_dir` | instead of `/etc/kubernetes` |
| `rootfs` | the folder in front of every path; `store.rootfs_not_a_directory` when it is none |
"""

from __future__ import annotations
