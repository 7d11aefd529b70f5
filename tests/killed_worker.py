"""A real Celery worker whose pool processes kill themselves: the n-th at the n-th line it runs of outreach/notify/.

`celery --app tests.killed_worker worker`. What a process counts begins anew with the next one, which gets as far as one
line further, so that in the end every line of packing, claiming, sending and settling has been a worker's last.
KILL_COUNTER names the file that holds the number; KILL_LINES how many lines (then processes live).
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
    last = next_number() * int(os.environ["KILL_STEP"])
    if last > int(os.environ["KILL_LINES"]):
        return
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
