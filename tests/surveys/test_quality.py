"""Signs that a response is odd."""

from __future__ import annotations

import pytest

from surveys import questionnaire, results
from surveys.actions import asking
from surveys.models import Response
from surveys.quality import flags, same
from tests.surveys.make import SAFE, open_round, take

FIVE = [{"code": str(n), "label": f"第{n}级"} for n in range(1, 6)]
CONTENT = questionnaire.from_json(
    {"title": "t", "items": [{"key": f"q{n}", "kind": "scale", "text": "?", "options": FIVE} for n in range(6)]}
)
VARIED = {f"q{n}": str(n % 5 + 1) for n in range(6)}


def test_answers_faster_than_one_reads_are_a_sign():
    assert flags(CONTENT, VARIED, dict.fromkeys(VARIED, 1)) == ["speeding"]
    assert flags(CONTENT, VARIED, dict.fromkeys(VARIED, 4)) == []
    assert flags(CONTENT, VARIED, {"q0": 0}) == []  # one time says nothing


def test_the_same_place_all_along_is_a_sign_and_declining_nearly_all():
    assert flags(CONTENT, dict.fromkeys(VARIED, "3"), {}) == ["straight"]
    declined = {key: {"declined": "refused"} for key in VARIED}
    assert flags(CONTENT, declined | {"q0": "1"}, {}) == ["declined"]


def test_the_same_answers_to_everything_are_a_sign_where_several_come_together():
    assert same([VARIED] * 4 + [VARIED | {"q0": "2"}]) == [True] * 4 + [False]
    assert same([SAFE] * 9) == [False] * 9  # two answers alike are nothing odd


@pytest.mark.django_db
def test_signs_are_counted_and_no_answer_is_left_out(cast):
    survey_round = open_round(cast)
    fast = {"lives_here": 1, "safe": 0, "more": 1}
    for number in range(20):
        take(survey_round, cast, SAFE | {"more": "好"}, seconds=fast if number < 5 else dict.fromkeys(fast, 9))
    asking.store_waiting(survey_round=survey_round)
    assert Response.objects.filter(flags=["speeding"]).count() == 5
    counts = results.read(survey_round, place=cast.district)
    figure = counts.figure(results.measures(survey_round.version.parsed)["q.speeding"])
    assert (figure.n, figure.value, counts.respondents) == (20, 25, 20)
