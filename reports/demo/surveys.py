"""Surveys of the demo: a round of the safety poll that has ended, one being asked, and a questionnaire in writing."""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from random import Random
from typing import Any

from outreach.models import Unit, User
from surveys import questionnaire
from surveys.actions import asking, writing
from surveys.models import AgeBand, Channel, Round, Sex, Version
from surveys.presets import PRESETS
from surveys.questionnaire import Content, Item, Kind

# how likely each step of a scale is, from the lowest up, and a "don't know"
STEPS = (1, 3, 10, 34, 46)
DONT_KNOW = 0.06


def add_surveys(random: Random, staff: dict[str, User], today: date) -> None:
    """Publish the poll and ask it twice; leave another questionnaire as a draft."""
    office = staff["O001"]
    district = Unit.objects.districts().get(code="439900")
    content = PRESETS["safety"].build()
    draft = writing.create_questionnaire(
        district=district, name="公众安全感测评", content=questionnaire.to_json(content), by=office
    )
    version = writing.publish(version=draft, saves=draft.saves, by=office)
    pulse = questionnaire.to_json(PRESETS["pulse"].build())
    writing.create_questionnaire(district=district, name="安全感月度快测", content=pulse, by=office)
    villages = list(Unit.objects.villages().filter(code__startswith=district.code).order_by("code"))
    # answers are taken for days up to today alone, so a round that has ended is asked first and closed
    first = _round("第一轮自测", version, today - timedelta(days=75), today, 90, office)
    _answers(random, first, content, villages, 84, today - timedelta(days=50))
    asking.close_round(survey_round=first, by=office)
    second = _round("第二轮自测", version, today - timedelta(days=12), today + timedelta(days=16), 200, office)
    _answers(random, second, content, villages, 63, today)
    asking.store_waiting(survey_round=second)


def _round(name: str, version: Version, starts_on: date, ends_on: date, target: int, by: User) -> Round:
    values = Round(
        district=version.questionnaire.district,
        version=version,
        name=name,
        starts_on=starts_on,
        ends_on=ends_on,
        channels=[channel.value for channel in Channel],
        target=target,
    )
    return asking.open_round(survey_round=asking.save_round(values=values, by=by), by=by)


def _answers(
    random: Random, survey_round: Round, content: Content, villages: list[Unit], count: int, until: date
) -> None:
    days = min((until - survey_round.starts_on).days, 20)
    for _number in range(count):
        respondent = asking.Respondent(
            unit=random.choice(villages),
            sex=random.choice(Sex.values),
            age_band=random.choices(AgeBand.values, [18, 24, 30, 24, 4])[0],
        )
        channel = random.choices([Channel.QR, Channel.DOOR, Channel.PHONE], [6, 3, 1])[0]
        asking.take_answers(
            survey_round=survey_round,
            number=uuid.UUID(int=random.getrandbits(128), version=4),
            given={item.key: answer(random, item) for item in content.items},
            channel=channel,
            respondent=respondent,
            seconds={item.key: random.randint(3, 25) for item in content.items},
            is_assisted=channel == Channel.DOOR,
            answered_on=until - timedelta(days=random.randint(0, days)),
        )


def answer(random: Random, item: Item) -> Any:
    """Return an answer to an item as somebody may give it."""
    if random.random() < DONT_KNOW:
        return {"declined": "dont_know"}
    if item.kind == Kind.YES_NO:
        return "yes" if random.random() < 0.6 else "no"
    return random.choices([option.code for option in item.options], STEPS)[0]
