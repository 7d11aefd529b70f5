"""`make run`: the supervisor brings up web, worker and beat, and leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from outreach.embedded import BASE_DIR
from tests.test_embedded import all_stopped, environment


class Keep(urllib.request.HTTPRedirectHandler):
    """Shows a redirect instead of following it."""

    def redirect_request(self, *args, **kwargs):
        return None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def get(url: str) -> tuple[int, str]:
    """The status of a page and where it leads."""
    try:
        with urllib.request.build_opener(Keep).open(url, timeout=10) as answer:
            return answer.status, ""
    except urllib.error.HTTPError as error:
        return error.code, error.headers.get("Location", "")


class Site:
    """A running supervisor with its own data folder and port."""

    def __init__(self, var: Path) -> None:
        self.var, self.port, self.output = var, free_port(), ""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "outreach.supervisor"],
            cwd=BASE_DIR,
            env=environment(var, PORT=str(self.port)),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def wait_for(self, *texts: str) -> None:
        """Read the log until each text has been seen."""
        while not all(text in self.output for text in texts):
            line = self.read_line()
            assert line, self.output
            self.output += line

    def read_line(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline()

    def family(self) -> list[psutil.Process]:
        return children(self.process)

    def finish(self) -> None:
        self.output += self.process.communicate(timeout=30)[0]


@pytest.fixture
def site(tmp_path) -> Iterator[Site]:
    site = Site(tmp_path / "var")
    site.wait_for("celery@", f"http://127.0.0.1:{site.port}/")
    for _ in range(100):
        try:
            get(f"http://127.0.0.1:{site.port}/")
            break
        except OSError:
            time.sleep(0.1)
    yield site
    if site.process.poll() is None:
        site.process.kill()
        site.finish()


def gone(processes: list[psutil.Process]) -> bool:
    return not psutil.wait_procs(processes, timeout=15)[1]


def test_site_answers_and_leaves_nothing_behind_after_ctrl_c(site):
    status, location = get(f"http://127.0.0.1:{site.port}/")
    assert (status, location.split("?")[0]) == (302, "/login/")
    assert get(f"http://127.0.0.1:{site.port}/login/") == (200, "")
    seen = site.output
    while not re.search(r"\d\d:\d\d:\d\d web    │ GET / 302", seen):  # beat and worker may speak before it
        line = site.read_line()
        assert line, seen
        seen += line
    family = site.family()
    assert len(family) >= 8  # three programs with their children, two keepers with their servers
    site.process.send_signal(signal.SIGINT)
    site.finish()
    assert site.process.returncode == 0
    assert site.output.endswith("stopped\n")
    assert not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in family)
    assert all_stopped(site.var)


def supervise(*commands: str, short: float = 10) -> subprocess.Popen[str]:
    """A supervisor of shell commands; one that ends within `short` seconds of its start stops all."""
    code = """if True:
        import sys
        from outreach import supervisor
        supervisor.SHORT_RUN_SECONDS = float(sys.argv[1])
        names = ["web", "worker", "beat"]
        sys.exit(supervisor.supervise({name: ["sh", "-c", text] for name, text in zip(names, sys.argv[2:])}))
    """
    command = [sys.executable, "-c", code, str(short), *commands]
    return subprocess.Popen(command, cwd=BASE_DIR, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def wait_for_line(process: subprocess.Popen[str], text: str) -> None:
    assert process.stdout
    assert any(text in line for line in process.stdout), text


def children(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def test_crashed_process_is_started_again():
    process = supervise("echo started; sleep 100", "echo up; sleep 100", short=0)
    wait_for_line(process, "worker │ up")
    (victim,) = [child for child in children(process) if "echo up; sleep 100" in child.cmdline()]
    victim.kill()
    wait_for_line(process, "worker was killed by signal 9. Starting it again.")
    wait_for_line(process, "worker │ up")
    family = children(process)
    process.terminate()
    assert process.wait(10) == 0
    assert gone(family)


def test_process_that_cannot_start_stops_all_and_says_why():
    process = supervise("sleep 100 & wait", "echo no such module; exit 3")
    output = process.communicate(timeout=20)[0]
    assert process.returncode == 1
    assert "worker │ no such module\n" in output
    assert "worker ended with code 3 right after its start. Its last lines above say why. Stopping all." in output


def test_process_that_will_not_end_is_killed_with_its_children():
    process = supervise("trap '' TERM; echo deaf; sleep 100 & sleep 100; sleep 100")
    wait_for_line(process, "deaf")
    family = children(process)
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0
    assert gone(family)


def test_killed_supervisor_takes_its_processes_with_it():
    process = supervise("echo up; exec sleep 100", "exec sleep 100")
    wait_for_line(process, "up")
    family = children(process)
    process.kill()
    process.communicate()
    assert gone(family)


def test_occupied_port_is_reported_before_anything_starts(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "outreach.supervisor"],
            cwd=BASE_DIR,
            env=environment(tmp_path / "var", PORT=str(port)),
            capture_output=True,
            text=True,
            timeout=30,
        )
    assert done.returncode == 1
    assert f"Cannot listen on 127.0.0.1:{port}" in done.stderr
    assert f"make run PORT={port + 1}" in done.stderr
    assert not (tmp_path / "var").exists()


def test_missing_key_is_reported_with_the_way_to_make_one(tmp_path):
    production = {"DATABASE_URL": "postgres://u:p@db.example/d", "REDIS_URL": "redis://redis.example"}
    env = environment(tmp_path / "var", PORT=str(free_port()), **production)
    del env["DEMO"]
    for command in (["-m", "outreach.supervisor"], ["manage.py", "migrate"]):
        done = subprocess.run(
            [sys.executable, *command], cwd=BASE_DIR, env=env, capture_output=True, text=True, timeout=30
        )
        assert done.returncode == 1
        assert done.stderr == "Set SECRET_KEY (see .env.example). Generate one with: openssl rand -base64 48\n"


def run_make(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.environ["PATH"], **variables}
    return subprocess.run(["make", *arguments], cwd=BASE_DIR, env=env, capture_output=True, text=True, timeout=30)


def test_old_python_is_refused_with_a_hint(tmp_path):
    old = tmp_path / "python3"
    old.write_text('#!/bin/sh\ntest "$1" = --version && echo "Python 3.9.2" && exit 0\nexit 1\n')
    old.chmod(0o755)
    done = run_make("venv", f"PYTHON={old}")
    assert done.returncode == 2
    assert f"Python 3.11 or later is needed; {old} is Python 3.9.2. Name another: make run PYTHON=" in done.stderr
