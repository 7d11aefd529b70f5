"""The embedded PostgreSQL and Redis, started where DATABASE_URL or REDIS_URL names no other.

Settings ask here for addresses, which starts nothing. `start_if_unset` starts the servers for programs that need them
(manage.py, `make run`, pytest); they stop when the last such program ends. Each server has a keeper process, see
outreach/keeper.py; docs/decisions/0001-embedded-database.md says why.
"""

import atexit
import contextlib
import fcntl
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import environ

from outreach.keeper import SERVER_USER, SERVERS, EmbeddedError, explain, try_lock, user_name

BASE_DIR = Path(__file__).resolve().parent.parent
VARIABLES = {"postgres": "DATABASE_URL", "redis": "REDIS_URL"}
SOCKET_LIMIT = 103  # bytes in the path of a unix socket: 107 on Linux, 103 on macOS
STOP_SECONDS = 60  # PostgreSQL may have much to write when it stops
START_SECONDS = 600


def var_dir() -> Path:
    """Return the folder for all that the program writes: VAR_DIR, or var/ beside the program."""
    return Path(os.environ.get("VAR_DIR") or BASE_DIR / "var").expanduser().resolve()


def socket_dir() -> Path:
    """Return the folder of the unix sockets: in var_dir(), or in /tmp where that path will not do for a socket."""
    folder = var_dir() / "run"
    # PostgreSQL's clients take a comma for the end of one host name
    if len(os.fsencode(folder / ".s.PGSQL.5432")) <= SOCKET_LIMIT and "," not in str(folder):
        return folder
    return Path("/tmp") / f"outreach-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]}"


def read_env() -> None:
    """Read the file .env beside manage.py, where there is one; the environment itself goes before it."""
    if (BASE_DIR / ".env").exists():
        environ.Env.read_env(BASE_DIR / ".env")


def database_settings() -> dict[str, Any]:
    """Return DATABASES["default"]: of DATABASE_URL, or of the embedded server."""
    if url := os.environ.get("DATABASE_URL"):
        return dict(environ.Env.db_url_config(url))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "outreach",
        "USER": "postgres",
        "HOST": str(socket_dir()),
        "PORT": "5432",
    }


def redis_url() -> str:
    """Return REDIS_URL, or the embedded server's as Celery writes it (redis-py calls the scheme unix://)."""
    return os.environ.get("REDIS_URL") or f"redis+socket://{quote(str(socket_dir() / 'redis.sock'))}"


def start_if_unset() -> None:
    """Start what no variable names elsewhere, and hold it until this process ends. Calling it again does nothing.

    Raises EmbeddedError, with a text for the person at the terminal, where a server cannot run.
    """
    read_env()
    wanted = [name for name, variable in VARIABLES.items() if not os.environ.get(variable)]
    starting: list[Use] = []
    try:
        for name in wanted:
            if name not in _uses or _uses[name].process != os.getpid():
                starting.append(Use(name))
        for use in starting:
            use.wait_ready()
    except BaseException as error:
        for use in starting:
            use.leave()
        if isinstance(error, OSError):
            raise explain(error, var_dir()) from error
        raise
    _uses.update({use.name: use for use in starting})


def lost() -> str:
    """Say which of the servers we use is gone for good; empty while all are kept."""
    for use in _uses.values():
        keeping = use.open_lock("keeper")
        gone = try_lock(keeping, fcntl.LOCK_SH)
        os.close(keeping)
        if gone:
            return f"{use.name} has stopped and does not start again: see {var_dir()}/log/keeper.log."
    return ""


def stop() -> None:
    """Let go of the servers; where we were their last user, wait until they have stopped."""
    leaving = [_uses.pop(name) for name in list(_uses)]
    were_last = [use for use in leaving if use.process == os.getpid() and use.leave()]
    for use in were_last:
        use.wait_stopped()


class Use:
    """This process's use of one server: a shared lock on NAME.users, which the kernel drops when we end."""

    def __init__(self, name: str) -> None:
        """Take the lock, and launch the server's keeper where none is alive; does not wait for the server."""
        self.name = name
        self.process = os.getpid()
        self.keeper: subprocess.Popen[bytes] | None = None
        self.server = SERVERS[name](var_dir(), socket_dir())
        for folder in ("lock", "log"):
            (var_dir() / folder).mkdir(parents=True, exist_ok=True)
        self.users = self.open_lock("users")
        # not free while a keeper whose last user has left is stopping the server
        if not wait_for(lambda: try_lock(self.users, fcntl.LOCK_SH), STOP_SECONDS):
            raise EmbeddedError(f"{name} is stopping and does not finish. See {self.server.log}, then try again.")
        self.launching: int | None = None
        launching = self.launching = self.open_lock("launching")
        if not wait_for(lambda: try_lock(launching, fcntl.LOCK_EX), START_SECONDS):
            raise EmbeddedError(f"Another program is starting {name} and does not finish. See {self.server.log}.")
        keeping = self.open_lock("keeper")
        try:
            if try_lock(keeping, fcntl.LOCK_EX):
                self.launch(keeping)
        finally:
            os.close(keeping)

    def open_lock(self, kind: str) -> int:
        """Open (and make) one of the server's lock files."""
        return os.open(var_dir() / "lock" / f"{self.name}.{kind}", os.O_RDWR | os.O_CREAT, 0o600)

    def launch(self, keeping: int) -> None:
        """Start the keeper, which inherits the open file `keeping` and with it the lock that says it lives."""
        make_socket_dir()
        # its own session: Ctrl-C in our terminal is for us; -P: modules of ours have names of the standard library
        command = [sys.executable, "-P", str(BASE_DIR / "outreach/keeper.py"), self.name]
        self.keeper = subprocess.Popen(
            [*command, str(var_dir()), str(socket_dir())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=[keeping],
            start_new_session=True,
        )

    def wait_ready(self) -> None:
        """Wait until the server answers. Raises EmbeddedError with the keeper's reason where it will not."""
        if self.keeper and self.keeper.stdout:
            with self.keeper.stdout as output:
                said = ""
                for line in output:
                    if line == b"ready\n":
                        break
                    said += line.decode(errors="replace")
                else:
                    raise EmbeddedError(said.strip())
        elif not wait_for(self.server.answers, START_SECONDS):
            raise EmbeddedError(f"{self.name} runs but does not answer. See {self.server.log}.")
        self.end_launching()

    def end_launching(self) -> None:
        """Let the next program look whether it must launch a keeper."""
        if self.launching is not None:
            os.close(self.launching)
            self.launching = None

    def leave(self) -> bool:
        """Drop the lock; say whether nobody else had it."""
        self.end_launching()
        # Changing the lock gives up the old one first. Has the keeper come in between, even a shared one is refused.
        last = try_lock(self.users, fcntl.LOCK_EX) or not try_lock(self.users, fcntl.LOCK_SH)
        os.close(self.users)
        return last

    def wait_stopped(self) -> None:
        """Wait until the keeper has stopped the server and ended."""
        keeping = self.open_lock("keeper")
        wait_for(lambda: try_lock(keeping, fcntl.LOCK_EX), STOP_SECONDS)
        os.close(keeping)
        if self.keeper:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.keeper.wait(5)


_uses: dict[str, Use] = {}


def wait_for(condition: Callable[[], bool], seconds: float) -> bool:
    """Ask `condition` until it holds or `seconds` have passed; say whether it holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def make_socket_dir() -> None:
    """Make the folder of the sockets; one in /tmp that somebody else made first is refused."""
    folder = socket_dir()
    folder.mkdir(mode=0o700, exist_ok=True)
    owner = user_name(folder.lstat().st_uid)
    ours = folder.parent == var_dir() or owner in {user_name(os.geteuid()), SERVER_USER}
    if folder.is_symlink() or not ours:
        raise EmbeddedError(
            f"{folder}, where the sockets go, belongs to {owner}. Remove it, or set VAR_DIR to a short path."
        )


@atexit.register
def _stop_at_exit() -> None:
    with contextlib.suppress(KeyboardInterrupt):
        stop()
