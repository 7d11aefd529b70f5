"""A worker killed at any line loses no message and doubles none: the one in hand is in doubt, and shown.

Real Celery workers, killed by SIGKILL, with a data folder of their own; a real HTTP server counts what arrives.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from outreach.embedded import BASE_DIR
from tests.gateway import Gateway
from tests.test_embedded import environment

# One program keeps the servers up and answers what the tests ask: each line of JSON is a function below and arguments.
HOLDER = """
import json, sys
from datetime import time
import django
from outreach import embedded
embedded.start_if_unset()
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from outreach import sealing
from outreach.models import Channel, Delivery, MessageHours, Notification, Unit
from outreach.notify import notify
from outreach.tasks import send_messages
unit = Unit.objects.create(code="439900", name="星河区", kind="district")
MessageHours.objects.create(district=unit, opens_at=time(0), closes_at=time(23, 59, 59), workdays_only=False)

def begin(url, messages):
    Channel.objects.all().delete()
    sealed = sealing.seal({"url": url, "text_field": "content", "token": ""})
    for number in range(messages):
        Channel.objects.create(unit=unit, kind="webhook", name=f"群{number}", sealed=sealed)
    notify(kind="test", title="问题2026000001待签收", url="/", key="k", units=[unit])

def send(times):
    for _time in range(times):
        send_messages.delay()

def ask():
    return {
        "unpacked": Notification.objects.filter(packed_at=None).count(),
        "states": {str(key): state for key, state in Delivery.objects.values_list("key", "state")},
    }

print("up", flush=True)
for line in sys.stdin:
    name, *arguments = json.loads(line)
    print(json.dumps(globals()[name](*arguments)), flush=True)
"""


class Site:
    """A data folder with its servers and an empty district; workers are started in it."""

    def __init__(self, var: Path) -> None:
        self.env = environment(var, DEMO="1", PYTHONPATH=str(BASE_DIR))
        self.holder = subprocess.Popen(
            [sys.executable, "-c", HOLDER],
            cwd=BASE_DIR,
            env=self.env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.holder.stdout
        assert self.holder.stdout.readline() == "up\n"

    def call(self, *words: object) -> Any:
        """Let the holder do something, and return what it says."""
        assert self.holder.stdin and self.holder.stdout
        self.holder.stdin.write(json.dumps(words) + "\n")
        self.holder.stdin.flush()
        return json.loads(self.holder.stdout.readline())

    def worker(self, app: str = "outreach", processes: int = 1, **more: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "celery", "--quiet", "--app", app, "worker", "--loglevel", "CRITICAL"]
        command += ["--without-gossip", "--without-mingle", "--without-heartbeat", "--concurrency", str(processes)]
        return subprocess.Popen(
            command,
            cwd=BASE_DIR,
            env=self.env | more,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def settled(self) -> bool:
        """Send once more, and say whether nothing is left to send."""
        self.call("send", 1)
        answer = self.call("ask")
        return answer["unpacked"] == 0 and set(answer["states"].values()) <= {"sent", "doubt"}


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("killed") / "var")
    yield site
    site.holder.communicate(timeout=60)


def kill(worker: subprocess.Popen[bytes]) -> None:
    """Kill a worker and all its processes at once."""
    os.killpg(worker.pid, signal.SIGKILL)
    worker.wait()


def until(condition) -> None:
    """Wait for `condition`, long enough for any machine."""
    for _time in range(600):
        if condition():
            return
        time.sleep(0.3)
    raise AssertionError("it never came")


def test_worker_killed_at_any_line_loses_none_and_doubles_none(site, tmp_path):
    messages, processes = 16, 32
    gateway = Gateway()
    site.call("begin", gateway.url, messages)
    counter = tmp_path / "counter"
    counter.write_text("")
    worker = site.worker("tests.killed_worker", 4, KILL_COUNTER=str(counter), KILL_PROCESSES=str(processes))
    try:
        site.call("send", 12)
        until(lambda: site.settled() and int(counter.read_text() or 0) > processes)
    finally:
        kill(worker)
    end = site.call("ask")
    states, times = end["states"], gateway.times()
    assert end["unpacked"] == 0
    assert len(states) == messages
    for key, state in states.items():
        assert times[key] == 1 if state == "sent" else times[key] <= 1, (state, times[key])
    assert set(times) <= set(states)
    # whether one is in doubt depends on where the kills fell; every other was sent
    assert {"sent"} <= set(states.values()) <= {"sent", "doubt"}
    gateway.close()


def test_worker_killed_while_the_other_side_has_the_message_leaves_that_one_in_doubt(site):
    killed: list[subprocess.Popen[bytes]] = []
    waiting: list[subprocess.Popen[bytes]] = []

    def on_message() -> None:
        if waiting:  # the first message alone: its sender is gone before it is answered
            killed.append(waiting.pop())
            os.killpg(killed[0].pid, signal.SIGKILL)

    gateway = Gateway(on_message)
    site.call("begin", gateway.url, 5)
    waiting.append(site.worker())
    site.call("send", 1)
    until(lambda: killed and killed[0].wait() is not None)
    second = site.worker()
    try:
        until(site.settled)
    finally:
        kill(second)
    states, times = site.call("ask")["states"], gateway.times()
    assert sorted(states.values()) == ["doubt", "sent", "sent", "sent", "sent"]
    assert set(times.values()) == {1}
    assert set(times) == set(states)
    gateway.close()
