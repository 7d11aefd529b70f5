"""Read a roster into households: sheets chosen, rows grouped, every cell checked; what is wrong is named. Pure."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from sys import intern

from households.roster import clean, id_numbers, relations
from households.roster.clean import DITTO, Cell, text
from households.roster.collector import paused
from households.roster.columns import FLAG, HEADER_WITHIN, LEFT_OUT, Header, Vocabulary, find_header, title_key
from households.roster.errors import RowError
from households.roster.places import Places, Village
from households.roster.read import Sheet, UnusableFile, Workbook

NOT_A_ROSTER = re.compile(r"说明|示例|样表|样例|字典|目录|汇总|统计|代码表|封面|参考|下拉|选项")
FOOTER = re.compile(
    r"(合计|小计|总计|共计|总户数|填表人|填报人|审核人|制表人|制表|负责人|经办人|联系人|签字|盖章|填表说明|填表日期|注[:：])"
    r"|.*(盖章)"
)
ORDINARY = frozenset(("一般户", "普通户", "一般", "普通", "一般农户", "普通农户", "正常户", "其他", "非重点户", "农户"))
WORDS = re.compile(r"[、,，;；/|+\s]+")
NOT_AT_ADDRESS = frozenset(("02", "2", "人户分离", "户在人不在", "不一致", "否", "不是", "×"))
HOUSEHOLD_FIELDS = ("township", "village", "group", "number", "head_name", "address", "categories", "empty")
LIMITS = {"number": 40, "group": 40, "address": 200, "relation": 20, "note": 500, "name": 50}
PROGRESS_EVERY = 1_000
ROW_BITS = 21  # a sheet has at most 1 048 576 rows


class Person:
    """A resident as the file has them."""

    __slots__ = (
        *("name", "relation", "relation_text", "id_number", "birth_on", "sex", "phone", "second_phone"),
        *("lives_here", "row"),
    )
    name: str
    relation: str
    relation_text: str
    id_number: str
    birth_on: datetime.date | None
    sex: str
    phone: str
    second_phone: str
    lives_here: bool
    row: int


class Door:
    """A household as the file has it. `bad` once any of its rows is."""

    __slots__ = (
        *("village", "number", "group", "address", "head_name", "categories", "note", "people", "bad"),
        *("head", "sheet", "row"),
    )

    def __init__(self, village: Village | None, number: str, sheet: int, row: int) -> None:
        self.village = village
        self.number = number
        self.group = ""
        self.address = ""
        self.head_name = ""
        self.categories: frozenset[str] = frozenset()
        self.note = ""
        self.people: list[Person] = []
        self.bad = False
        self.head: Person | None = None
        self.sheet = sheet
        self.row = row


@dataclass
class SheetReport:
    """What became of one sheet: read with this header, or left out for this reason (hidden, notes, no_header)."""

    name: str
    header: Header | None = None
    left_out: str = ""
    village: str = ""
    group: str = ""
    samples: dict[int, list[str]] = field(default_factory=dict)


@dataclass
class Roster:
    """A checked file. `doors` are all households, the bad ones included; sheets are referred to by position."""

    sheets: list[SheetReport] = field(default_factory=list)
    doors: list[Door] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    unknown_categories: dict[str, int] = field(default_factory=dict)
    rows: int = 0

    def accepted(self) -> Iterator[Door]:
        """The households without any error."""
        return (door for door in self.doors if not door.bad)

    @property
    def household_count(self) -> int:
        """How many households were accepted."""
        return sum(1 for _door in self.accepted())


def check_roster(
    book: Workbook,
    *,
    places: Places,
    vocabulary: Vocabulary,
    today: datetime.date,
    saved: dict[str, str] | None = None,
    progress: Callable[[int], None] | None = None,
) -> Roster:
    """Read and check the whole of `book`.

    `saved` maps title keys to fields and wins over the built-in aliases; `progress` is called now and then with the
    number of rows read. Raises UnusableFile where the file cannot be read or holds no roster.
    """
    with paused():
        return _check_roster(book, places, vocabulary, today, saved, progress)


def _check_roster(
    book: Workbook,
    places: Places,
    vocabulary: Vocabulary,
    today: datetime.date,
    saved: dict[str, str] | None,
    progress: Callable[[int], None] | None,
) -> Roster:
    roster = Roster(notices=book.notices)
    checker = _Checker(roster, places, vocabulary, today, progress)
    for sheet in book:
        report = SheetReport(sheet.name[:100])
        roster.sheets.append(report)
        if sheet.hidden:
            report.left_out = "hidden"
        elif NOT_A_ROSTER.search(sheet.name):
            report.left_out = "notes"
        else:
            head: list[tuple[int, list[Cell]]] = []
            following: list[tuple[int, list[Cell]]] = []
            for number, row in sheet.rows:
                (head if number <= HEADER_WITHIN else following).append((number, row))
                if following:
                    break
            header = find_header(head, sheet.merged, vocabulary, saved)
            if header is None:
                report.left_out = "no_header"
                continue
            report.header = header
            above = [text(cell) for number, row in head if number < header.first_row for cell in row]
            below = ((number, row) for number, row in head if number > header.last_row)
            checker.read_sheet(report, sheet, above, chain(below, following, sheet.rows))
    if not any(report.header for report in roster.sheets):
        raise UnusableFile("no_roster")
    checker.finish()
    return roster


class _Checker:
    """Holds what rows are checked against, and what one row must know of those before it."""

    def __init__(
        self,
        roster: Roster,
        places: Places,
        vocabulary: Vocabulary,
        today: datetime.date,
        progress: Callable[[int], None] | None,
    ) -> None:
        self.roster = roster
        self.places = places
        self.category_codes = vocabulary.category_codes()
        self.today = today
        self.progress = progress
        self.numbered: dict[tuple[int | str, str], Door] = {}
        # the first 17 digits as a number → sheet and row in one number: the smallest thing that remembers 200 000
        self.seen: dict[int, int] = {}
        # numbers that end in 000 and yet pass the check, as one in eleven cut-off numbers does
        self.zeros: list[tuple[Door, Person, bool]] = []
        self.headers: list[Header] = []
        self.sheet_names: list[str] = []
        self.groups: dict[str, str] = {}
        self.category_sets: dict[Cell, frozenset[str]] = {}

    def error(self, row: int, field_name: str, code: str, **detail: str | int) -> None:
        """Note an error of the current sheet."""
        header = self.headers[-1]
        columns = header.fields().get(field_name)
        self.roster.errors.append(
            RowError(
                sheet=self.sheet_names[-1],
                row=row,
                column=header.title_of(field_name),
                code=code,
                column_index=columns[0] if columns else -1,
                detail=detail,
            )
        )

    # --- one sheet ---------------------------------------------------------------------------------------------------

    def read_sheet(
        self, report: SheetReport, sheet: Sheet, above: list[str], rows: Iterable[tuple[int, list[Cell]]]
    ) -> None:
        """Turn a sheet's rows into doors and errors."""
        header = report.header
        assert header is not None
        self.headers.append(header)
        self.sheet_names.append(report.name)
        fields = header.fields()
        titled, group_titled = self.places.in_title(*above, report.name)
        group_titled = group_titled or self.places.group_in_title(report.name)
        report.village, report.group = titled.name if titled else "", group_titled

        def first(name: str) -> int:
            return fields[name][0] if name in fields else -1

        i_township, i_village, i_group, i_number = map(first, ("township", "village", "group", "number"))
        i_head, i_name, i_relation, i_id = map(first, ("head_name", "name", "relation", "id_number"))
        i_sex, i_birth, i_residence, i_away, i_empty = map(first, ("sex", "birth_on", "residence", "away", "empty"))
        i_phones, i_addresses, i_notes, i_categories = (
            fields.get(name, []) for name in ("phone", "address", "note", "categories")
        )
        i_flags = [
            (index, name.removeprefix(FLAG)) for name, at in fields.items() if name.startswith(FLAG) for index in at
        ]
        flag_titles = {column.index: column.title for column in header.columns}
        # where only the head has a row, the head's name is the name
        heads_only = i_name < 0
        if heads_only:
            i_name = i_head
        width = max(column.index for column in header.columns) + 1
        known = [column for column in header.columns if column.field != LEFT_OUT]
        titles = [(column.index, title_key(column.title)) for column in known]
        fill_columns = {index for name in HOUSEHOLD_FIELDS for index in fields.get(name, [])}
        if heads_only:
            fill_columns.discard(i_name)
        starts: dict[int, list[tuple[int, int]]] = {}
        boundary_columns = fill_columns - {i_township, i_village, i_group, *i_categories}
        boundary_columns |= {column.index for column in header.columns if column.field == LEFT_OUT}
        boundaries: set[int] = set()
        for first_row, first_column, last_row, last_column in sheet.merged:
            if last_row > first_row and first_row >= header.last_row:
                if first_column in fill_columns:
                    starts.setdefault(first_row + 1, []).append((first_column, last_row + 1))
                if first_column in boundary_columns and first_column == last_column:
                    boundaries.add(first_row + 1)
        filling: dict[int, tuple[int, Cell]] = {}
        previous: list[Cell] = []
        sheet_position = len(self.roster.sheets) - 1
        village: Village | None = titled or self.places.home
        village_text = ""
        place_written: tuple[Cell, Cell] = ("", "")
        door: Door | None = None
        last_address = ""
        first_door = len(self.roster.doors)
        doors, errors, error = self.roster.doors, self.roster.errors, self.error
        today, seen, numbered = self.today, self.seen, self.numbered
        check_id, mobile, short_name = id_numbers.check, clean.MOBILE.fullmatch, clean.NAME.fullmatch
        new_person, relation_code, head_code = Person.__new__, relations.CODES.get, relations.HEAD
        ditto_columns, no_ditto = (*fill_columns, *i_phones), DITTO.isdisjoint
        raw_address: Cell = ""
        address_text = ""
        known_categories = self.category_sets.get
        progress, samples = self.progress, report.samples
        has_relations = i_relation >= 0
        count = 0

        for number, row in rows:
            if len(row) < width:
                row = row + [""] * (width - len(row))
            if starts or filling:
                for column, last in starts.get(number, ()):
                    filling[column] = (last, row[column])
                for column, (last, value) in list(filling.items()):
                    if number > last:
                        del filling[column]
                    elif row[column] == "":
                        row[column] = value
            if previous and not no_ditto(row):
                for index in ditto_columns:
                    if row[index] in DITTO:
                        row[index] = previous[index]

            # --- is it a person's row at all?
            raw_name = row[i_name]
            if raw_name.__class__ is str and short_name(raw_name):
                name, name_good = raw_name, True
            else:
                name, name_good = clean.name(raw_name)
            raw_id = row[i_id] if i_id >= 0 else ""
            if not (name and raw_id != "") and self._is_no_data(row, titles, known):
                continue
            count += 1
            if count <= 3:
                for column_ in header.columns:
                    samples.setdefault(column_.index, []).append(_sample(column_.field, row[column_.index]))
            if progress is not None and count % PROGRESS_EVERY == 0:
                progress(self.roster.rows + count)
            error_count = len(errors)

            # --- where
            if i_village >= 0:
                written = (row[i_village], row[i_township] if i_township >= 0 else "")
                if written != place_written and (cell_text := text(written[0])):
                    village_text, place_written = cell_text, written
                    village = self.places.find(village_text, text(written[1]))
            number_text = text(row[i_number]) if i_number >= 0 else ""

            # --- relation
            relation_text = row[i_relation] if has_relations else ""
            code = relation_code(relation_text)  # type: ignore[arg-type]
            if code is None:
                relation_text = text(relation_text)
                code = relations.code_of(relation_text)
            written_head = ""
            if i_head >= 0:
                written_head, _good = clean.name(row[i_head])
                if heads_only:
                    code = head_code
                elif not name and written_head and code in ("", head_code) and raw_id == "":
                    name, name_good, code = written_head, True, head_code
                elif not code and name and name == written_head:
                    code = head_code

            address = ""
            if len(i_addresses) == 1:
                if row[i_addresses[0]] != raw_address:
                    raw_address = row[i_addresses[0]]
                    address_text = text(raw_address)
                address = address_text
            elif i_addresses:
                address = " ".join(part for index in i_addresses if (part := text(row[index])))

            # --- which household
            starts_new = False
            if number_text:
                if door is None or door.number != number_text or door.village is not village:
                    key = (village.id if village else str(village_text), number_text)
                    found = numbered.get(key)
                    if found is None:
                        starts_new = True
                    else:
                        door = found
            elif door is None or number in boundaries:
                starts_new = True
            elif has_relations:
                starts_new = code == head_code or bool(
                    (written_head and door.head_name and written_head != door.head_name)
                    or (i_number < 0 and address and last_address and address != last_address)
                )
            elif i_head >= 0:
                starts_new = heads_only or bool(written_head and written_head != door.head_name)
            else:
                starts_new = not address or address != last_address
            if starts_new:
                door = Door(village, number_text, sheet_position, number)
                doors.append(door)
                if number_text:
                    numbered[village.id if village else str(village_text), number_text] = door
                    if len(number_text) > LIMITS["number"]:
                        error(number, "number", "too_long", limit=LIMITS["number"])
                if village is None:
                    error(number, "village", "unknown_village")
                door.head_name = written_head
                last_address = ""
                if not has_relations and not code:
                    code = head_code  # rosters without relations name the head first
            assert door is not None
            last_address = address or last_address
            if address and not door.address:
                door.address = address
                if len(address) > LIMITS["address"]:
                    error(number, "address", "too_long", limit=LIMITS["address"])
            if not door.group:
                if i_group >= 0 and row[i_group] != "":
                    door.group = self._group(row[i_group])
                    if len(door.group) > LIMITS["group"]:
                        error(number, "group", "too_long", limit=LIMITS["group"])
                else:
                    door.group = group_titled
            for index in i_categories:
                word = row[index]
                if word != "":
                    found_codes = known_categories(word)
                    if found_codes is None:
                        found_codes = self.category_sets[word] = self._categories(word)
                    if not found_codes <= door.categories:
                        door.categories |= found_codes
            for index, category in i_flags:
                if row[index] != "" and clean.flag(row[index]):
                    door.categories |= {category}
            notes = []
            for index in i_notes:
                if row[index] != "" and (note := text(row[index])):
                    notes.append(note)
            if i_empty >= 0 and row[i_empty] != "" and clean.flag(row[i_empty]):
                notes.append(flag_titles[i_empty])
            for note in notes:
                if note not in door.note:
                    door.note = f"{door.note}；{note}" if door.note else note
                    if len(door.note) > LIMITS["note"]:
                        error(number, "note", "too_long", limit=LIMITS["note"])

            # --- who
            person = new_person(Person)
            person.name = name
            person.row = number
            person.relation = code or relations.OTHER
            person.relation_text = intern(relation_text)  # type: ignore[arg-type]
            if len(relation_text) > LIMITS["relation"]:  # type: ignore[arg-type]
                error(number, "relation", "too_long", limit=LIMITS["relation"])
            person.id_number = ""
            person.birth_on = None
            person.sex = ""
            if not name:
                error(number, "name" if not heads_only else "head_name", "missing_name")
            elif not name_good:
                error(number, "name" if not heads_only else "head_name", "name_invalid")
            if raw_id != "":
                id_number, wrong = check_id(raw_id, today)
                if wrong:
                    error(number, "id_number", wrong)
                elif id_number:
                    digits = int(id_number[:17])
                    before = seen.get(digits)
                    if before is not None:
                        error(
                            number,
                            "id_number",
                            "id_number_duplicate_in_file",
                            at_sheet=self.roster.sheets[before >> ROW_BITS].name,
                            at_row=before & (1 << ROW_BITS) - 1,
                        )
                    else:
                        seen[digits] = sheet_position << ROW_BITS | number
                        person.id_number = id_number
                        person.sex = "1" if int(id_number[16]) & 1 else "2"
                        if id_number[15:] == "000":
                            stated_male = i_sex >= 0 and text(row[i_sex])[:1] in ("男", "1")
                            self.zeros.append((door, person, stated_male))
            if not person.id_number:
                if i_sex >= 0:
                    person.sex = {"男": "1", "女": "2", "1": "1", "2": "2"}.get(text(row[i_sex])[:1], "")
                if i_birth >= 0 and row[i_birth] not in clean.NOTHING:
                    person.birth_on = clean.date(row[i_birth])
                    if person.birth_on is None:
                        # a column of years and months only says too little, but it is not wrong
                        if not re.fullmatch(r"[0-9]{4}[年./-]?([0-9]{1,2}月?)?", text(row[i_birth])):
                            error(number, "birth_on", "birth_date")
                    elif person.birth_on > today:
                        error(number, "birth_on", "birth_in_future")
            person.phone = person.second_phone = ""
            for index in i_phones:
                raw = row[index]
                if raw == "":
                    continue
                if raw.__class__ is str and mobile(raw):
                    found_phones, good = [raw], True
                else:
                    found_phones, good = clean.phones(raw)
                if not good:
                    error(number, "phone", "phone_invalid")
                for phone in found_phones:
                    if not person.phone:
                        person.phone = phone
                    elif not person.second_phone and phone != person.phone:
                        person.second_phone = phone
            person.lives_here = not (
                (i_away >= 0 and row[i_away] != "" and clean.flag(row[i_away]))
                or (i_residence >= 0 and row[i_residence] != "" and text(row[i_residence]) in NOT_AT_ADDRESS)
            )
            if code == head_code:
                if door.head is not None:
                    error(number, "relation" if has_relations else "name", "two_heads")
                else:
                    door.head = person
            door.people.append(person)
            if len(errors) > error_count:
                door.bad = True
            previous = row
        self.roster.rows += count
        for door in doors[first_door:]:
            if door.head is None:
                error(door.row, "relation", "missing_head")
                door.bad = True

    def _is_no_data(self, row: list[Cell], titles: list[tuple[int, str]], known: list) -> bool:
        """Say whether a row without both name and number is blank where it matters, a footer, or the header again."""
        words = [word for cell in row if cell != "" and (word := text(cell))]
        if not words or FOOTER.match(words[0]) or (len(words) > 1 and FOOTER.match(words[1]) and len(words) < 6):
            return True
        if not any(text(row[column.index]) for column in known if column.field not in ("township", "village", "group")):
            return True
        repeated = sum(1 for index, title in titles if row[index] != "" and title_key(text(row[index])) == title)
        return repeated >= 2 and repeated * 2 >= len(titles)

    def _group(self, value: Cell) -> str:
        written = text(value)
        if written not in self.groups:
            self.groups[written] = clean.group(written)
        return self.groups[written]

    def _categories(self, value: Cell) -> frozenset[str]:
        """Return the codes of the categories a cell names; a word nobody knows is counted."""
        written = text(value)
        codes = set()
        whole = self.category_codes.get(written)
        for word in [written] if whole or written in ORDINARY else WORDS.split(written):
            code = self.category_codes.get(word)
            if code:
                codes.add(code)
            elif word and word not in ORDINARY and word not in clean.NOTHING and word not in clean.NO:
                self.roster.unknown_categories[word[:30]] = self.roster.unknown_categories.get(word[:30], 0) + 1
        return frozenset(codes)

    def finish(self) -> None:
        """Check what only the whole file shows, and put the errors into the file's order."""
        self._check_zeros()
        named: dict[tuple[int, str, str, str], Door] = {}
        for door in self.roster.doors:
            if door.head is not None:
                door.head_name = door.head.name
            names: dict[str, int] = {}
            for person in door.people:
                if not person.id_number and person.name:
                    if person.name in names:
                        self._late_error(door, person.row, "name", "resident_duplicate", at_row=names[person.name])
                    names.setdefault(person.name, person.row)
            if not door.number and door.village is not None:
                key = (door.village.id, door.group, door.head_name, door.address)
                before = named.setdefault(key, door)
                if before is not door and not door.bad:
                    sheet = self.roster.sheets[before.sheet].name
                    self._late_error(door, door.row, "name", "household_duplicate", at_sheet=sheet, at_row=before.row)
        order = {report.name: position for position, report in enumerate(self.roster.sheets)}
        self.roster.errors.sort(key=lambda error: (order[error.sheet], error.row, error.column_index))

    def _check_zeros(self) -> None:
        """Name the cut-off numbers that pass the check by chance.

        000 at the end always says a woman (the 17th digit is even). Where the roster says a man, or husband and wife
        would both be women, the zeros are a spreadsheet's and not the person's.
        """
        doubtful = {person for _door, person, _male in self.zeros}
        for door, person, stated_male in self.zeros:
            others = [other for other in door.people if other not in doubtful and other.sex == "2"]
            if person.relation == relations.HEAD:
                wrong = any(other.relation == relations.SPOUSE for other in others)
            else:
                wrong = person.relation == relations.SPOUSE and any(
                    other.relation == relations.HEAD for other in others
                )
            if wrong or stated_male or person.relation_text in relations.MALE:
                person.id_number = ""
                self._late_error(door, person.row, "id_number", "id_number_truncated")

    def _late_error(self, door: Door, row: int, field_name: str, code: str, **detail: str | int) -> None:
        report = self.roster.sheets[door.sheet]
        assert report.header is not None
        if not report.header.title_of(field_name):
            field_name = "head_name"
        at = report.header.fields().get(field_name, [-1])[0]
        title = report.header.title_of(field_name)
        self.roster.errors.append(RowError(report.name, row, title, code, at, dict(detail)))
        door.bad = True


def _sample(field_name: str, cell: Cell) -> str:
    """Return a cell as the mapping screen may show it: an ID number's middle is hidden."""
    shown = text(cell)[:30]
    if field_name == "id_number" or re.search(r"[0-9]{14}", shown.translate(id_numbers.FULL_WIDTH)):
        return shown[:4] + "****" if shown else ""
    return shown
