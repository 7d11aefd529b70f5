"""The phone without signal: what sending costs the server, and what the app costs an old phone.

Throughput: batches of 20 through /phone/sync against single posts of the form, and against the bare INSERT of the same
rows. The app: 3 000 households on one phone, at a quarter of this machine's speed and 10 Mbit/s.
"""

from __future__ import annotations

import gzip
import os
import shutil
import statistics
import time
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from bench import seed
from bench.figure import Figure
from households.models import Resident
from outreach.models import Campaign
from visits.attempts import band_of
from visits.models import Assignment, Visit, VisitStandard

HOUSEHOLDS = 3_000
VISITS = 400
BATCH = 20
THROTTLE = 4
MEGABITS = 10
SEARCHES = ["王", "zs", "李", "w", "幸福", "12", "138", "lh", "张", "x"]


def prepare() -> seed.District:
    """Write a district whose every household is the one visitor's."""
    district = seed.district(households=HOUSEHOLDS, townships=2, villages=4, issues=100)
    seed.add_residents()
    today = timezone.localdate()
    Campaign.objects.update(starts_on=min(seed.STARTS_ON, today), ends_on=today + timedelta(days=30))
    VisitStandard.objects.create(campaign=district.campaign)
    Assignment.objects.update(visitor=district.visitor)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return district


def one_visit(household: int, campaign: int) -> dict[str, Any]:
    """What a phone sends of a fruitless visit."""
    return {
        "uuid": str(uuid.uuid4()),
        "household": household,
        "campaign": campaign,
        "outcome": "nobody_home",
        "visited_at": timezone.now().isoformat(),
        "note": "邻居说晚上七点以后在家",
    }


def batches(client: Client, doors: list[int], campaign: int) -> float:
    """Return visits a second, sent in batches."""
    start = time.perf_counter()
    for at in range(0, len(doors), BATCH):
        items = [{"kind": "visit", "visit": one_visit(door, campaign)} for door in doors[at : at + BATCH]]
        body = {"client": "1", "sent_at": timezone.now().isoformat(), "items": items}
        receipts = client.post("/phone/sync", body, content_type="application/json").json()["receipts"]
        assert all(receipt["result"] == "stored" for receipt in receipts), receipts[0]
    return len(doors) / (time.perf_counter() - start)


def forms(client: Client, doors: list[int], campaign: int) -> float:
    """Return visits a second, one post of the form each."""
    start = time.perf_counter()
    for door in doors:
        form = one_visit(door, campaign) | {"problem": "no"}
        response = client.post(f"/phone/{door}/", form, headers={"Accept": "application/json"})
        assert response.status_code == 200, response.content[:300]
    return len(doors) / (time.perf_counter() - start)


def bare(district: seed.District, doors: list[int]) -> float:
    """Return visits a second, as nothing but rows, in transactions of a batch."""
    start = time.perf_counter()
    now = timezone.now()
    for at in range(0, len(doors), BATCH):
        with transaction.atomic():
            Visit.objects.bulk_create(
                Visit(
                    uuid=uuid.uuid4(),
                    payload_hash="0" * 64,
                    household_id=door,
                    campaign=district.campaign,
                    visitor=district.visitor,
                    visitor_unit=district.unit,
                    outcome="nobody_home",
                    visited_at=now,
                    received_at=now,
                    time_band=band_of(now),
                    note="邻居说晚上七点以后在家",
                )
                for door in doors[at : at + BATCH]
            )
    return len(doors) / (time.perf_counter() - start)


def throughput(district: seed.District, client: Client) -> Iterator[Figure]:
    """The three, taking turns so that what else runs on the machine slows all of them."""
    doors = list(Assignment.objects.order_by("pk").values_list("household", flat=True)[:VISITS])
    part = VISITS // 4
    rates: dict[str, list[float]] = {"batches": [], "forms": [], "bare": []}
    batches(client, doors[:BATCH], district.campaign.pk)
    for at in range(0, VISITS, part):
        rates["batches"].append(batches(client, doors[at : at + part], district.campaign.pk))
        rates["forms"].append(forms(client, doors[at : at + part], district.campaign.pk))
        rates["bare"].append(bare(district, doors[at : at + part]))
    best = {name: max(values) for name, values in rates.items()}
    yield Figure("sync_visits_per_second", best["batches"], "visits/s", ">=", 30)
    yield Figure("form_visits_per_second", best["forms"], "visits/s", ">=", 5)
    yield Figure("bare_insert_visits_per_second", best["bare"], "visits/s", ">=", 100)
    yield Figure("sync_over_form", best["batches"] / best["forms"], "×", ">=", 1.2)
    yield Figure("bare_insert_over_sync", best["bare"] / best["batches"], "×", "<=", 200)


def download(client: Client) -> Iterator[Figure]:
    """The size and the server's time of the first download, and of one without news."""
    times = []
    for _try in range(3):
        start = time.perf_counter()
        response = client.get("/phone/data/", headers={"Accept-Encoding": "gzip"})
        times.append(time.perf_counter() - start)
    data = response.json() if response.get("Content-Encoding") != "gzip" else None
    yield Figure("download_size", len(response.content) / 1024, "kB", "<=", 2_048)
    yield Figure("download_server_time", min(times), "s", "<=", 2)
    if data is None:
        import json

        data = json.loads(gzip.decompress(response.content))
    yield Figure("download_households", len(data["households"]), "households", ">=", HOUSEHOLDS * 0.9)
    yield Figure("download_residents", Resident.objects.count(), "residents", ">=", HOUSEHOLDS * 2)


def app(district: seed.District, folder: Path) -> Iterator[Figure]:
    """The app in Chromium at a quarter of the speed: first download, search, size of a visit, cold start offline."""
    from playwright.sync_api import sync_playwright

    from tests.browser.chaos import SCRIPT, Server, until
    from tests.browser.conftest import ARGS

    server = Server(folder, connection.settings_dict, settings.REDIS_URL)
    server.start("one")
    client = Client()
    client.force_login(district.visitor)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    origin = f"http://127.0.0.1:{server.port}"
    door = Assignment.objects.order_by("pk").values_list("household", flat=True).first()
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGS)
        context = browser.new_context(viewport={"width": 390, "height": 844}, base_url=origin, locale="zh-CN")
        context.set_default_timeout(120_000)
        context.add_init_script(path=SCRIPT)
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": origin}])

        def slow_page(megabits: float | None = None) -> Any:
            page = context.new_page()
            session = context.new_cdp_session(page)
            session.send("Emulation.setCPUThrottlingRate", {"rate": THROTTLE})
            if megabits:
                speed = megabits * 1_000_000 / 8
                limits = {"offline": False, "latency": 40, "downloadThroughput": speed, "uploadThroughput": speed}
                session.send("Network.enable")
                session.send("Network.emulateNetworkConditions", limits)
            return page

        def opened(page: Any) -> float:
            start = time.perf_counter()
            page.goto("/phone/app/#/all", wait_until="commit")
            page.wait_for_selector("#app .door")
            return time.perf_counter() - start

        try:
            page = slow_page(MEGABITS)
            yield Figure("first_download_10mbit_4x", opened(page), "s", "<=", 5)
            until(page, "navigator.serviceWorker.controller !== null")
            page.close()
            server.stop(hard=True)
            starts = []
            for _try in range(3):
                page = slow_page()
                starts.append(opened(page))
                page.close()
            yield Figure("cold_start_offline_4x", min(starts), "s", "<=", 2)
            page = slow_page()
            opened(page)
            times = page.evaluate(
                """(words) => words.map((word) => {
                    const box = document.querySelector("#app [type=search]");
                    box.value = word;
                    const start = performance.now();
                    box.dispatchEvent(new Event("input"));
                    return performance.now() - start;
                })""",
                SEARCHES * 3,
            )
            yield Figure("search_median_4x", statistics.median(times), "ms", "<=", 100)
            yield Figure("search_slowest_4x", max(times), "ms", "<=", 100)
            work = {"household": door, "campaign": district.campaign.pk, "outcome": "nobody_home", "picture": ""}
            page.evaluate("(work) => window.chaos.form(work)", work | {"note": "邻居说晚上七点以后在家" * 10})
            size = page.evaluate(
                """async () => {
                    const name = `outreach-phone-${localStorage.getItem("phone-user")}`;
                    const opening = indexedDB.open(name);
                    const db = await new Promise((done) => { opening.onsuccess = () => done(opening.result); });
                    return new Promise((done) => {
                        db.transaction("outbox").objectStore("outbox").getAll().onsuccess = (event) =>
                            done(Math.max(...event.target.result.map((one) => one.data.byteLength)));
                    });
                }"""
            )
            yield Figure("visit_size_without_photo", size / 1024, "kB", "<=", 30)
            browser.close()
        finally:
            server.stop()


def measure() -> Iterator[Figure]:
    """Yield the figures of the server, then those of the phone."""
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    call_command("collectstatic", interactive=False, verbosity=0)
    district = prepare()
    client = Client()
    client.force_login(district.visitor)
    yield from download(client)
    folder = Path(settings.VAR_DIR) / "phone"
    folder.mkdir()
    yield from app(district, folder)
    yield from throughput(district, client)
