"""Write a matched roster to the tables, and take it back again: set-based SQL, changed rows only.

Who may, when, and what is recorded stands in households/roster/actions.py; everything here runs in its transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import connection, models
from django.db.models import Q

from households.models import Household, Pairing, Resident, ResidentChange, RosterBefore, StagedResident
from households.roster.match import RELATION_STATED

# Heads on the roster whose household has another head in the file: the file's word counts, nobody is removed.
OLD_HEADS = """SELECT r.id FROM households_resident r
    JOIN households_stagedhousehold d
      ON d.roster_import_id = %(import)s AND d.matched = r.household_id AND d.kind IN ('same', 'changed')
    WHERE r.relation = '01' AND NOT EXISTS (
        SELECT 1 FROM households_stagedresident s
        WHERE s.roster_import_id = %(import)s AND s.matched = r.id AND s.kind <> 'bad'
    )"""
BEFORE_HOUSEHOLDS = """INSERT INTO households_rosterbefore (roster_import_id, "table", row_id, before)
    SELECT %(import)s, 'household', h.id, to_jsonb(h) FROM households_stagedhousehold s
    JOIN households_household h ON h.id = s.matched
    WHERE s.roster_import_id = %(import)s AND s.kind = 'changed'"""
BEFORE_RESIDENTS = """INSERT INTO households_rosterbefore (roster_import_id, "table", row_id, before)
    SELECT %(import)s, 'resident', r.id, to_jsonb(r) FROM households_stagedresident s
    JOIN households_resident r ON r.id = s.matched
    WHERE s.roster_import_id = %(import)s AND s.kind IN ('changed', 'moved')"""
BEFORE_OLD_HEADS = f"""INSERT INTO households_rosterbefore (roster_import_id, "table", row_id, before)
    SELECT %(import)s, 'resident', r.id, to_jsonb(r) FROM households_resident r
    JOIN ({OLD_HEADS}) o ON o.id = r.id"""
UPDATE_HOUSEHOLDS = """UPDATE households_household h SET
        number = coalesce(nullif(s.number, ''), h.number), "group" = coalesce(nullif(s."group", ''), h."group"),
        address = coalesce(nullif(s.address, ''), h.address),
        door_key = CASE WHEN (s.number = '' AND h.number <> '') OR (s."group" = '' AND h."group" <> '')
            OR (s.address = '' AND h.address <> '') THEN h.door_key ELSE s.door_key END,
        head_name = s.head_name, head_pinyin = s.head_pinyin, phone = coalesce(nullif(s.phone, ''), h.phone),
        categories = coalesce(s.categories, h.categories), priority = coalesce(s.priority, h.priority),
        note = coalesce(nullif(s.note, ''), h.note), source_import_id = %(import)s, source_sheet = s.sheet,
        source_row = s.row, updated_at = %(now)s
    FROM households_stagedhousehold s
    WHERE s.roster_import_id = %(import)s AND s.kind = 'changed' AND h.id = s.matched"""
NUMBER_NEW_HOUSEHOLDS = """UPDATE households_stagedhousehold
    SET matched = nextval(pg_get_serial_sequence('households_household', 'id'))
    WHERE roster_import_id = %(import)s AND kind = 'new'"""
INSERT_HOUSEHOLDS = """INSERT INTO households_household (
        id, village_id, number, "group", address, door_key, head_name, head_pinyin, phone, categories, priority, note,
        roster_state, best_time, do_not_visit_reason, source_import_id, source_sheet, source_row, created_at, updated_at
    )
    SELECT matched, village_id, number, "group", address, door_key, head_name, head_pinyin,
        coalesce(nullif(phone, ''), spare_phone),
        coalesce(categories, '{}'), coalesce(priority, 0), note, 'in_residence', '', '', %(import)s, sheet, row,
        %(now)s, %(now)s
    FROM households_stagedhousehold WHERE roster_import_id = %(import)s AND kind = 'new' ORDER BY position"""
# One statement may not hand a head's place, or an ID number, from one row to another: the old holder lets go first.
LET_GO = f"""UPDATE households_resident r SET
        relation = CASE WHEN r.relation = '01' THEN '97' ELSE r.relation END,
        id_number_fingerprint = CASE WHEN s.id_number_fingerprint NOT IN ('', r.id_number_fingerprint)
            THEN '' ELSE r.id_number_fingerprint END
    FROM households_stagedresident s
    WHERE s.roster_import_id = %(import)s AND s.kind IN ('changed', 'moved') AND r.id = s.matched
      AND ((r.relation = '01' AND ({RELATION_STATED} AND s.relation <> '01' OR s.kind = 'moved'))
           OR s.id_number_fingerprint NOT IN ('', r.id_number_fingerprint))"""
DEMOTE_OLD_HEADS = f"""UPDATE households_resident
    SET relation = '97', source_import_id = %(import)s, updated_at = %(now)s WHERE id IN ({OLD_HEADS})"""
UPDATE_RESIDENTS = f"""UPDATE households_resident r SET
        household_id = d.matched, name = s.name, pinyin = s.pinyin,
        relation = CASE WHEN {RELATION_STATED} THEN s.relation ELSE r.relation END,
        relation_text = CASE WHEN {RELATION_STATED} THEN s.relation_text ELSE r.relation_text END,
        sex = coalesce(nullif(s.sex, ''), r.sex), birth_on = coalesce(s.birth_on, r.birth_on),
        id_number_encrypted = CASE WHEN s.id_number_fingerprint IN ('', r.id_number_fingerprint)
            THEN r.id_number_encrypted ELSE s.id_number_encrypted END,
        id_number_fingerprint = coalesce(nullif(s.id_number_fingerprint, ''), r.id_number_fingerprint),
        phone = coalesce(nullif(s.phone, ''), r.phone),
        second_phone = coalesce(nullif(s.second_phone, ''), r.second_phone),
        lives_here = coalesce(s.lives_here, r.lives_here), source_import_id = %(import)s, source_sheet = s.sheet,
        source_row = s.row, updated_at = %(now)s
    FROM households_stagedresident s, households_stagedhousehold d
    WHERE s.roster_import_id = %(import)s AND s.kind IN ('changed', 'moved') AND r.id = s.matched
      AND d.roster_import_id = %(import)s AND d.position = s.household_position"""
INSERT_RESIDENTS = """INSERT INTO households_resident (
        household_id, name, pinyin, relation, relation_text, sex, birth_on, id_number_encrypted, id_number_fingerprint,
        phone, second_phone, lives_here, source_import_id, source_sheet, source_row, created_at, updated_at
    )
    SELECT d.matched, s.name, s.pinyin, s.relation, s.relation_text, s.sex, s.birth_on, s.id_number_encrypted,
        s.id_number_fingerprint, s.phone, s.second_phone, coalesce(s.lives_here, true), %(import)s, s.sheet, s.row,
        %(now)s, %(now)s
    FROM households_stagedresident s
    JOIN households_stagedhousehold d ON d.roster_import_id = %(import)s AND d.position = s.household_position
    WHERE s.roster_import_id = %(import)s AND s.kind = 'new' ORDER BY s.position"""
# commits take turns: two files for one township could otherwise both find a person new
COMMIT_LOCK = 4_399_002
CLEAR = [
    "DELETE FROM households_stagedhousehold WHERE roster_import_id = %(import)s",
    "DELETE FROM households_stagedresident WHERE roster_import_id = %(import)s",
]


def write(*, import_id: int, now: datetime, counts: Mapping[str, int]) -> None:
    """Write what is staged and matched; rows that are the same are left alone. `now` becomes their updated_at.

    `counts` are the staged rows by kind: a statement that would find nothing is not sent, for each looks at every row.
    """
    values: dict[str, int | datetime] = {"import": import_id, "now": now}
    with connection.cursor() as cursor:
        changed = counts["resident_changed"] + counts["resident_moved"]
        known = counts["household_same"] + counts["household_changed"]
        for statement, count in (
            (BEFORE_HOUSEHOLDS, counts["household_changed"]),
            (BEFORE_RESIDENTS, changed),
            (BEFORE_OLD_HEADS, known),
            (UPDATE_HOUSEHOLDS, counts["household_changed"]),
            (NUMBER_NEW_HOUSEHOLDS, counts["household_new"]),
            (INSERT_HOUSEHOLDS, counts["household_new"]),
            (LET_GO, changed),
            (DEMOTE_OLD_HEADS, known),
            (UPDATE_RESIDENTS, changed),
            (INSERT_RESIDENTS, counts["resident_new"]),
        ):
            if count:
                cursor.execute(statement, values)


def take_turn() -> None:
    """Wait until no other transaction writes many households, and keep others waiting until this one ends.

    Each would lock its rows in an order of its own, so two at once could wait for each other.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [COMMIT_LOCK])


def lacks_numbers(import_id: int) -> bool:
    """Say whether somebody is new whose ID number was staged by its fingerprint alone, because it was known then."""
    staged = StagedResident.objects.filter(roster_import=import_id, kind="new", id_number_encrypted="")
    return staged.exclude(id_number_fingerprint="").exists()


def clear(import_id: int) -> None:
    """Empty the import's share of the staging tables."""
    with connection.cursor() as cursor:
        for statement in CLEAR:
            cursor.execute(statement, {"import": import_id})


# --- undo ------------------------------------------------------------------------------------------------------------


def _images(import_id: int, table: str) -> models.QuerySet[RosterBefore]:
    return RosterBefore.objects.filter(roster_import=import_id, table=table)


def created_households(import_id: int) -> models.QuerySet[Household]:
    """The households the import created and no later one has changed."""
    return Household.objects.filter(source_import=import_id).exclude(
        pk__in=_images(import_id, RosterBefore.Table.HOUSEHOLD).values("row_id")
    )


def created_residents(import_id: int) -> models.QuerySet[Resident]:
    """The residents the import created and no later one has changed."""
    return Resident.objects.filter(source_import=import_id).exclude(
        pk__in=_images(import_id, RosterBefore.Table.RESIDENT).values("row_id")
    )


def undo_blocks(import_id: int, committed_at: datetime) -> dict[str, list[Household]]:
    """Return what stands against undoing: reason → the households concerned (at most 20 each); empty where nothing.

    Reasons: "later_import", "edited", and the labels of models that refer to the households (visits.visit, …).
    """
    blocks: dict[str, list[Household]] = {}
    changed = Household.objects.filter(pk__in=_images(import_id, RosterBefore.Table.HOUSEHOLD).values("row_id"))
    created = created_households(import_id)
    residents = Resident.objects.filter(
        Q(source_import=import_id) | Q(pk__in=_images(import_id, RosterBefore.Table.RESIDENT).values("row_id"))
    )
    touched = Household.objects.filter(Q(pk__in=changed.values("pk")) | Q(pk__in=residents.values("household")))
    later = RosterBefore.objects.filter(roster_import__gt=import_id, before__source_import_id=import_id)
    added = Resident.objects.filter(household__in=created, created_at__gt=committed_at)
    checks: list[tuple[str, models.QuerySet[Household]]] = [
        (
            "later_import",
            Household.objects.filter(
                Q(pk__in=later.filter(table=RosterBefore.Table.HOUSEHOLD).values("row_id"))
                | Q(residents__in=later.filter(table=RosterBefore.Table.RESIDENT).values("row_id"))
            ),
        ),
        (
            "edited",
            Household.objects.filter(
                Q(pk__in=created.filter(updated_at__gt=committed_at).values("pk"))
                | Q(pk__in=changed.filter(updated_at__gt=committed_at).values("pk"))
                | Q(pk__in=residents.filter(updated_at__gt=committed_at).values("household"))
                | Q(pk__in=added.values("household"))
            ),
        ),
    ]
    for relation in Household._meta.related_objects:
        model: Any = relation.related_model
        kept = relation.on_delete is models.PROTECT or model in (Pairing, ResidentChange)
        if not kept:
            continue
        rows = model._default_manager.filter(**{f"{relation.field.name}__isnull": False})
        touching = Q(pk__in=rows.filter(**{f"{relation.field.name}__in": created}).values(relation.field.name))
        stamp = next((name for name in ("received_at", "recorded_at", "proposed_at") if _has(model, name)), None)
        if stamp:
            late = rows.filter(**{f"{relation.field.name}__in": touched, f"{stamp}__gt": committed_at})
            touching |= Q(pk__in=late.values(relation.field.name))
        checks.append((model._meta.label_lower, Household.objects.filter(touching)))
    for reason, households in checks:
        found = list(households.distinct().order_by("pk")[:20])
        if found:
            blocks[reason] = found
    return blocks


def _has(model: type[models.Model], name: str) -> bool:
    return any(field.name == name for field in model._meta.get_fields())


def take_back(import_id: int) -> dict[str, int]:
    """Restore every row as it stood before the import and delete those it created. Returns the counts.

    Assignments of created households go with them; whatever else refers to them has been refused by undo_blocks.
    """
    values = {"import": import_id}
    columns = {
        model: ", ".join(f'"{field.column}"' for field in model._meta.concrete_fields if not field.primary_key)
        for model in (Household, Resident)
    }
    restored_households = _images(import_id, RosterBefore.Table.HOUSEHOLD).count()
    restored_residents = _images(import_id, RosterBefore.Table.RESIDENT).count()
    # households before their residents, as everybody does who writes both
    images = _images(import_id, RosterBefore.Table.RESIDENT)
    homes = Resident.objects.filter(Q(pk__in=images.values("row_id")) | Q(source_import=import_id)).values("household")
    list(Household.objects.select_for_update(no_key=True).filter(pk__in=homes).order_by("pk").values_list("pk"))
    removed_residents = created_residents(import_id)._raw_delete("default")
    with connection.cursor() as cursor:
        # as in LET_GO: first every row lets go of what can be held once only, then each gets back its own
        cursor.execute(
            """UPDATE households_resident r SET relation = '97', id_number_fingerprint = '',
                   household_id = (b.before ->> 'household_id')::bigint
               FROM households_rosterbefore b
               WHERE b.roster_import_id = %(import)s AND b."table" = 'resident' AND b.row_id = r.id""",
            values,
        )
    removed_households = created_households(import_id).delete()[1].get(Household._meta.label, 0)
    with connection.cursor() as cursor:
        for model, table in ((Household, "household"), (Resident, "resident")):
            cursor.execute(
                f"""UPDATE {model._meta.db_table} t SET ({columns[model]}) = (
                        SELECT {columns[model]} FROM jsonb_populate_record(NULL::{model._meta.db_table}, b.before)
                    )
                    FROM households_rosterbefore b
                    WHERE b.roster_import_id = %(import)s AND b."table" = %(table)s AND b.row_id = t.id""",
                {**values, "table": table},
            )
    RosterBefore.objects.filter(roster_import=import_id).delete()
    return {
        "removed_households": removed_households,
        "removed_residents": removed_residents,
        "restored_households": restored_households,
        "restored_residents": restored_residents,
    }
