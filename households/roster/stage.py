"""Put a checked roster into the staging tables by COPY: encrypted ID numbers and fingerprints only."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping

from django.db import connection

from households.doors import door_key
from households.idnumber import Sealer
from households.models import Resident, RosterError, StagedHousehold, StagedResident
from households.roster.check import Door, Roster
from households.roster.clean import CONTROLS
from households.roster.collector import paused
from households.roster.columns import FLAG
from households.roster.match import ANALYZE
from outreach.pinyin import initials

NULL = "\\N"
HOUSEHOLD_COLUMNS = (
    'roster_import_id, position, kind, village_id, number, "group", address, door_key, head_name, head_pinyin, '
    "head_fingerprint, phone, spare_phone, categories, priority, note, sheet, row"
)
RESIDENT_COLUMNS = (
    "roster_import_id, position, household_position, kind, name, pinyin, relation, relation_text, sex, birth_on, "
    "id_number_encrypted, id_number_fingerprint, phone, second_phone, lives_here, sheet, row"
)
ERROR_COLUMNS = 'roster_import_id, sheet, row, "column", column_index, code, detail'


class _Lines:
    """A file of lines for COPY that are made only when read."""

    def __init__(self, lines: Iterator[str]) -> None:
        self.lines = lines

    def read(self, size: int = 65536) -> str:
        """Return about `size` characters, or "" at the end."""
        parts = []
        length = 0
        for line in self.lines:
            parts.append(line)
            length += len(line)
            if length >= size:
                break
        return "".join(parts)


def escape(value: str) -> str:
    """Return a text as COPY wants it; texts from a roster hold no control characters but may hold a backslash."""
    return value.replace("\\", "\\\\") if "\\" in value else value


def _one_line(name: str) -> str:
    """Return a sheet's or column's name as its author wrote it, as COPY wants it."""
    return escape(" ".join(name.translate(CONTROLS).split()))


def stage(roster: Roster, *, import_id: int, priorities: Mapping[str, int]) -> None:
    """Replace what is staged for the import. `priorities` maps category code → priority.

    ID numbers that stand on the roster already are staged by their fingerprint alone: their ciphertext stays.
    Runs in the caller's transaction. Every row is staged as new, which matching corrects. Households with errors are
    staged too, marked bad: they are in the file, so they are not missing from it.
    """
    with paused(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM households_stagedhousehold WHERE roster_import_id = %s", [import_id])
        cursor.execute("DELETE FROM households_stagedresident WHERE roster_import_id = %s", [import_id])
        cursor.execute("DELETE FROM households_rostererror WHERE roster_import_id = %s", [import_id])
        for model, columns, lines in (
            (StagedHousehold, HOUSEHOLD_COLUMNS, _household_lines(roster, import_id, priorities)),
            (StagedResident, RESIDENT_COLUMNS, _resident_lines(roster, import_id, _known_fingerprints(roster))),
            (RosterError, ERROR_COLUMNS, _error_lines(roster, import_id)),
        ):
            cursor.copy_expert(f"COPY {model._meta.db_table} ({columns}) FROM STDIN", _Lines(lines))
        for statement in ANALYZE:
            cursor.execute(statement)


def _sheet_names(roster: Roster) -> list[str]:
    return [_one_line(report.name) for report in roster.sheets]


def _states_categories(roster: Roster) -> list[bool]:
    """Say for each sheet whether it has any column of categories: where it has none, the roster's stay."""
    return [
        report.header is not None
        and any(name == "categories" or name.startswith(FLAG) for name in report.header.fields())
        for report in roster.sheets
    ]


def _household_lines(roster: Roster, import_id: int, priorities: Mapping[str, int]) -> Iterator[str]:
    sheets, fingerprint = _sheet_names(roster), Sealer().fingerprint
    states_categories = _states_categories(roster)
    known: dict[frozenset[str], tuple[str, int]] = {}
    for position, door in enumerate(roster.doors):
        array: str = NULL
        priority: str | int = NULL
        if states_categories[door.sheet]:
            codes = frozenset(door.categories)
            if codes not in known:
                known[codes] = (_array(codes), max((priorities.get(code, 0) for code in codes), default=0))
            array, priority = known[codes]
        head = door.head
        yield (
            f"{import_id}\t{position}\t{'bad' if door.bad else 'new'}\t{door.village.id if door.village else NULL}\t"
            f"{escape(door.number[:40])}\t{escape(door.group[:40])}\t{escape(door.address[:200])}\t"
            f"{escape(door_key(door.group, door.address, door.number))}\t{escape(door.head_name[:50])}\t"
            f"{initials(door.head_name[:50])}\t{fingerprint(head.id_number) if head else ''}\t"
            f"{head.phone if head else ''}\t{_spare_phone(door)}\t{array}\t"
            f"{priority}\t{escape(door.note[:500])}\t{sheets[door.sheet]}\t{door.row}\n"
        )


def _spare_phone(door: Door) -> str:
    """The first phone anybody in the household has."""
    return next((person.phone for person in door.people if person.phone), "")


def _array(codes: Iterable[str]) -> str:
    quoted = ('"' + code.replace("\\", "\\\\").replace('"', '\\"') + '"' for code in sorted(codes))
    return escape("{" + ",".join(quoted) + "}")


def _known_fingerprints(roster: Roster) -> set[str]:
    """The fingerprints on the rosters of the villages the file names."""
    villages = {door.village.id for door in roster.doors if door.village}
    known = Resident.objects.filter(household__village__in=villages).exclude(id_number_fingerprint="")
    return set(known.values_list("id_number_fingerprint", flat=True).iterator(chunk_size=10_000))


def _resident_lines(roster: Roster, import_id: int, known: set[str]) -> Iterator[str]:
    sheets, sealer = _sheet_names(roster), Sealer()
    encrypt, fingerprint = sealer.encrypt, sealer.fingerprint
    states_residence = [
        report.header is not None and not {"residence", "away"}.isdisjoint(report.header.fields())
        for report in roster.sheets
    ]
    position = 0
    for household_position, door in enumerate(roster.doors):
        kind = "bad" if door.bad else "new"
        sheet = sheets[door.sheet]
        stated = states_residence[door.sheet]
        for person in door.people:
            number = person.id_number
            mark = fingerprint(number)
            if number:
                birth = f"{number[6:10]}-{number[10:12]}-{number[12:14]}"
            else:
                birth = person.birth_on.isoformat() if person.birth_on else NULL
            yield (
                f"{import_id}\t{position}\t{household_position}\t{kind}\t{escape(person.name[:50])}\t"
                f"{initials(person.name[:50])}\t"
                f"{person.relation}\t{escape(person.relation_text[:20])}\t{person.sex}\t{birth}\t"
                f"{'' if mark in known else encrypt(number)}\t{mark}\t{person.phone}\t{person.second_phone}\t"
                f"{('t' if person.lives_here else 'f') if stated else NULL}\t{sheet}\t{person.row}\n"
            )
            position += 1


def _error_lines(roster: Roster, import_id: int) -> Iterator[str]:
    for error in roster.errors:
        yield (
            f"{import_id}\t{_one_line(error.sheet)}\t{error.row}\t{_one_line(error.column[:200])}\t"
            f"{error.column_index}\t{error.code}\t{escape(json.dumps(error.detail))}\n"
        )
