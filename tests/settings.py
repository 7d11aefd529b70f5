"""The settings of the tests: the program's own, in a data folder of the tests' own."""

import os
from pathlib import Path

_base = Path(__file__).resolve().parent.parent
_var = Path(os.environ.get("VAR_DIR") or _base / "var").resolve()
# a manage.py that a test starts inherits both variables: not test/test
os.environ["VAR_DIR"] = str(_var if _var.name == "test" else _var / "test")
os.environ.setdefault("DEMO", "1")
# playwright's sync API runs an event loop in the thread of the test, where Django would refuse the database
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"

from outreach.messages import LOCALE, compile_all  # noqa: E402
from outreach.settings import *  # noqa: E402, F403
from outreach.settings import CACHES, REDIS_URL, STATIC_ROOT, STORAGES  # noqa: E402

if os.environ.get("REDIS_URL"):  # somebody's own Redis: keep to its last database, which each run empties
    REDIS_URL = CELERY_BROKER_URL = REDIS_URL.rstrip("/") + "/15"
    CACHES["default"]["LOCATION"] = REDIS_URL

# the manifest exists only after collectstatic
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # or whitenoise warns of it on every run
compile_all(LOCALE)  # before Django reads them
