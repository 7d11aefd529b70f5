"""The columns of the ledger: what each is called, what it says of an issue, how the list is sorted by it.

Screen, paper and workbook show the same columns. Another column is one more entry of COLUMNS: where it needs more of
the database than `with_names` loads, its `load` adds that, and only where the column is shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import F, OuterRef, Prefetch, Subquery
from django.db.models.expressions import Combinable
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from issues.chain import SHOWN
from issues.models import HelpingUnit, Issue, IssueEvent, IssueQuerySet
from outreach.models import User


@dataclass(frozen=True)
class Reading:
    """Who reads the ledger, and on which day."""

    user: User
    today: date


@dataclass(frozen=True)
class Column:
    """One column. `width` is its width in a workbook, in digits; `order` what it sorts by, empty where it does not;
    `standard` says that the township's ledger has it."""

    key: str
    label: str | Promise
    value: Callable[[Issue, Reading], str]
    width: int
    centred: bool = True
    order: tuple[str, ...] = ()
    standard: bool = True
    load: Callable[[IssueQuerySet], IssueQuerySet] | None = None

    def ordering(self, *, descending: bool) -> list[Combinable]:
        """How a list is ordered by this column: what has no value stands last, equal ones by number."""
        terms: list[Combinable] = []
        for name in dict.fromkeys((*self.order, "pk")):
            nulls = {} if name in NEVER_NULL else {"nulls_last": True}
            terms.append(F(name).desc(**nulls) if descending else F(name).asc(**nulls))
        return terms


# What neither a workbook nor a .docx can hold.
NOT_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
# An index serves an order without NULLS LAST only.
NEVER_NULL = frozenset({"pk", "due_on", "recorded_at", "place__code", "unit__sort_order", "unit__code"})


def day(moment: datetime | None) -> str:
    """2026-04-17, or nothing."""
    return timezone.localdate(moment).isoformat() if moment else ""


def yes(condition: object) -> str:
    """是, or nothing."""
    return gettext("yes") if condition else ""


def head(issue: Issue, reading: Reading) -> str:
    """The head of the household, where the reader may know the resident."""
    known = issue.household is not None and issue.shows_resident_to(reading.user)
    return issue.household.head_name if issue.household and known else ""


def category_path(issue: Issue, reading: Reading) -> str:
    """交通道路／路灯照明."""
    category = issue.category
    return f"{category.parent.name}／{category.name}" if category.parent else category.name


def is_late(issue: Issue, today: date) -> bool:
    """Is it past its due day while the clock can run out, or was it reported done too late?"""
    return issue.days_late(today) > 0 and (issue.is_running or issue.done_at is not None)


def load_helpers(issues: IssueQuerySet) -> IssueQuerySet:
    """Add the helping units."""
    return issues.prefetch_related(Prefetch("helping_units", HelpingUnit.objects.select_related("unit")))


def helpers(issue: Issue, reading: Reading) -> str:
    """The units that help, each once."""
    return "、".join(dict.fromkeys(row.unit.name for row in issue.helping_units.all()))


def load_progress(issues: IssueQuerySet) -> IssueQuerySet:
    """Add the latest note of progress."""
    notes = IssueEvent.objects.filter(issue=OuterRef("pk"), move="progress").order_by("-pk").values("note")
    return issues.annotate(latest_progress=Subquery(notes[:1]))


def load_campaign(issues: IssueQuerySet) -> IssueQuerySet:
    """Add the campaign."""
    return issues.select_related("campaign")


def load_recorder(issues: IssueQuerySet) -> IssueQuerySet:
    """Add who recorded it."""
    return issues.select_related("recorded_by")


COLUMNS: tuple[Column, ...] = (
    Column("number", _("Issue number"), lambda issue, _r: issue.number, 13, order=("pk",)),
    Column("recorded_on", _("Recorded on"), lambda issue, _r: day(issue.recorded_at), 12, order=("recorded_at",)),
    Column("place", _("Place"), lambda issue, _r: issue.place.name, 16, centred=False, order=("place__code",)),
    Column("head", _("Household head"), head, 10),
    Column("category", _("Category"), category_path, 18, centred=False),
    Column("kind", _("Kind of issue"), lambda issue, _r: str(issue.get_kind_display()), 10),
    Column("urgent", _("Urgent"), lambda issue, _r: yes(issue.is_urgent), 8, standard=False),
    Column("text", _("What the resident said"), lambda issue, _r: issue.text, 40, centred=False),
    Column(
        "unit",
        _("Responsible unit"),
        lambda issue, _r: issue.unit.name,
        18,
        centred=False,
        order=("unit__sort_order", "unit__code"),
    ),
    Column("helpers", _("Helping units"), helpers, 18, centred=False, standard=False, load=load_helpers),
    Column("dispatched_on", _("Dispatched on"), lambda issue, _r: day(issue.dispatched_at), 12),
    Column("accepted_on", _("Accepted on"), lambda issue, _r: day(issue.accepted_at), 12, standard=False),
    Column("due_on", _("Due on"), lambda issue, _r: issue.due_on.isoformat(), 12, order=("due_on",)),
    Column("state", _("State"), lambda issue, _r: str(issue.get_state_display()), 11),
    Column("late", _("Overdue?"), lambda issue, reading: yes(is_late(issue, reading.today)), 8),
    Column(
        "solvability",
        _("Can it be solved?"),
        lambda issue, _r: str(issue.get_solvability_display()) if issue.solvability else "",
        12,
        standard=False,
    ),
    Column(
        "progress",
        _("Latest progress"),
        lambda issue, _r: getattr(issue, "latest_progress", None) or "",
        36,
        centred=False,
        standard=False,
        load=load_progress,
    ),
    Column(
        "outcome", _("How it ended"), lambda issue, _r: str(issue.get_outcome_display()) if issue.outcome else "", 14
    ),
    Column("result", _("What was done"), lambda issue, _r: issue.result, 36, centred=False),
    Column("done_on", _("Done on"), lambda issue, _r: day(issue.done_at), 12, order=("done_at",)),
    Column("verified_on", _("Verified on"), lambda issue, _r: day(issue.verified_at), 12, standard=False),
    Column("closed_on", _("Signed off on"), lambda issue, _r: day(issue.closed_at), 12, order=("closed_at",)),
    # the head of the history's chain: with this paper in hand, nobody can say later that the history was another
    Column("check", _("Check value"), lambda issue, _r: f"{issue.event_count}-{issue.head_hash[:SHOWN]}", 18),
    Column("redos", _("Times redone"), lambda issue, _r: str(issue.redos or ""), 8, standard=False),
    Column("returns", _("Times returned"), lambda issue, _r: str(issue.returns or ""), 8, standard=False),
    Column(
        "supervised_on", _("Under supervision since"), lambda issue, _r: day(issue.supervised_at), 12, standard=False
    ),
    Column("why", _("Why this unit"), lambda issue, _r: issue.rule_text, 24, centred=False, standard=False),
    Column(
        "campaign",
        _("Campaign"),
        lambda issue, _r: issue.campaign.name if issue.campaign else "",
        16,
        centred=False,
        standard=False,
        load=load_campaign,
    ),
    Column(
        "recorded_by",
        _("Recorded by"),
        lambda issue, _r: issue.recorded_by.name,
        10,
        standard=False,
        load=load_recorder,
    ),
)

BY_KEY = {column.key: column for column in COLUMNS}
STANDARD = tuple(column for column in COLUMNS if column.standard)
# What the list shows until a person chooses.
LISTED = ("number", "text", "category", "place", "unit", "due_on", "state")


def chosen(keys: Iterable[str]) -> tuple[Column, ...]:
    """Return the columns of these keys, in the ledger's order; a key that is no column is left out."""
    wanted = set(keys)
    return tuple(column for column in COLUMNS if column.key in wanted)


def loaded(issues: IssueQuerySet, columns: Iterable[Column]) -> IssueQuerySet:
    """Add to `issues` what these columns show: as many queries for one row as for a thousand."""
    issues = issues.with_names()
    for column in columns:
        if column.load is not None:
            issues = column.load(issues)
    return issues
