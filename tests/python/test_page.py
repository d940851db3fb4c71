"""`-o html`: one page, whole in itself, that people can use, whatever names are on it."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import datetime, timedelta, timezone
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest

from browser import opened
from kubepki import CheckReport, FleetReport, apply, check, plan
from trees import kubepki

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2027, 11, 1, 12, tzinfo=timezone.utc)
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>\u202etxt.exe\n\x1b[2J"


def report(certificates: int, findings: int = 0, name: str = "apiserver") -> CheckReport:
    """Make a report with so many rows, a tenth of which have expired."""
    ends = [NOW + timedelta(days=at % 400 - 40) for at in range(certificates)]
    seen = [
        {
            "name": f"{name}-{at}",
            "path": f"/etc/kubernetes/pki/{name}-{at}.crt",
            "subject": f"CN={name}-{at}",
            "issuer": "CN=kubernetes",
            "serial": f"{at:016x}",
            "not_before": (end - timedelta(days=365)).isoformat().replace("+00:00", "Z"),
            "not_after": end.isoformat().replace("+00:00", "Z"),
            "residual_seconds": int((end - NOW).total_seconds()),
            "key": "RSA-2048",
            "subject_alt_names": ["DNS:localhost", f"DNS:{name}-{at}.example"],
            "is_ca": False,
        }
        for at, end in enumerate(ends)
    ]
    codes = ["certificate.expired", "file.mode_too_wide", "certificate.expires_soon"]
    found = [
        {
            "code": codes[at % 3],
            "severity": ["critical", "warning", "info"][at % 3],
            "subject": f"{name}-{at}",
            "path": f"/etc/kubernetes/pki/{name}-{at}.key",
            "evidence": f"it is wrong with {name}, number {at}",
            "remedy": ["`kubepki certs renew all`", f"`chmod 600 /{name}/{at % 5}`", "the same"][at % 3],
        }
        for at in range(findings)
    ]
    data = {"checked_at": "2027-11-01T12:00:00Z", "status": "critical", "certificates": seen, "findings": found}
    return CheckReport.from_dict({**data, "warnings": [], "exit_code": 2})


class Elements(HTMLParser):
    """The elements of a page, their attributes, and the texts of scripts and styles."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.raw: dict[str, str] = {}
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes.extend((name, value or "") for name, value in attrs)

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1] in {"script", "style"} and data.strip():
            self.raw.setdefault(self.tags[-1], data)


def test_the_command_writes_a_page_and_ends_as_a_check_does(tmp_path: Path) -> None:
    apply(plan(node_name="cp1", rootfs=tmp_path))
    (tmp_path / "etc/kubernetes/admin.conf").chmod(0o644)
    done = kubepki("check", "--rootfs", tmp_path, "-o", "html")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("<!doctype html>\n")
    assert "<title>Certificates of cp1: warning</title>" in done.stdout
    assert f"<code>chmod 600 {tmp_path}/etc/kubernetes/admin.conf</code>" in done.stdout
    assert "PRIVATE KEY" not in done.stdout


def test_a_page_fetches_nothing_and_names_its_script_and_style_by_their_digests() -> None:
    html = report(50, 20).to_html()
    page = Elements(html)
    assert [value for name, value in page.attributes if name in {"src", "href"} and not value.startswith("#")] == []
    assert not re.search(r"@import|url\(", html)
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', html)
    for element in ("script", "style"):
        digest = base64.b64encode(hashlib.sha256(page.raw[element].encode()).digest()).decode()
        assert f"{element}-src &#39;sha256-{digest}&#39;" in policy
    assert "unsafe" not in policy
    assert policy.startswith("default-src &#39;none&#39;")
    # What the policy would refuse is not there.
    assert [name for name, _ in page.attributes if name == "style" or name.startswith("on")] == []


def test_names_from_outside_are_text_and_one_line() -> None:
    clean, hostile = report(5, 6), report(5, 6, HOSTILE)
    for form in (CheckReport.to_html, CheckReport._repr_html_):
        one, other = Elements(form(clean)), Elements(form(hostile))
        assert other.tags == one.tags
        assert [name for name, _ in other.attributes] == [name for name, _ in one.attributes]
        assert not set(form(hostile)) & {"\u202e", "\x1b"}
        assert "&#60;script&#62;" in form(hostile) or "&lt;script&gt;" in form(hostile)
    heading = clean.to_html(HOSTILE)
    assert Elements(heading).tags == Elements(clean.to_html()).tags
    for drawn in (hostile.timeline(), hostile.trust_graph()):
        assert "<script" not in str(getattr(drawn, "svg", ""))


def test_findings_are_together_by_cause_and_by_remedy() -> None:
    html = report(3, 30).to_html()
    causes = re.findall(r'<article class="cause \w+" id="[\w-]+" data-severity="(\w+)" data-code="([\w.]+)"', html)
    assert causes == [
        ("critical", "certificate.expired"),
        ("warning", "file.mode_too_wide"),
        ("info", "certificate.expires_soon"),
    ]
    assert html.count("<b>Remedy:</b>") == 1 + 5 + 1
    assert html.count('<li class="place"') == 30


def fleet(name: str = "api") -> FleetReport:
    """Make a report of four trees, of which two have one node's name, and of one that cannot be read."""
    known = {"cluster": "ab" * 8, "role": "control-plane", "kubernetes_version": "v1.36.1", "status": "critical"}
    trees: list[dict[str, Any]] = [
        {
            **known,
            "path": f"/srv/{at}",
            "member": None,
            "kind": "folder",
            "node": f"cp{at // 2 * at}",
            "report": report(6, 6, f"{name}{at}").to_dict(),
            "problem": None,
        }
        for at in range(4)
    ]
    problem = {"code": "store.missing", "message": f"{name} is no archive", "hint": "give another", "context": {}}
    nothing: dict[str, Any] = dict.fromkeys(("node", "cluster", "role", "kubernetes_version", "report"))
    broken = {"path": f"/srv/{name}.tar", "member": "x", "kind": "archive", "status": "unknown", "problem": problem}
    found = {"severity": "critical", "subject": name, "path": None, "evidence": "it is in two"}
    data = {
        "audited_at": "2027-11-01T12:00:00Z",
        "trees": [*trees, {**nothing, **broken}],
        "findings": [{**found, "code": "file.exists", "remedy": "move it", "trees": ["/srv/0", "/srv/3"]}],
        "counts": {"ok": 0, "warning": 0, "critical": 4, "unknown": 1},
        "certificates": 24,
        "clusters": 1,
        "status": "critical",
    }
    return FleetReport.from_dict(data)


def test_a_page_of_many_nodes_has_each_and_what_is_wrong_between_them() -> None:
    seen = fleet()
    html = seen.to_html("All <nodes>")
    assert (
        "<title>All &#60;nodes&#62;: critical</title>" in html or "<title>All &lt;nodes&gt;: critical</title>" in html
    )
    # A name that two trees have says nothing: where they were read does.
    names = re.findall(r"</span> <b>([^<]+)</b> <span", html)
    assert names == ["/srv/0", "/srv/1", "cp2", "cp3", "/srv/api.tar!x"]
    assert "api is no archive (give another)" in html
    assert "cluster abababababababab, control plane, v1.36.1" in html
    assert '<span class="node">/srv/0, cp3</span> <span class="subject">api</span>: it is in two' in html
    assert [seen.to_pandas("findings")["tree"].iloc[-1], len(seen.to_pandas())] == ["/srv/0, /srv/3", 24]
    assert Elements(fleet(HOSTILE).to_html("All <nodes>")).tags == Elements(html).tags
    for tree in seen.trees:
        assert tree.to_html().startswith("<!doctype html>")


def test_the_filter_of_a_node_leaves_what_is_about_it() -> None:
    with opened(fleet().to_html()) as page:
        page.get_by_role("combobox", name="Node").select_option("cp3")
        page.locator("#shown").filter(has_text="7 findings and 6 certificates are shown.").wait_for()
        assert page.locator(".tree:visible").count() == 1
        assert page.locator(".certificate").nth(18).is_visible()


def test_a_page_of_a_node_that_is_well_says_so(tmp_path: Path) -> None:
    apply(plan(node_name="cp1", rootfs=tmp_path))
    html = check(rootfs=tmp_path).to_html()
    assert "Nothing was found wrong." in html
    for authority, number in (("kubernetes", 7), ("etcd-ca", 4), ("front-proxy-ca", 1)):
        assert re.search(rf"CN={authority} signs {number} certificates?", html), authority
    assert html.count('<details class="certificate">') == 15
    empty = check(rootfs=tmp_path / "etc/kubernetes/pki").to_html()
    assert "no CA was seen" in empty


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_a_page_has_no_fault_that_axe_finds(scheme: str, width: int) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="it is for Python 3.11 and newer")
    view: dict[str, Any] = {"width": width, "height": 900}
    with opened(report(45, 30).to_html(), color_scheme=scheme, viewport=view, bypass_csp=True) as page:
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
        found = axe.Axe().run(page).response["violations"]
        assert [(one["id"], [node["html"][:120] for node in one["nodes"]]) for one in found] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [1280, 390])
def test_pictures_are_whole_on_a_phone_and_on_a_desk(width: int) -> None:
    view: dict[str, Any] = {"width": width, "height": 900}
    with opened(fleet().to_html(), viewport=view) as page:
        boxes = page.evaluate(
            "[...document.querySelectorAll('svg')].filter(one => one.checkVisibility())"
            ".map(one => { const box = one.getBoundingClientRect();"
            " const font = parseFloat(getComputedStyle(one).fontSize) * box.width / one.viewBox.baseVal.width;"
            " return [box.left, box.right, font]; })"
        )
        assert len(boxes) == 2
        for left, right, font in boxes:
            # Nothing is cut, and letters are as large as they can be read.
            assert left >= 0
            assert right <= width
            assert font > 10


def test_options_of_a_command_stay_on_one_line() -> None:
    one = report(3, 3)
    remedy = "`kubepki certs renew apiserver --certificates-dir /srv/some/where --rootfs /srv/some/where/else/node`"
    data = one.to_dict()
    data["findings"] = [{**each, "remedy": remedy} for each in data["findings"]]
    html = CheckReport.from_dict(data).to_html()
    for width in range(360, 520, 20):
        with opened(html, viewport={"width": width, "height": 900}) as page:
            todo = page.locator(".todo code").first
            assert f"`{todo.text_content()}`" == remedy
            lines = "[...document.querySelectorAll('.word')].map(one => one.getClientRects().length)"
            assert set(page.evaluate(lines)) == {1}


def test_a_page_of_many_nodes_begins_with_a_table_of_them() -> None:
    html = fleet().to_html()
    assert html.index('id="nodes"') < html.index('id="findings"')
    with opened(html) as page:
        rows = page.locator("#nodes tbody tr").all_inner_texts()
        assert [row.split("\t")[0] for row in rows] == ["/srv/0", "/srv/1", "cp2", "cp3", "/srv/api.tar!x"]
        assert "cluster abababababababab, control plane, v1.36.1" in rows[0]
        assert "api is no archive" in rows[4]
        page.get_by_role("link", name="cp3").click()
        assert page.evaluate("document.querySelector(':target').dataset.tree") == "4"
    assert 'id="nodes"' not in report(3).to_html()


def test_filters_leave_what_was_asked_for_by_keyboard_alone() -> None:
    with opened(report(40, 30).to_html()) as page:
        visible = "[...document.querySelectorAll('{}')].filter(one => one.checkVisibility()).length"
        shown = page.locator("#shown")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the findings"
        page.get_by_role("checkbox", name="critical").focus()
        page.keyboard.press("Space")
        shown.filter(has_text="20 findings and 40 certificates are shown.").wait_for()
        page.get_by_role("combobox", name="Code").focus()
        page.keyboard.type("file")
        shown.filter(has_text="10 findings").wait_for()
        page.get_by_role("searchbox", name="Text").focus()
        page.keyboard.type("apiserver-13")
        shown.filter(has_text="1 findings and 1 certificates are shown.").wait_for()
        assert page.evaluate(visible.format(".cause")) == 1
        assert page.evaluate(visible.format(".place")) == 1
        assert page.locator(".todo:visible").all_inner_texts() == ["Remedy: chmod 600 /apiserver/3"]
        page.keyboard.type("no such thing")
        page.get_by_text("No finding is left by the filter.").wait_for()
        page.get_by_role("button", name="Show everything").press("Enter")
        shown.filter(has_text="30 findings and 40 certificates are shown.").wait_for()


def test_without_a_script_all_is_there_and_no_filter_is_offered() -> None:
    with opened(report(20, 30).to_html(), java_script_enabled=False) as page:
        assert not page.locator("#filters").is_visible()
        assert page.locator(".cause").count() == 3
        page.locator(".certificate summary").first.click()
        assert page.get_by_text("Public key SHA-256").count() == 0
        assert page.get_by_text("Serial number").first.is_visible()


def test_on_paper_lists_are_unfolded_and_filters_are_not_there() -> None:
    with opened(report(80, 60).to_html()) as page:
        # Too many certificates to be unfolded on a screen.
        assert not page.locator(".certificate").first.is_visible()
        page.emulate_media(media="print")
        assert not page.locator("#filters").is_visible()
        assert page.evaluate("document.querySelector('.more .place').getBoundingClientRect().height") > 0
        assert page.evaluate("document.querySelector('.certificate').getBoundingClientRect().height") > 0


def test_ten_thousand_rows_can_be_filtered() -> None:
    html = report(10_000, 10_000).to_html()
    assert len(html) < 20_000_000
    with opened(html) as page:
        page.get_by_role("searchbox", name="Text").fill("apiserver-9999")
        page.locator("#shown").filter(has_text="1 findings and 1 certificates are shown.").wait_for()
        page.get_by_role("searchbox", name="Text").fill("")
        page.locator("#shown").filter(has_text="10000 findings and 10000 certificates are shown.").wait_for()
