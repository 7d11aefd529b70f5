"""Pages and files of a round's results."""

from __future__ import annotations

import csv
import io
import random

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from docx import Document
from openpyxl import load_workbook

from outreach.models import AuditEvent
from surveys.actions import asking
from surveys.actions.asking import Respondent
from tests.surveys.make import NOT_SAFE, SAFE, open_round, published, take
from tests.surveys.test_results import RICH, person

pytestmark = pytest.mark.django_db
PAGES = ("result_overview", "result_breakdown", "result_trend")


def url(name, survey_round, **asked):
    query = "&".join(f"{key}={value}" for key, value in asked.items())
    return reverse(f"surveys:{name}", args=[survey_round.pk]) + (f"?{query}" if query else "")


@pytest.fixture
def answered(cast):
    """A round that 60 answered: 6 of them in 白鹭镇."""
    survey_round = open_round(cast, published(cast, RICH))
    chance = random.Random(3)
    for number in range(60):
        unit = cast.luzhou if number < 6 else cast.shiqiao if number < 30 else cast.liutang
        respondent = Respondent(unit=unit, sex=chance.choice(["male", "female"]), age_band="60+")
        take(survey_round, cast, person(chance), respondent=respondent)
    asking.close_round(survey_round=survey_round, by=cast.district_office)
    return survey_round


def add_answers(survey_round, cast, count):
    asking.Round.objects.filter(pk=survey_round.pk).update(state="open")
    for number in range(count):
        take(survey_round, cast, SAFE if number % 2 else NOT_SAFE)
    asking.store_waiting(survey_round=survey_round)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_of_results_costs_at_most_eight_queries_at_any_number_of_answers(client, cast, name):
    survey_round = open_round(cast)
    add_answers(survey_round, cast, 12)
    client.force_login(cast.leader)
    client.get(url(name, survey_round))
    counts = []
    for _turn in range(2):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert client.get(url(name, survey_round)).status_code == 200
        counts.append(len(queries))
        add_answers(survey_round, cast, 40)
    assert counts[0] == counts[1] <= 8, "\n".join(query["sql"][:60] + query["sql"][-60:] for query in queries)


def test_a_small_township_and_the_one_that_would_give_it_away_are_not_shown(client, cast, answered):
    client.force_login(cast.leader)
    page = client.get(url("result_breakdown", answered, measure="i.lives_here"))
    hidden = {line.name: line.figure.is_hidden for line in page.context["lines"]}
    assert hidden == {"青溪镇": True, "白鹭镇": True}
    assert page.context["whole"].n == 60
    page = client.get(url("result_overview", answered, unit=cast.bailu.code))
    assert page.context["respondents"] == 0
    page = client.get(url("result_breakdown", answered, measure="i.lives_here", by="sex", unit=cast.qingxi.code))
    assert all(line.figure.is_hidden for line in page.context["lines"])


def test_the_page_shows_every_item_with_its_number_and_interval(client, cast, answered):
    client.force_login(cast.leader)
    page = client.get(url("result_overview", answered))
    text = page.content.decode()
    assert page.context["respondents"] == 60
    shown = {each.item.key: each for each in page.context["items"] if each.main}
    figure = shown["lives_here"].main[1]
    assert figure.n == 60 and figure.low < figure.value < figure.high
    assert str(figure.value) in text and f"{figure.low}–{figure.high}" in text


def test_a_township_sees_its_own_results_alone(client, cast, answered):
    client.force_login(cast.outside_admin)
    for name in PAGES:
        page = client.get(url(name, answered, unit=cast.district.code))
        assert page.status_code == 200
        assert (page.context["place"], page.context["places"]) == (cast.bailu, [cast.bailu])


@pytest.mark.parametrize(
    "query", ["by=zzz", "measure=%00", "unit=zzz", "unit=%00&by=age&measure=i.safe", "measure=" + "9" * 300]
)
def test_what_the_query_string_does_not_know_is_the_page_without_it(client, cast, answered, query):
    client.force_login(cast.district_office)
    for name in PAGES:
        assert client.get(f"{url(name, answered)}?{query}").status_code == 200


def test_results_leave_as_workbook_and_paper_and_the_audit_trail_tells(client, cast, answered):
    client.force_login(cast.district_office)
    book = load_workbook(io.BytesIO(client.post(url("result_workbook", answered)).content))
    assert book.sheetnames == ["得分", "各题", "各单位"]
    rows = list(book["各单位"].iter_rows(values_only=True))
    assert [row[0] for row in rows[3:]] == ["青溪镇", "白鹭镇"]
    assert {row[1] for row in rows[3:]} == {"不足10人"}
    paper = Document(io.BytesIO(client.post(url("result_paper", answered)).content))
    text = "".join(paragraph.text for paragraph in paper.paragraphs)
    assert "收回有效答卷60份" in text
    kinds = [event.detail["kind"] for event in AuditEvent.objects.filter(action="survey.export_results").order_by("pk")]
    assert kinds == ["xlsx", "docx"]
    client.force_login(cast.township_admin)
    assert client.post(url("result_workbook", answered)).status_code == 403


def test_answers_leave_without_keys_weeks_villages_or_words_in_an_order_of_chance(client, cast, answered):
    client.force_login(cast.district_office)
    texts = []
    for _turn in range(2):
        response = client.post(url("response_export", answered))
        texts.append(b"".join(response.streaming_content).decode("utf-8-sig"))
    head, *rows = csv.reader(io.StringIO(texts[0]))
    assert head[:5] == ["乡镇（街道）", "渠道", "性别", "年龄段", "权重"]
    assert len(rows) == 60 and "您还有什么想说的？" not in head
    assert {row[0] for row in rows} == {"青溪镇", ""}  # six in 白鹭镇 are too few to be told apart
    assert sorted(texts[0].splitlines()) == sorted(texts[1].splitlines()) and texts[0] != texts[1]
    stored = [str(pk) for pk in answered.responses.values_list("pk", flat=True)]
    assert not any(pk in texts[0] for pk in stored)
    assert "石桥村" not in texts[0]
    assert AuditEvent.objects.filter(action="survey.export_responses").count() == 2
