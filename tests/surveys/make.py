"""Questionnaires and rounds for the tests."""

from __future__ import annotations

import hashlib
import uuid
from datetime import date, timedelta
from typing import Any

from django.utils import timezone

from outreach.models import Unit, User
from surveys import questionnaire
from surveys.actions import asking, writing
from surveys.actions.asking import Respondent
from surveys.models import Channel, Questionnaire, Round, Version
from tests.cast import Cast

SAFETY: dict[str, Any] = {
    "title": "公众安全感测评",
    "intro": "您好，耽误您几分钟。",
    "items": [
        {
            "key": "lives_here",
            "kind": "yes_no",
            "text": "您是否在本地居住半年以上？",
            "options": [{"code": "yes", "label": "是"}, {"code": "no", "label": "否"}],
        },
        {
            "key": "safe",
            "kind": "scale",
            "text": "您觉得所在地安全吗？",
            "explanation": "指您日常生活、出行时的感受。",
            "dimension": "安全感",
            "options": [
                {"code": "1", "label": "很不安全", "marks": "0"},
                {"code": "2", "label": "不太安全", "marks": "2"},
                {"code": "3", "label": "一般", "marks": "5"},
                {"code": "4", "label": "比较安全", "marks": "8"},
                {"code": "5", "label": "安全", "marks": "10"},
            ],
            "show_if": {"any": False, "rules": [{"item": "lives_here", "op": "is", "value": "yes"}]},
        },
        {
            "key": "worries",
            "kind": "multi",
            "text": "您最担心哪些问题？",
            "shuffle": True,
            "max_choices": 2,
            "options": [
                {"code": "fraud", "label": "电信诈骗"},
                {"code": "theft", "label": "盗窃"},
                {"code": "traffic", "label": "交通安全"},
            ],
            "show_if": {"any": False, "rules": [{"item": "safe", "op": "at_most", "value": "3"}]},
        },
        {"key": "more", "kind": "text", "text": "您还有什么想说的？", "is_optional": True, "max_length": 50},
    ],
}
SAFE = {"lives_here": "yes", "safe": "5"}
NOT_SAFE = {"lives_here": "yes", "safe": "2", "worries": ["fraud"]}


def ask_round(district: Unit, by: User) -> Round:
    """A round being asked in `district`, made without asking who may."""
    content = questionnaire.from_json(SAFETY)
    version = Version.objects.create(
        questionnaire=Questionnaire.objects.create(district=district, name="安全感", created_by=by),
        number=1,
        content=questionnaire.to_json(content),
        digest=hashlib.sha256(questionnaire.canonical(content).encode()).hexdigest(),
        published_at=timezone.now(),
        published_by=by,
    )
    today = timezone.localdate()
    return Round.objects.create(
        district=district,
        version=version,
        name="第一轮",
        starts_on=today - timedelta(days=10),
        ends_on=today + timedelta(days=10),
        channels=[channel.value for channel in Channel],
        state=Round.State.OPEN,
        created_by=by,
    )


def published(cast: Cast, content: dict[str, Any] | None = None, name: str = "安全感") -> Version:
    """A published version of the questionnaire."""
    draft = writing.create_questionnaire(
        district=cast.district, name=name, content=content or SAFETY, by=cast.district_office
    )
    return writing.publish(version=draft, saves=draft.saves, by=cast.district_office)


def open_round(cast: Cast, version: Version | None = None, **values: Any) -> Round:
    """A round being asked now, at the door, by phone and by QR."""
    today = timezone.localdate()
    fields: dict[str, Any] = {
        "district": cast.district,
        "version": version or published(cast),
        "name": "第一轮",
        "starts_on": today - timedelta(days=10),
        "ends_on": today + timedelta(days=10),
        "channels": [channel.value for channel in Channel],
    }
    made = asking.save_round(values=Round(**fields | values), by=cast.district_office)
    return asking.open_round(survey_round=made, by=cast.district_office)


def take(survey_round: Round, cast: Cast, given: dict[str, Any] | None = None, **values: Any) -> asking.Taken:
    """Send one person's answers."""
    fields: dict[str, Any] = {
        "number": uuid.uuid4(),
        "channel": "qr",
        "respondent": Respondent(unit=cast.shiqiao),
        "answered_on": date.today(),
    }
    return asking.take_answers(survey_round=survey_round, given=given or SAFE, **fields | values)
