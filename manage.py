#!/usr/bin/env python
"""Django's command line; starts the embedded PostgreSQL and Redis first where no address is set."""

import os
import sys

# Commands that read no data: they must work before (and without) a database.
WITHOUT_DATABASE = {
    "check",
    "check_translations",
    "collectstatic",
    "help",
    "--help",
    "makemessages",
    "version",
    "--version",
}


def main() -> None:
    """Run the command named on the command line."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "outreach.settings")
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    from outreach import embedded

    try:
        settings.DEBUG  # noqa: B018 - reading one setting loads them all
        if len(sys.argv) > 1 and sys.argv[1] not in WITHOUT_DATABASE:
            embedded.start_if_unset()
    except (ImproperlyConfigured, embedded.EmbeddedError) as error:
        sys.exit(str(error))
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
