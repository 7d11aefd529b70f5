"""The resident's whole way on a phone: from the QR code to the answer, with and without scripts."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from households.models import Household
from issues.actions.resident_codes import code_of_issue
from issues.models import CallBack, Issue
from tests.cast import make_cast
from tests.issues.make import issue_at

SMALL = """() => [...document.querySelectorAll('main :is(a, button, input:not([type=hidden]), summary, textarea)')]
  .filter(e => e.getClientRects().length)
  .map(e => [(e.matches('input[type=radio]') && e.closest('label') || e).getBoundingClientRect(), e.outerHTML])
  .filter(([box]) => box.height < 43.5).map(([box, html]) => html.slice(0, 80))"""


@pytest.fixture
def verified(live) -> Issue:
    cast = make_cast()
    home = Household.objects.create(village=cast.shiqiao, head_name="罗大树", phone="13900009999")
    return issue_at(cast, "verified", household=home)


def check_page(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    assert page.evaluate(SMALL) == []
    assert [(found["id"], found["nodes"][0]["html"]) for found in Axe().run(page).response["violations"]] == []


def test_from_the_qr_code_to_the_answer(verified, phone):
    phone.goto("/r/")
    check_page(phone)
    phone.goto(f"/r/?scan#{code_of_issue(verified).spoken}")
    expect(phone.get_by_role("heading", name=f"问题 {verified.number}")).to_be_visible()
    assert "#" not in phone.url and code_of_issue(verified).spoken not in phone.url
    check_page(phone)
    phone.get_by_text("补充说明").click()
    phone.get_by_label("您要补充的内容").fill("灯还有点闪")
    phone.locator("#add").get_by_role("button", name="提交").click()
    expect(phone.get_by_text("灯还有点闪")).to_be_visible()
    answer = phone.locator("#answer")
    for name, value in (("contacted", "yes"), ("solved", "yes"), ("content", "mostly")):
        answer.locator(f"input[name={name}][value={value}]").check()
    answer.get_by_role("button", name="提交评价").click()
    expect(phone.get_by_text("评价已收到")).to_be_visible()
    check_page(phone)
    call = CallBack.objects.get()
    assert (call.channel, call.content, call.solved) == ("page", "mostly", True)


def test_the_page_needs_no_script(verified, browser_context):
    page = browser_context("phone", java_script_enabled=False).new_page()
    page.goto("/r/")
    page.get_by_label("联系卡或查询单上的查询码").fill(code_of_issue(verified).spoken.lower())
    page.get_by_role("button", name="查询").click()
    expect(page.get_by_role("heading", name=f"问题 {verified.number}")).to_be_visible()
