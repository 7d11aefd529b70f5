"""A phone, a server and everything that can happen between them: nothing may be lost and nothing stored twice.

`make chaos VISITS=10000` runs it in a process of its own. A real
gunicorn with a real PostgreSQL, a real Chromium with the real app under its service worker. What the app said it has
kept must be in the database once, whatever happened on the way.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from urllib.request import Request, urlopen

from playwright.sync_api import Browser, BrowserContext, Error, Page

from tests.browser.chaos_network import Road

if TYPE_CHECKING:
    from outreach.models import User

BASE = Path(__file__).resolve().parent.parent.parent
SCRIPT = Path(__file__).with_name("chaos.js")
OUTCOMES = ["met", "met", "met", "nobody_home", "come_back", "refused", "no_access", "leaflet_left"]
# how wrong the phone's clock goes, in seconds
JUMPS = [0, 120, -10_800, 14_400, -172_800, 86_400, 1_728_000]
EVENTS = {"weather": 22, "kill": 6, "second tab": 6, "clock": 5, "session": 4, "reload": 4}
LONGEST_QUEUE = 60
DRAIN_SECONDS = 240


@dataclass
class Tally:
    """What came of it. `recorded`: what the app said it kept, and what it kept just before its tab was killed."""

    recorded: int = 0
    stored: int = 0
    duplicates: int = 0
    lost: int = 0
    unexplained: int = 0
    answers_kept: int = 0
    answers_stored: int = 0
    answers_tried: int = 0
    events: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """The line that `make chaos` ends with."""
        names = ("recorded", "stored", "duplicates", "lost", "unexplained")
        return " ".join(f"{name} {getattr(self, name)}" for name in names)


class Server:
    """gunicorn as the supervisor starts it, with the static files of version `one` or `two`."""

    def __init__(self, folder: Path, database: dict[str, Any], redis: str) -> None:
        self.folder = folder
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        user, host, port = database["USER"] or "postgres", str(database["HOST"]), database["PORT"] or 5432
        password = f":{quote(database['PASSWORD'])}" if database.get("PASSWORD") else ""
        where = f"/{host}" if host.startswith("/") else f"{host}:{port}"  # a folder: the socket lies there
        self.environment = os.environ | {
            "DATABASE_URL": f"postgres://{user}{password}@{where}/{database['NAME']}",
            "REDIS_URL": redis,
            "DJANGO_SETTINGS_MODULE": "tests.browser.chaos_settings",
            "DEMO": "1",
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "VAR_DIR": str(folder),
            "PYTHONUNBUFFERED": "1",
        }
        self.log = (folder / "server.log").open("ab")
        self.child: subprocess.Popen[bytes] | None = None
        for version in ("one", "two"):
            self._collect(version)

    def _of(self, version: str) -> dict[str, str]:
        static, change = self.folder / f"static-{version}", self.folder / f"change-{version}"
        return self.environment | {"CHAOS_STATIC": str(static), "CHAOS_VERSION": str(change)}

    def _collect(self, version: str) -> None:
        changed = self.folder / f"change-{version}/js/phone"
        changed.mkdir(parents=True, exist_ok=True)
        if version == "two":
            text = (BASE / "static/js/phone/dom.js").read_text()
            (changed / "dom.js").write_text(f"{text}\n// the next version\n")
        command = [sys.executable, "manage.py", "collectstatic", "--no-input", "--verbosity", "0"]
        subprocess.run(command, cwd=BASE, env=self._of(version), check=True, stdout=self.log, stderr=self.log)

    def start(self, version: str) -> None:
        """Start gunicorn and wait until it answers."""
        from outreach.keeper import die_with_parent
        from outreach.supervisor import COMMANDS

        self.version = version
        self.child = subprocess.Popen(
            COMMANDS["web"],
            cwd=BASE,
            env=self._of(version),
            stdout=self.log,
            stderr=self.log,
            start_new_session=True,
            preexec_fn=lambda: die_with_parent(signal.SIGTERM),
        )
        for _try in range(600):
            asked = Request(f"http://127.0.0.1:{self.port}/sw.js", headers={"Accept-Language": "zh-CN"})
            with suppress(OSError), urlopen(asked, timeout=5) as answer:
                self.app_version = re.search(r'VERSION = "(\w+)"', answer.read().decode())[1]  # type: ignore[index]
                return
            if self.child.poll() is not None:
                break
            time.sleep(0.1)
        raise RuntimeError(f"gunicorn does not answer: see {self.folder}/server.log")

    def stop(self, *, hard: bool = False) -> None:
        """End gunicorn; `hard`: as if the power had failed."""
        if self.child is None:
            return
        with suppress(ProcessLookupError):
            if hard:
                os.killpg(self.child.pid, 9)
            else:
                self.child.terminate()
        try:
            self.child.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(self.child.pid, 9)
            self.child.wait()
        self.child = None


def until(page: Page, expression: str) -> None:
    """Wait until `expression` is true on the page. (wait_for_function needs eval, which the site forbids.)"""
    end = time.monotonic() + 20
    while not page.evaluate(expression):
        if time.monotonic() > end:
            raise Error(f"never came true: {expression}")
        page.wait_for_timeout(15)


@dataclass
class Place:
    """What the phone's owner works on."""

    visitor: User
    campaign: int
    doors: list[int]
    round: int
    category: str


def make_place(doors: int) -> Place:
    """Write the cast, a campaign, `doors` households assigned to the visitor, a survey and a kind of problem."""
    from django.utils import timezone

    from issues.models import Category
    from tests.cast import make_cast
    from tests.surveys.make import open_round
    from tests.visits.conftest import make_campaign, make_household
    from visits.models import Assignment

    cast = make_cast()
    campaign = make_campaign(cast)
    households = [make_household(cast.shiqiao, number, "张三") for number in range(1, doors + 1)]
    since = timezone.now() - timedelta(days=9)
    Assignment.objects.bulk_create(
        Assignment(campaign=campaign, household=door, visitor=cast.visitor, epoch=1, assigned_at=since)
        for door in households
    )
    lamp, _made = Category.objects.get_or_create(code="lamp", defaults={"name": "路灯照明"})
    return Place(cast.visitor, campaign.pk, [one.pk for one in households], open_round(cast).pk, lamp.code)


class Chaos:
    """One run. Everything that is decided by chance comes from `seed`."""

    def __init__(self, *, browser: Browser, folder: Path, place: Place, server: Server, seed: int) -> None:
        self.chance = random.Random(seed)
        self.place, self.server, self.folder = place, server, folder
        self.road = Road(server.port, random.Random(seed + 1))
        self.origin = f"http://127.0.0.1:{self.road.port}"
        self.context: BrowserContext = browser.new_context(
            viewport={"width": 390, "height": 844}, base_url=self.origin, locale="zh-CN"
        )
        self.context.set_default_timeout(20_000)
        self.context.add_init_script(path=SCRIPT)
        self.pages: list[Page] = []
        self.tried: set[str] = set()  # numbers of visits begun
        self.kept: set[str] = set()  # those the app said it kept
        self.with_photo: set[str] = set()
        self.answers_tried: set[str] = set()
        self.answers_kept: set[str] = set()
        self.is_logged_in = False
        self.tally = Tally()

    # ---- the person and the phone

    def log_in(self) -> None:
        """A new session, and with it another token against forged posts."""
        from django.conf import settings
        from django.test import Client

        client = Client()
        client.force_login(self.place.visitor)
        cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
        self.context.clear_cookies()
        self.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": self.origin}])
        self.is_logged_in = True

    def open_page(self) -> Page:
        """Open the app in a new tab; offline too, once its service worker is there."""
        page = self.context.new_page()
        page.goto("/phone/app/")
        page.wait_for_selector("#app [type=search]")
        self.pages.append(page)
        return page

    def begin(self) -> None:
        """The first visit to the page, with a signal."""
        self.log_in()
        page = self.open_page()
        until(page, "navigator.serviceWorker.controller !== null")

    def page(self) -> Page:
        """A tab that lives."""
        self.pages = [one for one in self.pages if not one.is_closed()]
        return self.chance.choice(self.pages) if self.pages else self.open_page()

    # ---- recording

    def work(self) -> dict[str, Any]:
        """A visit through the form, or some entries through the app's modules."""
        if self.chance.random() < 0.2:
            note = self._new_visit()
            picture = self.place.category if self.chance.random() < 0.3 else ""
            outcome = "met" if picture else self.chance.choice(OUTCOMES)
            if picture:
                self.with_photo.add(note)
            door = self.chance.choice(self.place.doors)
            return {
                "form": {
                    "household": door,
                    "campaign": self.place.campaign,
                    "outcome": outcome,
                    "note": note,
                    "picture": picture,
                }
            }
        entries = [self._entry() for _number in range(self.chance.randint(1, 8))]
        if self.chance.random() < 0.25:
            entries.append(self._answers())
        return {"entries": entries}

    def _new_visit(self) -> str:
        number = str(uuid.UUID(int=self.chance.getrandbits(128), version=4))
        self.tried.add(number)
        return number

    def _entry(self) -> dict[str, Any]:
        number = self._new_visit()
        body = {
            "uuid": number,
            "household": self.chance.choice(self.place.doors),
            "campaign": self.place.campaign,
            "outcome": self.chance.choice(OUTCOMES),
            "visited_at": datetime.now(UTC).isoformat(),
            "note": number,
            "items": [],
            "roster": [],
        }
        return {"kind": "visit", "key": number, "body": body}

    def _answers(self) -> dict[str, Any]:
        number = str(uuid.UUID(int=self.chance.getrandbits(128), version=4))
        self.answers_tried.add(number)
        body = {
            "number": number,
            "round": self.place.round,
            "household": self.chance.choice(self.place.doors),
            "answers": {"lives_here": "no"},
            "assisted": True,
        }
        return {"kind": "answers", "key": number, "body": body}

    def do(self, page: Page, work: dict[str, Any]) -> None:
        """Begin, without waiting."""
        page.evaluate("(work) => window.chaos.start(work)", work)

    def finish(self, page: Page) -> None:
        """Wait until what was begun on the page has ended, and note what the app kept."""
        until(page, "window.chaos.running === 0")
        kept, failures = page.evaluate("[window.chaos.kept.splice(0), window.chaos.failures.splice(0)]")
        self.note(kept)
        for failure in failures:
            self.tally.events["no form: it waits already" if failure == "waiting" else failure[:60]] += 1

    def note(self, kept: list[str]) -> None:
        """Take down what the app said it has kept."""
        self.kept.update(key for key in kept if key in self.tried)
        self.answers_kept.update(key for key in kept if key in self.answers_tried)

    # ---- what happens

    def weather(self) -> None:
        """Clear, lossy or none at all."""
        self.road.weather = self.chance.choice(["clear", "clear", "lossy", "lossy", "offline"])
        self.tally.events[self.road.weather] += 1

    def kill(self) -> None:
        """A tab is closed in the middle of its work."""
        page = self.page()
        self.do(page, self.work())
        time.sleep(self.chance.random() * 0.2)
        with suppress(Error):  # the last that it could tell
            self.note(page.evaluate("window.chaos.kept.splice(0)"))
        page.close()
        self.tally.events["tab killed"] += 1

    def second_tab(self) -> None:
        """Two tabs at once, both writing and both sending."""
        first = self.page()
        other = next((one for one in self.pages if one is not first), None) or self.open_page()
        for page in (first, other):
            self.do(page, self.work())
        for page in (first, other):
            self.finish(page)
        self.tally.events["two tabs"] += 1
        if self.chance.random() < 0.5:
            other.close()

    def clock(self) -> None:
        """Somebody sets the phone's clock."""
        self.page().evaluate("(shift) => localStorage.setItem('chaos-shift', shift)", 1000 * self.chance.choice(JUMPS))
        self.tally.events["clock set"] += 1

    def session(self) -> None:
        """The session ends; a while later somebody logs in again."""
        from django.contrib.sessions.models import Session

        if self.is_logged_in:
            Session.objects.all().delete()
            self.is_logged_in = False
            self.tally.events["session ended"] += 1
        else:
            self.log_in()
            self.tally.events["logged in again"] += 1

    def reload(self) -> None:
        """The page is loaded anew, from the phone where there is no signal."""
        self.page().reload()
        self.page().wait_for_selector("#app [type=search], #app .who, #app .app-entry, #app .empty")
        self.tally.events["loaded anew"] += 1

    def restart(self) -> None:
        """The server's power fails while something is on its way."""
        self.server.stop(hard=True)
        self.step()
        self.server.start(self.server.version)
        self.tally.events["server restarted"] += 1

    def deploy(self) -> None:
        """Another version of the app, with other names of its files; the old names are gone."""
        self.server.stop()
        self.step()
        self.server.start("two" if self.server.version == "one" else "one")
        self.tally.events["deployed"] += 1

    def step(self) -> None:
        """Record something in one tab."""
        page = self.page()
        self.do(page, self.work())
        self.finish(page)

    # ---- the whole

    def run(self, visits: int, say: Callable[[str], None]) -> Tally:
        """Record so many visits through all of it, let everything arrive, and count."""
        self.begin()
        actions = {name: getattr(self, name.replace(" ", "_")) for name in EVENTS}
        # each thing happens at least once, whatever chance says
        happenings: dict[int, Callable[[], None]] = {
            visits * (2 + number) // 12 + 1: action for number, action in enumerate(actions.values())
        }
        happenings |= {visits // 3: self.restart, visits // 2: self.deploy}
        for number in range(1500, visits, 1500):
            happenings[number] = self.restart if number % 3000 else self.deploy
        told = 0
        while len(self.kept) < visits:
            for at in sorted(happenings):
                if at <= len(self.kept):
                    self.quietly(happenings.pop(at))
            if self.chance.random() * 100 < sum(EVENTS.values()):
                name = self.chance.choices(list(EVENTS), list(EVENTS.values()))[0]
                self.quietly(actions[name])
            self.quietly(self.step)
            self.quietly(self.let_some_arrive)
            if len(self.kept) - told >= 50:
                told = len(self.kept)
                say(f"{time.strftime('%H:%M:%S')} {told} recorded, {self.road.weather}")
        self.drain()
        return self.count()

    def quietly(self, action: Callable[[], None]) -> None:
        """Do it; a page that went away meanwhile (a new version was taken) is one more thing that happens."""
        try:
            action()
        except Error as error:
            self.tally.events[f"page went away: {str(error)[:60]}"] += 1
            for page in self.pages:
                if not page.is_closed():
                    page.close()
            self.pages = []
            if self.road.weather != "offline":
                self.road.weather = "clear"

    def waiting(self, page: Page) -> list[dict[str, Any]]:
        """What lies in the outbox and has not arrived."""
        return page.evaluate(
            "async () => (await (await window.chaos.outbox()).entries()).filter((one) => one.state !== 'sent')"
        )

    def let_some_arrive(self) -> None:
        """A queue is allowed to grow, but not to hold all that the test does."""
        page = self.page()
        if len(self.waiting(page)) <= LONGEST_QUEUE:
            return
        self.road.weather = self.chance.choice(["clear", "lossy"])
        if not self.is_logged_in:
            self.session()
        page.reload()  # what a person does who sees it grow
        end = time.monotonic() + 4
        while time.monotonic() < end and len(self.waiting(page)) > LONGEST_QUEUE // 2:
            time.sleep(0.1)

    def drain(self) -> None:
        """Clear weather, a login, one tab: everything arrives."""
        self.road.weather = "clear"
        self.log_in()
        for page in self.pages:
            page.close()
        self.pages = []
        page = self.open_page()
        end = time.monotonic() + DRAIN_SECONDS
        while time.monotonic() < end:
            with suppress(Error):
                waiting = self.waiting(page)
                names = page.evaluate("caches.keys()")
                if not waiting and len(names) == 1:
                    return
                page.evaluate("location.hash = '#/outbox'")
                refused = [one for one in waiting if one["state"] == "refused"]
                if refused and refused[0].get("code") == "in_future" and self.mend(page):
                    continue
                page.get_by_role("button", name="立即上传").click(timeout=5_000)
                time.sleep(0.3)
        for one in self.waiting(page):
            self.tally.notes.append(f"still waiting: {json.dumps(one, ensure_ascii=False)}")
            self.tally.unexplained += 1
        if len(names := page.evaluate("caches.keys()")) != 1:
            self.tally.notes.append(f"more than one version on the phone: {names}")
            self.tally.unexplained += 1

    def mend(self, page: Page) -> bool:
        """Put right a visit whose time the server refused, as a person does."""
        page.locator(".app-fixes button").first.click()
        page.wait_for_selector("#visit.is-live")
        now = (datetime.now(UTC) + timedelta(hours=8) - timedelta(minutes=2)).strftime("%Y-%m-%dT%H:%M")
        page.evaluate("(now) => (document.getElementById('visit').elements.visited_at.value = now)", now)
        page.locator("#app-foot [type=submit]").click()
        page.wait_for_selector("#app [type=search]")
        self.tally.events["put right"] += 1
        return True

    def count(self) -> Tally:
        """Compare what the app said with what the database has."""
        from issues.models import Attachment
        from surveys.models import Response, Waiting
        from visits.models import Assignment, Visit, VisitConflict, VisitItem

        tally = self.tally
        rows = Counter(Visit.objects.values_list("note", flat=True))
        stored = set(rows)
        tally.recorded = len(self.kept | (stored & self.tried))
        tally.stored = len(stored & self.tried)
        tally.duplicates = sum(rows.values()) - len(rows)
        tally.lost = len(self.kept - stored)
        tally.unexplained += len(stored - self.tried) + VisitConflict.objects.count()
        tally.notes += [f"stored, not recorded: {note}" for note in stored - self.tried]
        tally.notes += [f"kept twice: {one.visit_id}" for one in VisitConflict.objects.all()]
        for item in VisitItem.objects.filter(visit__note__in=self.with_photo).select_related("issue"):
            if Attachment.objects.filter(issue=item.issue).count() != 1:
                tally.unexplained += 1
                tally.notes.append(f"the photo of {item.visit_id} is missing")
        tally.events["photos"] = Attachment.objects.count()
        for duty in Assignment.objects.filter(campaign=self.place.campaign):
            visits = Visit.objects.filter(campaign=duty.campaign_id, household=duty.household_id)
            counted = visits.filter(is_counted=True).count()
            if duty.attempts != visits.count() or counted != int(visits.filter(outcome="met").exists()):
                tally.unexplained += 1
                tally.notes.append(f"duty {duty.pk}: {duty.attempts} attempts, {counted} counted")
        tally.answers_kept, tally.answers_tried = len(self.answers_kept), len(self.answers_tried)
        tally.answers_stored = Waiting.objects.count() + Response.objects.count()
        if not tally.answers_kept <= tally.answers_stored <= tally.answers_tried:
            tally.unexplained += 1
            tally.notes.append("answers were lost, or came twice")
        tally.events.update(self.road.losses)
        return tally


def run(
    *, browser: Browser, folder: Path, visits: int, seed: int, say: Callable[[str], None] = lambda _line: None
) -> Tally:
    """Run the chaos against the database of this process, which is migrated and has no district yet."""
    from django.conf import settings
    from django.db import connection

    folder.mkdir(parents=True, exist_ok=True)
    server = Server(folder, connection.settings_dict, settings.REDIS_URL)
    place = make_place(doors=max(40, visits // 6))
    server.start("one")
    chaos = Chaos(browser=browser, folder=folder, place=place, server=server, seed=seed)
    try:
        return chaos.run(visits, say)
    finally:
        chaos.context.close()
        chaos.road.close()
        server.stop()
        server.log.close()


def main() -> int:
    """Run `python -m tests.browser.chaos VISITS [SEED]` in a data folder of its own; return the exit code."""
    from outreach import embedded

    visits = int(sys.argv[1])
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(10**6)
    embedded.read_env()
    folder = embedded.var_dir() / "chaos"
    shutil.rmtree(folder, ignore_errors=True)
    os.environ |= {"VAR_DIR": str(folder), "DATABASE_URL": "", "REDIS_URL": "", "DEMO": "1"}
    os.environ |= {"DJANGO_SETTINGS_MODULE": "outreach.settings", "DJANGO_ALLOW_ASYNC_UNSAFE": "1"}
    embedded.start_if_unset()
    import django
    from django.core.management import call_command
    from playwright.sync_api import sync_playwright

    django.setup()
    from tests.browser.conftest import ARGS

    call_command("migrate", verbosity=0)
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    print(f"seed {seed}", flush=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGS)
        tally = run(browser=browser, folder=folder, visits=visits, seed=seed, say=lambda line: print(line, flush=True))
        browser.close()
    for name, count in sorted(tally.events.items()):
        print(f"{name}: {count}")
    print(f"answers kept {tally.answers_kept} stored {tally.answers_stored} tried {tally.answers_tried}")
    for note in tally.notes[:40]:
        print(note)
    print(tally)
    return int(bool(tally.lost or tally.duplicates or tally.unexplained or tally.recorded != tally.stored))


if __name__ == "__main__":
    sys.exit(main())
