"""A phone's queue handed in as a file: as its author's, once, by somebody above."""

from __future__ import annotations

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from outreach.models import AuditEvent
from visits import actions
from visits.models import Visit

URL = reverse("visits:queue_upload")


def upload(client, content):
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    return client.post(URL, {"file": SimpleUploadedFile("queue.json", data)})


def saved(cast, *raw, **values):
    items = [{"kind": "visit", "visit": one} for one in raw]
    return {"program": "outreach", "version": 1, "staff_number": cast.visitor.staff_number, "items": items} | values


def test_a_queue_file_is_stored_as_its_authors_and_only_once(round_, cast, login):
    first, second = round_.raw(), round_.raw(household=round_.doors[1].pk)
    actions.sync.take_visit(by=cast.visitor, raw=first)
    client = login(cast.township_admin)
    page = upload(client, saved(cast, first, second, round_.raw(household=round_.foreign.pk), {"uuid": 5}))
    assert page.status_code == 200
    assert [count for _label, count, _tone in page.context["counts"]] == [1, 1, 0, 2]
    assert [place for place, _message in page.context["refused"]] == [3, 4]
    assert set(Visit.objects.values_list("visitor", flat=True)) == {cast.visitor.pk}
    event = AuditEvent.objects.get(action="queue.upload")
    assert (event.actor_id, event.detail["stored"], event.detail["rows"]) == (cast.township_admin.pk, 1, 4)
    assert "张三" not in json.dumps(event.detail, ensure_ascii=False)
    upload(client, saved(cast, first, second))
    assert Visit.objects.count() == 2


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"junk",
        b"[]",
        b"\xff\xfe",
        b"[" * 100_000,
        {"program": "other", "items": [1]},
        {"program": "outreach", "items": []},
        {"program": "outreach", "items": "x"},
        {"program": "outreach", "items": [1], "staff_number": "nobody"},
        {"program": "outreach", "items": [1], "staff_number": "\x00"},
        {"program": "outreach", "items": [1], "staff_number": 5},
        {"program": "outreach", "items": [1] * 2001, "staff_number": "x"},
    ],
)
def test_any_other_file_is_refused_with_what_to_do(cast, login, content):
    page = upload(login(cast.township_admin), content)
    assert page.status_code == 422
    assert page.context["form"].errors["file"]
    assert not Visit.objects.exists()


def test_the_queue_of_somebody_out_of_reach_is_refused(round_, cast, login):
    assert upload(login(cast.outside_admin), saved(cast, round_.raw())).status_code == 422
    assert upload(login(cast.township_admin), saved(cast, 1, staff_number=cast.leader.staff_number)).status_code == 422
    assert not Visit.objects.exists()
