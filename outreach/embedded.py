"""The embedded PostgreSQL and Redis: a stand-in until the real module lands."""

import os
from pathlib import Path
from typing import Any

import environ


def var_dir() -> Path:
    return Path(os.environ.get("VAR_DIR") or Path(__file__).resolve().parent.parent / "var").resolve()


def database_settings() -> dict[str, Any]:
    if url := os.environ.get("DATABASE_URL"):
        return dict(environ.Env.db_url_config(url))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "outreach",
        "USER": "postgres",
        "HOST": str(var_dir() / "postgres"),
    }


def redis_url() -> str:
    return os.environ.get("REDIS_URL") or f"redis+socket://{var_dir()}/redis.sock"


def start_if_unset() -> None:
    pass
