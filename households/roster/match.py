"""Find out what each staged row is: new, changed, moved here, unchanged; and what the file lacks. Set-based SQL.

A household is known by (village, number), else by its head's ID number, else by (village, group, head, address), else
by (village, group, head) where only one is meant. A resident is known by the ID number's fingerprint wherever on the
roster it stands, else by the name within the household. An empty cell says nothing and changes nothing.
"""

from __future__ import annotations

from django.contrib.postgres.aggregates import ArrayAgg
from django.db import connection
from django.db.models import Exists, OuterRef, Q

from households.models import (
    Household,
    HouseholdQuerySet,
    Resident,
    ResidentQuerySet,
    RosterError,
    StagedHousehold,
    StagedResident,
)

# Has the file something else to say than the roster (h, r)? s is the staged row.
HOUSEHOLD_DIFFERS = """(
    (s.number <> '' AND s.number <> h.number) OR (s."group" <> '' AND s."group" <> h."group")
    OR (s.address <> '' AND s.address <> h.address) OR (s.head_name <> h.head_name)
    OR (s.phone <> '' AND s.phone <> h.phone) OR (s.note <> '' AND s.note <> h.note)
    OR (s.categories IS NOT NULL AND NOT (s.categories <@ h.categories AND h.categories <@ s.categories))
)"""
# a blank relation says nothing, except that a head is head no more: the file has another for the household
RELATION_STATED = "(s.relation_text <> '' OR s.relation <> '97' OR r.relation = '01')"
RESIDENT_DIFFERS = f"""(
    s.name <> r.name OR ({RELATION_STATED} AND (s.relation <> r.relation OR s.relation_text <> r.relation_text))
    OR (s.sex <> '' AND s.sex <> r.sex) OR (s.birth_on IS NOT NULL AND s.birth_on IS DISTINCT FROM r.birth_on)
    OR (s.id_number_fingerprint <> '' AND s.id_number_fingerprint <> r.id_number_fingerprint)
    OR (s.phone <> '' AND s.phone <> r.phone) OR (s.second_phone <> '' AND s.second_phone <> r.second_phone)
    OR (s.lives_here IS NOT NULL AND s.lives_here <> r.lives_here)
)"""

RESET = [
    """UPDATE households_stagedhousehold SET kind = CASE kind WHEN 'bad' THEN 'bad' ELSE 'new' END, matched = NULL
       WHERE roster_import_id = %(import)s AND (matched IS NOT NULL OR kind NOT IN ('new', 'bad'))""",
    """UPDATE households_stagedresident
       SET kind = CASE kind WHEN 'bad' THEN 'bad' ELSE 'new' END, matched = NULL, moved_from = NULL
       WHERE roster_import_id = %(import)s AND (matched IS NOT NULL OR kind NOT IN ('new', 'bad'))""",
]
HOUSEHOLD_KIND = f"CASE WHEN s.kind = 'bad' THEN 'bad' WHEN {HOUSEHOLD_DIFFERS} THEN 'changed' ELSE 'same' END"
# a household on the roster and one in the file that nobody else claims; each may claim and be claimed once
PAIR = """UPDATE households_stagedhousehold s SET matched = h.id, kind = {kind}
    FROM (
        SELECT h.id AS household, s.id AS staged,
               row_number() OVER (PARTITION BY h.id ORDER BY s.position) AS of_household,
               row_number() OVER (PARTITION BY s.id ORDER BY h.id) AS of_staged,
               count(*) OVER (PARTITION BY h.id) + count(*) OVER (PARTITION BY s.id) AS rivals
        FROM households_stagedhousehold s {join}
        WHERE s.roster_import_id = %(import)s AND s.matched IS NULL AND {condition} AND NOT EXISTS (
            SELECT 1 FROM households_stagedhousehold o WHERE o.roster_import_id = %(import)s AND o.matched = h.id
        )
    ) pair, households_household h
    WHERE s.id = pair.staged AND h.id = pair.household
      AND pair.of_household = 1 AND pair.of_staged = 1 AND pair.rivals <= {rivals}"""
HOUSEHOLDS = [
    f"""UPDATE households_stagedhousehold s SET matched = h.id, kind = {HOUSEHOLD_KIND} FROM households_household h
       WHERE s.roster_import_id = %(import)s AND s.number <> '' AND h.village_id = s.village_id
         AND h.number = s.number""",
    PAIR.format(
        kind=HOUSEHOLD_KIND,
        join="""JOIN households_resident r ON r.id_number_fingerprint = s.head_fingerprint AND r.relation = '01'
                JOIN households_household h ON h.id = r.household_id AND h.village_id = s.village_id""",
        condition="s.head_fingerprint <> '' AND r.id_number_fingerprint <> ''",
        rivals=1_000,
    ),
    PAIR.format(
        kind=HOUSEHOLD_KIND,
        join="""JOIN households_household h ON h.village_id = s.village_id AND h.head_name = s.head_name
                AND h."group" = s."group" AND h.address = s.address""",
        condition="(s.number = '' OR h.number = '')",
        rivals=1_000,
    ),
    PAIR.format(
        kind=HOUSEHOLD_KIND,
        join="""JOIN households_household h ON h.village_id = s.village_id AND h.head_name = s.head_name
                AND h."group" = s."group\"""",
        condition="(s.number = '' OR h.number = '') AND s.head_name <> ''",
        rivals=2,
    ),
]
RESIDENT_KIND = f"""kind = CASE WHEN s.kind = 'bad' THEN 'bad'
        WHEN r.household_id IS DISTINCT FROM d.matched THEN 'moved'
        WHEN {RESIDENT_DIFFERS} THEN 'changed' ELSE 'same' END,
    moved_from = CASE WHEN s.kind <> 'bad' AND r.household_id IS DISTINCT FROM d.matched THEN r.household_id END"""
RESIDENTS_BY_NUMBER = f"""UPDATE households_stagedresident s SET matched = r.id, {RESIDENT_KIND}
    FROM households_resident r, households_stagedhousehold d
    WHERE s.roster_import_id = %(import)s AND s.id_number_fingerprint <> '' AND r.id_number_fingerprint <> ''
      AND r.id_number_fingerprint = s.id_number_fingerprint
      AND d.roster_import_id = %(import)s AND d.position = s.household_position"""
RESIDENTS_BY_NAME = f"""UPDATE households_stagedresident s SET matched = r.id, {RESIDENT_KIND}
    FROM (
        SELECT DISTINCT ON (r.id) r.id AS resident, s.id AS staged
        FROM households_stagedresident s
        JOIN households_stagedhousehold d
          ON d.roster_import_id = %(import)s AND d.position = s.household_position AND d.matched IS NOT NULL
        JOIN households_resident r ON r.household_id = d.matched AND r.name = s.name
        WHERE s.roster_import_id = %(import)s AND s.matched IS NULL AND NOT EXISTS (
            SELECT 1 FROM households_stagedresident o WHERE o.roster_import_id = %(import)s AND o.matched = r.id
        )
        ORDER BY r.id, s.position
    ) pair, households_resident r, households_stagedhousehold d
    WHERE s.id = pair.staged AND r.id = pair.resident
      AND d.roster_import_id = %(import)s AND d.position = s.household_position"""
# a person on the roster of a unit out of reach cannot be taken from there: the row is an error
ELSEWHERE = """SELECT s.id, s.sheet, s.row, s.household_position FROM households_stagedresident s
    JOIN households_resident r ON r.id = s.matched
    JOIN households_household h ON h.id = r.household_id
    JOIN outreach_unit u ON u.id = h.village_id
    WHERE s.roster_import_id = %(import)s AND s.kind <> 'bad' AND left(u.code, length(%(reach)s)) <> %(reach)s
    ORDER BY s.position"""
# Freshly filled tables have no statistics, or those of another file: a join planned on them can take hours. Ten is
# the smallest sample that tells 1 row from 100 000.
ANALYZE = [
    "SET LOCAL default_statistics_target = 10",
    "ANALYZE households_stagedhousehold",
    "ANALYZE households_stagedresident",
]


def match(*, import_id: int, reach: str, fresh: bool = False) -> None:
    """Give every staged row of the import its kind. `reach` begins the codes of the units people may be taken from.

    `fresh` says that it was staged just now and never matched. Runs in the caller's transaction; running it again
    gives the same answer for the same roster.
    """
    values: dict[str, int | str] = {"import": import_id, "reach": reach}
    with connection.cursor() as cursor:
        for statement in () if fresh else RESET:
            cursor.execute(statement, values)
        matched = 0
        for statement in (*HOUSEHOLDS, RESIDENTS_BY_NUMBER):
            cursor.execute(statement, values)
            matched += cursor.rowcount
        if not matched:  # a first roster: whoever stands on none cannot be found by name either
            return
        for statement in (*ANALYZE, RESIDENTS_BY_NAME):
            cursor.execute(statement, values)
        cursor.execute(ELSEWHERE, values)
        _refuse(import_id, cursor.fetchall())


def _refuse(import_id: int, rows: list[tuple[int, str, int, int]]) -> None:
    """Turn residents who stand on an unreachable roster, and their households, into errors."""
    if not rows:
        return
    RosterError.objects.bulk_create(
        [
            RosterError(
                roster_import_id=import_id, sheet=sheet, row=row, column="", column_index=-1, code="id_number_elsewhere"
            )
            for _id, sheet, row, _household in rows
        ]
    )
    positions = {household for _id, _sheet, _row, household in rows}
    StagedHousehold.objects.filter(roster_import=import_id, position__in=positions).update(kind="bad")
    StagedResident.objects.filter(roster_import=import_id, household_position__in=positions).update(kind="bad")


def covered(import_id: int) -> Q:
    """The places the file speaks for: where every door of a village has a group, those groups, else the village."""
    places = Q(pk__in=[])
    villages = (
        StagedHousehold.objects.filter(roster_import=import_id, village_id__isnull=False)
        .values("village_id")
        .annotate(groups=ArrayAgg("group", distinct=True))
        .values_list("village_id", "groups")
    )
    for village, groups in villages:
        places |= Q(village=village) if "" in groups else Q(village=village, group__in=[*groups, ""])
    return places


def missing_households(import_id: int) -> HouseholdQuerySet:
    """The households in residence that the file, for the places it speaks for, does not name."""
    doors = StagedHousehold.objects.filter(roster_import=import_id)
    people = Resident.objects.filter(
        household=OuterRef("pk"),
        pk__in=StagedResident.objects.filter(roster_import=import_id, kind="bad").values("matched"),
    )
    return (
        Household.objects.in_residence()
        .filter(covered(import_id))
        .exclude(Exists(doors.filter(matched=OuterRef("pk"))))
        .exclude(Exists(people))
    )


def missing_residents(import_id: int) -> ResidentQuerySet:
    """The residents whose household is in the file, and who are not."""
    doors = StagedHousehold.objects.filter(roster_import=import_id, matched=OuterRef("household_id"))
    people = StagedResident.objects.filter(roster_import=import_id, matched=OuterRef("pk"))
    return Resident.objects.filter(Exists(doors.exclude(kind="bad"))).exclude(Exists(people))
