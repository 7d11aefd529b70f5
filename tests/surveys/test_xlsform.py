"""XLSForm workbooks: written and read back they are the same; what is beyond the subset is named by row."""

from __future__ import annotations

import io
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from openpyxl import Workbook, load_workbook

from surveys import questionnaire, xlsform
from surveys.models import Version
from surveys.presets import PRESETS
from tests.surveys.make import SAFETY, published

SURVEY = ("type", "name", "label", "hint", "required", "relevant", "constraint", "parameters")


def workbook(survey, choices=(), columns=SURVEY, title="问卷") -> bytes:
    book = Workbook()
    book.active.title = "survey"
    for row in (columns, *survey):
        book["survey"].append(row)
    sheet = book.create_sheet("choices")
    for row in (("list_name", "name", "label"), *choices):
        sheet.append(row)
    book.create_sheet("settings").append(("form_title",))
    book["settings"].append((title,))
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


@pytest.mark.parametrize("key", PRESETS)
def test_what_comes_along_is_the_same_after_writing_and_reading(key):
    content = PRESETS[key].build()
    assert xlsform.read(xlsform.write(content)) == content


def test_rules_limits_and_declines_are_the_same_after_writing_and_reading():
    data = SAFETY | {
        "thanks": "谢谢",
        "items": [
            *SAFETY["items"],
            {"key": "age", "kind": "number", "text": "年龄", "is_whole": True, "minimum": "18", "maximum": "120"},
            {"key": "day", "kind": "date", "text": "哪天", "minimum": "2026-01-01", "declines": ["refused"]},
            {
                "key": "why",
                "kind": "text",
                "text": "=1+1",
                "declines": [],
                "unit": "439900D01",
                "show_if": {
                    "any": True,
                    "rules": [
                        {"item": "age", "op": "at_least", "value": "60"},
                        {"item": "worries", "op": "includes", "value": "fraud"},
                        {"item": "lives_here", "op": "is_not", "value": "yes"},
                        {"item": "day", "op": "answered", "value": ""},
                    ],
                },
            },
        ],
    }
    content = questionnaire.from_json(data)
    assert xlsform.read(xlsform.write(content)) == content


def test_a_workbook_of_other_programs_is_read():
    content = xlsform.read(
        workbook(
            [
                ("start", "start"),
                ("note", "hello", "您好"),
                ("select_one yn", "knows", "知道吗", "听说过即可", "yes"),
                ("select_multiple ways", "how", "怎样知道的", "", "", "${knows} = 'yes'", "count-selected(.) <= 2"),
                ("integer", "age", "年龄", "", "true", "selected(${how}, 'tv') and ${knows} = \"yes\"", ". >= 18"),
                ("begin group", "g", "各方面", "", "yes", "", "", "", "table-list"),
                ("select_one yn", "g1", "治安"),
                ("select_one yn", "g2", "交通"),
                ("end group",),
            ],
            [
                ("yn", "yes", "是"),
                ("yn", "no", "否"),
                ("ways", "tv", "电视"),
                ("ways", "web", "网络"),
                ("ways", 3, "别的"),
            ],
            columns=(*SURVEY, "appearance"),
        )
    )
    kinds = [(item.key, item.kind.value, item.is_optional) for item in content.items]
    assert kinds == [
        ("knows", "yes_no", False),
        ("how", "multi", True),
        ("age", "number", False),
        ("g", "matrix", False),
    ]
    assert content.intro == "您好"
    assert content.items[1].max_choices == 2
    assert content.items[1].codes == {"tv", "web", "3"}
    assert [(rule.item, rule.op.value, rule.value) for rule in content.items[2].show_if.rules] == [
        ("how", "includes", "tv"),
        ("knows", "is", "yes"),
    ]
    assert [row.key for row in content.items[3].rows] == ["g1", "g2"]


def test_everything_beyond_the_subset_is_refused_with_its_row():
    data = workbook(
        [
            ("geopoint", "where", "在哪"),
            ("select_one none", "a", "甲"),
            ("text", "b", "乙", "", "", "${a} > count(${c})"),
            ("integer", "c", "丙", "", "", "", "regex(., '1')"),
            ("integer", "d", "丁", "", "", "${a} = '1' and ${b} = '2' or ${c} = '3'"),
            ("begin repeat", "e"),
            ("text", "f", "己", "", "", "", "", "rows=5"),
        ]
    )
    with pytest.raises(xlsform.XlsFormError) as caught:
        xlsform.read(data)
    assert [fault.row for fault in caught.value.faults] == ["2", "3", "4", "5", "6", "7", "8"]


def test_a_column_that_would_be_lost_is_refused():
    with pytest.raises(xlsform.XlsFormError) as caught:
        xlsform.read(workbook([("text", "a", "甲", "默认答案")], columns=("type", "name", "label", "default")))
    assert [fault.row for fault in caught.value.faults] == ["2"]


def test_problems_of_the_content_carry_the_row_of_the_sheet():
    with pytest.raises(xlsform.XlsFormError) as caught:
        xlsform.read(workbook([("note", "n", "您好"), ("text", "Bad Key", "甲"), ("text", "b", "")]))
    assert [fault.row for fault in caught.value.faults] == ["3", "4"]


def test_a_condition_without_words_in_xlsform_is_refused_when_writing():
    rule = {"item": "lives_here", "op": "declined", "value": ""}
    data = SAFETY | {"items": [SAFETY["items"][0], SAFETY["items"][3] | {"show_if": {"rules": [rule], "any": False}}]}
    with pytest.raises(xlsform.XlsFormError) as caught:
        xlsform.write(questionnaire.from_json(data))
    assert [fault.row for fault in caught.value.faults] == ["more"]


def far_corners() -> bytes:
    book = Workbook()
    book.active.title = "survey"
    book.active["A1"], book.active["XFD1048576"] = "type", "x"
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def truncated() -> bytes:
    return workbook([("text", "a", "甲")])[:900]


def other_zip() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.txt", "x")
    return file.getvalue()


@pytest.mark.parametrize("data", [far_corners(), truncated(), other_zip(), b"", b"PK\x03\x04", b"\x00" * 99])
def test_a_file_that_is_no_such_workbook_is_refused(data):
    with pytest.raises(xlsform.XlsFormError):
        xlsform.read(data)


@pytest.mark.django_db
def test_a_workbook_is_uploaded_to_a_draft_and_downloaded_again(cast, login):
    office = login(cast.district_office)
    file = SimpleUploadedFile("a.xlsx", xlsform.write(questionnaire.from_json(SAFETY)))
    office.post("/surveys/questionnaires/import/", {"name": "导入的", "file": file})
    draft = Version.objects.get()
    assert questionnaire.from_json(draft.content) == questionnaire.from_json(SAFETY)
    response = office.get(f"/surveys/versions/{draft.pk}/xlsform/")
    assert load_workbook(io.BytesIO(response.content)).sheetnames == ["survey", "choices", "settings"]


@pytest.mark.django_db
def test_a_workbook_with_faults_makes_no_questionnaire_and_the_page_names_the_row(cast, login):
    file = SimpleUploadedFile("a.xlsx", workbook([("geopoint", "where", "在哪")]))
    response = login(cast.district_office).post("/surveys/questionnaires/import/", {"name": "导入的", "file": file})
    assert response.status_code == 422
    assert "geopoint" in response.content.decode()
    assert not Version.objects.exists()


@pytest.mark.django_db
def test_a_name_that_is_taken_is_said_at_the_field(cast, login):
    published(cast)
    file = SimpleUploadedFile("a.xlsx", xlsform.write(questionnaire.from_json(SAFETY)))
    response = login(cast.district_office).post("/surveys/questionnaires/import/", {"name": "安全感", "file": file})
    assert response.status_code == 422
    assert Version.objects.count() == 1
