"""The phone desk in a real browser: a case is taken, asked item by item, and over."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from households.models import Household
from surveys.actions import drawing
from surveys.actions.drawing import Wanted
from surveys.models import CallTally, Drawn, Waiting
from tests.cast import make_cast
from tests.surveys.make import open_round
from visits.models import FollowUp


@pytest.fixture
def cast(live):
    return make_cast()


def test_a_caller_asks_and_the_household_gets_the_visit_it_asked_for(desk: Page, live, log_in, cast):
    for number in range(3):
        Household.objects.create(
            village=cast.shiqiao, number=str(number), head_name="张三", phone=f"1390000000{number}"
        )
    wanted = Wanted(method="simple", source="roster", size=2)
    drawing.draw_sample(survey_round=open_round(cast), wanted=wanted, by=cast.district_office)
    page = log_in(desk, cast.supervisor)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{live.url}/surveys/calls/")
    page.get_by_role("button", name="领取下一个").click()
    expect(page.get_by_text("您可以不参加")).to_be_visible()
    page.get_by_role("button", name="对方同意，开始提问").click()
    page.get_by_role("button", name="开始", exact=True).click()
    assert page.locator("#survey input:checked").count() == 0  # no answer is chosen beforehand
    page.get_by_text("是", exact=True).click()
    expect(page.get_by_text("您觉得所在地安全吗？")).to_be_visible()
    page.reload()  # nothing is lost within the call
    expect(page.get_by_text("您觉得所在地安全吗？")).to_be_visible()
    page.get_by_text("很不安全", exact=True).click()
    page.get_by_text("盗窃").click()
    page.get_by_role("button", name="下一题").click()
    page.get_by_role("button", name="下一题").click()
    for item in ("sex", "age_band"):
        assert page.locator(f"input[name={item}]").count() > 1
    page.get_by_role("button", name="提交", exact=True).click()
    expect(page.get_by_role("heading", name="是否希望有人跟进")).to_be_visible()
    page.get_by_role("checkbox").check()
    page.get_by_role("combobox").select_option("请人上门")
    page.get_by_role("textbox").fill("想请人看看楼道")
    page.get_by_role("button", name="提交答卷并登记").click()
    expect(page.get_by_role("heading", name="谢谢您")).to_be_visible()
    assert FollowUp.objects.get().text == "想请人看看楼道"
    assert Waiting.objects.get().channel == "phone"
    assert (CallTally.objects.get().count, Drawn.objects.filter(state="over").count()) == (1, 1)
    page.get_by_role("link", name="返回电话测评").click()
    expect(page.get_by_text("100.0%").first).to_be_visible()
    assert complaints == []
