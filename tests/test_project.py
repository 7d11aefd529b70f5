"""The project as a whole: what it says of itself agrees with what it is."""

from __future__ import annotations

import re

import polib

from outreach.embedded import BASE_DIR, VARIABLES
from outreach.messages import compile_all

READERS = ["outreach/settings.py", "outreach/embedded.py", "outreach/supervisor.py", "gunicorn.conf.py"]
READS = re.compile(
    r"""(?:\benv\.\w+|\brequired|environ(?:\.(?:get|setdefault))?)[\[(]\s*"([A-Z_]+)\"""", re.VERBOSE | re.MULTILINE
)
NOT_OURS = {"DJANGO_SETTINGS_MODULE", "PATH", "NO_COLOR"}


def test_env_example_lists_exactly_the_variables_the_program_reads():
    read = {name for path in READERS for name in READS.findall((BASE_DIR / path).read_text())} | set(VARIABLES.values())
    listed = re.findall(r"^#?([A-Z_]+)=", (BASE_DIR / ".env.example").read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(read - NOT_OURS)


def test_every_variable_of_env_example_has_a_comment():
    blocks = (BASE_DIR / ".env.example").read_text().split("\n\n")
    assert all(block.startswith("# ") for block in blocks)


def test_messages_are_compiled_once_and_again_after_a_change(tmp_path):
    folder = tmp_path / "zh_Hans/LC_MESSAGES"
    folder.mkdir(parents=True)
    catalogue = polib.POFile()
    catalogue.metadata = {"Content-Type": "text/plain; charset=UTF-8"}
    catalogue.append(polib.POEntry(msgid="village", msgstr="村"))
    catalogue.append(polib.POEntry(msgid="guess", msgstr="猜", flags=["fuzzy"]))
    catalogue.save(str(folder / "django.po"))
    assert compile_all(tmp_path) == ["zh_Hans/LC_MESSAGES/django.mo: 1 messages compiled"]
    assert compile_all(tmp_path) == []
    assert {entry.msgid: entry.msgstr for entry in polib.mofile(str(folder / "django.mo"))} == {"village": "村"}
    catalogue.append(polib.POEntry(msgid="township", msgstr="镇"))
    catalogue.save(str(folder / "django.po"))
    assert compile_all(tmp_path) == ["zh_Hans/LC_MESSAGES/django.mo: 2 messages compiled"]
