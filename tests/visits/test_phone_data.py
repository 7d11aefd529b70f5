"""What a phone holds offline: its own households, without ID numbers, mended by any later download."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from households.idnumber import encrypt
from households.models import Household, Pairing, Resident
from outreach.models import Campaign
from tests.surveys.make import open_round
from tests.visits.conftest import make_household
from visits import actions, phone_data
from visits.models import Assignment

DATA = reverse("visits:phone_data")


def download(client, **query: str) -> dict[str, Any]:
    response = client.get(DATA, query)
    assert response.status_code == 200
    return response.json()


def have(rows: list[dict[str, Any]]) -> str:
    """The digests a phone would send, computed from its rows as static/js/phone/store.js does."""
    digests = [0] * phone_data.BUCKETS
    for row in rows:
        digests[row["household"] % phone_data.BUCKETS] ^= row["d"]
    return base64.urlsafe_b64encode(b"".join(digest.to_bytes(4) for digest in digests)).decode().rstrip("=")


def applied(rows: list[dict[str, Any]], delta: dict[str, Any]) -> list[dict[str, Any]]:
    """What the phone holds after a delta: the buckets named are replaced whole."""
    kept = [row for row in rows if row["household"] % phone_data.BUCKETS not in delta["buckets"]]
    return sorted(kept + delta["households"], key=lambda row: (row["household"], row.get("campaign", 0)))


def test_the_phone_gets_its_own_households_and_nobody_elses(round_, cast, login):
    data = download(login(cast.visitor))
    assert [row["head"] for row in data["households"]] == ["张三", "李四", "王五"]
    assert {row["campaign"] for row in data["households"]} == {round_.campaign.pk}
    assert len(data["households"][0]["residents"]) == 2
    assert data["user"]["name"] == cast.visitor.name
    assert download(login(cast.second_visitor))["households"] == []


def test_no_id_number_goes_to_the_phone(round_, cast, login):
    Resident.objects.filter(household=round_.door, relation="01").update(
        id_number_encrypted=encrypt("439900199001011234"), id_number_fingerprint="f" * 32
    )
    text = login(cast.visitor).get(DATA).content.decode()
    assert "id_number" not in text and "439900199001011234" not in text and "f" * 32 not in text


def test_closed_campaigns_leave_the_phone_and_paired_households_stay(round_, cast, login):
    Pairing.objects.create(household=round_.doors[2], user=cast.visitor)
    client = login(cast.visitor)
    before = download(client)["households"]
    Campaign.objects.update(state="closed")
    delta = download(client, have=have(before))
    assert [(row["head"], row["paired"]) for row in applied(before, delta)] == [("王五", True)]
    assert "campaign" not in delta["households"][0]


def test_a_delta_brings_what_changed_what_is_new_and_what_is_gone(round_, cast, login):
    client = login(cast.visitor)
    before = download(client)
    nothing = download(client, have=have(before["households"]), shared=before["shared_digest"])
    assert (nothing["buckets"], nothing["households"], nothing["shared"]) == ([], [], None)

    actions.record_visit(by=cast.visitor, payload=round_.payload())
    Resident.objects.filter(household=round_.doors[1]).first().delete()
    Assignment.objects.filter(household=round_.doors[2]).update(visitor=cast.second_visitor, epoch=1)
    new = make_household(cast.shiqiao, 77, "赵六")
    Assignment.objects.create(campaign=round_.campaign, household=new, visitor=cast.visitor)
    delta = download(client, have=have(before["households"]), shared=before["shared_digest"])
    rows = applied(before["households"], delta)
    assert rows == sorted(download(client)["households"], key=lambda row: row["household"])
    assert [row["head"] for row in rows] == ["张三", "李四", "赵六"]
    assert rows[0]["state"] == "met"
    assert len(rows[1]["residents"]) == 1
    assert [visit["outcome"] for visit in delta["visits"]] == ["met"]


def test_a_phone_with_a_broken_copy_is_mended(round_, cast, login):
    client = login(cast.visitor)
    whole = download(client)["households"]
    broken = [{**row, "d": row["d"] ^ 5} for row in whole[1:]]
    assert applied(broken, download(client, have=have(broken))) == whole
    for junk in ("x", "====", "\x00", "A" * 5000, "é"):
        assert download(client, have=junk, shared=junk)["households"] == whole


def test_surveys_asked_at_the_door_come_with_their_frozen_version(round_, cast, login):
    asked = open_round(cast)
    open_round(cast, version=asked.version, name="电话", channels=["phone"])
    [sent] = download(login(cast.visitor))["shared"]["rounds"]
    assert (sent["id"], sent["digest"], sent["content"]) == (asked.pk, asked.version.digest, asked.version.content)


def test_households_that_wish_no_visit_are_marked_with_the_reason(round_, cast, login):
    Household.objects.filter(pk=round_.door.pk).update(
        do_not_visit_reason="静养", do_not_visit_at=timezone.now(), do_not_visit_by=cast.village_clerk
    )
    assert download(login(cast.visitor))["households"][0]["do_not_visit"] == "静养"


def test_the_download_is_small_and_costs_the_same_queries_at_any_length(round_, cast, login):
    client = login(cast.visitor)
    download(client)

    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as caught:
            download(client)
        return len(caught)

    few = queries()
    households = [make_household(cast.shiqiao, number) for number in range(100, 400)]
    Assignment.objects.bulk_create(
        Assignment(campaign=round_.campaign, household=one, visitor=cast.visitor) for one in households
    )
    assert queries() == few
    packed = client.get(DATA, headers={"accept-encoding": "gzip"})
    assert packed["Content-Encoding"] == "gzip"
    plain = client.get(DATA).content
    assert len(json.loads(gzip.decompress(packed.content))["households"]) == 303
    assert len(packed.content) < len(plain) / 4
