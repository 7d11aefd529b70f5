"""The life of a roster import: uploaded → checking → checked → committing → committed → undoing → undone.

What a person does (upload, mapping, commit, undo, discard) only sets the state and queues the work; what a worker
does (check, commit, undo) runs once per state however often it is called, and again after a worker died.
"""

from __future__ import annotations

import datetime
import logging
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.files import File
from django.db import connection, transaction
from django.db.models import Count
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from kombu.exceptions import OperationalError

from households import tasks
from households.models import Category, Household, RosterImport, RosterMapping, StagedHousehold, StagedResident
from households.roster import apply, files, match, progress
from households.roster.check import Roster, check_roster
from households.roster.columns import FIELDS, FLAG, LEFT_OUT, Vocabulary
from households.roster.places import Places, Village
from households.roster.read import UnusableFile, open_workbook
from households.roster.stage import stage
from outreach import access, audit
from outreach.access import Permission
from outreach.models import Unit, User

logger = logging.getLogger(__name__)
State = RosterImport.State
WORKER_LOCK = 4_399_003


class NotPossible(Exception):
    """The import cannot do this now; the message is for people and says why."""


# --- what people do --------------------------------------------------------------------------------------------------


@transaction.atomic
def start_import(*, unit: Unit, chunks: Iterable[bytes], filename: str, by: User) -> RosterImport:
    """Keep an uploaded file, encrypted, and queue its check. `unit` must be within the user's reach."""
    access.demand(by, Permission.ROSTER_IMPORT)
    roster_import = keep_file(unit=unit, chunks=chunks, filename=filename, by=by)
    audit.record("roster.upload", roster_import, by=by, unit=unit.code, filename=roster_import.filename)
    _queue(roster_import, "check")
    return roster_import


def keep_file(*, unit: Unit, chunks: Iterable[bytes], filename: str, by: User | None = None) -> RosterImport:
    """Create an import with its file, encrypted."""
    roster_import = RosterImport(unit=unit, filename=Path(filename).name[:200], created_by=by)
    with tempfile.TemporaryFile() as sealed:
        files.encrypt_to(chunks, sealed)
        sealed.seek(0)
        roster_import.file.save(f"{timezone.now():%d%H%M%S}.sealed", File(sealed), save=True)
    return roster_import


@transaction.atomic
def set_mapping(*, roster_import: RosterImport, mapping: Mapping[str, str], by: User) -> None:
    """Take what the user set each column title to mean, remember it for the unit, and queue a new check.

    `mapping` is title key → field ("" leaves the column out). Raises NotPossible once the import was committed.
    """
    access.demand(by, Permission.ROSTER_IMPORT)
    roster_import = _locked(roster_import, (State.CHECKED, State.FAILED))
    roster_import.mapping = {title: field for title, field in mapping.items() if is_field(field)}
    for title, field in roster_import.mapping.items():
        RosterMapping.objects.update_or_create(
            unit=roster_import.unit,
            title=title[:60],
            defaults={"field": field, "set_by": by, "set_at": timezone.now()},
        )
    _enter(roster_import, State.UPLOADED, "mapping", "failure")
    audit.record("roster.mapping", roster_import, by=by, columns=len(roster_import.mapping))
    _queue(roster_import, "check")


def is_field(field: str) -> bool:
    """Say whether `field` is one a column may be set to."""
    return field == LEFT_OUT or field in FIELDS or field.startswith(FLAG)


@transaction.atomic
def request_commit(*, roster_import: RosterImport, by: User) -> None:
    """Queue the writing of a checked import. Raises NotPossible unless it is checked and has something to write."""
    access.demand(by, Permission.ROSTER_IMPORT)
    roster_import = _locked(roster_import, (State.CHECKED,))
    if not roster_import.summary.get("to_write"):
        raise NotPossible(_("The file holds nothing new: there is nothing to import."))
    roster_import.committed_by = by
    _enter(roster_import, State.COMMITTING, "committed_by", "failure")
    audit.record("roster.commit_requested", roster_import, by=by)
    _queue(roster_import, "commit")


@transaction.atomic
def request_undo(*, roster_import: RosterImport, by: User) -> None:
    """Queue the undoing of a committed import. Raises NotPossible after 30 days, or where later work stands on it."""
    access.demand(by, Permission.ROSTER_IMPORT)
    roster_import = _locked(roster_import, (State.COMMITTED,))
    if not roster_import.may_be_undone:
        raise NotPossible(_("An import can be undone for 30 days; that time is over."))
    refuse_blocked_undo(roster_import)
    roster_import.undone_by = by
    _enter(roster_import, State.UNDOING, "undone_by", "failure")
    audit.record("roster.undo_requested", roster_import, by=by)
    _queue(roster_import, "undo")


@transaction.atomic
def discard(*, roster_import: RosterImport, by: User) -> None:
    """Drop an import that was not committed, and its file."""
    access.demand(by, Permission.ROSTER_IMPORT)
    roster_import = _locked(roster_import, (State.CHECKED, State.FAILED))
    apply.clear(roster_import.pk)
    roster_import.errors.all().delete()
    name = roster_import.file.name
    roster_import.file = ""
    _enter(roster_import, State.DISCARDED, "file")
    audit.record("roster.discard", roster_import, by=by)
    if name:
        transaction.on_commit(lambda: roster_import.file.storage.delete(name))


def refuse_blocked_undo(roster_import: RosterImport) -> None:
    """Raise NotPossible, naming what stands on the import, where anything does."""
    assert roster_import.committed_at is not None
    blocks = apply.undo_blocks(roster_import.pk, roster_import.committed_at)
    if blocks:
        raise NotPossible(" ".join(block_sentence(reason, households) for reason, households in blocks.items()))


def block_sentence(reason: str, households: list[Household]) -> str:
    """Say in a sentence what stands against undoing, with up to three households by name."""
    names = "、".join(str(household) for household in households[:3])
    count = len(households)
    if reason == "later_import":
        text = ngettext(
            "A later import changed %(count)d household: %(names)s. Undo that import first.",
            "A later import changed %(count)d households: %(names)s. Undo that import first.",
            count,
        )
    elif reason == "edited":
        text = ngettext(
            "%(count)d household was edited since: %(names)s.",
            "%(count)d households were edited since: %(names)s.",
            count,
        )
    else:
        text = ngettext(
            "%(count)d household has a visit, an issue, a pairing or a correction since: %(names)s.",
            "%(count)d households have visits, issues, pairings or corrections since: %(names)s.",
            count,
        )
    return text % {"count": count, "names": names}


# --- what a worker does ----------------------------------------------------------------------------------------------


def check_import(*, import_id: int) -> None:
    """Read, check, stage and match the import's file. Does nothing unless it is waiting for that."""
    with _only_worker(import_id) as roster_import:
        if roster_import is None or roster_import.state not in (State.UPLOADED, State.CHECKING):
            return
        _enter(roster_import, State.CHECKING)
        try:
            with files.plain_copy(roster_import) as path:
                check_file(roster_import, path)
        except UnusableFile as problem:
            _fail(roster_import, problem.code)
        except (OSError, ValueError):
            # the stored file is gone, or was changed
            _fail(roster_import, "damaged")
        except Exception:
            _fail(roster_import, "program_error")
            raise


def check_file(roster_import: RosterImport, path: Path) -> Roster:
    """Check the file at `path` for `roster_import`, stage and match it, and note the outcome on the import.

    Raises UnusableFile. Returns the checked roster, which holds ID numbers in plain text: never store or log it.
    """
    pk = roster_import.pk
    roster = read_file(
        path,
        unit=roster_import.unit,
        filename=roster_import.filename,
        saved=saved_mapping(roster_import),
        report=lambda rows: progress.report(pk, min(60, 1 + rows // 2_000)),
    )
    progress.report(pk, 65)
    with transaction.atomic():
        stage(roster, import_id=pk, priorities=dict(Category.objects.values_list("code", "priority")))
        progress.report(pk, 85)
        match.match(import_id=pk, reach=_reach(roster_import), fresh=True)
        roster_import.summary = summarize(roster_import, roster)
        _enter(roster_import, State.CHECKED, "summary", "failure")
    progress.report(pk, 100)
    return roster


def read_file(path: Path, *, unit: Unit, filename: str, saved: dict[str, str], report: Any = None) -> Roster:
    """Read and check a file for `unit` without writing anything. Raises UnusableFile."""
    with open_workbook(path, filename) as book:
        return check_roster(
            book,
            places=places_of(unit),
            vocabulary=vocabulary(),
            today=timezone.localdate(),
            saved=saved,
            progress=report,
        )


def commit_import(*, import_id: int) -> None:
    """Write a checked import in one transaction. Does nothing unless it is waiting for that.

    Where the roster changed since the preview so that something else would be written, nothing is: the import goes back
    to being checked, with a new preview.
    """
    with _only_worker(import_id) as roster_import:
        if roster_import is None or roster_import.state != State.COMMITTING:
            return
        progress.report(import_id, 10)
        with _falling_back(roster_import, State.CHECKED), transaction.atomic():
            apply.take_turn()
            seen = roster_import.summary.get("counts")
            if not StagedHousehold.objects.filter(roster_import=import_id).exists():
                # the database crashed and emptied the staging tables, or the row is from before them
                _enter(roster_import, State.UPLOADED)
                _queue(roster_import, "check")
                return
            match.match(import_id=import_id, reach=_reach(roster_import))
            progress.report(import_id, 40)
            counts = count_kinds(import_id)
            if counts != seen or apply.lacks_numbers(import_id):
                # what was staged relies on the roster of that time: read the file again
                _enter(roster_import, State.UPLOADED)
                roster_import.failure = "roster_changed"
                roster_import.save(update_fields=["failure"])
                _queue(roster_import, "check")
                return
            write_import(roster_import, by=roster_import.committed_by)
        progress.report(import_id, 100)


def write_import(roster_import: RosterImport, *, by: User | None) -> None:
    """Write what is staged and matched, within the caller's transaction."""
    now = timezone.now()
    apply.write(import_id=roster_import.pk, now=now, counts=roster_import.summary["counts"])
    apply.clear(roster_import.pk)
    roster_import.committed_at = now
    roster_import.committed_by = by
    roster_import.failure = ""
    _enter(roster_import, State.COMMITTED, "committed_at", "committed_by", "failure")
    audit.record("roster.commit", roster_import, by=by, **roster_import.summary.get("counts", {}))


def undo_import(*, import_id: int) -> None:
    """Take a committed import back in one transaction. Does nothing unless it is waiting for that."""
    with _only_worker(import_id) as roster_import:
        if roster_import is None or roster_import.state != State.UNDOING:
            return
        progress.report(import_id, 10)
        with _falling_back(roster_import, State.COMMITTED), transaction.atomic():
            apply.take_turn()
            try:
                refuse_blocked_undo(roster_import)
            except NotPossible as refusal:
                roster_import.failure = str(refusal)[:500]
                _enter(roster_import, State.COMMITTED, "failure")
                return
            undo_write(roster_import, by=roster_import.undone_by)
        progress.report(import_id, 100)


def undo_write(roster_import: RosterImport, *, by: User | None) -> None:
    """Restore every row as it was before the import, within the caller's transaction."""
    counts = apply.take_back(roster_import.pk)
    roster_import.undone_at = timezone.now()
    roster_import.undone_by = by
    _enter(roster_import, State.UNDONE, "undone_at", "undone_by")
    audit.record("roster.undo", roster_import, by=by, **counts)


# --- parts -----------------------------------------------------------------------------------------------------------


def places_of(unit: Unit) -> Places:
    """Return the villages a file for `unit` may name."""
    villages = Unit.objects.within(unit).villages().active().select_related("parent")
    return Places(
        Village(village.pk, village.code, village.name, village.parent.name if village.parent else "")
        for village in villages
    )


def vocabulary() -> Vocabulary:
    """Return the words of this installation."""
    return Vocabulary({category.code: [category.name, *category.aliases] for category in Category.objects.all()})


def saved_mapping(roster_import: RosterImport) -> dict[str, str]:
    """Return title key → field: what the unit's people once set, overruled by what was set for this file."""
    remembered = RosterMapping.objects.filter(unit=roster_import.unit).values_list("title", "field")
    return {**dict(remembered), **roster_import.mapping}


def count_kinds(import_id: int) -> dict[str, int]:
    """Return how many households and residents are of each kind, as household_new, resident_moved, …, and missing."""
    counts: dict[str, int] = {}
    for label, model in (("household", StagedHousehold), ("resident", StagedResident)):
        counts |= {f"{label}_{kind}": 0 for kind in model.Kind.values if (label, kind) != ("household", "moved")}
        found = model.objects.filter(roster_import=import_id).order_by().values_list("kind").annotate(Count("pk"))
        counts |= {f"{label}_{kind}": count for kind, count in found}
    counts["household_missing"] = match.missing_households(import_id).count()
    counts["resident_missing"] = match.missing_residents(import_id).count()
    return counts


def to_write(counts: Mapping[str, int]) -> dict[str, int]:
    """Return {"to_write": n}: how many rows a commit would write."""
    written = ("household_new", "household_changed", "resident_new", "resident_changed", "resident_moved")
    return {"to_write": sum(counts[name] for name in written)}


def summarize(roster_import: RosterImport, roster: Roster) -> dict[str, Any]:
    """Return what the screens show of a checked file: counts, sheets with their columns, notices."""
    counts = count_kinds(roster_import.pk)
    return {
        "counts": counts,
        **to_write(counts),
        "households": counts["household_new"] + counts["household_changed"] + counts["household_same"],
        "residents": sum(counts[f"resident_{kind}"] for kind in ("new", "changed", "moved", "same")),
        "errors": roster_import.errors.count(),
        "rows": roster.rows,
        "notices": sorted(set(roster.notices)),
        "unknown_categories": dict(sorted(roster.unknown_categories.items(), key=lambda item: -item[1])[:20]),
        "sheets": [
            {
                "name": report.name,
                "left_out": report.left_out,
                "village": report.village,
                "group": report.group,
                "header": [report.header.first_row, report.header.last_row] if report.header else None,
                "columns": [
                    {
                        "index": column.index,
                        "title": column.title,
                        "key": column.key,
                        "field": column.field,
                        "samples": report.samples.get(column.index, []),
                    }
                    for column in (report.header.columns if report.header else [])
                ],
            }
            for report in roster.sheets
        ],
    }


def _reach(roster_import: RosterImport) -> str:
    """From which units people may be taken: the acting user's, or the import's own where no user acts."""
    user = roster_import.committed_by or roster_import.created_by
    code = access.reach(user) if user else None
    return code or roster_import.unit.code


def _locked(roster_import: RosterImport, states: tuple[str, ...]) -> RosterImport:
    """Return the import with its row locked. Raises NotPossible where it is in none of `states`."""
    locked = RosterImport.objects.select_for_update(of=("self",)).select_related("unit").get(pk=roster_import.pk)
    if locked.state not in states:
        raise NotPossible(
            _("This is not possible any more: the import is %(state)s.") % {"state": locked.get_state_display()}
        )
    return locked


def _enter(roster_import: RosterImport, state: str, *fields: str) -> None:
    roster_import.state = state
    roster_import.state_at = timezone.now()
    if "failure" in fields and state in (State.UPLOADED, State.COMMITTING, State.UNDOING):
        roster_import.failure = ""
    roster_import.save(update_fields=["state", "state_at", *fields])


def _fail(roster_import: RosterImport, code: str) -> None:
    roster_import.failure = code
    _enter(roster_import, State.FAILED, "failure")


@contextmanager
def _falling_back(roster_import: RosterImport, state: str) -> Iterator[None]:
    """Put the import back to `state` where writing fails, so that people see it and nothing is tried for ever."""
    try:
        yield
    except Exception:
        roster_import.failure = "program_error"
        _enter(roster_import, state, "failure")
        raise


@contextmanager
def _only_worker(import_id: int) -> Iterator[RosterImport | None]:
    """Give the import to the one worker at it, None to a second. A killed worker's lock goes with its connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [WORKER_LOCK, import_id])
        mine = cursor.fetchone()[0]
    try:
        related = ("unit", "created_by", "committed_by", "undone_by")
        yield RosterImport.objects.select_related(*related).filter(pk=import_id).first() if mine else None
    finally:
        if mine:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [WORKER_LOCK, import_id])


def _queue(roster_import: RosterImport, step: str) -> None:
    """Send the step to a worker after the commit. Where the queue is down, resume_rosters sends it later."""

    def send() -> None:
        try:
            tasks.STEPS[step].delay(roster_import.pk)
        except OperationalError:
            logger.error("Import %s waits: the queue does not answer.", roster_import.pk)

    transaction.on_commit(send)


def stuck(*, since: datetime.timedelta = datetime.timedelta(minutes=1)) -> list[tuple[int, str]]:
    """Return (import id, step) of the imports that have been waiting for a worker for longer than `since`."""
    steps = {State.UPLOADED: "check", State.CHECKING: "check", State.COMMITTING: "commit", State.UNDOING: "undo"}
    waiting = RosterImport.objects.filter(state__in=steps, state_at__lt=timezone.now() - since)
    return [(pk, steps[State(state)]) for pk, state in waiting.values_list("pk", "state")]


def forget_old() -> int:
    """Delete the files, staged rows, errors and before-images of imports past their undo time. Returns how many.

    The import itself stays, so that each household still knows its file and row. Running it again changes nothing.
    """
    before = timezone.now() - datetime.timedelta(days=RosterImport.UNDO_DAYS)
    old = RosterImport.objects.filter(created_at__lt=before, state_at__lt=before).exclude(file="")
    count = 0
    for roster_import in old.exclude(state__in=RosterImport.WORKING):
        with transaction.atomic():
            apply.clear(roster_import.pk)
            roster_import.errors.all().delete()
            roster_import.before.all().delete()
            roster_import.file.delete(save=False)
            roster_import.file = ""
            roster_import.save(update_fields=["file"])
        count += 1
    return count
