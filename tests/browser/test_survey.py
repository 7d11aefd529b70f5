"""A survey in a real browser: asked item by item, nothing lost on the way, sent once."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page, expect

from surveys.actions import asking
from surveys.models import Response, Waiting
from tests.cast import make_cast
from tests.surveys.make import SAFETY, open_round
from tests.surveys.test_questionnaire import PATHS


@pytest.fixture
def cast(live):
    return make_cast()


def start(page: Page, live, survey_round) -> list[str]:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{live.url}/s/{survey_round.code}/")
    return complaints


def test_the_phone_asks_the_same_items_as_the_server(phone, live, cast):
    start(phone, live, open_round(cast))
    asked = phone.evaluate(
        """async ([content, cases]) => {
            const rules = await import("/static/js/survey-rules.js");
            return cases.map((one) => rules.path(content, one.answers).map((item) => item.key));
        }""",
        [SAFETY, PATHS],
    )
    assert asked == [case["asked"] for case in PATHS]


def test_a_resident_answers_on_the_phone_goes_back_and_closes_the_page_and_loses_nothing(phone, live, cast):
    survey_round = open_round(cast)
    complaints = start(phone, live, survey_round)
    phone.get_by_role("button", name="开始").click()
    expect(phone.get_by_text("您是否在本地居住半年以上？")).to_be_visible()
    assert phone.locator("input:checked").count() == 0  # no answer is chosen beforehand
    phone.get_by_role("button", name="下一题").click()
    expect(phone.get_by_role("alert")).to_be_visible()
    phone.get_by_text("是", exact=True).tap()  # a tap on the one answer leads on

    expect(phone.get_by_text("您觉得所在地安全吗？")).to_be_visible()
    phone.get_by_text("这是什么意思").click()
    expect(phone.get_by_text("指您日常生活、出行时的感受。")).to_be_visible()
    phone.get_by_text("不太安全").tap()
    expect(phone.get_by_text("您最担心哪些问题？")).to_be_visible()
    phone.get_by_text("盗窃").tap()

    phone.go_back()
    expect(phone.get_by_role("radio", name="不太安全")).to_be_checked()
    phone.go_forward()
    expect(phone.get_by_role("checkbox", name="盗窃")).to_be_checked()
    phone.reload()
    expect(phone.get_by_role("checkbox", name="盗窃")).to_be_checked()
    phone.go_back()
    expect(phone.get_by_role("radio", name="不太安全")).to_be_checked()
    phone.get_by_role("button", name="下一题").click()
    phone.get_by_role("button", name="下一题").click()

    expect(phone.get_by_text("您还有什么想说的？")).to_be_visible()
    phone.get_by_role("button", name="下一题").click()
    phone.get_by_label("您住在哪里？乡镇（街道）").select_option(label="青溪镇")
    phone.get_by_label("村（社区）").select_option(label="石桥村")
    phone.get_by_text("女", exact=True).tap()
    phone.get_by_role("button", name="提交").click()
    expect(phone.get_by_role("heading", name="谢谢您")).to_be_visible()

    kept = Waiting.objects.get()
    assert kept.answers == {"lives_here": "yes", "safe": "2", "worries": ["theft"]}
    assert (kept.unit, kept.sex, kept.age_band) == (cast.shiqiao, "female", "")
    assert set(kept.seconds) == {"lives_here", "safe", "worries", "more"}
    assert complaints == []
    phone.reload()
    expect(phone.get_by_text("本设备已经答过本次测评")).to_be_visible()
    assert phone.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('survey:'))") == []


def test_an_answer_sent_while_the_answer_was_lost_is_kept_once(phone, live, cast):
    survey_round = open_round(cast)
    start(phone, live, survey_round)
    phone.get_by_role("button", name="开始").click()
    phone.get_by_text("否", exact=True).tap()
    expect(phone.get_by_text("您还有什么想说的？")).to_be_visible()
    phone.get_by_role("button", name="下一题").click()
    lost = []

    def lose(route):
        if lost:
            route.continue_()
        else:
            lost.append(route.fetch().status)  # the server has it, the phone hears nothing
            route.abort()

    phone.route("**/answer/", lose)
    phone.get_by_role("button", name="提交").click()
    expect(phone.get_by_role("alert")).to_contain_text("尚未提交")
    phone.get_by_role("button", name="提交").click()
    expect(phone.get_by_role("heading", name="谢谢您")).to_be_visible()
    assert lost == [200]
    asking.close_round(survey_round=survey_round, by=cast.district_office)
    assert json.loads(json.dumps(Response.objects.get().answers)) == {"lives_here": "no"}
