"""A real Chromium against a real server: `phone` and `desk` are pages, `browser_context` makes more of either."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from django.db import connections
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from outreach.models import User

ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
DEVICES: dict[str, dict] = {
    "phone": {
        "viewport": {"width": 390, "height": 844},
        "has_touch": True,
        "is_mobile": True,
        "device_scale_factor": 2,
    },
    "desk": {"viewport": {"width": 1440, "height": 900}},
    "wall": {"viewport": {"width": 1920, "height": 1080}},
}
CONTEXTS = pytest.StashKey[list[BrowserContext]]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "/browser/" in item.path.as_posix():
            item.add_marker(pytest.mark.browser)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo):
    """Keep a picture of every page that was open when a test failed."""
    report = yield
    if report.when == "call" and report.failed:
        folder = settings.VAR_DIR / "screenshots"
        folder.mkdir(parents=True, exist_ok=True)
        pages = [page for context in item.stash.get(CONTEXTS, []) for page in context.pages]
        for number, page in enumerate(pages):
            path = folder / f"{re.sub(r'[^0-9A-Za-z]+', '_', item.nodeid)}-{number}.png"
            page.screenshot(path=path, full_page=True)
            report.sections.append(("screenshot", f"{path} of {page.url}"))
    return report


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The system's Chromium: playwright's own download does not run everywhere."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert path, "Chromium is missing: apt-get install chromium fonts-noto-cjk (make test does it as root)"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGS)
        yield browser
        connections.close_all()  # those of this thread while the event loop runs: else the database cannot be dropped
        browser.close()


@pytest.fixture
def live(transactional_db, live_server):
    """The server under test; `live.url` is its address. Rows made by migrations are there."""
    return live_server


@pytest.fixture
def browser_context(request, browser, live) -> Iterator[Callable[..., BrowserContext]]:
    """Make a separate browser profile: browser_context("phone") or ("desk"), with more options of playwright's."""
    contexts = request.node.stash.setdefault(CONTEXTS, [])

    def make(device: str, **options: object) -> BrowserContext:
        context = browser.new_context(**DEVICES[device], base_url=live.url, **({"locale": "zh-CN"} | options))
        context.set_default_timeout(15_000)
        contexts.append(context)
        return context

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def phone(browser_context) -> Page:
    """A page on a phone, 390 × 844, touch."""
    return browser_context("phone").new_page()


@pytest.fixture
def desk(browser_context) -> Page:
    """A page on a desk, 1440 × 900."""
    return browser_context("desk").new_page()


@pytest.fixture
def log_in(live) -> Callable[[Page, User], Page]:
    """Log a person in without the form: log_in(phone, cast.visitor).goto("/")."""

    def log_in(page: Page, user: User) -> Page:
        client = Client()
        client.force_login(user)
        cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
        page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live.url}])
        return page

    return log_in
