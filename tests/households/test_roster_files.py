"""The given rosters, exactly; and files that are hostile, damaged or something else, each with its sentence."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from django.core.management import call_command

from households.models import Household, Resident, RosterImport
from households.roster.read import MESSAGES, UnusableFile, open_workbook
from outreach.models import Unit
from tests.households.factory import DATA, TITLES, cell, person, raw_workbook, roster, workbook

MEGABYTE = 1024 * 1024


@pytest.fixture
def xinghe(db):
    """The district of the given files."""
    call_command("import_units", str(DATA / "units_xinghe.csv"), verbosity=0)
    return Unit.objects.get(code="439900")


def run(capsys, path: Path, *options: str) -> tuple[int, dict]:
    """Run the command; return its exit status and its JSON line."""
    status = 0
    try:
        call_command("import_roster", str(path), "--unit", "439900", *options)
    except SystemExit as end:
        status = int(str(end.code))
    lines = capsys.readouterr().out.strip().splitlines()
    return status, json.loads(lines[-1])


@pytest.mark.parametrize("name", ["roster_flat.xlsx", "roster_ledger_shiqiao.xlsx", "roster_bad.xlsx"])
def test_given_roster_gives_exactly_the_expected_households_residents_and_errors(xinghe, capsys, name):
    expected = json.loads((DATA / f"{name}.expected.json").read_text())

    status, report = run(capsys, DATA / name)

    places = [{key: error[key] for key in ("sheet", "row", "column", "code")} for error in report["errors"]]
    assert places == expected["errors"]
    assert (report["households"], report["residents"]) == (expected["households"], expected["residents"])
    assert status == (1 if expected["errors"] else 0)
    assert all(error["message"] for error in report["errors"])
    assert not Household.objects.exists() and not RosterImport.objects.exists()


def test_commit_writes_the_good_households_and_a_second_time_nothing(xinghe, capsys):
    first = run(capsys, DATA / "roster_bad.xlsx", "--commit")[1]
    rows = list(Resident.objects.order_by("pk").values())
    second = run(capsys, DATA / "roster_bad.xlsx", "--commit")[1]

    assert (first["created"], first["updated"], first["unchanged"]) == (174, 0, 0)
    assert (second["created"], second["updated"], second["unchanged"]) == (0, 0, 174)
    assert Household.objects.count() == 40
    assert list(Resident.objects.order_by("pk").values()) == rows


def test_unknown_unit_ends_with_status_2(xinghe):
    with pytest.raises(BaseException) as end:
        call_command("import_roster", str(DATA / "roster_bad.xlsx"), "--unit", "999999")
    assert getattr(end.value, "returncode", None) == 2


def test_unusable_file_ends_with_status_2_and_one_json_line(xinghe, capsys, tmp_path):
    path = tmp_path / "花名册.xlsx"
    path.write_bytes(b"%PDF-1.7 nothing to see")

    status, report = run(capsys, path)

    assert status == 2
    assert [error["code"] for error in report["errors"]] == ["unknown_format"]
    assert report["errors"][0]["message"] == str(MESSAGES["unknown_format"])


def code_of(path: Path) -> str:
    """Read the whole file; return the code it is refused with, or "" where it is read."""
    try:
        with open_workbook(path) as book:
            for sheet in book:
                for _row in sheet.rows:
                    pass
    except UnusableFile as problem:
        return problem.code
    return ""


def blank_rows(count: int):
    yield f'<row r="1">{cell("A1", "姓名")}{cell("B1", "与户主关系")}</row>'
    for first in range(2, count, 4096):
        last = min(first + 4096, count + 1)
        yield "".join(f'<row r="{n}"><c r="A{n}" s="0"/>{cell(f"B{n}", " ")}</row>' for n in range(first, last))


def test_zip_bomb_is_refused_before_it_unpacks(tmp_path):
    path = raw_workbook(tmp_path / "bomb.xlsx", ["A" * MEGABYTE for _ in range(300)])
    assert path.stat().st_size < MEGABYTE
    assert code_of(path) == "zip_bomb"


def test_archive_of_too_many_parts_is_refused(tmp_path):
    path = raw_workbook(tmp_path / "parts.xlsx", [], **{f"xl__media__{n}.xml": b"" for n in range(2_001)})
    assert code_of(path) == "zip_bomb"


def test_part_that_lies_about_its_size_is_damaged(tmp_path):
    path = raw_workbook(tmp_path / "liar.xlsx", [f'<row r="1">{cell("A1", "姓名" * 5000)}</row>'])
    with zipfile.ZipFile(path) as archive:
        entry = archive.getinfo("xl/worksheets/sheet1.xml")
        true, false = entry.file_size.to_bytes(4, "little"), (100).to_bytes(4, "little")
    content = path.read_bytes()
    assert content.count(true) >= 1
    path.write_bytes(content.replace(true, false))
    assert code_of(path) == "damaged"


def test_two_cells_at_opposite_corners_do_not_take_the_worker_along(tmp_path):
    path = raw_workbook(
        tmp_path / "corners.xlsx",
        [f'<row r="1">{cell("A1", "姓名")}</row><row r="1048576">{cell("XFD1048576", "x")}</row>'],
    )
    assert code_of(path) == "area_too_large"


def test_million_blank_rows_are_read_as_nothing(tmp_path):
    path = raw_workbook(tmp_path / "blank.xlsx", blank_rows(1_048_576))
    with open_workbook(path) as book:
        rows = [row for sheet in book for row in sheet.rows]
    assert rows == [(1, ["姓名", "与户主关系"])]


def test_sheet_of_16384_columns_is_refused(tmp_path):
    path = raw_workbook(tmp_path / "wide.xlsx", [f'<row r="1">{cell("A1", "姓名")}{cell("XFD1", "x")}</row>'])
    assert code_of(path) == "too_many_columns"


def test_file_of_200_megabytes_is_refused_unread(tmp_path):
    path = tmp_path / "large.xlsx"
    with path.open("wb") as file:
        file.write(b"PK\x03\x04")
        file.truncate(200 * MEGABYTE)
    assert code_of(path) == "too_large"


def test_more_rows_than_a_township_has_people_are_refused(tmp_path):
    path = tmp_path / "long.csv"
    path.write_text("姓名,与户主关系\n" + "张三,户主\n" * 200_001)
    assert code_of(path) == "too_many_rows"


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("empty.xlsx", b"", "empty"),
        ("truncated.xlsx", roster(person(1, "张三"))[:-200], "damaged"),
        ("cut.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "Workbook".encode("utf-16-le") + b"\0" * 600, "damaged"),
        ("password.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "encrypted"),
        ("macros.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "_VBA_PROJECT".encode("utf-16-le"), "macros"),
        ("letter.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "WordDocument".encode("utf-16-le"), "unknown_format"),
        ("web.xls", b"<html><table><tr><td>\xe5\xa7\x93\xe5\x90\x8d</td></tr></table></html>", "html_file"),
        ("picture.xlsx", b"\x89PNG\r\n\x1a\n" + b"\0" * 100, "unknown_format"),
        ("binary.csv", bytes(range(256)) * 10, "unknown_format"),
        ("nonsense.csv", b"\xff\xff\xff\x80" * 50, "unreadable_encoding"),
    ],
)
def test_file_that_is_no_roster_is_refused_with_its_own_sentence(tmp_path, name, content, code):
    path = tmp_path / name
    path.write_bytes(content)
    assert code_of(path) == code
    assert str(MESSAGES[code])


def test_workbook_with_macros_is_refused(tmp_path):
    path = raw_workbook(tmp_path / "macros.xlsm", [], **{"xl__vbaProject.bin": b"x"})
    assert code_of(path) == "macros"


def test_external_links_are_noticed_and_not_followed(tmp_path):
    path = raw_workbook(
        tmp_path / "links.xlsx",
        [f'<row r="1">{cell("A1", "姓名")}</row>'],
        **{"xl__externalLinks__externalLink1.xml": b"<externalLink/>"},
    )
    with open_workbook(path) as book:
        assert [row for sheet in book for row in sheet.rows] == [(1, ["姓名"])]
        assert book.notices == ["external_links"]


def test_billion_laughs_in_the_workbook_part_are_refused(tmp_path):
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e0 "ha">{entities}]><row r="1"><c r="A1"><f>&e9;</f></c></row>'
    path = raw_workbook(tmp_path / "laughs.xlsx", [bomb])
    assert code_of(path) in ("damaged", "area_too_large")


def test_formula_without_a_saved_value_reads_as_its_text(tmp_path):
    path = tmp_path / "formulas.xlsx"
    path.write_bytes(workbook(("花名册", [["姓名", "关系"], ["=1+1", "户主"], ["", "=A1&B1"]])))
    with open_workbook(path) as book:
        rows = [row for sheet in book for row in sheet.rows]
    assert rows == [(1, ["姓名", "关系"]), (2, ["=1+1", "户主"]), (3, ["", "=A1&B1"])]


def test_wrong_extension_is_read_by_content_and_noticed(tmp_path):
    path = tmp_path / "花名册.xls"
    path.write_bytes(roster(person(1, "张三")))
    with open_workbook(path) as book:
        assert next(row for sheet in book for row in sheet.rows) == (1, TITLES)
        assert book.notices == ["wrong_extension"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("mark", [",", "\t", ";"])
def test_csv_is_read_in_every_usual_encoding(tmp_path, encoding, mark):
    path = tmp_path / "花名册.csv"
    path.write_text(f"姓名{mark}住址\n张三{mark}“东”街〇号\n", encoding=encoding)
    with open_workbook(path) as book:
        assert [row for sheet in book for row in sheet.rows] == [(1, ["姓名", "住址"]), (2, ["张三", "“东”街〇号"])]


def test_ods_is_read_by_the_same_rules(tmp_path):
    table = "".join(
        "<table:table-row>"
        + "".join(
            f'<table:table-cell office:value-type="string"><text:p>{text}</text:p></table:table-cell>' for text in row
        )
        + "</table:table-row>"
        for row in (["姓名", "与户主关系"], ["张三", "户主"])
    )
    tail = '<table:table-row table:number-rows-repeated="1048574"><table:table-cell/></table:table-row>'
    content = (
        '<?xml version="1.0"?><office:document-content '
        'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
        'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
        'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet>'
        f'<table:table table:name="花名册">{table}{tail}</table:table></office:spreadsheet></office:body>'
        "</office:document-content>"
    )
    path = tmp_path / "花名册.ods"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", content)
        archive.writestr("META-INF/manifest.xml", "<manifest/>")
    with open_workbook(path) as book:
        rows = [row for sheet in book for row in sheet.rows]
    assert rows == [(1, ["姓名", "与户主关系"]), (2, ["张三", "户主"])]


def test_hostile_files_stay_within_the_memory_bound(tmp_path):
    paths = [
        raw_workbook(tmp_path / "blank.xlsx", blank_rows(1_048_576)),
        raw_workbook(
            tmp_path / "corners.xlsx",
            [f'<row r="1">{cell("A1", "x")}</row><row r="1048576">{cell("GR1048576", "x")}</row>'],
        ),
    ]
    code = (
        "import sys, resource\nfrom pathlib import Path\n"
        "from households.roster.read import open_workbook, UnusableFile\n"
        "for path in sys.argv[1:]:\n"
        "    try:\n"
        "        with open_workbook(Path(path)) as book:\n"
        "            [row for sheet in book for row in sheet.rows]\n"
        "    except UnusableFile as problem:\n"
        "        print(problem.code)\n"
        # ru_maxrss of the process itself would be that of the pytest it was forked from
        "own = [line for line in open('/proc/self/status') if line.startswith('VmHWM')][0].split()[1]\n"
        "print(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    done = subprocess.run([sys.executable, "-c", code, *map(str, paths)], capture_output=True, text=True, check=True)
    own, child = map(int, done.stdout.split()[-2:])
    assert own < 100 * 1024
    assert child < 1024 * 1024
