"""The settings of the chaos test's server: the program's own, with the static files of one version of the app."""

import os
from pathlib import Path

from outreach.settings import *  # noqa: F403
from outreach.settings import STATICFILES_DIRS

STATICFILES_DIRS = [os.environ["CHAOS_VERSION"], *STATICFILES_DIRS]
STATIC_ROOT = Path(os.environ["CHAOS_STATIC"])
