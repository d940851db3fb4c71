"""`kubepki audit`: many trees in folders, archives and reports, and what they say about each other."""

from __future__ import annotations

import gzip
import io
import json
import os
import pickle
import resource
import shutil
import subprocess
import tarfile
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

import kubepki as library
from trees import PROGRAM, kubepki, make_tree, of_the_package

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

SHARED = (
    "ca.crt",
    "ca.key",
    "front-proxy-ca.crt",
    "front-proxy-ca.key",
    "etcd/ca.crt",
    "etcd/ca.key",
    "sa.key",
    "sa.pub",
)


def join(fleet: Path, name: str, first: str) -> Path:
    """Make a further node of the cluster of `first`."""
    pki = fleet / name / "etc/kubernetes/pki"
    for file in SHARED:
        (pki / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(fleet / first / "etc/kubernetes/pki" / file, pki / file)
    made = kubepki("init", "--rootfs", fleet / name, "--node-name", name, "--config", fleet / "node.yaml")
    assert made.returncode == 0, made.stderr
    return fleet / name


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three nodes: cp1 and cp2 of one cluster, other of another."""
    fleet = tmp_path_factory.mktemp("fleet")
    shutil.copy(f"{__file__.rsplit('/', 2)[0]}/golden/minimal/config.yaml", fleet / "node.yaml")
    make_tree(fleet / "cp1", "minimal")
    make_tree(fleet / "other", "minimal")
    join(fleet, "cp2", "cp1")
    return fleet


@pytest.fixture
def fleet(made: Path, tmp_path: Path) -> Path:
    """The same to be changed."""
    shutil.copytree(made, tmp_path / "fleet", symlinks=True)
    return tmp_path / "fleet"


def audited(*arguments: str | Path) -> tuple[int, dict[str, Any]]:
    done = kubepki("audit", *arguments, "-o", "json")
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def codes(report: dict[str, Any]) -> set[str]:
    return {finding["code"] for finding in report["findings"]}


def packed(fleet: Path, archive: Path, mode: str) -> Path:
    with tarfile.open(archive, mode) as file:  # type: ignore[call-overload]
        file.add(fleet, arcname="bundle")
    return archive


def test_a_fresh_fleet_is_ok_and_nothing_is_found_between_its_trees(made: Path) -> None:
    code, report = audited(made)
    assert (code, report["status"], report["findings"]) == (0, "ok", []), report
    assert [(tree["path"].rsplit("/", 1)[1], tree["node"]) for tree in report["trees"]] == [
        ("cp1", "cp1"),
        ("cp2", "cp2"),
        ("other", "cp1"),
    ]
    assert (report["counts"]["ok"], report["clusters"], report["certificates"]) == (3, 2, 45)
    assert len({tree["cluster"] for tree in report["trees"]}) == 2
    text = kubepki("audit", made)
    assert text.stdout == "OK: 3 trees of 2 clusters, 45 certificates: 3 ok\n"
    assert text.stderr == ""


@pytest.mark.parametrize(("name", "mode"), [("nodes.tar", "w"), ("nodes.tar.gz", "w:gz"), ("nodes.tgz", "w:gz")])
@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_an_archive_says_what_the_folder_says_and_is_not_unpacked(
    made: Path, tmp_path: Path, name: str, mode: str, form: int
) -> None:
    kubelet = tmp_path / "fleet/cp1/var/lib/kubelet/pki"
    shutil.copytree(made, tmp_path / "fleet")
    kubelet.mkdir(parents=True)
    # Longer than a header's field, so that both formats need another one in front of it.
    long = tmp_path / "fleet" / "/".join(["a-folder-whose-name-takes-a-while-to-be-read"] * 4)
    long.parent.mkdir(parents=True)
    (tmp_path / "fleet/cp2").rename(long)
    with tarfile.open(tmp_path / name, mode, format=form) as file:  # type: ignore[call-overload]
        file.add(tmp_path / "fleet", arcname=".")
    _, folders = audited(tmp_path / "fleet")
    code, report = audited(tmp_path / name)
    assert (code, report["status"]) == (0, "ok"), report
    seen = [sorted(one["serial"] for one in tree["report"]["certificates"]) for tree in report["trees"]]
    assert sorted(seen) == sorted(
        sorted(one["serial"] for one in tree["report"]["certificates"]) for tree in folders["trees"]
    )
    assert {tree["member"] for tree in report["trees"]} == {"cp1", "other", str(long.relative_to(tmp_path / "fleet"))}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fleet", name]


def test_links_within_an_archive_lead_where_they_lead_on_the_node(made: Path, tmp_path: Path) -> None:
    root = tmp_path / "cp1"
    shutil.copytree(made / "cp1", root)
    pki = root / "etc/kubernetes/pki"
    (pki / "apiserver.crt").rename(pki / "apiserver-2026.crt")
    (pki / "apiserver.crt").symlink_to("/etc/kubernetes/pki/apiserver-2026.crt")
    (pki / "etcd/server.crt").rename(root / "etc/kubernetes/moved.crt")
    (pki / "etcd/server.crt").symlink_to("../../moved.crt")
    _, report = audited(packed(root, tmp_path / "a.tar", "w"))
    assert report["status"] == "ok", report["trees"][0]["report"]["findings"]


def member(
    name: str, content: bytes = b"", kind: bytes = tarfile.REGTYPE, link: str = ""
) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname, info.mode = len(content), kind, link, 0o600
    return info, content


def hostile(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w") as file:
        for info, content in members:
            file.addfile(info, io.BytesIO(content))
    return path


def test_names_and_links_of_an_archive_lead_to_no_file_of_this_machine(made: Path, tmp_path: Path) -> None:
    content = (made / "cp1/etc/kubernetes/pki/ca.crt").read_bytes()
    outside = tmp_path / "outside.crt"
    outside.write_bytes(content)
    _, report = audited(
        hostile(
            tmp_path / "a.tar",
            member("../../etc/kubernetes/pki/sa.pub", b"no key"),
            member("n/etc/kubernetes/pki/ca.crt", kind=tarfile.SYMTYPE, link=str(outside)),
            member("n/etc/kubernetes/pki/etcd/ca.crt", kind=tarfile.SYMTYPE, link="../../../../../../" + str(outside)),
            member("n/etc/kubernetes/pki/front-proxy-ca.crt", kind=tarfile.LNKTYPE, link=str(outside)),
            member("n/etc/kubernetes/admin.conf", kind=tarfile.SYMTYPE, link="admin.conf"),
            member("n/etc/kubernetes/pki/sa.key", kind=tarfile.CHRTYPE),
        )
    )
    (tree,) = report["trees"]
    assert (tree["member"], tree["report"]["certificates"]) == ("n", [])
    assert {"store.dangling_symlink", "store.symlink_escapes", "store.symlink_loop"} <= codes(tree["report"])


def bombs(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield archives that would take all memory or all time."""
    zeros = bytes(1 << 20)
    header = tarfile.TarInfo("n/etc/kubernetes/pki/ca.crt")
    header.size = 4 << 30
    with gzip.open(folder / "long.tar.gz", "wb", compresslevel=1) as file:
        file.write(header.tobuf(tarfile.GNU_FORMAT))
        for _ in range(256):
            file.write(zeros)
    yield "store.bad_archive", folder / "long.tar.gz"
    header = tarfile.TarInfo("././@LongLink")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, 1 << 30
    with gzip.open(folder / "name.tar.gz", "wb", compresslevel=1) as file:
        file.write(header.tobuf(tarfile.GNU_FORMAT))
        for _ in range(256):
            file.write(zeros)
    yield "store.bad_archive", folder / "name.tar.gz"
    header = tarfile.TarInfo("pax")
    header.type, header.size = tarfile.XHDTYPE, 1 << 30
    (folder / "pax.tar").write_bytes(header.tobuf(tarfile.GNU_FORMAT) + zeros)
    yield "store.bad_archive", folder / "pax.tar"
    (folder / "none.tar").write_bytes(b"no archive at all" * 100)
    yield "store.bad_archive", folder / "none.tar"
    (folder / "none.tgz").write_bytes(b"\x1f\x8b no gzip" * 100)
    yield "store.bad_archive", folder / "none.tgz"
    (folder / "empty.tar").write_bytes(b"")
    yield "audit.nothing_there", folder / "empty.tar"


def test_a_hostile_archive_takes_no_memory_and_is_one_problem(tmp_path: Path) -> None:
    def bounded() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (700 << 20, 700 << 20))

    for code, archive in bombs(tmp_path):
        done = subprocess.run(
            [*PROGRAM, "audit", archive, "-o", "json", "--jobs", "1"],
            check=False,
            capture_output=True,
            text=True,
            timeout=120,
            preexec_fn=bounded,
        )
        report = json.loads(done.stdout)
        assert done.returncode in (2, 3), archive
        problems = [tree["problem"]["code"] for tree in report["trees"] if tree["problem"]]
        assert problems == [code], archive


def test_what_is_cut_off_is_looked_at_as_far_as_it_goes(made: Path, tmp_path: Path) -> None:
    whole = packed(made / "cp1", tmp_path / "whole.tar.gz", "w:gz").read_bytes()
    (tmp_path / "half.tar.gz").write_bytes(whole[: len(whole) // 2])
    code, report = audited(tmp_path / "half.tar.gz")
    assert [tree["problem"] and tree["problem"]["code"] for tree in report["trees"]] == [None, "store.bad_archive"]
    assert code == 2


def test_a_pki_folder_alone_is_judged_by_what_is_in_it(made: Path, tmp_path: Path) -> None:
    shutil.copytree(made / "cp1/etc/kubernetes/pki", tmp_path / "a/pki")
    shutil.copytree(made / "cp1/etc/kubernetes/pki", tmp_path / "b")
    for place in (tmp_path / "a", tmp_path / "b"):
        code, report = audited(place)
        (tree,) = report["trees"]
        assert (code, len(tree["report"]["certificates"]), tree["report"]["findings"]) == (0, 10, [])


def test_kubeconfigs_are_of_the_cluster_that_they_trust(made: Path, tmp_path: Path) -> None:
    shutil.copy(made / "cp1/etc/kubernetes/admin.conf", tmp_path / "mine.kubeconfig")
    _, report = audited(made / "cp1", tmp_path / "mine.kubeconfig")
    node, file = report["trees"]
    assert (file["kind"], file["cluster"]) == ("file", node["cluster"])
    # People have copies of kubeconfigs.
    assert report["findings"] == []


def spoil_key(fleet: Path) -> None:
    for end in ("crt", "key"):
        name = f"etc/kubernetes/pki/apiserver.{end}"
        shutil.copy(fleet / "cp1" / name, fleet / "cp2" / name)


def spoil_kubelet(fleet: Path) -> None:
    name = "etc/kubernetes/kubelet.conf"
    shutil.copytree(fleet / "cp2", fleet / "cp3")
    shutil.rmtree(fleet / "cp3/etc/kubernetes/pki")
    shutil.copy(fleet / "cp1" / name, fleet / "cp3" / name)
    for path in (fleet / "cp3/etc/kubernetes").glob("*.conf"):
        if path.name != "kubelet.conf":
            path.unlink()
    shutil.rmtree(fleet / "cp2")


def spoil_service_account(fleet: Path) -> None:
    for end in ("key", "pub"):
        name = f"etc/kubernetes/pki/sa.{end}"
        shutil.copy(fleet / "cp1" / name, fleet / "other" / name)


def spoil_authority(fleet: Path) -> None:
    name = "etc/kubernetes/pki/front-proxy-ca.crt"
    bundle = (fleet / "cp2" / name).read_text() + (fleet / "other" / name).read_text()
    (fleet / "cp2" / name).write_text(bundle)


@pytest.mark.parametrize(
    ("spoil", "expected", "places"),
    [
        (spoil_key, {"fleet.shared_key"}, ["cp1", "cp2"]),
        (spoil_service_account, {"fleet.shared_authority"}, ["cp1", "cp2", "other"]),
        (spoil_authority, {"fleet.authorities_differ", "fleet.shared_authority"}, ["cp1", "cp2"]),
    ],
)
def test_what_is_where_it_should_not_be_is_found_between_the_trees(
    fleet: Path, spoil: Callable[[Path], None], expected: set[str], places: list[str]
) -> None:
    spoil(fleet)
    code, report = audited(fleet)
    assert codes(report) == expected
    assert code >= 1
    (first, *_) = sorted(report["findings"], key=lambda one: one["code"])
    assert [place.rsplit("/", 1)[1] for place in first["trees"]] == places
    # Archives say the same.
    _, archive = audited(packed(fleet, fleet.parent / "fleet.tar", "w"))
    assert codes(archive) == expected
    shown = kubepki("audit", fleet).stdout
    assert all(f"[{code}]" in shown for code in expected)


def collected(tmp_path: Path, made: Path) -> Path:
    """Write what Ansible's role `audit` writes of two hosts."""
    hosts: list[dict[str, Any]] = []
    for name in ("cp1", "other"):
        seen = library.check(rootfs=made / name).to_dict()
        certificates = [{**one, "days_left": 300, "expired": False} for one in seen["certificates"]]
        hosts.append({"host": name, "reason": "", **seen, "certificates": certificates})
    hosts.append({"host": "gone", "status": "unknown", "reason": "unreachable", "certificates": [], "findings": []})
    hosts.append({"host": "odd", "status": "ok", "certificates": [{"name": 7}], "findings": []})
    path = tmp_path / "kubepki-audit.json"
    path.write_text(json.dumps({"title": "t", "made_at": "", "status": "unknown", "counts": {}, "hosts": hosts}))
    return path


@of_the_package
def test_what_ansible_collected_is_read(made: Path, tmp_path: Path) -> None:
    code, report = audited(collected(tmp_path, made))
    assert [(tree["member"], tree["status"]) for tree in report["trees"]] == [
        ("cp1", "ok"),
        ("other", "ok"),
        ("gone", "unknown"),
        ("odd", "unknown"),
    ]
    assert [tree["problem"] and tree["problem"]["code"] for tree in report["trees"][2:]] == [
        "audit.not_checked",
        "audit.bad_report",
    ]
    assert (code, report["clusters"], report["counts"]["unknown"]) == (3, 2, 2)
    assert "unreachable" in report["trees"][2]["problem"]["message"]


def test_reports_of_our_own_are_read_again(made: Path, tmp_path: Path) -> None:
    _, whole = audited(made)
    (tmp_path / "all.json").write_text(json.dumps(whole))
    lines = kubepki("audit", made, "-o", "jsonl").stdout
    (tmp_path / "all.jsonl").write_text(lines)
    (tmp_path / "one.json").write_text(kubepki("check", "--rootfs", made / "cp1", "-o", "json").stdout)
    assert len(lines.splitlines()) == 4
    for name in ("all.json", "all.jsonl"):
        _, again = audited(tmp_path / name)
        assert [tree["node"] for tree in again["trees"]] == ["cp1", "cp2", "cp1"]
        assert (again["clusters"], again["status"]) == (2, "ok")
    _, one = audited(tmp_path / "one.json")
    assert (one["counts"]["ok"], one["clusters"]) == (1, 1)


def test_a_place_that_is_none_is_said_and_the_others_are_looked_at(made: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad.json").write_text("{}")
    code, report = audited(tmp_path / "empty", tmp_path / "gone", tmp_path / "bad.json", made / "cp1")
    problems = [tree["problem"] and tree["problem"]["code"] for tree in report["trees"]]
    assert problems == ["audit.nothing_there", "store.missing", "audit.bad_report", None]
    assert (code, report["status"]) == (3, "unknown")
    assert kubepki("audit").returncode == 3
    for jobs in ("0", "-1", "1025"):
        refused = kubepki("audit", made, "--jobs", jobs)
        assert refused.returncode == 3
        assert f"`jobs` (--jobs): {jobs} is not a number of threads" in refused.stderr
        assert "a number from 1 to 1024" in refused.stderr


def test_the_worst_come_first(fleet: Path) -> None:
    (fleet / "other/etc/kubernetes/pki/ca.crt").write_text("nonsense")
    done = kubepki("audit", fleet)
    first, _, rest = done.stdout.partition("\n")
    assert first == "CRITICAL: 3 trees of 1 cluster, 44 certificates: 1 critical, 2 ok"
    assert done.returncode == 2
    assert str(fleet / "other") in rest
    assert str(fleet / "cp1") not in rest


def test_a_page_has_the_heading_that_it_is_given_and_other_forms_have_none(made: Path) -> None:
    page = kubepki("audit", made, "-o", "html", "--title", "Certificates of <prod>")
    assert "<h1>Certificates of &#60;prod&#62;</h1>" in page.stdout
    assert "<h1>Certificates of 3 nodes</h1>" in kubepki("audit", made, "-o", "html").stdout
    refused = kubepki("audit", made, "--title", "x")
    assert (refused.returncode, refused.stdout, "cli.usage" in refused.stderr) == (3, "", True)


@contextmanager
def dask() -> Iterator[Executor]:
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client.get_executor()


@of_the_package
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("executor", [ThreadPoolExecutor, ProcessPoolExecutor, dask])
def test_any_executor_makes_the_same_reports(
    made: Path, executor: Callable[[], AbstractContextManager[Executor]]
) -> None:
    alone = list(library.audit([made]))
    with executor() as workers:
        reports = library.audit([made], executor=workers)
        assert [report.place for report in reports] == [report.place for report in alone]
        assert reports.findings == ()


@of_the_package
@pytest.mark.parametrize("jobs", [-1, 0, 1025])
def test_a_number_of_threads_that_is_none_is_refused_by_its_name(made: Path, jobs: int) -> None:
    with pytest.raises(library.errors.ConfigurationError, match=rf"`jobs` .*{jobs} is not a number of threads"):
        library.audit(made, jobs=jobs)


@of_the_package
def test_reports_come_one_by_one_and_pickle(fleet: Path) -> None:
    spoil_key(fleet)
    audit = library.audit([fleet])
    first = next(audit)
    assert (first.node, first.kind, first.role) == (
        "cp1",
        library.TreeKind.FOLDER,
        library.Role.SECONDARY_CONTROL_PLANE,
    )
    assert not audit.findings
    rest = list(audit)
    (finding,) = audit.findings
    assert (finding.finding.code, len(finding.trees)) == ("fleet.shared_key", 2)
    whole = library.fleet_report([first, *rest])
    for value in (first, finding, whole, whole.counts):
        assert pickle.loads(pickle.dumps(value)) == value  # noqa: S301 (our own bytes)
        assert type(value).from_dict(json.loads(json.dumps(value.to_dict()))) == value
    assert (whole.exit_code, whole.counts.ok) == (1, 3)
    assert str(whole).startswith("WARNING: 3 trees of 2 clusters")


@of_the_package
def test_the_same_numbers_are_in_the_json_and_in_python(made: Path) -> None:
    _, printed = audited(made)
    whole = library.audit([made]).collect().to_dict()
    for report in (printed, whole):
        report.pop("audited_at")
        for tree in report["trees"]:
            tree["report"].pop("checked_at")
            for one in tree["report"]["certificates"]:
                one.pop("residual_seconds")
    assert printed == whole


def test_what_an_archive_holds_beyond_what_is_read_is_not_said_to_be_ok(made: Path, tmp_path: Path) -> None:
    archive = tmp_path / "nodes.tar"
    with tarfile.open(archive, "w") as file:
        file.add(made / "cp1", arcname="cp1")
        # Each further name of a file takes as much memory as the file.
        large = tarfile.TarInfo("cp1/etc/kubernetes/pki/large")
        large.size = 1 << 20
        file.addfile(large, io.BytesIO(bytes(large.size)))
        for number in range(1000):
            link = tarfile.TarInfo(f"cp1/etc/kubernetes/pki/{number}")
            link.type, link.linkname = tarfile.LNKTYPE, large.name
            file.addfile(link)
    code, report = audited(archive)
    assert (code, report["status"]) == (3, "unknown")
    assert report["trees"][0]["problem"]["code"] == "audit.tree_too_large"


def test_a_report_is_no_better_than_its_findings_and_shows_no_key_in_a_wrong_place(made: Path, tmp_path: Path) -> None:
    (made / "cp1/etc/kubernetes/admin.conf").chmod(0o644)
    try:
        checked = json.loads(kubepki("check", "--rootfs", made / "cp1", "-o", "json").stdout)
    finally:
        (made / "cp1/etc/kubernetes/admin.conf").chmod(0o600)
    file = tmp_path / "report.json"
    file.write_text(json.dumps({**checked, "status": "ok"}))
    assert audited(file)[0] == 1
    key = (made / "cp1/etc/kubernetes/pki/ca.key").read_text()
    for wrong in ({**checked, "status": key}, {**checked, "findings": [key]}, {"trees": [key]}, {"hosts": [key]}):
        file.write_text(json.dumps(wrong))
        done = kubepki("audit", file, "-o", "json")
        assert done.returncode == 3
        assert "PRIVATE" not in done.stdout + done.stderr


def test_a_path_with_a_typo_is_unknown_and_a_name_that_is_no_text_stops_nothing(made: Path, tmp_path: Path) -> None:
    for form in ("text", "json"):
        assert kubepki("audit", tmp_path / "typo", "-o", form).returncode == 3
    strange = os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe")
    shutil.copytree(made / "cp1", strange)
    shutil.copytree(made / "cp2", tmp_path / "zz")
    code, report = audited(tmp_path)
    assert code == 0, report["findings"]
    assert [tree["status"] for tree in report["trees"]] == ["ok", "ok"]


def test_commands_for_what_is_in_an_archive_or_a_report_are_for_that_node(fleet: Path, tmp_path: Path) -> None:
    (fleet / "cp1/etc/kubernetes/admin.conf").chmod(0o644)
    collected = tmp_path / "collected.json"
    collected.write_text(
        kubepki("check", "--rootfs", fleet / "cp1", "-o", "json").stdout.replace(f" --rootfs {fleet}/cp1", "")
    )
    for place in (packed(fleet, tmp_path / "a.tar", "w"), collected):
        _, report = audited(place)
        remedies = [
            one["remedy"] for tree in report["trees"] for one in tree["report"]["findings"] if "`" in one["remedy"]
        ]
        assert remedies
        assert all(remedy.startswith("on that node: ") for remedy in remedies), remedies
        assert "remedy: on that node: " in kubepki("audit", place).stdout
    # A folder is mended where it is.
    _, report = audited(fleet / "cp1")
    assert "on that node" not in json.dumps(report)


def test_why_a_tree_cannot_be_read_stands_below_the_table(tmp_path: Path) -> None:
    text = kubepki("audit", tmp_path / "nodir").stdout
    assert f"\n\n{tmp_path}/nodir: {tmp_path}/nodir does not exist [store.missing]\n  hint: " in text
