"""The phone's app in a real browser: works without a network, loses nothing, sends once."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import BrowserContext, Page, expect

from issues.models import Category, Issue
from outreach.models import User
from surveys.models import Waiting
from tests.cast import make_cast
from tests.surveys.make import open_round
from tests.visits.conftest import Round, make_campaign, make_household
from visits.models import Assignment, Visit, VisitItem


@pytest.fixture
def round_(live) -> Round:
    cast = make_cast()
    campaign = make_campaign(cast)
    doors = [make_household(cast.shiqiao, number, name) for number, name in enumerate(["张三", "李四", "王五"], 1)]
    for door in doors:
        Assignment.objects.create(
            campaign=campaign,
            household=door,
            visitor=cast.visitor,
            epoch=1,
            assigned_at=timezone.now() - timedelta(days=9),
        )
    return Round(cast=cast, campaign=campaign, doors=doors, foreign=make_household(cast.luzhou, 1, "卫外人"))


@pytest.fixture
def phone_context(browser_context) -> BrowserContext:
    return browser_context("phone")


@pytest.fixture
def app(phone_context, log_in, live, round_) -> Callable[..., Page]:
    """Open the app as somebody, loaded and under its service worker: app(cast.visitor)."""

    def start(user: User | None = None) -> Page:
        page = log_in(phone_context.new_page(), user or round_.cast.visitor)
        page.goto(f"{live.url}/phone/app/")
        expect(page.get_by_text("张三")).to_be_visible()
        page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        page.wait_for_function("navigator.serviceWorker.controller !== null")
        return page

    return start


def record(page: Page, name: str, outcome: str = "无人在家") -> None:
    page.get_by_role("link", name=name).first.click()
    page.get_by_role("radio", name=outcome, exact=True).check()
    if outcome == "已见面":
        page.get_by_role("radio", name="没有问题").check()
    page.get_by_role("button", name="保存走访记录").click()
    expect(page.get_by_role("searchbox")).to_be_visible()


def synced(page: Page) -> None:
    page.goto("/phone/app/#/outbox")
    page.get_by_role("button", name="立即上传").click()
    expect(page.locator("#app-sync")).to_have_text("已同步", timeout=20_000)


def test_a_visit_without_a_network_is_kept_shown_and_sent_when_it_comes_back(app, phone_context, round_):
    page = app()
    phone_context.set_offline(True)
    record(page, "张三")
    expect(page.locator("#app-sync")).to_contain_text("1")
    expect(page.get_by_text("尚未上传", exact=True)).to_be_visible()
    expect(page.get_by_text("补访")).to_have_count(2)  # its chip, and the make-up visit with its day
    assert Visit.objects.count() == 0

    page.reload()  # a cold start: page and list come from the phone
    expect(page.get_by_text("尚未上传", exact=True)).to_be_visible()
    phone_context.set_offline(False)
    synced(page)
    visit = Visit.objects.get()
    assert (visit.household, visit.outcome, visit.visitor) == (round_.door, "nobody_home", round_.cast.visitor)
    assert visit.timing and visit.clock_offset is not None
    assert Assignment.objects.get(household=round_.door).state == "make_up"


def test_a_problem_with_a_photo_travels_with_its_visit(app, phone_context, round_, tmp_path):
    from PIL import Image

    picture = tmp_path / "lamp.jpg"
    Image.effect_noise((1200, 900), 90).convert("RGB").save(picture, quality=95)
    Category.objects.get_or_create(code="lamp", defaults={"name": "路灯照明"})
    page = app()
    page.reload()
    phone_context.set_offline(True)
    page.get_by_role("link", name="李四").first.click()
    page.get_by_role("radio", name="已见面", exact=True).check()
    page.get_by_role("radio", name="有问题", exact=True).check()
    page.get_by_role("radio", name="路灯照明").first.check()
    page.get_by_label("用一句话说明").fill("村口路灯坏了")
    page.locator("#problem_photo").set_input_files(picture)
    expect(page.locator("#photo-label")).to_have_text("已添加照片")
    page.get_by_role("button", name="保存走访记录").click()
    expect(page.get_by_role("searchbox")).to_be_visible()
    phone_context.set_offline(False)
    synced(page)
    item = VisitItem.objects.get()
    assert (item.text, item.issue.attachments.count()) == ("村口路灯坏了", 1)


def test_what_is_being_written_survives_back_reload_and_a_killed_tab(app, phone_context, round_):
    page = app()
    page.get_by_role("link", name="张三").first.click()
    page.get_by_role("radio", name="无人在家", exact=True).check()
    page.get_by_text("更多内容（可不填）").click()
    page.get_by_label("备注").fill("邻居说晚上在家")
    page.go_back()
    page.get_by_role("link", name="张三").first.click()
    expect(page.get_by_label("备注")).to_have_value("邻居说晚上在家")
    page.get_by_label("备注").fill("邻居说晚上七点后在家")
    page.wait_for_timeout(500)
    page.close()  # no farewell
    again = phone_context.new_page()
    again.goto("/phone/app/#/")
    again.get_by_role("link", name="张三").first.click()
    expect(again.get_by_label("备注")).to_have_value("邻居说晚上七点后在家")
    expect(again.get_by_role("radio", name="无人在家")).to_be_checked()


def test_a_second_tab_may_look_but_not_write(app, phone_context, round_):
    page = app()
    page.get_by_role("link", name="张三").first.click()
    second = phone_context.new_page()
    second.goto("/phone/app/#/")
    second.get_by_role("link", name="张三").first.click()
    expect(second.get_by_text("正在另一个标签页")).to_be_visible()
    expect(second.get_by_role("button", name="保存走访记录")).to_be_disabled()


def test_an_answer_lost_on_the_way_back_is_stored_once(app, phone_context, round_):
    page = app()
    lost = []

    def lose(route):
        if lost:
            route.continue_()
        else:
            lost.append(route.fetch().status)
            route.abort()

    page.route("**/phone/sync", lose)
    record(page, "张三")
    synced(page)
    assert lost == [200]
    assert Visit.objects.count() == 1


def test_a_refused_visit_is_shown_with_its_reason_and_can_be_put_right(app, phone_context, round_):
    page = app()
    phone_context.set_offline(True)
    record(page, "张三", "已见面")
    phone_context.set_offline(False)
    Assignment.objects.filter(household=round_.door).delete()
    round_.campaign.units.set([round_.cast.bailu])
    page.goto("/phone/app/#/outbox")
    page.get_by_role("button", name="立即上传").click()
    expect(page.locator(".door-state--bad")).to_be_visible()
    assert Visit.objects.count() == 0
    round_.campaign.units.set([round_.cast.qingxi])
    Assignment.objects.create(campaign=round_.campaign, household=round_.door, visitor=round_.cast.visitor)
    page.get_by_role("button", name="重发").click()
    expect(page.locator("#app-sync")).to_have_text("已同步", timeout=20_000)
    assert Visit.objects.count() == 1


def test_after_the_session_ended_everything_waits_for_the_login(app, phone_context, round_, log_in, live):
    page = app()
    phone_context.clear_cookies()
    record(page, "张三")
    expect(page.locator("#app-sync")).to_have_text("请重新登录", timeout=20_000)
    assert Visit.objects.count() == 0
    log_in(page, round_.cast.visitor)
    synced(page)
    assert Visit.objects.count() == 1


def test_another_person_on_the_same_phone_sees_nothing_of_the_first(app, phone_context, round_, log_in, live):
    page = app()
    phone_context.set_offline(True)
    record(page, "张三")
    phone_context.set_offline(False)
    phone_context.clear_cookies()
    log_in(page, round_.cast.second_visitor)
    page.goto("/phone/app/#/")
    page.reload()
    expect(page.get_by_text("还有 1 条未上传")).to_be_visible(timeout=20_000)
    assert page.get_by_text("张三").count() == 0
    assert Visit.objects.count() == 0
    log_in(page, round_.cast.visitor)
    page.reload()
    expect(page.get_by_text("张三")).to_be_visible(timeout=20_000)
    synced(page)
    assert Visit.objects.get().visitor == round_.cast.visitor


def test_nothing_readable_lies_in_the_phones_store(app, phone_context, round_):
    page = app()
    phone_context.set_offline(True)
    page.get_by_role("link", name="张三").first.click()
    page.get_by_role("radio", name="无人在家", exact=True).check()
    page.get_by_text("更多内容（可不填）").click()
    page.get_by_label("备注").fill("秘密的话")
    page.get_by_role("button", name="保存走访记录").click()
    expect(page.get_by_role("searchbox")).to_be_visible()
    dump = page.evaluate(
        """async () => {
            const parts = [];
            for (const { name } of await indexedDB.databases()) {
                const opening = indexedDB.open(name);
                const db = await new Promise((done) => { opening.onsuccess = () => done(opening.result); });
                for (const store of db.objectStoreNames) {
                    const rows = await new Promise((done) => {
                        db.transaction(store).objectStore(store).getAll().onsuccess = (e) => done(e.target.result);
                    });
                    for (const row of rows) {
                        if (row instanceof CryptoKey) parts.push(`key extractable: ${row.extractable}`);
                        else parts.push(JSON.stringify({ ...row, data: new TextDecoder().decode(row.data) }));
                    }
                }
                db.close();
            }
            return [...parts, JSON.stringify({ ...localStorage })];
        }"""
    )
    text = "\n".join(dump)
    assert "key extractable: false" in text
    # whole numbers: three digits of one stand by chance among the bytes of a ciphertext
    secrets = ["张三", "秘密的话", "石桥村", "一组1号", *(door.phone for door in round_.doors)]
    assert not [word for word in secrets if word in text.replace("\\u", "")]


def test_a_survey_at_the_door_waits_with_the_visits_and_leaves_no_trace_of_the_household(app, phone_context, round_):
    open_round(round_.cast)
    page = app()
    page.reload()
    phone_context.set_offline(True)
    page.get_by_role("link", name="张三").first.click()
    page.get_by_role("link", name="第一轮").click()
    page.get_by_role("button", name="开始").click()
    page.get_by_text("否", exact=True).tap()
    expect(page.get_by_text("您还有什么想说的？")).to_be_visible()
    page.get_by_role("button", name="下一题").click()
    page.get_by_role("button", name="提交").click()
    expect(page.get_by_role("heading", name="谢谢您")).to_be_visible()
    page.get_by_role("link", name="返回走访").click()
    phone_context.set_offline(False)
    synced(page)
    kept = Waiting.objects.get()
    assert kept.answers == {"lives_here": "no"}
    assert (kept.unit, kept.channel, kept.is_assisted) == (
        round_.cast.shiqiao,
        "door",
        True,
    )


def test_an_answer_not_content_offline_becomes_an_issue_only_after_consent(app, phone_context, round_):
    Category.objects.create(code="lamp", name="路灯")
    open_round(round_.cast)
    page = app()
    page.reload()
    expect(page.get_by_text("张三")).to_be_visible()
    phone_context.set_offline(True)
    page.get_by_role("link", name="张三").first.click()
    page.get_by_role("link", name="第一轮").click()
    page.get_by_role("button", name="开始").click()
    for answer in ("是", "很不安全"):
        page.get_by_text(answer, exact=True).tap()
    page.get_by_text("盗窃").tap()
    page.get_by_role("button", name="下一题").click()
    page.get_by_role("button", name="下一题").click()
    page.get_by_role("button", name="提交").click()
    expect(page.get_by_role("heading", name="是否希望有人跟进")).to_be_visible()
    page.get_by_role("combobox").select_option("路灯")
    page.get_by_role("textbox").fill("门口路灯不亮")
    page.get_by_role("button", name="提交答卷并登记").click()
    expect(page.get_by_role("alert")).to_have_text("未经受访人同意，不作任何记录。")
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="提交答卷并登记").click()
    expect(page.get_by_role("heading", name="谢谢您")).to_be_visible()
    phone_context.set_offline(False)
    synced(page)
    issue = Issue.objects.get()
    assert (issue.text, issue.household) == ("门口路灯不亮", round_.door)
    assert Waiting.objects.get().answers["safe"] == "1"


def test_the_queue_can_be_saved_as_a_file(app, phone_context, round_):
    page = app()
    phone_context.set_offline(True)
    record(page, "张三")
    page.goto("/phone/app/#/outbox")
    with page.expect_download() as caught:
        page.get_by_role("button", name="存为文件").click()
    content = json.loads(caught.value.path().read_text())
    assert content["staff_number"] == round_.cast.visitor.staff_number
    assert content["items"][0]["visit"]["household"] == round_.door.pk


def test_search_offline_finds_by_name_initials_and_door(app, phone_context, round_):
    page = app()
    phone_context.set_offline(True)
    for text, found in {"李四": "李四", "ww": "王五", "一组1号": "张三"}.items():
        page.get_by_role("searchbox").fill(text)
        expect(page.locator(".door")).to_have_count(1)
        expect(page.locator(".door-name")).to_contain_text(found)


def test_logging_out_leaves_no_list_on_the_phone_and_loses_nothing_that_waits(app, phone_context, round_, log_in, live):
    page = app()
    phone_context.set_offline(True)
    record(page, "张三")
    phone_context.set_offline(False)
    page.route("**/phone/sync", lambda route: route.abort())
    page.goto(f"{live.url}/me/")
    page.get_by_role("button", name="退出登录").click()
    page.wait_for_url("**/login/**")
    page.goto(f"{live.url}/phone/app/")  # the page itself comes from the phone, and is empty
    expect(page.get_by_text("张三")).to_have_count(0)
    names = page.evaluate("indexedDB.databases().then((all) => all.map((one) => one.name))")
    assert names == [f"outreach-phone-{round_.cast.visitor.pk}"]  # the visit that waits, under its key
    page.unroute("**/phone/sync")
    log_in(page, round_.cast.visitor)
    page.goto(f"{live.url}/phone/app/")
    expect(page.get_by_text("李四")).to_be_visible(timeout=20_000)
    synced(page)
    assert Visit.objects.count() == 1
