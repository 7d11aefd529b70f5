"""What a phone kept without signal: visits, answers and photos, each once, each with its receipt."""

from __future__ import annotations

import hashlib
import io
import json
import random
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from issues.models import Category
from surveys.models import Response, Waiting
from tests.surveys.make import SAFE, open_round
from visits import actions, photos
from visits.models import Assignment, Visit, VisitItem

SYNC = reverse("visits:sync")


def send(client: Client, *items: Any, sent_at: str | None = None) -> list[dict[str, Any]]:
    body = {"items": items, "sent_at": sent_at or timezone.now().isoformat()}
    response = client.post(SYNC, json.dumps(body), content_type="application/json")
    assert response.status_code == 200
    return response.json()["receipts"]


def visit(raw: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "visit", "visit": raw}


def held(round_, visitor) -> dict[str, Any]:
    """What the phone got with the household: the epoch and its proof."""
    rows = Client()
    rows.force_login(visitor)
    row = rows.get(reverse("visits:phone_data")).json()["households"][0]
    return {"epoch": row["epoch"], "lease": row["lease"]}


def give_to(round_, visitor, *, epoch: int) -> None:
    Assignment.objects.filter(household=round_.door).update(
        visitor=visitor, epoch=epoch, assigned_at=timezone.now() - timedelta(hours=5)
    )


def test_visits_and_answers_travel_in_one_batch_and_each_has_its_receipt(round_, cast, login):
    survey_round = open_round(cast)
    answers = {"number": str(uuid.uuid4()), "round": survey_round.pk, "household": round_.door.pk, "answers": SAFE}
    raw = round_.raw()
    client = login(cast.visitor)
    first = send(client, visit(raw), {"kind": "answers", "answers": answers}, {"kind": "poem"}, "junk", None)
    assert [one["result"] for one in first] == ["stored", "stored", "refused", "refused", "refused"]
    assert [one["uuid"] for one in first[:2]] == [raw["uuid"], answers["number"]]
    again = send(client, visit(raw), {"kind": "answers", "answers": answers})
    assert [one["result"] for one in again] == ["already", "already"]
    assert (Visit.objects.count(), Waiting.objects.count()) == (1, 1)


def test_answers_at_the_door_keep_the_village_and_nothing_that_leads_to_the_household(round_, cast, login):
    survey_round = open_round(cast)
    raw = round_.raw()
    answers = {"number": str(uuid.uuid4()), "round": survey_round.pk, "household": round_.door.pk, "answers": SAFE}
    send(
        login(cast.visitor), visit(raw), {"kind": "answers", "answers": answers | {"visit": raw["uuid"], "sex": "male"}}
    )
    kept = Waiting.objects.get()
    assert (kept.unit, kept.channel, kept.is_assisted, kept.sex) == (cast.shiqiao, "door", True, "male")
    text = json.dumps({name: str(value) for name, value in vars(kept).items()})
    assert raw["uuid"] not in text and answers["number"] not in text
    stored = Visit.objects.values().get()
    assert all(str(kept.pk) not in str(value) for value in stored.values())


def test_answers_of_a_named_round_keep_the_visit(round_, cast, login):
    survey_round = open_round(cast, is_anonymous=False)
    raw = round_.raw()
    answers = {
        "number": str(uuid.uuid4()),
        "round": survey_round.pk,
        "household": round_.door.pk,
        "answers": SAFE,
        "visit": raw["uuid"],
    }
    send(login(cast.visitor), visit(raw), {"kind": "answers", "answers": answers})
    kept = Response.objects.get()
    assert (str(kept.visit_uuid), kept.household, kept.asked_by) == (raw["uuid"], round_.door, cast.visitor)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"number": "1"}, "bad_number"),
        ({"round": 10**30}, "unknown_round"),
        ({"round": "1"}, "unknown_round"),
        ({"household": None}, "not_yours"),
        ({"answers": {}}, "bad_answers"),
        ({"answers": "x"}, "bad_answers"),
        ({"answered_on": "2001-01-01"}, "not_taken"),
    ],
)
def test_answers_that_do_not_fit_are_refused_with_the_reason(round_, cast, login, change, code):
    survey_round = open_round(cast)
    answers = {"number": str(uuid.uuid4()), "round": survey_round.pk, "household": round_.door.pk, "answers": SAFE}
    [receipt] = send(login(cast.visitor), {"kind": "answers", "answers": answers | change})
    assert (receipt["result"], receipt["code"]) == ("refused", code)
    assert receipt["message"]
    assert not Waiting.objects.exists()


def test_answers_about_a_household_out_of_reach_are_refused(round_, cast, login):
    answers = {
        "number": str(uuid.uuid4()),
        "round": open_round(cast).pk,
        "household": round_.foreign.pk,
        "answers": SAFE,
    }
    assert send(login(cast.visitor), {"kind": "answers", "answers": answers})[0]["code"] == "not_yours"


def test_a_late_visit_on_a_duty_that_passed_on_is_kept_marked_and_counts_once(round_, cast, login):
    proof = held(round_, cast.visitor)
    give_to(round_, cast.second_visitor, epoch=proof["epoch"] + 1)
    late = round_.raw(visited_at=(timezone.now() - timedelta(hours=1)).isoformat(), **proof)
    [receipt] = send(login(cast.visitor), visit(late))
    assert receipt["result"] == "stored"
    stored = Visit.objects.get()
    assert (stored.is_late, stored.epoch, stored.is_counted) == (True, proof["epoch"], True)

    actions.record_visit(by=cast.second_visitor, payload=round_.payload())
    assert Visit.objects.filter(is_counted=True).count() == 1
    assert Visit.objects.count() == 2


def test_a_duty_that_passed_on_twice_or_was_taken_away_is_still_proved(round_, cast, login):
    proof = held(round_, cast.visitor)
    for later, visitor in enumerate((cast.second_visitor, cast.village_clerk, None), 1):
        give_to(round_, visitor, epoch=proof["epoch"] + later)
        raw = round_.raw(visited_at=(timezone.now() - timedelta(minutes=later)).isoformat(), **proof)
        assert send(login(cast.visitor), visit(raw))[0]["result"] == "stored"
    assert list(Visit.objects.values_list("is_late", "epoch").order_by().distinct()) == [(True, proof["epoch"])]
    assert Visit.objects.filter(is_counted=True).count() == 1


@pytest.mark.parametrize(
    "proof",
    [{}, {"epoch": 0}, {"epoch": 0, "lease": "0" * 16}, {"epoch": 5, "lease": "x"}, {"lease": "0" * 16}],
)
def test_without_the_proof_a_foreign_duty_stays_foreign(round_, cast, login, proof):
    give_to(round_, cast.second_visitor, epoch=9)
    [receipt] = send(login(cast.visitor), visit(round_.raw(**proof)))
    assert (receipt["result"], receipt["code"]) == ("refused", "not_yours")
    assert not Visit.objects.exists()


def test_another_persons_proof_is_none(round_, cast, login):
    proof = held(round_, cast.visitor)
    give_to(round_, cast.village_clerk, epoch=1)
    [receipt] = send(login(cast.second_visitor), visit(round_.raw(**proof)))
    assert receipt["code"] == "not_yours"


def test_a_clock_that_is_ahead_is_noted_and_holds_no_visit_up(round_, cast, login):
    ahead = timedelta(hours=3)
    by_phone = timezone.now() + ahead
    raw = round_.raw(visited_at=(by_phone - timedelta(minutes=10)).isoformat())
    [receipt] = send(login(cast.visitor), visit(raw), sent_at=by_phone.isoformat())
    assert receipt["result"] == "stored"
    stored = Visit.objects.get()
    assert abs(stored.clock_offset - 3 * 3600) < 60
    assert timedelta(minutes=9) < timezone.now() - stored.visited_at < timedelta(minutes=12)
    assert send(login(cast.visitor), visit(raw), sent_at="yesterday")[0]["result"] == "already"


def test_a_visit_in_the_future_by_a_right_clock_is_refused(round_, cast, login):
    raw = round_.raw(visited_at=(timezone.now() + timedelta(hours=3)).isoformat())
    assert send(login(cast.visitor), visit(raw))[0]["code"] == "in_future"


def test_seconds_on_each_part_of_the_form_are_kept_within_two_kilobytes(round_, cast, login):
    timing = {f"part_{number}": number for number in range(200)} | {"bad name": 1, "long": 10**9, "text": "x"}
    send(login(cast.visitor), visit(round_.raw(timing=timing)))
    kept = Visit.objects.get().timing
    assert len(kept) == 60 and set(kept) <= set(timing)
    assert len(json.dumps(kept)) < 2000


OLD = Path(__file__).parent.parent / "data" / "visits" / "old_payloads.json"


def test_the_queue_of_the_first_version_is_accepted_and_keeps_its_digest(round_, cast, login):
    """Phones that have not updated: the payloads of the version before, as they were written then."""
    category = Category.objects.get(code="old") if Category.objects.filter(code="old").exists() else None
    category = category or Category.objects.create(code="old", name="路灯")
    visits = [
        one | {"household": round_.doors[number % 3].pk, "campaign": round_.campaign.pk, "visited_at": at}
        for number, one in enumerate(json.loads(OLD.read_text()))
        for at in [(timezone.now() - timedelta(minutes=number + 1)).isoformat()]
    ]
    client = login(cast.visitor)
    for expected in ("stored", "already"):
        response = client.post(SYNC, json.dumps({"visits": visits}), content_type="application/json")
        assert [one["result"] for one in response.json()["receipts"]] == [expected] * len(visits)
    for one in visits:
        stored = Visit.objects.get(pk=one["uuid"])
        assert stored.payload_hash == _first_digest(one)
    assert VisitItem.objects.filter(issue__category=category).count() == 1


def _first_digest(raw: dict[str, Any]) -> str:
    """The digest as the first version computed it."""
    from datetime import UTC, datetime

    items = [
        {
            "kind": item["kind"],
            "category": item.get("category", ""),
            "text": item["text"],
            "urgent": item.get("urgent", False),
            "photo": "",
        }
        for item in raw.get("items", [])
    ]
    canonical = {
        "uuid": raw["uuid"],
        "household": raw["household"],
        "campaign": raw["campaign"],
        "outcome": raw["outcome"],
        "visited_at": datetime.fromisoformat(raw["visited_at"]).astimezone(UTC).isoformat(),
        "seconds": raw.get("seconds"),
        "resident": raw.get("resident"),
        "met_other": raw.get("met_other", ""),
        "topics": raw.get("topics", []),
        "note": raw.get("note", ""),
        "help_given": raw.get("help_given", ""),
        "appointment_at": None,
        "items": items,
        "roster": raw.get("roster", []),
    }
    return hashlib.sha256(json.dumps(canonical, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


# ---- photos


def picture() -> bytes:
    """A JPEG of noise, so that it has several pieces."""
    chance = random.Random(4)
    image = Image.frombytes("RGB", (300, 300), bytes(chance.randrange(256) for _byte in range(300 * 300 * 3)))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=95)
    return file.getvalue()


def put(client: Client, digest: str, piece: bytes, offset: int, *, last: bool = False):
    url = f"{reverse('visits:phone_photo', args=[digest])}?offset={offset}{'&last=1' if last else ''}"
    return client.put(url, piece, content_type="application/octet-stream")


@pytest.fixture
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


def test_a_photo_goes_on_where_it_broke_off_and_becomes_evidence_with_its_visit(round_, cast, login, media):
    content = picture()
    digest = hashlib.sha256(content).hexdigest()
    client = login(cast.visitor)
    url = reverse("visits:phone_photo", args=[digest])
    assert put(client, digest, content[:20_000], 0).json() == {"have": 20_000, "complete": False}
    assert put(client, digest, content[10_000:30_000], 10_000).json()["have"] == 30_000  # overlaps: sent again
    gap = put(client, digest, content[50_000:], 50_000, last=True)
    assert (gap.status_code, gap.json()["have"]) == (409, 30_000)
    assert client.get(url).json() == {"have": 30_000, "complete": False}

    Category.objects.get_or_create(code="lamp", defaults={"name": "路灯"})
    problem = {"kind": "problem", "category": "lamp", "text": "路灯不亮", "photo_sha256": digest}
    raw = round_.raw(items=[problem])
    [receipt] = send(client, visit(raw))
    assert (receipt["code"], receipt["field"]) == ("photo_missing", "items.0.photo_sha256")
    assert not Visit.objects.exists()

    assert put(client, digest, content[30_000:], 30_000, last=True).json() == {"have": len(content), "complete": True}
    assert send(client, visit(raw))[0]["result"] == "stored"
    assert VisitItem.objects.get().issue.attachments.count() == 1
    inline = raw | {"items": [{**problem, "photo_sha256": ""}]}
    assert send(client, visit(inline))[0]["result"] == "conflict kept"


def test_a_photo_with_other_content_than_it_says_is_thrown_away(cast, login, media):
    client, digest = login(cast.visitor), "a" * 64
    answer = put(client, digest, b"not it", 0, last=True)
    assert (answer.status_code, answer.json()["code"], answer.json()["have"]) == (409, "wrong_content", 0)
    assert photos.have(user=cast.visitor.pk, digest=digest) == (0, False)


def test_photos_of_one_phone_are_not_anothers(cast, login, media):
    content = picture()
    digest = hashlib.sha256(content).hexdigest()
    put(login(cast.visitor), digest, content, 0, last=True)
    assert login(cast.second_visitor).get(reverse("visits:phone_photo", args=[digest])).json()["have"] == 0


def test_photos_too_large_too_many_or_out_of_place_are_refused(cast, login, media, monkeypatch):
    client = login(cast.visitor)
    assert put(client, "b" * 64, b"x", 10**8 - 1).status_code == 409
    for offset in ("-1", "x", "", "9" * 30, "²"):
        url = f"{reverse('visits:phone_photo', args=['b' * 64])}?offset={offset}"
        assert client.put(url, b"x", content_type="application/octet-stream").status_code == 400
    assert put(client, "b" * 64, b"x" * (600 * 1024), 0).status_code == 400
    monkeypatch.setattr(photos, "MAX_WAITING", 2)
    assert [put(client, letter * 64, b"x", 0).status_code for letter in "cde"] == [200, 200, 409]


def test_photos_no_visit_named_are_swept_after_two_weeks(cast, login, media):
    import os

    put(login(cast.visitor), "c" * 64, b"x", 0)
    assert photos.sweep() == 0
    [file] = list((Path(settings.MEDIA_ROOT) / "phone-photos").glob("*/*"))
    os.utime(file, (0, 0))
    assert photos.sweep() == 1
    assert photos.have(user=cast.visitor.pk, digest="c" * 64) == (0, False)
