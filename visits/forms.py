"""What people type into the pages of visits, turned into values; nothing here saves."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict

from visits.payload import MAX_PHOTO

HEARD_KINDS = ("need", "opinion", "suggestion")


def number_or_text(value: str | None) -> int | str | None:
    """Read a form's number: None where it is empty, the text itself where it is none (the payload refuses it)."""
    value = (value or "").strip()
    if not value:
        return None
    return int(value) if re.fullmatch(r"[0-9]{1,19}", value) else value


def raw_visit(post: QueryDict, files: Mapping[str, UploadedFile], household: int) -> dict[str, Any]:
    """Turn the visit form into what a phone would have sent, unchecked: payload.parse does the checking."""
    items: list[dict[str, Any]] = []
    if post.get("problem") == "yes":
        items.append(
            {
                "kind": "problem",
                "category": post.get("problem_category") or post.get("problem_root", ""),
                "text": post.get("problem_text", ""),
                "urgent": post.get("problem_urgent") == "yes",
                "photo": _photo(files.get("problem_photo")),
            }
        )
    for kind in HEARD_KINDS:
        if text := post.get(f"{kind}_text", "").strip():
            items.append({"kind": kind, "category": post.get(f"{kind}_category", ""), "text": text})
    change: dict[str, Any] = {}
    for key in ("name", "relation", "phone"):
        if value := post.get(f"change_{key}", "").strip():
            change[key] = value
    whom = post.get("change_resident", "new")
    if change and whom != "new":
        change["resident"] = number_or_text(whom)
    met = post.get("resident", "")
    return {
        "uuid": post.get("uuid"),
        "household": household,
        "campaign": number_or_text(post.get("campaign")),
        "outcome": post.get("outcome"),
        "visited_at": post.get("visited_at"),
        "seconds": number_or_text(post.get("seconds")),
        "resident": None if met == "other" else number_or_text(met),
        "met_other": post.get("met_other", "") if met == "other" else "",
        "topics": [number_or_text(topic) for topic in post.getlist("topics")],
        "note": post.get("note", ""),
        "help_given": post.get("help_given", ""),
        "appointment_at": post.get("appointment_at"),
        "items": items,
        "roster": [change] if change else [],
    }


def _photo(upload: UploadedFile | None) -> str:
    """The photo as a phone sends it; one too large only so far that the payload sees it is."""
    return base64.b64encode(upload.read(MAX_PHOTO + 1)).decode() if upload else ""


def search_text(value: str | None) -> str:
    """Clean what was typed into a search box: at most 40 characters, none the database cannot store."""
    return "".join(character for character in (value or "") if character.isprintable())[:40].strip()
