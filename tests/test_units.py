"""Importing units: each bad row explained, the good ones stored, the same file twice changes nothing."""

import gzip
import io
import zipfile
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from openpyxl import Workbook

from outreach import actions, units
from outreach.models import AuditEvent, Unit

XINGHE = Path(__file__).parent / "data" / "units_xinghe.csv"
HEADER = "代码,名称,上级代码,类型"
DISTRICT = "439900,星河区,,区县"
TOWNSHIP = "439900101,青溪镇,439900,镇街"
VILLAGE = "439900101201,石桥村,439900101,村社区"
DEPARTMENT = "439900D01,区水利局,439900,区直部门"

pytestmark = pytest.mark.django_db


def csv_file(*lines, header=HEADER, encoding="utf-8"):
    return io.BytesIO("\n".join([header, *lines]).encode(encoding))


def run(*lines, by=None, **kwargs):
    return actions.import_units(file=csv_file(*lines, **kwargs), filename="units.csv", by=by)


def tree():
    return list(Unit.objects.values_list("code", "name", "kind", "parent__code"))


def codes_in_order():
    return list(Unit.objects.values_list("code", flat=True))


def errors(result):
    return [(error.row, error.column, error.code) for error in result.errors]


def test_import_stores_the_tree_in_the_file_order_with_initials():
    result = run(DISTRICT, DEPARTMENT, TOWNSHIP, VILLAGE)
    assert result.counts() == {"created": 4, "updated": 0, "reordered": 0, "unchanged": 0, "errors": 0}
    assert tree() == [
        ("439900", "星河区", "district", None),
        ("439900D01", "区水利局", "department", "439900"),
        ("439900101", "青溪镇", "township", "439900"),
        ("439900101201", "石桥村", "village", "439900101"),
    ]
    assert Unit.objects.get(name="青溪镇").pinyin == "qxz"
    event = AuditEvent.objects.get()
    assert (event.action, event.target, event.actor, event.detail["created"]) == (
        "unit.import",
        "units.csv",
        "system",
        4,
    )


def test_import_of_the_same_file_twice_changes_nothing():
    with XINGHE.open("rb") as file:
        actions.import_units(file=file, filename=XINGHE.name, by=None)
    before = list(Unit.objects.values())
    with XINGHE.open("rb") as file:
        result = actions.import_units(file=file, filename=XINGHE.name, by=None)
    assert result.counts() == {"created": 0, "updated": 0, "reordered": 0, "unchanged": 31, "errors": 0}
    assert list(Unit.objects.values()) == before
    assert AuditEvent.objects.count() == 1


def test_import_renames_a_unit_and_keeps_its_identity():
    run(DISTRICT, TOWNSHIP)
    pk = Unit.objects.get(code="439900101").pk
    result = run(DISTRICT, TOWNSHIP.replace("青溪镇", "清溪镇"))
    assert (result.counts()["updated"], result.unchanged) == (1, 1)
    assert list(Unit.objects.filter(code="439900101").values_list("pk", "name")) == [(pk, "清溪镇")]


def test_import_puts_new_units_where_the_file_has_them():
    run(DISTRICT, TOWNSHIP, "439900102,白鹭镇,439900,镇街")
    result = run(DISTRICT, TOWNSHIP, VILLAGE, "439900102,白鹭镇,439900,镇街")
    assert (result.counts()["created"], result.counts()["reordered"]) == (1, 1)
    assert codes_in_order() == ["439900", "439900101", "439900101201", "439900102"]


def test_import_of_units_at_the_end_disturbs_nobody():
    run(DISTRICT, TOWNSHIP, VILLAGE)
    before = dict(Unit.objects.values_list("code", "sort_order"))
    run("439900102,白鹭镇,439900,镇街")
    assert codes_in_order() == ["439900", "439900101", "439900101201", "439900102"]
    assert before.items() <= dict(Unit.objects.values_list("code", "sort_order")).items()


def test_import_follows_a_changed_order():
    run(DISTRICT, TOWNSHIP, "439900102,白鹭镇,439900,镇街")
    result = run(DISTRICT, "439900102,白鹭镇,439900,镇街", TOWNSHIP)
    assert result.counts()["reordered"] == 2
    assert codes_in_order() == ["439900", "439900102", "439900101"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (",无名村,439900101,村社区", ("代码", "no_code")),
        ("439900101202,,439900101,村社区", ("名称", "no_name")),
        (f"439900101202,{'村' * 101},439900101,村社区", ("名称", "bad_name")),
        ("439900101202,柳\x00村,439900101,村社区", ("名称", "bad_name")),
        ("439900101202,柳塘村,439900101,生产队", ("类型", "unknown_kind")),
        ("43990010120,柳塘村,439900101,村社区", ("代码", "code_length")),
        ("4399001012022,柳塘村,439900101,村社区", ("代码", "code_length")),
        ("439900101,柳塘村,439900,村社区", ("代码", "code_length")),
        ("439900DX1,某局,439900,区直部门", ("代码", "code_length")),
        # reach goes by prefix: a D012 would be taken for a part of D01
        ("439900D012,某局,439900,区直部门", ("代码", "code_length")),
        ("439900101202,柳塘村,,村社区", ("上级代码", "no_parent")),
        ("439900109201,柳塘村,439900109,村社区", ("上级代码", "unknown_parent")),
        ("439900101202,柳塘村,439900,村社区", ("上级代码", "parent_kind")),
        ("439901,某县,439900,区县", ("上级代码", "parent_kind")),
        ("439901101,某镇,439900,镇街", ("上级代码", "parent_prefix")),
    ],
)
def test_import_explains_a_bad_row_and_imports_the_rest(line, expected):
    result = run(DISTRICT, TOWNSHIP, line, DEPARTMENT)
    assert errors(result) == [(4, *expected)]
    assert codes_in_order() == ["439900", "439900101", "439900D01"]
    assert result.errors[0].message


def test_import_reports_a_code_that_stands_twice_with_the_first_row():
    result = run(DISTRICT, TOWNSHIP, TOWNSHIP)
    assert errors(result) == [(4, "代码", "duplicate_code")]
    assert "3" in result.errors[0].message
    assert codes_in_order() == ["439900", "439900101"]


def test_import_leaves_out_what_hangs_below_a_bad_row():
    result = run(DISTRICT, "439900101,,439900,镇街", VILLAGE)
    assert errors(result) == [(3, "名称", "no_name"), (4, "上级代码", "parent_wrong")]
    assert codes_in_order() == ["439900"]


def test_import_takes_children_before_parents_and_parents_already_stored():
    run(DISTRICT)
    result = run(VILLAGE, TOWNSHIP)
    assert result.counts()["created"] == 2
    assert Unit.objects.get(code="439900101201").parent == Unit.objects.get(code="439900101")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_import_reads_every_usual_encoding(encoding):
    assert run(DISTRICT, encoding=encoding).counts()["created"] == 1
    assert Unit.objects.get().name == "星河区"


def test_import_reads_gzip():
    packed = io.BytesIO(gzip.compress(csv_file(DISTRICT).read()))
    assert actions.import_units(file=packed, filename="units.csv.gz", by=None).counts()["created"] == 1


def test_import_reads_a_workbook_with_a_title_aliases_and_numbers():
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.append(["星河区单位名录"])
    sheet.append(["单位名称", "单位编码", "上级编码", "单位类型"])
    for row in [["星河区", 439900, None, "县级"], ["青溪镇", 439900101, 439900, "乡镇"]]:
        sheet.append(row)
    sheet.append(["石桥村", 439900101201, 439900101, "村（社区）"])
    buffer = io.BytesIO()
    book.save(buffer)
    buffer.seek(0)
    result = actions.import_units(file=buffer, filename="单位.XLSX", by=None)
    assert errors(result) == []
    assert codes_in_order() == ["439900", "439900101", "439900101201"]


def zip_bomb():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("xl/workbook.xml", "w") as entry:
        for _n in range(300):
            entry.write(bytes(1024 * 1024))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("filename", "content"),
    [
        ("units.txt", b"x"),
        ("units", b"x"),
        ("units.csv", b""),
        ("units.csv", b"\xff\xfe\x00\x81"),
        ("units.csv", "姓名,电话\n张三,1".encode()),
        ("units.csv.gz", b"not gzip"),
        ("units.csv.gz", gzip.compress(b"x" * 1000)[:-9]),
        ("units.csv.gz", gzip.compress(bytes(units.MAX_BYTES + 1))),
        ("units.xlsx", b"not a workbook"),
        ("units.xlsx", zip_bomb()),
    ],
    ids=["txt", "no_suffix", "empty", "binary", "no_header", "no_gzip", "cut_gzip", "gzip_bomb", "no_xlsx", "zip_bomb"],
)
def test_import_refuses_an_unusable_file_with_a_message(filename, content):
    with pytest.raises(units.UnusableFileError, match=r"\w+"):
        actions.import_units(file=io.BytesIO(content), filename=filename, by=None)
    assert not Unit.objects.exists()


def test_import_by_an_administrator_stays_within_the_district(cast):
    before = Unit.objects.count()
    result = run("439901,邻县,,区县", "439900103,新镇,439900,镇街", by=cast.system_admin)
    assert errors(result) == [(2, "代码", "outside_reach")]
    assert Unit.objects.count() == before + 1
    assert AuditEvent.objects.get(action="unit.import").actor_id == cast.system_admin.pk


def test_command_prints_the_figures(tmp_path, capsys):
    call_command("import_units", XINGHE)
    assert capsys.readouterr().out.strip() == "created 31 · updated 0 · reordered 0 · unchanged 0 · errors 0"


def test_command_with_dry_run_writes_nothing(capsys):
    call_command("import_units", XINGHE, "--dry-run")
    assert "created 31" in capsys.readouterr().out
    assert not Unit.objects.exists()


def test_command_fails_where_rows_are_wrong(tmp_path, capsys):
    path = tmp_path / "units.csv"
    path.write_bytes(csv_file(DISTRICT, "1,x,439900,镇街").read())
    with pytest.raises(CommandError) as failure:
        call_command("import_units", path)
    assert failure.value.returncode == 1
    assert "created 1" in capsys.readouterr().out
    assert codes_in_order() == ["439900"]


def test_command_refuses_a_missing_file(tmp_path):
    with pytest.raises(CommandError) as failure:
        call_command("import_units", tmp_path / "none.csv")
    assert failure.value.returncode == 2
