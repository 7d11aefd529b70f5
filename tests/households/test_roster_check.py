"""The pure part: layouts, aliases, groups of rows, and every cell's check."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from households.roster import clean, id_numbers, relations
from households.roster.check import Roster, check_roster
from households.roster.columns import Vocabulary, field_of, title_key
from households.roster.places import Places, Village
from households.roster.read import UnusableFile, open_workbook
from tests.households.factory import DATA, TITLES, id_number, person, roster, workbook

TODAY = datetime.date(2026, 11, 24)
VILLAGES = [
    Village(1, "439900101201", "石桥村民委员会", "青溪镇"),
    Village(2, "439900101202", "柳塘村", "青溪镇"),
    Village(3, "439900101001", "青溪社区居民委员会", "青溪镇"),
    Village(4, "439900102201", "石桥村", "白鹭镇"),
]
WORDS = Vocabulary({"dibao": ["低保", "低保户"], "canji": ["残疾人户", "残疾"], "tuiyi": ["退役军人", "退役军人户"]})


def check(tmp_path: Path, content: bytes, *, villages=VILLAGES[:3], saved=None, name="花名册.xlsx") -> Roster:
    """Check a file's content."""
    path = tmp_path / name
    path.write_bytes(content)
    with open_workbook(path) as book:
        return check_roster(book, places=Places(villages), vocabulary=WORDS, today=TODAY, saved=saved)


def shape(result: Roster) -> list[tuple]:
    """Each accepted household as (village, group, number, head, members)."""
    return [
        (door.village.id, door.group, door.number, door.head_name, [one.name for one in door.people])
        for door in result.accepted()
    ]


def codes(result: Roster) -> list[tuple]:
    """Each error as (row, column, code)."""
    return [(error.row, error.column, error.code) for error in result.errors]


# --- layouts ---------------------------------------------------------------------------------------------------------


def test_header_is_found_in_row_10_below_titles(tmp_path):
    rows = [["青溪镇柳塘村2026年花名册"], *[["填报单位：柳塘村"]] * 8, ["姓名", "关系", "组"], ["张三", "户主", 3]]
    result = check(tmp_path, workbook(("Sheet1", rows)))
    assert shape(result) == [(2, "3组", "", "张三", ["张三"])]


def test_header_below_row_10_is_no_roster(tmp_path):
    with pytest.raises(UnusableFile, match="no_roster"):
        check(tmp_path, workbook(("Sheet1", [["标题"]] * 10 + [["姓名", "关系"], ["张三", "户主"]])))


def test_two_level_header_with_merged_cells_gives_each_column_its_lowest_title(tmp_path):
    rows = [
        ["户号", "家庭成员情况", "", "", "备注"],
        ["", "姓名", "与户主\n关系", "身份证号码", ""],
        [1, "张三", "户主", id_number(1), "独居"],
    ]
    result = check(tmp_path, workbook(("石桥村", rows), merged=["A1:A2", "B1:D1", "E1:E2"]))
    header = result.sheets[0].header
    assert [(column.title, column.field) for column in header.columns] == [
        ("户号", "number"),
        ("姓名", "name"),
        ("与户主 关系", "relation"),
        ("身份证号码", "id_number"),
        ("备注", "note"),
    ]
    assert (header.first_row, header.last_row) == (1, 2)
    assert shape(result) == [(1, "", "1", "张三", ["张三"])]


def test_merged_and_blank_household_cells_are_filled_down_alike(tmp_path):
    header = ["户号", "姓名", "关系", "住址"]
    rows = [[1, "张三", "户主", "一号"], ["", "李四", "妻", ""], [2, "王五", "户主", "二号"], ["", "赵六", "之子", ""]]
    merged = check(tmp_path, workbook(("石桥村2组", [header, *rows]), merged=["A2:A3", "D2:D3", "A4:A5", "D4:D5"]))
    blank = check(tmp_path, workbook(("石桥村2组", [header, *rows])))
    expected = [(1, "2组", "1", "张三", ["张三", "李四"]), (1, "2组", "2", "王五", ["王五", "赵六"])]
    assert shape(merged) == shape(blank) == expected
    assert [door.address for door in merged.doors] == ["一号", "二号"]
    assert [one.relation for one in merged.doors[1].people] == ["01", "20"]


def test_without_household_numbers_a_head_starts_a_household(tmp_path):
    rows = [["姓名", "关系", "住址"], ["张三", "户主", "一号"], ["李四", "妻", "一号"], ["王五", "户主", "一号"]]
    result = check(tmp_path, workbook(("石桥村", rows)))
    assert shape(result) == [(1, "", "", "张三", ["张三", "李四"]), (1, "", "", "王五", ["王五"])]


def test_without_numbers_a_headless_household_is_not_given_to_its_neighbour(tmp_path):
    rows = [["姓名", "关系", "住址"], ["张三", "户主", "一号"], ["李四", "妻", "二号"]]
    result = check(tmp_path, workbook(("石桥村", rows)))
    assert shape(result) == [(1, "", "", "张三", ["张三"])]
    assert codes(result) == [(3, "关系", "missing_head")]


def test_list_of_heads_alone_gives_a_household_each(tmp_path):
    rows = [["序号", "户主姓名", "联系电话"], [1, "张三", 13812345678], [2, "李四", "0731-82345678"]]
    result = check(tmp_path, workbook(("柳塘村1组", rows)))
    assert shape(result) == [(2, "1组", "", "张三", ["张三"]), (2, "1组", "", "李四", ["李四"])]
    assert [door.head.phone for door in result.doors] == ["13812345678", "073182345678"]


def test_same_number_in_two_villages_is_two_households(tmp_path):
    result = check(tmp_path, roster(person(1, "张三"), person(2, "李四", village="柳塘村")))
    assert [door[0] for door in shape(result)] == [1, 2]


def test_footers_totals_and_repeated_headers_are_no_data(tmp_path):
    header = ["户号", "姓名", "关系"]
    rows = [
        header,
        [1, "张三", "户主"],
        ["小计", 1, ""],
        header,
        [2, "李四", "户主"],
        ["合计", "", ""],
        [],
        ["填表人：王五", "", "审核人："],
        ["", "", "（盖章）"],
    ]
    assert shape(check(tmp_path, workbook(("石桥村", rows)))) == [
        (1, "", "1", "张三", ["张三"]),
        (1, "", "2", "李四", ["李四"]),
    ]  # fmt: skip


def test_hidden_and_notes_sheets_are_left_out_and_named(tmp_path):
    rows = [["姓名", "关系"], ["张三", "户主"]]
    content = workbook(("石桥村", rows), ("填表说明", rows), ("旧表", rows), ("空", [["x"]]), hidden=["旧表"])
    result = check(tmp_path, content)
    assert [(sheet.name, sheet.left_out) for sheet in result.sheets] == [
        ("石桥村", ""),
        ("填表说明", "notes"),
        ("旧表", "hidden"),
        ("空", "no_header"),
    ]
    assert result.household_count == 1


def test_ditto_marks_repeat_the_cell_above(tmp_path):
    result = check(
        tmp_path,
        roster(
            person(1, "张三", address="一号"), person(2, "李四", number="2", village="同上", group="〃", address="″")
        ),
    )
    assert shape(result)[1][:2] == (1, "1组")
    assert result.doors[1].address == "一号"


def test_flag_columns_and_category_words_become_categories(tmp_path):
    rows = [
        ["户主姓名", "是否低保", "残疾", "类别"],
        ["张三", "是", "二级", "一般户"],
        ["李四", "否", "", "退役军人户、火星户"],
        ["王五", "√", "无", ""],
    ]
    result = check(tmp_path, workbook(("石桥村", rows)))
    assert [door.categories for door in result.doors] == [{"dibao", "canji"}, {"tuiyi"}, {"dibao"}]
    assert result.unknown_categories == {"火星户": 1}


def test_saved_mapping_wins_over_the_aliases(tmp_path):
    rows = [["名儿", "关系", "姓名"], ["张三", "户主", "不是名字1"]]
    result = check(tmp_path, workbook(("石桥村", rows)), saved={"名儿": "name", "姓名": ""})
    assert shape(result) == [(1, "", "", "张三", ["张三"])]


def test_township_tells_villages_of_one_name_apart(tmp_path):
    rows = [["乡镇", "村", "户主"], ["青溪镇", "石桥村", "张三"], ["白鹭", "石桥村", "李四"], ["", "石桥", "王五"]]
    result = check(tmp_path, workbook(("名单", rows)), villages=VILLAGES)
    assert [door.village.id if door.village else None for door in result.doors] == [1, 4, None]
    assert codes(result) == [(4, "村", "unknown_village")]


def test_roster_of_one_village_need_not_name_it(tmp_path):
    result = check(
        tmp_path,
        workbook(("Sheet1", [*[["户主"], ["张三"]][:0], ["户主", "电话"], ["张三", ""]])),
        villages=VILLAGES[1:2],
    )
    assert [door[0] for door in shape(result)] == [2]


@pytest.mark.parametrize(
    ("title", "field"),
    [
        ("姓 名", "name"),
        ("身份证号码（18位）", "id_number"),
        ("*联系电话：", "phone"),
        ("村（社区）", "village"),
        ("是否低保", "flag:dibao"),
        ("门牌号", "address"),
        ("宗教信仰", ""),
        ("幸运数字", None),
    ],
)
def test_title_means_its_field(title, field):
    assert field_of(title, WORDS) == field


# --- cells -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        (4.39900196806228e17, "id_number_numeric_cell"),
        ("4.39900E+17", "id_number_numeric_cell"),
        ("439900197707276390", "id_number_check_digit"),
        ("439900197810195000", "id_number_truncated"),
        ("4399001988011274", "id_number_length"),
        (439900, "id_number_length"),
        ("43990019880112ABCD", "id_number_format"),
        ("43990019881301" + "1230"[:4], "id_number_check_digit"),
        ("439900204001010086", "birth_in_future"),
        (True, "id_number_format"),
    ],
)
def test_wrong_id_number_has_its_code(cell, code):
    assert id_numbers.check(cell, TODAY) == ("", code)


def test_impossible_day_of_birth_with_a_right_check_character_is_named():
    first = "43990019801301123"
    assert id_numbers.check(first + id_numbers.check_character(first), TODAY) == ("", "id_number_birth_date")


BIRTHS = st.dates(datetime.date(1900, 1, 1), TODAY)
ORDERS = st.integers(0, 999)


def number_of(born: datetime.date, order: int) -> str:
    first = f"439900{born:%Y%m%d}{order:03}"
    return first + id_numbers.check_character(first)


@given(BIRTHS, ORDERS)
def test_right_id_number_comes_back_unaltered(born, order):
    number = number_of(born, order)
    assert id_numbers.check(number, TODAY) == (number, "")
    assert id_numbers.birth_date(number) == born


@given(BIRTHS, ORDERS, st.sampled_from(["{}", " {}", "'{}", "{} ", '="{}"', "\u200b{}", "　{}"]), st.booleans())
def test_dressing_around_an_id_number_is_taken_off_and_nothing_else(born, order, dressing, wide):
    number = number_of(born, order)
    written = number.lower()
    if wide:
        written = "".join(chr(ord(c) + 0xFEE0) for c in written)
    assert id_numbers.check(dressing.format(written), TODAY) == (number, "")


@given(BIRTHS, ORDERS, st.integers(0, 17), st.integers(1, 9))
def test_one_mistyped_digit_is_always_found(born, order, at, by):
    number = number_of(born, order)
    if number[at] == "X":
        return
    wrong = number[:at] + str((int(number[at]) + by) % 10) + number[at + 1 :]
    assert id_numbers.check(wrong, TODAY)[0] == ""


@given(BIRTHS.filter(lambda day: 1900 <= day.year < 2000), ORDERS)
def test_15_digits_become_the_same_persons_18(born, order):
    number = number_of(born, order)
    short = number[:6] + number[8:17]
    assert id_numbers.check(short, TODAY) == id_numbers.check(int(short), TODAY) == (number, "")


@given(st.one_of(st.text(max_size=40), st.floats(allow_nan=False, allow_infinity=False), st.integers(), st.booleans()))
def test_no_cell_breaks_the_checks(cell):
    number, code = id_numbers.check(cell, TODAY)
    assert not (number and code)
    assert not number or id_numbers.SHAPE.fullmatch(number)
    name, _good = clean.name(cell)
    assert "\n" not in name and "\t" not in name and "\0" not in name
    numbers, _good = clean.phones(cell)
    assert all(clean.MOBILE.fullmatch(one) or clean.LANDLINE.fullmatch(one) for one in numbers)
    clean.date(cell)
    clean.flag(cell)
    clean.group(clean.text(cell))
    relations.code_of(clean.text(cell))


MOBILES = st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True)


@given(MOBILES, st.sampled_from(["{}", "+86 {}", "0086{}", "（{}）", " {}"]), st.booleans())
def test_mobile_number_is_found_in_its_dressing(number, dressing, parted):
    written = f"{number[:3]}-{number[3:7]}-{number[7:]}" if parted else number
    assert clean.phones(dressing.format(written)) == ([number], True)
    assert clean.phones(float(number)) == ([number], True)


@given(
    st.lists(MOBILES, min_size=2, max_size=2, unique=True),
    st.sampled_from(["/", "、", ",", ";", "|", "，", "或", " ", "\n"]),
)
def test_two_phones_in_a_cell_are_parted(numbers, mark):
    assert clean.phones(mark.join(numbers)) == (numbers, True)


@pytest.mark.parametrize("written", ["1380013800", "12345678901", "7318234567", "电话", "138123456789"])
def test_what_is_no_phone_number_is_refused(written):
    assert clean.phones(written) == ([], False)


@pytest.mark.parametrize(
    ("written", "name", "good"),
    [
        (" 黄  龙", "黄龙", True),
        ("欧阳　娜娜", "欧阳娜娜", True),
        ("买买提•吐尔逊", "买买提·吐尔逊", True),
        ("John  Smith", "John Smith", True),
        ("=1+1", "=1+1", False),
        ("张3", "张3", False),
        ("@张三", "@张三", False),
        ("/", "", True),
    ],
)
def test_name_is_cleaned_or_refused(written, name, good):
    assert clean.name(written) == (name, good)


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("1990.1.1", datetime.date(1990, 1, 1)),
        ("1990-01-31", datetime.date(1990, 1, 31)),
        ("1990年1月1日", datetime.date(1990, 1, 1)),
        ("19900131", datetime.date(1990, 1, 31)),
        (32874.0, datetime.date(1990, 1, 1)),
        ("1990.13.1", None),
        ("昨天", None),
    ],
)
def test_date_of_birth_is_read_in_every_usual_spelling(written, day):
    assert clean.date(written) == day


@pytest.mark.parametrize(
    ("written", "group"), [("10", "10组"), ("第十组", "10组"), ("二十一组", "21组"), ("桥头屋场", "桥头屋场")]
)
def test_group_has_one_spelling(written, group):
    assert clean.group(written) == group


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("户主", "01"),
        ("妻", "10"),
        ("长子（已婚）", "20"),
        ("儿媳", "30"),
        ("外孙女", "40"),
        ("岳母", "50"),
        ("保姆", "99"),
        ("邻居", "97"),
    ],
)
def test_relation_is_known_by_its_alias(written, code):
    assert relations.code_of(written) == code


def test_zeros_that_pass_by_chance_are_found_where_man_and_wife_would_both_be_women(tmp_path):
    head = next(
        number
        for day in range(1, 29)
        for sequence in range(0, 1000, 100)
        if (number := number_of(datetime.date(1970, 1, day), sequence)).endswith("000")
    )
    rows = [person(0, "张三"), person(1, "李四", "配偶", born="19700205")]
    rows[0][5] = head
    rows[1][5] = number_of(datetime.date(1970, 2, 5), 122)
    assert codes(check(tmp_path, roster(*rows))) == [(2, "身份证号", "id_number_truncated")]
    rows[1][5] = number_of(datetime.date(1970, 2, 5), 121)
    assert codes(check(tmp_path, roster(*rows))) == []


def test_every_bad_row_is_named_and_good_households_stay(tmp_path):
    result = check(
        tmp_path,
        roster(
            person(1, "张三"),
            person(2, "", "妻"),
            person(3, "李四", number="2"),
            person(3, "王五", "妻", number="2"),
            person(4, "赵六", number="3"),
        ),
    )
    assert codes(result) == [(3, "姓名", "missing_name"), (5, "身份证号", "id_number_duplicate_in_file")]
    assert [door[3] for door in shape(result)] == ["赵六"]
    assert all(id_number(3) not in error.message + error.suggestion for error in result.errors)


def test_sheet_may_begin_in_any_column(tmp_path):
    rows = [["", "", *TITLES], ["", "", *person(1, "张三")]]
    assert shape(check(tmp_path, workbook(("花名册", rows)))) == [(1, "1组", "1", "张三", ["张三"])]


def test_title_key_forgets_spaces_and_width():
    assert title_key(" 身份证　号：") == "身份证号"


def test_old_xls_is_read_by_the_same_rules(tmp_path):
    result = check(tmp_path, (DATA / "roster_small.xls").read_bytes(), name="花名册.xls")
    assert shape(result) == [(1, "3组", "1", "张三", ["张三", "李四"]), (1, "3组", "3", "赵六", ["赵六"])]
    assert codes(result) == [(5, "身份证号", "id_number_numeric_cell")]
    assert [(sheet.name, sheet.left_out) for sheet in result.sheets] == [("石桥村3组", ""), ("旧表", "hidden")]
    assert result.doors[0].address == "石桥村3组1号"
    assert result.notices == []
