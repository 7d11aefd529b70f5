"""`make run`: prepare the database and run web, worker and beat in one terminal until Ctrl-C.

Run as `python -m outreach.supervisor`. docs/decisions/0002-supervisor.md says why it is our own.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from types import FrameType

import django
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from outreach import embedded
from outreach.keeper import die_with_parent

STOP_SECONDS = 6  # then what still runs is killed; a task cut off so is run again (CELERY_TASK_ACKS_LATE)
SHORT_RUN_SECONDS = 10  # who ends sooner after its start would end again: all is stopped
COLOURS = {"web": "36", "worker": "33", "beat": "35", "run": "32"}

CELERY = [sys.executable, "-m", "celery", "--quiet", "--app", "outreach"]
COMMANDS = {
    "web": [sys.executable, "-m", "gunicorn", "outreach.wsgi"],  # reads gunicorn.conf.py
    "worker": [*CELERY, "worker", "--loglevel", "INFO", "--without-gossip", "--without-mingle", "--concurrency", "2"],
    "beat": [*CELERY, "beat", "--loglevel", "INFO", "--pidfile="],
}


def say(name: str, line: str) -> None:
    """Print one line of a process, with the time and a coloured prefix where the output is a terminal."""
    prefix = f"{time.strftime('%H:%M:%S')} {name:<6} │"
    if sys.stdout.isatty() and "NO_COLOR" not in os.environ:
        prefix = f"\033[{COLOURS[name]}m{prefix}\033[0m"
    with contextlib.suppress(BrokenPipeError, ValueError):
        sys.stdout.write(f"{prefix} {line.rstrip()}\n")
        sys.stdout.flush()


# Celery warns on every start of running as root; here everything is one demo's, and PostgreSQL alone is not root's.
ENVIRONMENT = {"PYTHONUNBUFFERED": "1", "PYTHONWARNINGS": "ignore:You're running the worker with superuser"}


@dataclass
class Process:
    """One supervised program."""

    name: str
    command: list[str]
    started_at: float = field(init=False)
    child: subprocess.Popen[str] = field(init=False)
    reader: threading.Thread = field(init=False)

    def start(self) -> None:
        """Start the program in a session of its own: Ctrl-C in the terminal is for us, who stop it in order."""
        self.started_at = time.monotonic()
        self.child = subprocess.Popen(
            self.command,
            cwd=embedded.BASE_DIR,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=ENVIRONMENT | os.environ,
            start_new_session=True,
            preexec_fn=lambda: die_with_parent(signal.SIGTERM),
        )
        self.reader = threading.Thread(target=self.relay, daemon=True)
        self.reader.start()

    def relay(self) -> None:
        """Print what the program prints."""
        for line in self.child.stdout or ():
            say(self.name, line)

    def kill_session(self) -> None:
        """Kill the program and every child it left behind."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.child.pid, signal.SIGKILL)
        self.child.wait()
        self.reader.join(2)


def supervise(commands: dict[str, list[str]]) -> int:
    """Run the commands until SIGINT, SIGTERM or SIGHUP (returns 0) or until one cannot be kept running (returns 1)."""
    asked = threading.Event()

    def ask(_number: int, _frame: FrameType | None) -> None:
        asked.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, ask)
    processes = [Process(name, command) for name, command in commands.items()]
    for process in processes:
        process.start()
    failed = False
    while not failed and not asked.wait(0.2):
        if reason := embedded.lost():
            say("run", f"{reason} Stopping all.")
            failed = True
        for process in processes:
            if (code := process.child.poll()) is None:
                continue
            process.kill_session()
            how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
            if time.monotonic() - process.started_at < SHORT_RUN_SECONDS:
                say("run", f"{process.name} {how} right after its start. Its last lines above say why. Stopping all.")
                failed = True
                break
            say("run", f"{process.name} {how}. Starting it again.")
            process.start()
    if not failed:
        say("run", "stopping")
    stop(processes)
    return int(failed)


def stop(processes: list[Process]) -> None:
    """Ask all to end, then kill what has not ended after STOP_SECONDS."""
    for process in processes:
        process.child.terminate()
    deadline = time.monotonic() + STOP_SECONDS
    for process in processes:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.child.wait(max(0, deadline - time.monotonic()))
        process.kill_session()


def check_port(host: str, port: str) -> None:
    """End the program with a message where the web server could not listen on the address."""
    if not port.isdecimal() or not 0 < int(port) < 65536:
        sys.exit(f"PORT is {port!r}; it must be a number from 1 to 65535.")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        sys.exit(
            f"Cannot listen on {host}:{port}: {error.strerror}. "
            f"Stop the program that uses it, or choose another port: make run PORT={int(port) + 1}"
        )


def prepare() -> None:
    """Migrate, fill an empty database with the demo district, collect static files, show who can log in."""
    from django.core.management import call_command, get_commands
    from django.db import connections

    call_command("migrate", interactive=False, verbosity=0)
    if settings.DEMO and "seed_demo" in get_commands():
        call_command("seed_demo", "--stage", "midway", "--if-empty")
    call_command("collectstatic", interactive=False, verbosity=0)
    if settings.DEMO and "demo_logins" in get_commands():
        call_command("demo_logins")
    connections.close_all()


def main() -> int:
    """Do what `make run` promises; return the exit code."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "outreach.settings")
    embedded.read_env()
    host = os.environ.setdefault("HOST", "127.0.0.1")
    port = os.environ.setdefault("PORT", "8000")
    check_port(host, port)
    try:
        django.setup()  # reads the settings, whose time zone the log is in
        say("run", f"starting the database; data in {embedded.var_dir()}")
        embedded.start_if_unset()
        say("run", "preparing the database")
        prepare()
        say("run", f"http://{host}:{port}/ — stop with Ctrl-C")
        code = supervise(COMMANDS)
        embedded.stop()
    except (embedded.EmbeddedError, ImproperlyConfigured) as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        return 130
    say("run", "stopped")
    return code


if __name__ == "__main__":
    sys.exit(main())
