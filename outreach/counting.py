"""Counting several lists in one query: a round trip for each costs more than most of the counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet


def count_each(querysets: Mapping[str, QuerySet[Any]], *, most: int | None = None) -> dict[str, int]:
    """Return name → number of rows of each queryset, each part reading its own index; beyond `most`, most + 1."""
    found = dict.fromkeys(querysets, 0)
    parts: list[tuple[str, str]] = []
    parameters: list[Any] = []
    for name, rows in querysets.items():
        keys = rows.order_by().values("pk")
        try:
            sql, values = (keys if most is None else keys[: most + 1]).query.sql_with_params()
        except EmptyResultSet:
            continue
        parts.append((name, f"(SELECT count(*) FROM ({sql}) counted)"))
        parameters += values
    if parts:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {', '.join(part for _name, part in parts)}", parameters)
            found |= dict(zip([name for name, _part in parts], cursor.fetchone(), strict=True))
    return found
