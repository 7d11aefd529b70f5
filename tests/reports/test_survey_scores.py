"""The own survey's score as an indicator of the schemes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from outreach.models import Unit
from reports import survey_scores
from surveys.actions import asking
from surveys.actions.asking import Respondent
from tests.scenery import make_campaign
from tests.surveys.make import NOT_SAFE, SAFE, open_round, take

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign(cast):
    """A running campaign of both townships."""
    return make_campaign(cast.district, [cast.qingxi, cast.bailu], cast.district_office)


def test_the_last_ended_round_of_the_campaign_gives_each_shown_unit_its_score(cast, campaign):
    today = timezone.localdate()
    survey_round = open_round(cast, campaign=campaign, ends_on=today)
    for number in range(40):
        take(survey_round, cast, SAFE if number % 4 else NOT_SAFE, respondent=Respondent(unit=cast.shiqiao))
    for _number in range(20):
        take(survey_round, cast, SAFE, respondent=Respondent(unit=cast.luzhou))
    units = list(Unit.objects.all())
    assert survey_scores.read(campaign, first=None, last=today, units=units) == {}  # it has not ended
    asking.close_round(survey_round=survey_round, by=cast.district_office)
    found = survey_scores.read(campaign, first=None, last=today, units=units)
    township = found[cast.qingxi.code]
    assert (township.value, township.denominator) == (80, 40)
    assert found[cast.bailu.code].value == 100
    assert cast.liutang.code not in found
    before = today - timedelta(days=1)
    assert survey_scores.read(campaign, first=None, last=before, units=units) == {}


def test_a_unit_with_fewer_than_ten_answers_has_no_reading_nor_the_one_that_gives_it_away(cast, campaign):
    today = timezone.localdate()
    survey_round = open_round(cast, campaign=campaign, ends_on=today)
    for number in range(40):
        take(survey_round, cast, respondent=Respondent(unit=cast.luzhou if number < 9 else cast.shiqiao))
    asking.close_round(survey_round=survey_round, by=cast.district_office)
    assert survey_scores.read(campaign, first=None, last=today, units=list(Unit.objects.all())) == {}
