"""Issues in a real browser: usable by everybody, moved on a phone, nothing typed is lost."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from households.models import Household
from issues.models import Issue
from tests.cast import make_cast
from tests.issues.make import issue_at, route


@pytest.fixture
def cast(live):
    return make_cast()


@pytest.mark.parametrize("device", ["phone", "desk"])
def test_the_pages_are_accessible_and_no_wider_than_the_screen(cast, browser_context, log_in, device):
    home = Household.objects.create(village=cast.shiqiao, head_name="罗大树", phone="13900009999")
    issue = issue_at(cast, "done", household=home, is_urgent=True)
    rule = route(cast.roads)
    page = log_in(browser_context(device).new_page(), cast.district_office)
    for path in (
        "/issues/?state=all&kind=need",
        f"/issues/{issue.pk}/",
        "/issues/new/",
        "/issues/rules/",
        f"/issues/rules/{rule.pk}/",
    ):
        page.goto(path, wait_until="networkidle")
        violations = [(v["id"], v["nodes"][0]["html"]) for v in Axe().run(page).response["violations"]]
        assert violations == [], path
        assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0, path


def test_a_handler_finishes_on_a_phone_and_a_colleague_who_is_late_keeps_the_text(cast, browser_context, log_in):
    issue = issue_at(cast, "accepted")
    pages = []
    for person in (cast.department_handler, cast.department_head):
        pages.append(log_in(browser_context("phone").new_page(), person))
        pages[-1].goto("/issues/")
        pages[-1].get_by_role("link", name="村口路灯不亮").click()
        pages[-1].locator("details.confirm > summary", has_text="申报办结").click()
    for page, note in zip(pages, ("已换灯泡", "另一位同事写的说明"), strict=True):
        dialog = page.get_by_role("dialog", name="申报办结")
        dialog.get_by_label("已解决").check()
        dialog.get_by_label("办理情况").fill(note)
    for page in pages:
        page.get_by_role("dialog").get_by_role("button", name="申报办结").click()
    expect(pages[0].get_by_text("办结待验").first).to_be_visible()
    expect(pages[1].get_by_role("heading", name=f"问题 {issue.number} 已有变化")).to_be_visible()
    expect(pages[1].locator("textarea.copy-text")).to_have_value("另一位同事写的说明")
    issue = Issue.objects.get(pk=issue.pk)
    assert (issue.state, issue.result, issue.done_by) == ("done", "已换灯泡", cast.department_handler)
