"""The builder of questionnaires in a real browser: from an empty draft to a preview that sends nothing."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from surveys.actions import writing
from surveys.models import Version, Waiting
from tests.cast import make_cast
from tests.surveys.make import open_round


@pytest.fixture
def cast(live):
    return make_cast()


@pytest.mark.parametrize("device", ["phone", "desk"])
def test_a_questionnaire_is_written_and_gone_through_in_the_preview(cast, browser_context, log_in, live, device):
    page = log_in(browser_context(device).new_page(), cast.district_office)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.goto(f"{live.url}/surveys/questionnaires/new/")
    page.get_by_label("问卷名称").fill("新问卷")
    page.get_by_text("空白问卷").click()
    page.get_by_role("button", name="开始起草").click()

    page.get_by_label("添加题目").select_option("single")
    page.locator("button[value=add]").click()
    page.locator("[name=text]").fill("您满意吗？")
    page.locator("[name=options-0-label]").fill("满意")
    page.locator("button[value=options-add]").click()
    page.locator("[name=options-1-label]").fill("不满意")
    page.locator("[name=options-2-label]").fill("一般")
    page.locator("button[value=options-2-up]").click()
    expect(page.locator("[name=rows-0-key]")).to_have_count(0)
    page.get_by_role("button", name="保存题目").last.click()
    expect(page).to_have_url(re.compile("/edit/#item-q1$"))
    labels = [option["label"] for option in Version.objects.get().content["items"][0]["options"]]
    assert labels == ["满意", "一般", "不满意"]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    page.goto(f"{live.url}/surveys/versions/{Version.objects.get().pk}/preview/")
    page.get_by_role("button", name="开始").click()
    expect(page.get_by_text("您满意吗？")).to_be_visible()
    assert page.locator("#survey input:checked").count() == 0
    page.locator("#survey").get_by_text("一般").click()
    page.get_by_role("button", name="提交").click()
    expect(page.get_by_text("这是预览，没有提交任何内容。")).to_be_visible()
    assert not Waiting.objects.exists()
    assert complaints == []


@pytest.mark.parametrize("device", ["phone", "desk"])
def test_the_pages_are_accessible_and_no_wider_than_the_screen(cast, browser_context, log_in, live, device):
    survey_round = open_round(cast)
    version = survey_round.version
    draft = writing.new_draft(version=version, by=cast.district_office)
    page = log_in(browser_context(device).new_page(), cast.district_office)
    for path in (
        "",
        f"rounds/{survey_round.pk}/",
        "rounds/new/",
        "questionnaires/",
        "questionnaires/new/",
        "questionnaires/import/",
        f"questionnaires/{version.questionnaire_id}/",
        f"questionnaires/{version.questionnaire_id}/edit/",
        f"questionnaires/{version.questionnaire_id}/items/worries/",
        f"versions/{draft.pk}/preview/",
        f"versions/{draft.pk}/compare/",
    ):
        page.goto(f"{live.url}/surveys/{path}", wait_until="networkidle")
        violations = [(v["id"], v["nodes"][0]["html"]) for v in Axe().run(page).response["violations"]]
        assert violations == [], path
        assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0, path
