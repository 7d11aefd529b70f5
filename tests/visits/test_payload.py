"""What a phone may send, by shape alone."""

import base64
import json
from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from visits.payload import PayloadError, parse

UUID = "8f14e45f-ceea-467f-a0b1-2f1d5f1c9a11"


def raw(**fields):
    return {
        "uuid": UUID,
        "household": 7,
        "campaign": 3,
        "outcome": "met",
        "visited_at": "2026-03-02T10:00:00+08:00",
        **fields,
    }


def refusal(**fields) -> tuple[str, str]:
    with pytest.raises(PayloadError) as caught:
        parse(raw(**fields))
    assert str(caught.value.message)
    return caught.value.field, caught.value.code


def test_parse_of_a_full_visit_keeps_every_word():
    payload = parse(
        raw(
            seconds=45,
            resident=9,
            topics=[2, 1, 2],
            note=" 老人腿脚不便 ",
            help_given="帮助挑水",
            appointment_at="2026-03-05T19:00:00+08:00",
            items=[
                {"kind": "problem", "category": "road", "text": "路灯坏了", "urgent": True, "photo": "aGk="},
                {"kind": "need", "text": "想办残疾证"},
            ],
            roster=[{"resident": 9, "phone": "13800000000"}, {"resident": None, "name": "张小三"}],
        )
    )
    assert payload.topics == (1, 2)
    assert payload.note == "老人腿脚不便"
    assert [(item.kind, item.is_urgent, item.photo) for item in payload.items] == [
        ("problem", True, b"hi"),
        ("need", False, b""),
    ]
    assert [(change.resident, dict(change.values)) for change in payload.changes] == [
        (9, {"phone": "13800000000"}),
        (None, {"name": "张小三"}),
    ]


def test_digest_is_blind_to_order_spacing_and_time_zone():
    one = parse(raw(topics=[1, 2], note="好 "))
    other = parse(dict(reversed(raw(topics=[2, 1], note="好", visited_at="2026-03-02T02:00:00Z").items())))
    assert one.digest() == other.digest()


@pytest.mark.parametrize(
    "change",
    [
        {"note": "二"},
        {"outcome": "refused"},
        {"household": 8},
        {"campaign": None},
        {"visited_at": "2026-03-02T10:00:01+08:00"},
        {"topics": [1]},
        {"items": [{"kind": "need", "text": "二"}]},
        {"items": [{"kind": "problem", "category": "road", "text": "灯", "photo": "aGk="}]},
        {"roster": [{"resident": 9, "name": "张"}]},
    ],
)
def test_digest_tells_other_content_apart(change):
    assert parse(raw()).digest() != parse(raw(**change)).digest()


def test_parse_round_trips_through_its_own_json():
    payload = parse(raw(items=[{"kind": "problem", "category": "road", "text": "灯", "photo": "aGk="}], topics=[1]))
    assert parse(json.loads(json.dumps(payload.as_json(with_photos=True)))) == payload


@pytest.mark.parametrize(
    ("fields", "where", "code"),
    [
        ({"uuid": None}, "uuid", "bad_uuid"),
        ({"uuid": "x" * 36}, "uuid", "bad_uuid"),
        ({"household": "7"}, "household", "wrong_type"),
        ({"household": True}, "household", "wrong_type"),
        ({"household": 0}, "household", "wrong_type"),
        ({"household": 10**30}, "household", "wrong_type"),
        ({"household": 1.5}, "household", "wrong_type"),
        ({"household": None}, "household", "wrong_type"),
        ({"campaign": -1}, "campaign", "wrong_type"),
        ({"outcome": "danced"}, "outcome", "unknown_outcome"),
        ({"outcome": 5}, "outcome", "wrong_type"),
        ({"visited_at": None}, "visited_at", "missing"),
        ({"visited_at": "yesterday"}, "visited_at", "bad_time"),
        ({"visited_at": "2026-02-30T10:00"}, "visited_at", "bad_time"),
        ({"visited_at": "9999-12-31T23:59:59-12:00"}, "visited_at", "bad_time"),
        ({"visited_at": "0001-01-01T00:00:00+12:00"}, "visited_at", "bad_time"),
        ({"visited_at": 1772416800}, "visited_at", "bad_time"),
        ({"appointment_at": "2026-03-01T10:00+08:00"}, "appointment_at", "appointment_out_of_range"),
        ({"appointment_at": "2027-03-01T10:00+08:00"}, "appointment_at", "appointment_out_of_range"),
        ({"seconds": -1}, "seconds", "wrong_type"),
        ({"seconds": "5"}, "seconds", "wrong_type"),
        ({"note": "长" * 10_000}, "note", "too_long"),
        ({"note": "a\x00b"}, "note", "bad_character"),
        ({"note": "a\ud800"}, "note", "bad_character"),
        ({"note": ["a"]}, "note", "wrong_type"),
        ({"topics": "1"}, "topics", "wrong_type"),
        ({"topics": list(range(1, 100))}, "topics", "too_many"),
        ({"topics": [None]}, "topics", "wrong_type"),
        ({"items": {"kind": "need"}}, "items", "wrong_type"),
        ({"items": ["need"]}, "items.0", "wrong_type"),
        ({"items": [{"kind": "song", "text": "a"}]}, "items.0.kind", "unknown_kind"),
        ({"items": [{"kind": "need", "text": " "}]}, "items.0.text", "missing"),
        ({"items": [{"kind": "need", "text": "a"}, {"kind": "problem", "text": "a"}]}, "items.1.category", "missing"),
        ({"items": [{"kind": "need", "text": "a", "urgent": True}]}, "items.0", "problem_only"),
        ({"items": [{"kind": "problem", "category": "c", "text": "a", "urgent": 1}]}, "items.0.urgent", "wrong_type"),
        ({"items": [{"kind": "problem", "category": "c", "text": "a", "photo": "%"}]}, "items.0.photo", "bad_photo"),
        ({"items": [{"kind": "need", "text": "a"}] * 21}, "items", "too_many"),
        ({"roster": [{"resident": 1}]}, "roster.0", "missing"),
        ({"roster": [{"name": ""}]}, "roster.0.name", "missing"),
        ({"roster": [{"resident": 1, "id_number": "x"}]}, "roster.0", "unknown_field"),
        ({"outcome": "nobody_home", "resident": 3}, "resident", "nobody_was_met"),
        ({"gps": [1, 2]}, "", "unknown_field"),
    ],
)
def test_parse_refuses(fields, where, code):
    assert refusal(**fields) == (where, code)


def test_parse_refuses_a_photo_over_five_megabytes():
    photo = base64.b64encode(b"x" * (5 * 1024 * 1024 + 1)).decode()
    fields = {"items": [{"kind": "problem", "category": "c", "text": "a", "photo": photo}]}
    assert refusal(**fields) == ("items.0.photo", "photo_too_big")


@pytest.mark.parametrize("value", [None, [], "text", 5, True])
def test_parse_refuses_what_is_no_object(value):
    with pytest.raises(PayloadError):
        parse(value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children, max_size=3),
    max_leaves=8,
)


@given(
    st.sampled_from(
        sorted(
            raw(
                seconds=1,
                resident=1,
                met_other="",
                topics=[],
                note="",
                help_given="",
                appointment_at=None,
                items=[],
                roster=[],
            )
        )
    ),
    json_values,
)
def test_parse_answers_junk_in_any_field_with_a_payload_error_or_a_payload(name, value):
    try:
        payload = parse(raw(**{name: value}))
    except PayloadError:
        return
    assert len(payload.digest()) == 64


def test_naive_time_is_read_by_the_districts_clock():
    here = timezone.localtime().replace(microsecond=0, tzinfo=None)
    assert parse(raw(visited_at=here.isoformat())).visited_at - timezone.make_aware(here) == timedelta(0)
