"""The embedded PostgreSQL and Redis: they start, are shared, survive kill -9, stop with their last user, explain."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from outreach.embedded import BASE_DIR

NOBODY = pwd.getpwnam("nobody")
AS_NOBODY: dict[str, Any] = {"user": NOBODY.pw_uid, "group": NOBODY.pw_gid, "extra_groups": []}
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can do this")
USE = """
import sys
from outreach import embedded
try:
    embedded.start_if_unset()
    embedded.start_if_unset()
except embedded.EmbeddedError as error:
    sys.exit(str(error))
print("ready", flush=True)
sys.stdin.readline()
print(embedded.lost(), end="")
"""
SQL = """
import sys, psycopg2
from outreach import embedded
database = embedded.database_settings()
connection = psycopg2.connect(dbname=database["NAME"], user=database["USER"], host=database["HOST"])
connection.autocommit = True
cursor = connection.cursor()
cursor.execute(sys.argv[1])
print(cursor.fetchone()[0] if cursor.description else "")
"""
CACHE = """
import redis
from outreach import embedded
print(redis.from_url(embedded.redis_url().replace("redis+socket://", "unix://")).incr("n"))
"""


def environment(var: Path, **more: str) -> dict[str, str]:
    """The environment of a fresh shell in which VAR_DIR is `var`."""
    kept = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    return kept | {"VAR_DIR": str(var), "DJANGO_SETTINGS_MODULE": "outreach.settings"} | more


def run(code: str, *arguments: str, var: Path, **more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code, *arguments]
    env = environment(var, **more)
    return subprocess.run(command, cwd=BASE_DIR, env=env, capture_output=True, text=True, timeout=60, input="")


def sql(var: Path, statement: str) -> str:
    done = run(SQL, statement, var=var)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


class Program:
    """A program that uses the servers of `var` until told to end."""

    def __init__(self, var: Path, **options: object) -> None:
        command = [sys.executable, "-c", USE]
        self.process = subprocess.Popen(
            command,
            cwd=BASE_DIR,
            env=environment(var),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            **options,
        )

    def ready(self) -> Program:
        line = self.process.stdout.readline()
        assert line == "ready\n", line + self.process.stdout.read()
        return self

    def end(self) -> str:
        """End the program; return which server was lost, if one was."""
        said = self.process.communicate("\n", timeout=30)[0]
        assert self.process.returncode == 0
        return said

    def killed(self, number: int) -> None:
        self.process.send_signal(number)
        self.process.communicate(timeout=30)


def processes(var: Path) -> dict[str, list[psutil.Process]]:
    """The living keepers and servers of `var`, by kind."""
    found: dict[str, list[psutil.Process]] = {"keeper": [], "postgres": [], "redis": []}
    for process in psutil.process_iter():
        try:
            line, name = " ".join(process.cmdline()), process.name()
            if f"{var}/" not in line + " " or process.status() == psutil.STATUS_ZOMBIE:
                continue
        except psutil.Error:
            continue
        kind = {"postgres": "postgres", "redis-server": "redis"}.get(name, "keeper" if "keeper.py" in line else "")
        if kind:
            found[kind].append(process)
    return found


def count(var: Path) -> tuple[int, int, int]:
    found = processes(var)
    return len(found["keeper"]), len(found["postgres"]), len(found["redis"])


def all_stopped(var: Path) -> bool:
    """Whether nothing of `var` runs any more, or soon will not."""
    for _ in range(100):
        if count(var) == (0, 0, 0):
            return True
        time.sleep(0.1)
    return False


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Iterator[Path]:
    """A data folder with the table `kept` of one row; its servers are stopped between tests."""
    var = tmp_path_factory.mktemp("made") / "var"
    program = Program(var).ready()
    sql(var, "CREATE TABLE kept AS SELECT 41 + 1 AS answer")
    program.end()
    assert all_stopped(var)
    yield var
    assert all_stopped(var)


@pytest.fixture
def program(made) -> Iterator[Program]:
    program = Program(made).ready()
    yield program
    if program.process.poll() is None:
        program.end()


def test_embedded_database_is_utf8_and_knows_chinese_words(made, program):
    assert sql(made, "SHOW server_encoding") == "UTF8"
    assert sql(made, "SELECT datctype FROM pg_database WHERE datname = current_database()") == "C.UTF-8"
    assert sql(made, "SHOW server_version_num").startswith("18")
    assert sql(made, "CREATE EXTENSION IF NOT EXISTS pg_trgm; SELECT cardinality(show_trgm('张三李四'))") == "5"


def test_second_start_finds_the_data_of_the_first(made, program):
    assert sql(made, "SELECT answer FROM kept") == "42"


def test_servers_stop_when_their_program_ends(made):
    program = Program(made).ready()
    assert count(made) == (2, 1, 1)
    assert program.end() == ""
    assert count(made) == (0, 0, 0), "stopped before the program's end is reported"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_servers_stop_when_their_program_is_killed(made, number):
    program = Program(made).ready()
    program.killed(number)
    assert all_stopped(made)


def test_servers_are_shared_and_stop_with_the_last_user(made):
    programs = [Program(made) for _ in range(4)]
    for program in programs:
        program.ready()
    assert count(made) == (2, 1, 1)
    for program in programs[:3]:
        program.end()
        assert count(made) == (2, 1, 1)
    programs[3].end()
    assert count(made) == (0, 0, 0)


def test_new_data_folder_is_made_once_by_programs_started_together(tmp_path):
    var = tmp_path / "var"
    programs = [Program(var) for _ in range(4)]
    for program in programs:
        program.ready()
    assert count(var) == (2, 1, 1)
    for program in programs:
        program.end()
    assert count(var) == (0, 0, 0)


def test_killed_postgres_is_started_again_with_its_data(made, program):
    sql(made, "UPDATE kept SET answer = 42")
    (postgres,) = processes(made)["postgres"]
    postgres.kill()
    psutil.wait_procs([postgres], timeout=10)
    for _ in range(100):
        if run(SQL, "SELECT 1", var=made).returncode == 0:
            break
        time.sleep(0.1)
    assert sql(made, "SELECT answer FROM kept") == "42"


def test_killed_redis_is_started_again_with_its_data(made, program):
    before = int(run(CACHE, var=made).stdout)
    time.sleep(1.1)  # it writes to disk every second
    (redis,) = processes(made)["redis"]
    redis.kill()
    psutil.wait_procs([redis], timeout=10)
    for _ in range(100):
        if (done := run(CACHE, var=made)).returncode == 0:
            break
        time.sleep(0.1)
    assert int(done.stdout) == before + 1


def test_redis_that_keeps_dying_is_given_up_and_reported(made):
    program = Program(made).ready()
    while redis := processes(made)["redis"]:
        redis[0].kill()
        psutil.wait_procs(redis, timeout=10)
        while count(made)[0] == 2 and not processes(made)["redis"]:
            time.sleep(0.05)
    assert program.end().startswith("redis has stopped and does not start again: see ")
    again = Program(made).ready()
    assert run(CACHE, var=made).returncode == 0
    again.end()


def test_start_after_everything_was_killed_finds_the_data(made):
    program = Program(made).ready()
    victims = [process for kind in processes(made).values() for process in kind]
    for victim in victims:
        victim.kill()
    program.killed(signal.SIGKILL)
    psutil.wait_procs(victims, timeout=10)
    assert (made / "postgres/postmaster.pid").exists()
    again = Program(made).ready()
    assert sql(made, "SELECT answer FROM kept") == "42"
    again.end()


def test_start_replaces_servers_whose_keeper_was_killed(made):
    program = Program(made).ready()
    for keeper in processes(made)["keeper"]:
        keeper.kill()
    again = Program(made).ready()
    assert sql(made, "SELECT answer FROM kept") == "42"
    assert count(made) == (2, 1, 1)
    program.end()
    again.end()
    assert all_stopped(made)


def test_stale_pid_file_of_a_number_now_used_by_another_program_is_ignored(made):
    (made / "postgres/postmaster.pid").write_text(f"{os.getpid()}\n{made}/postgres\n1700000000\n5432\n")
    program = Program(made).ready()
    assert sql(made, "SELECT answer FROM kept") == "42"
    program.end()


def test_two_data_folders_run_side_by_side(made, program, tmp_path):
    other = Program(tmp_path / "var").ready()
    assert count(made) == count(tmp_path / "var") == (2, 1, 1)
    assert sql(tmp_path / "var", "SELECT count(*) FROM pg_class WHERE relname = 'kept'") == "0"
    other.end()
    assert count(made) == (2, 1, 1)


def test_deep_data_folder_has_its_sockets_elsewhere(tmp_path):
    var = tmp_path / ("deep" * 30) / "数据, 100%"
    program = Program(var).ready()
    assert sql(var, "SELECT 1") == "1"
    assert run(CACHE, var=var).stdout == "1\n"
    program.end()


def test_importing_settings_starts_nothing(tmp_path):
    done = run("import outreach.settings as s; print(s.DATABASES['default']['HOST'])", var=tmp_path / "var")
    assert done.stdout == f"{tmp_path}/var/run\n"
    assert not (tmp_path / "var").exists()


def test_nothing_starts_when_both_addresses_are_set(tmp_path):
    urls = {"DATABASE_URL": "postgres://u:p@db.example/d", "REDIS_URL": "redis://redis.example"}
    done = run(USE, var=tmp_path / "var", **urls)
    assert (done.returncode, done.stdout) == (0, "ready\n")
    assert not (tmp_path / "var").exists()


def test_only_redis_starts_when_the_database_has_an_address(tmp_path):
    done = run(USE, var=tmp_path / "var", DATABASE_URL="postgres://u:p@db.example/d")
    assert (done.returncode, done.stdout) == (0, "ready\n")
    assert (tmp_path / "var/redis").exists()
    assert not (tmp_path / "var/postgres").exists()


def refusal(var: Path, **options: object) -> str:
    """What manage.py says of a data folder it cannot use: an error, no stack trace."""
    done = subprocess.run(
        [sys.executable, "manage.py", "showmigrations"],
        cwd=BASE_DIR,
        env=environment(var),
        capture_output=True,
        text=True,
        timeout=60,
        **options,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "Traceback" not in done.stderr
    assert all_stopped(var)
    return done.stderr


def test_data_of_another_major_version_are_refused(tmp_path):
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres/PG_VERSION").write_text("17\n")
    message = refusal(tmp_path)
    assert "made by PostgreSQL 17; this program brings PostgreSQL 18" in message
    assert "docs/operations.md" in message


def test_folder_without_a_database_is_refused(tmp_path):
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres/thesis.doc").write_text("do not touch")
    assert "is not a PostgreSQL data folder. Move it away" in refusal(tmp_path)
    assert (tmp_path / "postgres/thesis.doc").read_text() == "do not touch"


def test_damaged_data_are_reported_with_the_end_of_the_log(tmp_path):
    program = Program(tmp_path).ready()
    program.end()
    (tmp_path / "postgres/global/pg_control").unlink()
    message = refusal(tmp_path)
    assert "postgres does not start" in message
    assert "pg_control" in message


def test_data_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "var").write_text("")
    assert "Set VAR_DIR to a folder on a local disk." in refusal(tmp_path / "var")


@as_root
@pytest.mark.parametrize("size", ["1m", "30m"])
def test_full_disk_is_reported(tmp_path, size):
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(tmp_path)], check=True)
    try:
        message = refusal(tmp_path / "var")
        assert f"The disk that holds {tmp_path}/var is full" in message
        assert "set VAR_DIR to a folder on another disk" in message
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


@as_root
def test_disk_that_is_full_to_the_last_byte_is_reported(tmp_path):
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,nr_inodes=1", "tmpfs", str(tmp_path)], check=True)
    try:
        assert "full" in refusal(tmp_path / "var")
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


@as_root
def test_root_may_keep_the_data_in_a_folder_closed_to_others(tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    program = Program(closed / "var").ready()
    assert sql(closed / "var", "SELECT 1") == "1"
    program.end()
    stranger = subprocess.run(["ls", str(closed)], **AS_NOBODY)
    assert stranger.returncode != 0


def nobody_can_run_us() -> bool:
    command = [sys.executable, "-c", "import outreach"]
    try:
        return subprocess.run(command, cwd=BASE_DIR, capture_output=True, **AS_NOBODY).returncode == 0
    except OSError:
        return False


@as_root
@pytest.mark.skipif(os.geteuid() == 0 and not nobody_can_run_us(), reason="this copy is closed to other users")
def test_ordinary_user_runs_the_servers_as_themselves():
    var = Path(f"/tmp/outreach-test-{os.getpid()}")
    var.mkdir()
    os.chown(var, NOBODY.pw_uid, NOBODY.pw_gid)
    try:
        program = Program(var, **AS_NOBODY).ready()
        assert {process.username() for kind in processes(var).values() for process in kind} == {"nobody"}
        program.end()
        os.chown(var / "postgres", 0, 0)
        message = refusal(var, **AS_NOBODY)
        assert f"{var}/postgres belongs to root, and we are nobody" in message
        os.chown(var, 0, 0)
        shutil.rmtree(var / "lock")
        message = refusal(var, **AS_NOBODY)
        assert f"Cannot write to {var}/lock" in message
        # root takes over what a user began
        os.chown(var / "postgres", NOBODY.pw_uid, NOBODY.pw_gid)
        again = Program(var).ready()
        assert sql(var, "SELECT 1") == "1"
        again.end()
    finally:
        shutil.rmtree(var)
