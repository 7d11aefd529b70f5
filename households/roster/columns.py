"""What the columns of a roster mean: the fields, the names people give them, and how a header row is found. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from households.roster.clean import Cell, text

HEADER_WITHIN = 10
FLAG = "flag:"
LEFT_OUT = ""

# Fields in the order the mapping screen offers them. A flag column has the field "flag:" + category code.
FIELDS: dict[str, str | Promise] = {
    "township": _("Township"),
    "village": _("Village or community"),
    "group": _("Group"),
    "number": _("Household number"),
    "head_name": _("Head's name"),
    "name": _("Resident's name"),
    "relation": _("Relation to the head"),
    "id_number": _("ID number"),
    "phone": _("Phone"),
    "address": _("Address"),
    "categories": _("Household category"),
    "sex": _("Sex"),
    "birth_on": _("Date of birth"),
    "residence": _("Lives at the registered address (人户一致)"),
    "away": _("Works away (外出务工)"),
    "empty": _("Empty house (空户)"),
    "note": _("Note"),
}
# several columns may hold parts of these
JOINED = frozenset(("phone", "address", "note", "categories"))

ALIASES: dict[str, tuple[str, ...]] = {
    "township": ("镇街", "乡镇", "镇", "街道", "乡镇街道", "镇街道", "所属镇街", "所属乡镇", "镇(街道)", "乡镇(街道)"),
    "village": (
        *("村", "社区", "行政村", "居委会", "村社区", "村居", "所属村", "所属社区", "村委会", "村名", "村(社区)"),
        *("村(居)", "村居名称", "社区名称", "所属村居", "村民委员会", "居民委员会", "所在村"),
    ),
    "group": (
        *("组", "组别", "村民小组", "网格", "片区", "屋场", "小组", "组名", "村组", "所属小组", "居民小组", "网格名称"),
        *("所属网格", "自然村", "村民组", "组号", "居民组"),
    ),
    "number": ("户编号", "户号", "家庭编号", "户编码", "户籍编号", "户序号", "家庭户号", "户口编号", "家庭编码"),
    "head_name": ("户主", "户主姓名", "家长姓名", "户主名", "户主名字", "家长"),
    "name": (
        *("姓名", "家庭成员", "成员姓名", "居民姓名", "家庭成员姓名", "人员姓名", "名字", "家庭人员", "家庭成员名单"),
        *("村民姓名", "人口姓名", "成员名单"),
    ),
    "relation": (
        *("与户主关系", "关系", "家庭关系", "与家长关系", "成员关系", "和户主关系", "同户主关系", "与户主之关系"),
        *("家庭成员关系", "与户主的关系"),
    ),
    "id_number": (
        *("身份证", "身份证号", "身份证号码", "公民身份号码", "证件号码", "证件号", "身份号码", "居民身份证号码"),
        *("居民身份证号", "身份证件号码", "公民身份证号码", "公民身份证号", "身份证编号"),
    ),
    "phone": (
        *(
            "电话",
            "联系电话",
            "手机",
            "手机号",
            "联系方式",
            "手机号码",
            "电话号码",
            "户主电话",
            "联系电话1",
            "联系电话2",
        ),
        *("电话1", "电话2", "移动电话", "家庭电话", "固定电话", "联系手机", "本人电话", "备用电话", "户主联系电话"),
    ),
    "address": (
        *(
            "门牌号",
            "楼栋",
            "单元",
            "房号",
            "小区",
            "地址",
            "家庭住址",
            "现住址",
            "住址",
            "详细住址",
            "详细地址",
            "门牌",
        ),
        *("居住地址", "家庭地址", "户籍地址", "现居住地", "居住地", "楼号", "栋号", "室号", "门牌号码", "现住地址"),
        *("小区名称", "楼栋号", "单元号", "房间号", "住所", "常住地址"),
    ),
    "categories": (
        *("家庭类别", "农户属性", "户属性", "类别", "户类型", "家庭类型", "农户类型", "农户类别", "人员类别", "户类别"),
        *("困难类型", "重点人群", "特殊人群类别", "家庭属性", "人员属性", "家庭情况"),
    ),
    "sex": ("性别",),
    "birth_on": ("出生日期", "出生年月", "出生年月日", "生日", "出生"),
    "residence": ("人户一致", "人户一致标识", "人户情况", "是否人户一致", "人户状态"),
    "away": ("外出务工", "是否外出", "外出", "外出情况", "是否外出务工", "务工情况"),
    "empty": ("空户", "空挂户", "是否空户", "空置", "是否空置"),
    "note": ("备注", "说明", "备注说明", "情况说明", "其他说明"),
}
# known, and deliberately no field: shown as left out without asking
IGNORED = frozenset(
    (
        *(
            "序号",
            "编号",
            "家庭人口",
            "人口",
            "人口数",
            "人数",
            "家庭人口数",
            "户籍人口",
            "民族",
            "文化程度",
            "婚姻状况",
        ),
        *("政治面貌", "宗教信仰", "收入", "年收入", "血型", "年龄", "职业", "学历", "照片", "县区", "区县", "市", "省"),
    )
)
CONTENTS = re.compile(r"[\s*＊:：]+")
BRACKETS = re.compile(r"[(（\[【].*?[)）\]】]")


@dataclass(frozen=True)
class Vocabulary:
    """The words of this installation: category code → its names."""

    categories: dict[str, Sequence[str]] = field(default_factory=dict)

    def category_codes(self) -> dict[str, str]:
        """Return every spelling → category code."""
        return {spelling: code for code, names in self.categories.items() for spelling in names}


@dataclass
class Column:
    """One column of a sheet: where it stands (from 0), its title as written, and the field it fills or LEFT_OUT."""

    index: int
    title: str
    field: str

    @property
    def key(self) -> str:
        """The title reduced to what a saved mapping goes by."""
        return title_key(self.title)


@dataclass
class Header:
    """Where a sheet's header stands (row numbers from 1, inclusive) and what its columns mean."""

    first_row: int
    last_row: int
    columns: list[Column]

    def fields(self) -> dict[str, list[int]]:
        """Return field → the indices of its columns."""
        found: dict[str, list[int]] = {}
        for column in self.columns:
            if column.field != LEFT_OUT:
                found.setdefault(column.field, []).append(column.index)
        return found

    def title_of(self, field: str) -> str:
        """Return the title of the field's first column as written, "" where there is none."""
        return next((column.title for column in self.columns if column.field == field), "")


def as_written(cell: Cell) -> str:
    """Return a title as its author wrote it, on one line: errors name columns by it."""
    return " ".join(cell.split()) if isinstance(cell, str) else text(cell)


def title_key(title: str) -> str:
    """Return a title without spaces, line breaks, stars and colons, half-width."""
    return CONTENTS.sub("", unicodedata.normalize("NFKC", title))


def field_of(title: str, vocabulary: Vocabulary) -> str | None:
    """Return the field a title means, LEFT_OUT for a known column nobody needs, None for an unknown word."""
    key = title_key(title)
    for candidate in (key, BRACKETS.sub("", key), key.strip("()"), BRACKETS.sub("", key).removeprefix("是否")):
        if not candidate:
            continue
        if candidate in _TITLES:
            return _TITLES[candidate]
        if candidate in IGNORED:
            return LEFT_OUT
        code = vocabulary.category_codes().get(candidate)
        if code:
            return FLAG + code
    return None


_TITLES = {alias: name for name, aliases in ALIASES.items() for alias in aliases}


def find_header(
    rows: Sequence[tuple[int, list[Cell]]],
    merged: Iterable[tuple[int, int, int, int]],
    vocabulary: Vocabulary,
    saved: dict[str, str] | None = None,
) -> Header | None:
    """Find the header among a sheet's first rows: one row or two, wherever they stand, or None.

    `saved` maps title keys to fields as people set them; it wins over the aliases. A header names at least a person
    (name or head_name) and one thing more.
    """
    saved = saved or {}
    top = [(number, row) for number, row in rows if number <= HEADER_WITHIN]
    across = {
        (first_row, column): first_column
        for first_row, first_column, last_row, last_column in merged
        if first_row < HEADER_WITHIN and last_column > first_column
        for column in range(first_column, min(last_column, 200) + 1)
    }
    best: tuple[int, Header] | None = None
    for position, (number, row) in enumerate(top):
        titles = [as_written(cell) for cell in row]
        single = _header(number, number, [titles], vocabulary, saved)
        candidates = [single]
        if position + 1 < len(top) and top[position + 1][0] == number + 1:
            below = [as_written(cell) for cell in top[position + 1][1]]
            if _is_title_row(below, vocabulary, saved):
                spread = [
                    titles[across.get((number - 1, column), column)]
                    if across.get((number - 1, column), column) < len(titles)
                    else ""
                    for column in range(max(len(titles), len(below)))
                ]
                candidates.append(_header(number, number + 1, [below, spread], vocabulary, saved))
        for header in candidates:
            score = len(header.fields())
            if _is_header(header) and (best is None or score > best[0]):
                best = (score, header)
    return best[1] if best else None


def _is_header(header: Header) -> bool:
    fields = header.fields()
    return len(fields) >= 2 and ("name" in fields or "head_name" in fields)


def _is_title_row(titles: list[str], vocabulary: Vocabulary, saved: dict[str, str]) -> bool:
    """Say whether a row reads like titles: 户主 and 低保 are cell values too, so one known word proves nothing."""
    words = [title for title in titles if title]
    known = [word for word in words if title_key(word) in saved or field_of(word, vocabulary) is not None]
    return len(known) >= 2 and len(known) * 2 >= len(words) and not any(word.isdigit() for word in words)


def _header(
    first_row: int,
    last_row: int,
    levels: list[list[str]],
    vocabulary: Vocabulary,
    saved: dict[str, str],
) -> Header:
    """Build the header whose titles stand in `levels`, the lowest first; the lowest known word names the column."""
    columns: list[Column] = []
    taken: set[str] = set()
    for index in range(max(len(level) for level in levels)):
        words = [level[index] for level in levels if index < len(level) and level[index]]
        if not words:
            continue
        meaning = None
        title = words[0]
        for word in words:
            found = saved.get(title_key(word))
            meaning = found if found is not None else field_of(word, vocabulary)
            if meaning is not None:
                title = word
                break
        meaning = meaning or LEFT_OUT
        if meaning in taken and meaning not in JOINED:
            meaning = LEFT_OUT
        taken.add(meaning)
        columns.append(Column(index, title, meaning))
    return Header(first_row, last_row, columns)
