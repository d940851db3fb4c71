"""Make the pictures of the documentation: what the page and the notebooks of the examples show in a browser.

make pictures
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone
from pathlib import Path
from tempfile import TemporaryDirectory

import nbclient
import nbformat
from nbconvert import HTMLExporter

from browser import opened
from kubepki import apply, check, plan, plan_renew

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "docs/images"
NOW = datetime(2027, 11, 1, 12, tzinfo=timezone.utc)
# Larger pictures make a clone slow.
LARGEST = 200_000


def main() -> None:
    """Make all of them."""
    IMAGES.mkdir(exist_ok=True)
    with TemporaryDirectory() as folder:
        take("page.png", page_of_a_node(Path(folder)), height=1300)
    take("notebook.png", notebook("audit.ipynb"), height=1300, after="#The-question")


def page_of_a_node(root: Path) -> str:
    """Return the page of a node that is not well."""
    before = NOW - timedelta(days=200)
    apply(plan(node_name="cp1", rootfs=root, now=before))
    apply(plan_renew(["apiserver", "etcd-peer"], validity=timedelta(days=220), rootfs=root, now=before))
    kubernetes = root / "etc/kubernetes"
    (kubernetes / "admin.conf").chmod(0o644)
    (kubernetes / "pki/front-proxy-client.key").unlink()
    return check(rootfs=root, now=NOW).to_html().replace(f" --rootfs {root}", "").replace(str(root), "")


def notebook(name: str) -> str:
    """Return a notebook of the examples, executed, as a page."""
    cells = nbformat.read(ROOT / "examples" / name, as_version=4)
    resources = {"metadata": {"path": str(ROOT / "examples")}}
    client = nbclient.NotebookClient(cells, timeout=600, kernel_name="python3", resources=resources)
    client.execute(env={**os.environ, "JUPYTER_PLATFORM_DIRS": "1"})
    body, _ = HTMLExporter(mathjax_url="", require_js_url="").from_notebook_node(cells)
    return str(body)


def take(name: str, html: str, height: int, after: str | None = None) -> None:
    """Take a picture of a page, from an element on."""
    target = IMAGES / name
    with opened(html, viewport={"width": 1120, "height": 900}, is_quiet=False) as page:
        top = page.locator(after).bounding_box()["y"] - 16 if after else 0
        whole = page.evaluate("document.documentElement.scrollHeight")
        clip = {"x": 0, "y": top, "width": 1120, "height": min(height, whole - top)}
        page.screenshot(path=target, clip=clip, full_page=True)
    size = target.stat().st_size
    print(f"{target.relative_to(ROOT)}: {size} bytes")
    if size > LARGEST:
        raise SystemExit(f"{target} is larger than {LARGEST} bytes: make it less high")


if __name__ == "__main__":
    main()
