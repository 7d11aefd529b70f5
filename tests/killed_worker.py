"""A real Celery worker whose pool processes kill themselves at some line they run of outreach/notify/, each at another.

`celery --app tests.killed_worker worker`. KILL_COUNTER names the file that counts the processes, KILL_PROCESSES how
many die before they live; the lines are spread over packing, claiming, sending and settling.
"""

from __future__ import annotations

import fcntl
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from celery.signals import worker_process_init

from outreach.celery import app

WATCHED = str(Path(__file__).resolve().parent.parent / "outreach" / "notify")
__all__ = ["app"]


def next_number() -> int:
    """Count the processes, over all of them."""
    with open(os.environ["KILL_COUNTER"], "r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        number = int(file.read() or 0) + 1
        file.seek(0)
        file.write(str(number))
    return number


@worker_process_init.connect
def die_at_a_line(**_kwargs: Any) -> None:
    number = next_number()
    if number > int(os.environ["KILL_PROCESSES"]):
        return
    last = 5 + number * 37 % 300
    seen = 0

    def trace(frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal seen
        if not frame.f_code.co_filename.startswith(WATCHED):
            return None
        if event == "line":
            seen += 1
            if seen >= last:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace

    sys.settrace(trace)
