"""Results of a round: counts equal the rows', estimates equal estimate.py's, small groups are not shown."""

from __future__ import annotations

import copy
import random
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from surveys import answers, estimate, moments, results, tallying
from surveys.actions import asking
from surveys.models import Axis, Response, Tally
from surveys.results import Measure
from tests.surveys.make import NOT_SAFE, SAFE, SAFETY, open_round, published, take

pytestmark = pytest.mark.django_db

RICH = copy.deepcopy(SAFETY)
RICH["items"] += [
    {"key": "age", "kind": "number", "text": "您今年多大？", "is_optional": True},
    {
        "key": "organs",
        "kind": "matrix",
        "text": "您对下列机关满意吗？",
        "dimension": "满意度",
        "rows": [{"key": "police", "label": "公安"}, {"key": "court", "label": "法院"}],
        "options": [
            {"code": "good", "label": "满意", "marks": "10"},
            {"code": "fair", "label": "基本满意", "marks": "6"},
            {"code": "bad", "label": "不满意", "marks": "0"},
        ],
    },
]


def person(chance):
    """Somebody's answers."""
    given = {"lives_here": chance.choice(["yes", "yes", "yes", "no"])}
    if given["lives_here"] == "yes":
        given["safe"] = chance.choice(["1", "2", "3", "4", "5", "5", {"declined": "refused"}])
        if given["safe"] in ("1", "2", "3"):
            given["worries"] = chance.sample(["fraud", "theft", "traffic"], 2)
    if chance.random() < 0.5:
        given["age"] = str(chance.randint(18, 90))
    rate = ["good", "good", "fair", "bad", {"declined": "dont_know"}]
    given["organs"] = {"police": chance.choice(rate), "court": chance.choice(rate)}
    return given


@pytest.fixture
def drawn(cast):
    """A round with 120 answers of a drawn sample: strata, clusters, weights."""
    survey_round = open_round(cast, published(cast, RICH))
    chance = random.Random(7)
    for _number in range(120):
        stratum = chance.choice("AB")
        village = chance.choice([cast.shiqiao, cast.luzhou, cast.qingxi, cast.district])
        respondent = asking.Respondent(
            unit=village,
            sex=chance.choice(["male", "female", ""]),
            age_band=chance.choice(["18-29", "60+"]),
            stratum=stratum,
            cluster=stratum + chance.choice("123456") if stratum == "A" else "",
            weight=chance.choice([1.0, 2.5, 0.7]),
        )
        take(survey_round, cast, person(chance), respondent=respondent, channel=chance.choice(["qr", "phone"]))
    asking.close_round(survey_round=survey_round, by=cast.district_office)
    return survey_round


def rows_of(measure, survey_round, responses):
    """What estimate.py needs, from the rows: the sample, numerators, denominators."""
    content = survey_round.version.parsed
    above, below = [], []
    for response in responses:
        a = b = None
        if measure.item == "*flag":
            a, b = float(bool(measure.codes & set(response.flags))), 1.0
        elif measure.item == "*score":
            got = {
                item: answers.marks(item, response.answers.get(item.key))
                for item in content.items
                if item.top_marks and measure.value in ("", item.dimension)
            }
            got = {item: float(mark) for item, mark in got.items() if mark is not None}
            if got:
                a, b = sum(got.values()), float(sum(item.top_marks for item in got))
        else:
            key, _dot, row = measure.item.partition(".")
            answer = response.answers.get(key)
            answer = answer.get(row) if row and isinstance(answer, dict) else answer
            if answer is not None and not answers.is_declined(answer):
                chosen = answer if isinstance(answer, list) else [answer]
                a = float(bool(measure.codes & set(chosen))) if measure.is_share else float(answer)
                b = 1.0
        above.append(a)
        below.append(b)
    strata = [response.stratum for response in responses]
    clusters = [response.cluster or response.pk for response in responses]
    sample = estimate.Sample([response.weight for response in responses], (estimate.Stage(strata, clusters),))
    return sample, above, below


@pytest.mark.parametrize("axis", Axis.values)
def test_every_estimate_from_the_counts_equals_the_one_from_the_rows(drawn, cast, axis):
    responses = list(Response.objects.filter(round=drawn).select_related("unit").order_by("pk"))
    part_of = {
        "all": lambda row: "",
        "week": lambda row: row.week.isoformat(),
        "channel": lambda row: row.channel,
        "sex": lambda row: row.sex,
        "age": lambda row: row.age_band,
    }[axis]
    known = results.measures(drawn.version.parsed)
    assert {"score", "d0", "d1", "i.safe", "i.lives_here", "i.worries.fraud", "i.age", "i.organs.court"} <= set(known)
    compared = 0
    for measure in known.values():
        sample, above, below = rows_of(measure, drawn, responses)
        for place in (cast.district, cast.qingxi):
            counts = results.read(drawn, place=place, axis=axis, measure=measure)
            for part in {part_of(row) for row in responses}:
                domain = [row.unit.code.startswith(place.code) and part_of(row) == part for row in responses]
                found = counts.estimate(measure, place.code, axis, part)
                if found is None:
                    assert not any(inside and b is not None for inside, b in zip(domain, below, strict=True))
                    continue
                wanted = estimate.ratio(sample, above, below, domain)
                assert (found.n, found.design.degrees_of_freedom) == (wanted.n, sample.degrees_of_freedom)
                assert found.value == pytest.approx(wanted.value, rel=1e-9)
                assert found.variance == pytest.approx(wanted.variance, rel=1e-6, abs=1e-12)
                if measure.is_share:
                    assert found.share_interval == pytest.approx(estimate.wilson(wanted), rel=1e-6)
                compared += 1
    assert compared > 10


def test_differences_and_rank_ranges_of_units_equal_those_from_the_rows(drawn, cast):
    measure = results.measures(drawn.version.parsed)["i.safe"]
    responses = list(Response.objects.filter(round=drawn).select_related("unit").order_by("pk"))
    sample, above, below = rows_of(measure, drawn, responses)
    counts = results.read(drawn, place=cast.district, measure=measure)
    codes = [cast.qingxi.code, cast.bailu.code]
    by_counts = {code: counts.estimate(measure, code) for code in codes}
    by_rows = {
        code: estimate.ratio(sample, above, below, [row.unit.code.startswith(code) for row in responses])
        for code in codes
    }
    wanted = estimate.difference(by_rows[codes[0]], by_rows[codes[1]])
    found = moments.difference(by_counts[codes[0]], by_counts[codes[1]])
    assert (found.value, found.standard_error, found.p) == pytest.approx(
        (wanted.value, wanted.standard_error, wanted.p), rel=1e-6
    )
    assert moments.rank_ranges(by_counts) == estimate.rank_ranges(by_rows)


def test_counts_kept_bit_by_bit_hold_and_a_damaged_one_is_found_and_counted_anew(cast):
    survey_round = open_round(cast)
    for batch in range(3):
        for number in range(5 + batch):
            take(survey_round, cast, SAFE if number % 2 else NOT_SAFE)
        asking.store_waiting(survey_round=survey_round)
    assert tallying.differences(survey_round) == []
    one = Tally.objects.get(round=survey_round, place=cast.district.code, axis="all", item="*")
    assert (one.n, one.w) == (18, 18)
    call_command("recount_surveys", "--check", stdout=StringIO())
    Tally.objects.filter(pk=one.pk).update(n=19)
    with pytest.raises(CommandError):
        call_command("recount_surveys", "--check", stdout=StringIO())
    call_command("recount_surveys", stdout=StringIO())
    assert tallying.differences(survey_round) == []
    assert Tally.objects.get(round=survey_round, place=cast.district.code, axis="all", item="*").n == 18


def test_a_named_round_counts_each_answer_as_it_comes(cast):
    survey_round = open_round(cast, is_anonymous=False)
    take(survey_round, cast, by=cast.visitor)
    take(survey_round, cast, NOT_SAFE, by=cast.visitor)
    assert tallying.differences(survey_round) == []
    assert Tally.objects.get(round=survey_round, place=cast.shiqiao.code, item="*").n == 2


def test_a_round_with_fewer_than_ten_answers_shows_no_figure(cast):
    survey_round = open_round(cast)
    for _number in range(9):
        take(survey_round, cast)
    asking.store_waiting(survey_round=survey_round)
    counts = results.read(survey_round, place=cast.district)
    assert counts.respondents == 0
    assert all(one.is_hidden and not one.options for one in counts.distributions(survey_round.version.parsed))
    score = results.measures(survey_round.version.parsed)["score"]
    assert counts.figure(score) == results.HIDDEN
    assert all(line.figure == results.HIDDEN for line in counts.by_unit(score, {cast.qingxi.code: "x"}))


def test_a_trend_shows_the_rounds_that_have_the_measure(cast):
    version = published(cast)
    today = timezone.localdate()
    rounds = [
        open_round(cast, version, name=f"第{number}轮", starts_on=today - timedelta(days=10 - number))
        for number in range(3)
    ]
    for survey_round in rounds[:2]:
        for _number in range(12):
            take(survey_round, cast)
        asking.store_waiting(survey_round=survey_round)
    points = results.trend(rounds, "i.safe", cast.district)
    assert [(point.round, point.figure.n, point.figure.value) for point in points] == [
        (rounds[0], 12, 100),
        (rounds[1], 12, 100),
    ]
    assert results.trend(rounds, "i.nothing", cast.district) == []


def test_what_a_multiple_item_is_out_of_is_those_who_named_anything(cast):
    measure = Measure("", "", "", "worries", "~given", frozenset({"fraud"}), is_share=True)
    survey_round = open_round(cast)
    for number in range(20):
        worries = ["fraud"] if number < 5 else ["theft", "traffic"]
        take(survey_round, cast, NOT_SAFE | {"worries": worries})
    asking.store_waiting(survey_round=survey_round)
    figure = results.read(survey_round, place=cast.district).figure(measure)
    assert (figure.n, figure.value) == (20, 25)
    assert figure.low < 25 < figure.high
