"""The settings of the tests: the program's own, in a data folder of the tests' own, one for each of pytest-xdist's
workers: each has a PostgreSQL and a Redis to itself, so that emptying the cache or killing a server touches no other.
"""

import os
from pathlib import Path

_base = Path(__file__).resolve().parent.parent
_var = Path(os.environ.get("VAR_DIR") or _base / "var").resolve()
_worker = os.environ.get("PYTEST_XDIST_WORKER", "")  # gw0, gw1 …; none where pytest runs everything itself
_name = f"test-{_worker}" if _worker else "test"
# workers, and a manage.py that a test starts, inherit both variables: not test/test
_var = _var.parent if _var.name == "test" else _var
os.environ["VAR_DIR"] = str(_var if _var.name == _name else _var / _name)
os.environ.setdefault("DEMO", "1")
# playwright's sync API runs an event loop in the thread of the test, where Django would refuse the database
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"

from outreach.messages import LOCALE, compile_all  # noqa: E402
from outreach.settings import *  # noqa: E402, F403
from outreach.settings import CACHES, REDIS_URL, STATIC_ROOT, STORAGES  # noqa: E402

if os.environ.get("REDIS_URL"):  # somebody's own Redis: keep to its last databases, which each run empties
    REDIS_URL = CELERY_BROKER_URL = f"{REDIS_URL.rstrip('/')}/{15 - int(_worker[2:] or 0)}"
    CACHES["default"]["LOCATION"] = REDIS_URL

# the manifest exists only after collectstatic
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # or whitenoise warns of it on every run
compile_all(LOCALE)  # before Django reads them
