"""300 visits through everything that can happen to a phone and its server (chaos.py), and a deploy while one writes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.db import connection
from playwright.sync_api import expect

from tests.browser import chaos
from tests.browser.chaos import Chaos, Server, make_place, until


def test_300_visits_through_all_weathers_are_stored_once_each(transactional_db, browser, tmp_path):
    tally = chaos.run(browser=browser, folder=tmp_path, visits=300, seed=7)
    assert (tally.duplicates, tally.lost, tally.unexplained) == (0, 0, 0), "\n".join(tally.notes)
    assert tally.recorded == tally.stored >= 300
    assert tally.answers_kept <= tally.answers_stored <= tally.answers_tried
    happened = {name for name, count in tally.events.items() if count}
    assert {"server restarted", "deployed", "tab killed", "two tabs", "clock set", "session ended"} <= happened
    assert {"request lost", "answer lost"} & happened


@pytest.fixture
def phone_and_server(transactional_db, browser, tmp_path) -> Iterator[Chaos]:
    server = Server(tmp_path, connection.settings_dict, settings.REDIS_URL)
    place = make_place(3)
    server.start("one")
    phone = Chaos(browser=browser, folder=tmp_path, place=place, server=server, seed=1)
    yield phone
    phone.context.close()
    phone.road.close()
    server.stop()


def test_a_new_version_is_taken_on_the_list_and_not_while_a_form_is_open(phone_and_server):
    phone, server = phone_and_server, phone_and_server.server
    phone.begin()
    page = phone.pages[0]
    old = page.evaluate("caches.keys()")
    assert old == [f"phone-{server.app_version}"]
    page.get_by_role("link", name="张三").first.click()
    page.get_by_role("radio", name="无人在家", exact=True).check()
    server.stop()
    server.start("two")
    assert f"phone-{server.app_version}" not in old
    page.evaluate("() => navigator.serviceWorker.getRegistration().then((one) => one.update()).then(() => true)")
    until(page, "navigator.serviceWorker.getRegistration().then((one) => Boolean(one.waiting))")
    page.evaluate("window.wasHere = true")
    page.wait_for_timeout(2_500)  # longer than the app waits between two looks
    assert page.evaluate("window.wasHere")
    expect(page.get_by_role("radio", name="无人在家")).to_be_checked()
    page.get_by_role("button", name="保存走访记录").click()
    expect(page.get_by_role("searchbox")).to_be_visible()
    for _try in range(40):
        page.wait_for_timeout(500)
        names = page.evaluate("caches.keys()")
        if names == [f"phone-{server.app_version}"]:
            break
    assert names == [f"phone-{server.app_version}"]
    page.wait_for_timeout(1_500)
    assert not page.evaluate("Boolean(window.wasHere)")
    loaded = page.evaluate("performance.getEntriesByType('resource').map((one) => one.name)")
    new_name = next(name for name in loaded if "/js/phone/dom." in name)
    assert new_name.rsplit("/", 1)[1] in {path.name for path in (phone.folder / "static-two/js/phone").iterdir()}
