"""A survey round with any number of answers, by set-based SQL, for measurements."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from outreach.models import Unit, User
from surveys import questionnaire
from surveys.actions import asking
from surveys.models import Channel, Questionnaire, Round, Version

STEPS = [
    ("1", "很不安全", "0"),
    ("2", "不太安全", "2"),
    ("3", "一般", "5"),
    ("4", "比较安全", "8"),
    ("5", "安全", "10"),
]
ITEMS = 8
# random numbers drawn once a row: a scale's step for each item, one in twenty declined
INSERT = """
INSERT INTO surveys_response (id, round_id, unit_id, channel, week, sex, age_band, is_assisted, answers, seconds,
                              stratum, cluster, weight, flags, is_named)
SELECT gen_random_uuid(), %(round)s, places.ids[1 + n %% array_length(places.ids, 1)],
       (ARRAY['qr', 'door', 'phone'])[1 + n / 7 %% 3], %(week)s::date + 7 * (n / 11 %% 8),
       (ARRAY['male', 'female', ''])[1 + n / 13 %% 3], (ARRAY['18-29', '30-44', '45-59', '60+', ''])[1 + n / 17 %% 5],
       false, drawn.answers, '{}', '', '', 1, '{}', false
FROM generate_series(1, %(count)s) n
CROSS JOIN (SELECT array_agg(id) AS ids FROM outreach_unit WHERE id = ANY(%(places)s)) places
CROSS JOIN LATERAL (
    SELECT jsonb_object_agg('q' || k, CASE WHEN random() < 0.05 THEN '{"declined": "dont_know"}'::jsonb
                                      ELSE to_jsonb((1 + floor(5 * sqrt(random() + n * 0)))::int::text) END) AS answers
    FROM generate_series(1, %(items)s) k
) drawn
"""


def content() -> dict[str, Any]:
    """Return a questionnaire of eight scales in two dimensions."""
    options = [{"code": code, "label": label, "marks": str(marks)} for code, label, marks in STEPS]
    items = [
        {
            "key": f"q{number}",
            "kind": "scale",
            "text": f"第{number}题",
            "dimension": "安全感" if number < 5 else "满意度",
            "options": options,
        }
        for number in range(1, ITEMS + 1)
    ]
    return {"title": "测评", "items": items}


def add(district: Unit, by: User, count: int, name: str = "大批次") -> Round:
    """Write a round with `count` answers in the district's villages, and count them."""
    parsed = questionnaire.from_json(content())
    whole = Questionnaire.objects.create(district=district, name=name, created_by=by)
    version = Version.objects.create(
        questionnaire=whole,
        number=1,
        content=questionnaire.to_json(parsed),
        digest=hashlib.sha256(questionnaire.canonical(parsed).encode()).hexdigest(),
        published_at=timezone.now(),
        published_by=by,
    )
    today = timezone.localdate()
    survey_round = Round.objects.create(
        district=district,
        version=version,
        name=name,
        starts_on=today - timedelta(days=70),
        ends_on=today,
        channels=Channel.values,
        target=count,
        state=Round.State.CLOSED,
        created_by=by,
    )
    places = list(Unit.objects.villages().filter(code__startswith=district.code).values_list("pk", flat=True))
    with connection.cursor() as cursor:
        week = asking.monday(today - timedelta(days=63))
        cursor.execute(
            INSERT,
            {"round": survey_round.pk, "week": week, "count": count, "places": places, "items": ITEMS},
        )
        cursor.execute("ANALYZE surveys_response")
    asking.recount(survey_round=survey_round)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE surveys_tally")
    return survey_round
