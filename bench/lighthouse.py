"""Google's Lighthouse on the pages a visitor opens: `make lighthouse`. Needs npx (Node 22) and the npm registry.

A server of its own with the small cast of the tests; Lighthouse's own phone (a slow one, on a slow network). Exit code
1 where a figure is below its limit.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from bench.figure import Figure

VERSION = "13.5.0"
CATEGORIES = ("performance", "accessibility", "best-practices")
PAGES = {"app": "/phone/app/", "list": "/phone/", "login": "/login/"}
LIMIT = 95


def scores(address: str, folder: Path, name: str, headers: dict[str, str]) -> dict[str, float]:
    """Run Lighthouse on one page and return its figures of 0 to 100."""
    report, extra = folder / f"{name}.json", folder / "headers.json"
    extra.write_text(json.dumps(headers))
    command = [
        *("npx", "--yes", f"lighthouse@{VERSION}", address, "--quiet", "--output=json", f"--output-path={report}"),
        *(f"--only-categories={','.join(CATEGORIES)}", f"--extra-headers={extra}", "--disable-storage-reset"),
        "--chrome-flags=--headless=new --no-sandbox --disable-gpu",
    ]
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or ""
    environment = os.environ | {"CHROME_PATH": chromium, "npm_config_cache": str(folder / "npm")}
    subprocess.run(command, cwd=folder, env=environment, check=True)
    found = json.loads(report.read_text())["categories"]
    return {category: 100 * (found[category]["score"] or 0) for category in CATEGORIES}


def main() -> int:
    """Start everything, measure, print the figures; return the exit code."""
    from outreach import embedded

    if shutil.which("npx") is None:
        sys.exit("npx is missing: install Node.js 22 or later.")
    embedded.read_env()
    folder = embedded.var_dir() / "lighthouse"
    keep = {path for path in [folder / "npm"] if path.exists()}
    for path in folder.glob("*"):
        if path not in keep:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    folder.mkdir(parents=True, exist_ok=True)
    os.environ |= {"VAR_DIR": str(folder), "DATABASE_URL": "", "REDIS_URL": "", "DEMO": "1"}
    os.environ["DJANGO_SETTINGS_MODULE"] = "outreach.settings"
    embedded.start_if_unset()
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    from django.conf import settings
    from django.db import connection
    from django.test import Client

    from tests.browser.chaos import Server, make_place

    server = Server(folder, connection.settings_dict, settings.REDIS_URL)
    place = make_place(doors=200)
    client = Client()
    client.force_login(place.visitor)
    cookie = f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"
    server.start("one")
    kept = True
    try:
        for name, page in PAGES.items():
            headers = {"Accept-Language": "zh-CN"} | ({} if name == "login" else {"Cookie": cookie})
            found = scores(f"http://127.0.0.1:{server.port}{page}", folder, name, headers)
            for category, value in found.items():
                figure = Figure(f"lighthouse_{name}_{category}", value, "points", ">=", LIMIT)
                print(figure, flush=True)
                kept = kept and figure.met()
    finally:
        server.stop()
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
