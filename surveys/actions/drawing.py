"""Drawing a sample for a round: the frame, the draw, what is kept of it, and drawing it again to check it."""

from __future__ import annotations

import json
import secrets
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _

from households import idnumber
from households.models import Household, Resident
from outreach import access, audit
from outreach.access import Permission
from outreach.models import User
from surveys import sampling
from surveys.models import Draw, DrawFrame, Drawn, Round, SampleList
from surveys.models.samples import pack
from surveys.sampling import Entry, SamplingError

TOWNSHIP_DIGITS = 9
BATCH = 2000


@dataclass(frozen=True, slots=True)
class Wanted:
    """What sample is wanted. `size`: entries in all; for villages, `clusters` of them with `members` each.

    `areas`: codes of townships or villages; empty for the whole district. Of a roster, households that asked not to be
    visited are left out, and with `only_with_phone` those without any number.
    """

    method: str
    source: str
    size: int = 0
    equal: bool = False
    clusters: int = 0
    members: int = 0
    areas: tuple[str, ...] = ()
    only_with_phone: bool = False

    def as_json(self) -> dict[str, Any]:
        """What is kept of it with the draw."""
        return {
            "size": self.size,
            "equal": self.equal,
            "clusters": self.clusters,
            "members": self.members,
            "areas": list(self.areas),
            "only_with_phone": self.only_with_phone,
        }


@dataclass(frozen=True, slots=True)
class Frame:
    """What is drawn from: the entries, and for each key the unit, the household or the sealed contact."""

    entries: list[Entry]
    units: dict[str, int]
    contacts: dict[str, dict[str, Any]] = field(default_factory=dict)

    def by_stratum(self) -> dict[str, int]:
        """How many entries lie in each township (code → count)."""
        return dict(Counter(entry.stratum for entry in self.entries))


def frame_of(survey_round: Round, wanted: Wanted) -> Frame:
    """Return what the sample is drawn from. Two queries."""
    return (
        _list_frame(survey_round, wanted) if wanted.source == Draw.Source.LIST else _roster_frame(survey_round, wanted)
    )


def _roster_frame(survey_round: Round, wanted: Wanted) -> Frame:
    rows = Household.objects.in_residence().filter(
        village__code__startswith=survey_round.district.code, do_not_visit_at=None
    )
    if wanted.only_with_phone:
        with_phone = Resident.objects.filter(household=OuterRef("pk")).exclude(phone="")
        rows = rows.filter(~Q(phone="") | Exists(with_phone))
    entries, units = [], {}
    for pk, code, unit in rows.values_list("pk", "village__code", "village").iterator(chunk_size=10_000):
        if _is_in(code, wanted.areas):
            key = f"h{pk}"
            entries.append(Entry(key, code[:TOWNSHIP_DIGITS], code))
            units[key] = unit
    return Frame(entries, units)


def _list_frame(survey_round: Round, wanted: Wanted) -> Frame:
    sample_list = SampleList.objects.filter(round=survey_round).first()
    entries, units, contacts = [], {}, {}
    for row in sample_list.rows if sample_list else []:
        if _is_in(row["code"], wanted.areas):
            key = f"r{row['number']}"
            # a list that names the township alone has no villages to draw
            entries.append(Entry(key, row["code"][:TOWNSHIP_DIGITS], row["code"]))
            units[key] = row["unit"]
            contacts[key] = {"name": row["name"], "phones": row["phones"]}
    return Frame(entries, units, contacts)


def _is_in(code: str, areas: Sequence[str]) -> bool:
    return not areas or any(code.startswith(area) for area in areas)


def draw_from(entries: Sequence[Entry], method: str, parameters: dict[str, Any], seed: str) -> list[sampling.Drawn]:
    """Draw; the same entries, method, parameters and seed give the same sample. Raises SamplingError."""
    by_method: dict[str, Callable[[], list[sampling.Drawn]]] = {
        Draw.Method.SIMPLE: lambda: sampling.simple(entries, parameters["size"], seed),
        Draw.Method.STRATIFIED: lambda: sampling.stratified(
            entries, parameters["size"], seed, equal=parameters["equal"]
        ),
        Draw.Method.CLUSTERS: lambda: sampling.clusters(entries, parameters["clusters"], parameters["members"], seed),
    }
    return by_method[method]()


@transaction.atomic
def draw_sample(*, survey_round: Round, wanted: Wanted, by: User, seed: str = "") -> Draw:
    """Draw the round's sample, once, and keep it for good. Without `seed` one is made that nobody could choose.

    Raises ValidationError where the round has a sample, has ended, is not asked by phone, or the frame is too small.
    """
    access.demand(by, Permission.SURVEY_EDIT)
    kept = Round.objects.visible_to(by).select_for_update(of=("self",)).get(pk=survey_round.pk)
    if Draw.objects.filter(round=kept).exists():
        raise ValidationError(_("A sample has been drawn for this round already: it is drawn once."))
    if kept.state == Round.State.CLOSED:
        raise ValidationError(_("This round has ended."))
    frame = frame_of(kept, wanted)
    if not frame.entries:
        raise ValidationError(_("There is nobody to draw from. Check the places chosen, or upload a list."))
    seed = seed or secrets.token_hex(16)
    try:
        sample = draw_from(frame.entries, wanted.method, wanted.as_json(), seed)
    except SamplingError:
        raise ValidationError(
            _("So many cannot be drawn: there are %(count)d entries in %(strata)d townships and %(clusters)d villages.")
            % {
                "count": len(frame.entries),
                "strata": len(frame.by_stratum()),
                "clusters": len({entry.cluster for entry in frame.entries}),
            }
        ) from None
    draw = Draw.objects.create(
        round=kept,
        method=wanted.method,
        source=wanted.source,
        seed=seed,
        parameters=wanted.as_json(),
        frame_size=len(frame.entries),
        frame_digest=sampling.frame_digest(frame.entries),
        drawn_by=by,
    )
    DrawFrame.objects.create(draw=draw, packed=pack(frame.entries))
    order = sorted(sample, key=lambda one: sampling.chance(f"{seed} calls", one.entry.key))
    sealer = idnumber.Sealer()
    Drawn.objects.bulk_create(
        [_case(draw, one, turn, frame, sealer) for turn, one in enumerate(order)], batch_size=BATCH
    )
    SampleList.objects.filter(round=kept).update(sealed="")
    audit.record("draw.make", draw, by=by, method=wanted.method, drawn=len(sample), of=len(frame.entries))
    return draw


def _case(draw: Draw, one: sampling.Drawn, turn: int, frame: Frame, sealer: idnumber.Sealer) -> Drawn:
    key = one.entry.key
    contact = frame.contacts.get(key)
    return Drawn(
        draw=draw,
        key=key,
        stratum=one.entry.stratum,
        cluster=one.entry.cluster,
        position=one.position,
        probability=one.probability,
        of_clusters=one.of_clusters,
        of_members=one.of_members,
        unit_id=frame.units[key],
        turn=turn,
        household_id=int(key[1:]) if contact is None else None,
        contact=sealer.encrypt(json.dumps(contact)) if contact else "",
    )


def replay(draw: Draw) -> list[str]:
    """Draw again from the frame that was kept; return what does not agree, nothing where all does."""
    entries = draw.frame.entries
    problems = []
    if sampling.frame_digest(entries) != draw.frame_digest or len(entries) != draw.frame_size:
        problems.append("the frame is not the one that was drawn from")
    try:
        again = {
            (one.entry.key, one.entry.stratum, one.entry.cluster, one.position, round(one.probability, 12))
            for one in draw_from(entries, draw.method, draw.parameters, draw.seed)
        }
    except SamplingError as error:
        return [*problems, str(error)]
    kept = {
        (key, stratum, cluster, position, round(probability, 12))
        for key, stratum, cluster, position, probability in draw.drawn.values_list(
            "key", "stratum", "cluster", "position", "probability"
        )
    }
    if again != kept:
        problems.append(
            f"{len(again - kept)} would be drawn that were not, {len(kept - again)} were drawn that would not"
        )
    return problems


@transaction.atomic
def keep_list(
    *, survey_round: Round, filename: str, rows: list[dict[str, Any]], faults: list[tuple[int, str]], by: User
) -> SampleList:
    """Keep a list to draw from, sealed, in place of one uploaded before. Raises ValidationError after the draw."""
    access.demand(by, Permission.SURVEY_EDIT)
    kept = Round.objects.visible_to(by).select_for_update(of=("self",)).get(pk=survey_round.pk)
    if Draw.objects.filter(round=kept).exists():
        raise ValidationError(_("A sample has been drawn for this round already: it is drawn once."))
    sample_list, _new = SampleList.objects.update_or_create(
        round=kept,
        defaults={
            "filename": filename[:200],
            "sealed": idnumber.encrypt(json.dumps(rows)),
            "row_count": len(rows),
            "faults": [list(fault) for fault in faults],
            "uploaded_by": by,
        },
    )
    audit.record("sample_list.upload", sample_list, by=by, rows=len(rows), faults=len(faults))
    return sample_list
