"""The product's spine, by the people who use it: roster from Excel → visits on a phone → issues → ranking."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from households.models import Household, Resident
from issues.defaults import create_default_rules
from issues.models import Issue
from outreach import celery_app
from outreach.models import Campaign
from reports import facts
from tests.cast import PASSWORD, make_cast
from visits.models import Assignment, Visit, VisitStandard

ROSTER = Path(__file__).parents[1] / "data" / "roster_ledger_shiqiao.xlsx"


@pytest.fixture
def tasks_at_once() -> Iterator[None]:
    """What a worker would do is done in the request: the browser waits for it all the same."""
    celery_app.conf.update(task_always_eager=True, task_eager_propagates=True)
    yield
    celery_app.conf.update(task_always_eager=False, task_eager_propagates=False)


def log_in_by_form(page: Page, name: str) -> None:
    """Log in as a person does."""
    page.goto("/login/")
    page.get_by_label("工号或手机号").fill(name)
    page.get_by_label("密码", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="登录", exact=True).click()
    page.wait_for_url(re.compile(r"^(?!.*/login/).*$"))


def confirm(page: Page, label: str, button: str, fill: Callable[[Locator], None] = lambda dialog: None) -> None:
    """Open the dialog behind `label`, fill it in, and press its button."""
    page.locator("details.confirm > summary", has_text=label).first.click()
    dialog = page.locator("dialog[open]")
    fill(dialog)
    dialog.get_by_role("button", name=button, exact=True).click()


def say_solved(dialog: Locator) -> None:
    """Fill in how the issue ended."""
    dialog.get_by_label("已解决", exact=True).check()
    dialog.get_by_role("textbox").fill("路面已经修补，老人来看过了")


def save_visit(phone: Page, household: Household, outcome: str) -> None:
    """Open a household from the list and tap the outcome."""
    phone.goto("/phone/")
    phone.get_by_role("searchbox").fill(household.head_name)
    phone.get_by_role("searchbox").press("Enter")
    phone.get_by_role("link", name=household.head_name).first.click()
    phone.get_by_label(outcome, exact=True).check()


def test_from_the_excel_roster_to_the_leaders_ranking(
    live, browser_context: Callable, tasks_at_once: None, settings
) -> None:
    cast = make_cast()
    create_default_rules(cast.district)
    today = timezone.localdate()
    campaign = Campaign.objects.create(
        name="冬季大走访",
        district=cast.district,
        starts_on=today - timedelta(days=5),
        ends_on=today + timedelta(days=30),
        state=Campaign.State.OPEN,
        created_by=cast.district_office,
    )
    campaign.units.set([cast.qingxi, cast.bailu])
    VisitStandard.objects.create(campaign=campaign, counted_outcomes=["met", "partly_met"])

    # 1. The township admin imports the village's roster as the village keeps it …
    desk = browser_context("desk").new_page()
    log_in_by_form(desk, "A001")
    desk.goto("/households/imports/")
    desk.locator("input[type=file]").set_input_files(ROSTER)
    desk.get_by_role("button", name="检查文件").click()
    expect(desk.get_by_text("可导入户数")).to_be_visible()
    expect(desk.locator("main")).to_contain_text("243")
    assert Household.objects.count() == 0, "a preview writes nothing"
    confirm(desk, "导入", "导入")
    expect(desk.locator("main")).to_contain_text("已导入")
    assert (Household.objects.count(), Resident.objects.count()) == (90, 243)

    # … and gives the households to a visitor.
    desk.goto(f"/campaigns/{campaign.pk}/assign/")
    desk.get_by_label(re.compile("^李走访")).check()
    desk.get_by_role("button", name="平均分配").click()
    expect(desk.locator("main")).to_contain_text("李走访")
    assert Assignment.objects.filter(campaign=campaign, visitor=cast.visitor).count() == 90

    # 2. The visitor meets one household and hears of a problem; at another nobody is home.
    phone = browser_context("phone").new_page()
    log_in_by_form(phone, "13900000001")
    met, missed = Household.objects.in_door_order()[:2]
    save_visit(phone, met, "已见面")
    phone.get_by_label("有问题", exact=True).check()
    phone.get_by_label("交通道路", exact=True).first.check()
    phone.locator("textarea:visible").first.fill("村口的路坑坑洼洼，老人摔了一跤")
    phone.get_by_role("button", name="保存走访记录").click()
    expect(phone.locator("body")).to_contain_text(re.compile("已保存|已记录"))
    save_visit(phone, missed, "无人在家")
    phone.get_by_label("没有问题", exact=True).check()
    phone.get_by_role("button", name="保存走访记录").click()
    expect(phone.locator("body")).to_contain_text(re.compile("已保存|已记录"))
    assert sorted(Visit.objects.values_list("outcome", "is_counted")) == [("met", True), ("nobody_home", False)]
    assert Assignment.objects.get(household=missed).state == Assignment.State.MAKE_UP
    issue = Issue.objects.get()
    assert (issue.unit, issue.household, issue.state) == (cast.roads, met, "assigned")

    # The leader sees one household visited and nothing solved yet.
    facts.refresh()
    office = browser_context("desk").new_page()
    log_in_by_form(office, "L001")
    office.goto("/reports/ranking/")
    row = office.locator("tr", has_text="青溪镇").first
    expect(row).to_contain_text("1/90")
    expect(row).to_contain_text("0/0")

    # 3. The department accepts the issue and reports it solved.
    handler = browser_context("desk").new_page()
    log_in_by_form(handler, "H001")
    handler.get_by_role("link", name=issue.number).first.click()
    confirm(handler, "签收", "签收")
    confirm(handler, "申报办结", "申报办结", say_solved)
    expect(handler.locator("main")).to_contain_text("办结待验")
    expect(handler.locator("summary", has_text="销号")).to_have_count(0)

    # The supervisor, who did not handle it, verifies the result, asks the resident and signs it off.
    checker = browser_context("desk").new_page()
    log_in_by_form(checker, "S001")
    checker.goto(f"/issues/{issue.pk}/")
    confirm(checker, "核实通过", "核实通过")
    expect(checker.locator("main")).to_contain_text("请先回访群众")
    for question, answer in (("reached", "reached"), ("contacted", "yes"), ("solved", "yes"), ("content", "content")):
        checker.locator(f"input[name={question}][value={answer}]").check()
    checker.get_by_role("button", name="保存回访", exact=True).click()
    confirm(checker, "销号", "销号")
    expect(checker.locator("main")).to_contain_text("已销号")

    # 4. The leader sees both figures change, and opens the rows behind them.
    facts.refresh()
    office.goto("/reports/ranking/")
    row = office.locator("tr", has_text="青溪镇").first
    expect(row).to_contain_text("1/90")
    expect(row).to_contain_text("1/1")
    row.get_by_role("link", name="1", exact=True).first.click()
    expect(office.locator("main")).to_contain_text(met.head_name)
    office.goto("/reports/ranking/")
    office.locator("tr", has_text="青溪镇").first.locator("a[href*='/issues/solved']").first.click()
    expect(office.locator("main")).to_contain_text(issue.number)
