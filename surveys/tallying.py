"""Keeping the counts of a round (`Tally`): added to when responses are stored, counted anew to check.

One statement counts a set of responses; adding those just stored and recounting a round differ only in the set.
"""

from __future__ import annotations

import unicodedata
import uuid
from collections.abc import Sequence
from typing import Any

from django.db import connection

from surveys.models import Round
from surveys.models.results import Tally
from surveys.questionnaire import CHOICES, Content

RESPONDENTS = "*"  # item: everybody who answered
SCORE = "*score"  # item: marks earned over marks to be had; value: the dimension, or "" for all items
FLAG = "*flag"  # item: what is odd about responses (quality.py), of GIVEN
GIVEN = "~given"  # value: those who answered with something else than a code (the denominator of several answers)
DECLINED = "~"  # value: before "dont_know" and "refused"

COLUMNS = ("n", "w", "ww", "wa", "wb", "aa", "ab", "bb")
KEYS = ("place", "axis", "part", "item", "value", "stratum", "cluster")

# items: key, kind group, dimension, top marks; marks: key, code, marks. A matrix's lines are told apart by "key.row".
COUNT = """
WITH chosen AS (
    SELECT r.id, u.code AS unit, r.week::text AS week, r.channel, r.sex, r.age_band, r.stratum, r.cluster,
           r.weight AS w, r.answers, r.flags
    FROM surveys_response r JOIN outreach_unit u ON u.id = r.unit_id
    WHERE r.round_id = %(round)s {only}
),
items AS (
    SELECT * FROM unnest(%(keys)s::text[], %(kinds)s::text[], %(dimensions)s::text[], %(tops)s::float8[])
        AS t(item, kind, dimension, top)
),
marks AS (
    SELECT * FROM unnest(%(mark_keys)s::text[], %(codes)s::text[], %(marks)s::float8[]) AS t(item, code, mark)
),
given AS (
    SELECT c.id, items.item, items.item AS whole, items.kind, e.value AS answer
    FROM chosen c CROSS JOIN LATERAL jsonb_each(c.answers) e JOIN items ON items.item = e.key
),
lines AS (
    SELECT id, item, whole, kind, answer FROM given
    UNION ALL
    SELECT g.id, g.item || '.' || line.key, g.whole, 'choice', line.value
    FROM given g CROSS JOIN LATERAL jsonb_each(g.answer) line
    WHERE g.kind = 'matrix' AND jsonb_typeof(g.answer) = 'object' AND NOT g.answer ? 'declined'
),
codes AS (
    SELECT id, item, whole, kind, answer,
           CASE WHEN jsonb_typeof(answer) = 'object' AND answer ? 'declined' THEN '~' || (answer ->> 'declined')
                WHEN kind = 'choice' THEN answer #>> '{{}}'
                ELSE '~given' END AS value
    FROM lines
    UNION ALL
    SELECT id, item, whole, 'part', answer, code
    FROM lines CROSS JOIN LATERAL jsonb_array_elements_text(answer) code
    WHERE kind = 'multi' AND jsonb_typeof(answer) = 'array'
),
earned AS (
    SELECT codes.id, items.item, items.dimension, items.top,
           CASE WHEN items.kind = 'matrix' THEN avg(marks.mark) ELSE sum(marks.mark) END AS got
    FROM codes JOIN items ON items.item = codes.whole JOIN marks ON marks.item = items.item AND marks.code = codes.value
    WHERE items.top > 0
    GROUP BY codes.id, items.item, items.dimension, items.top, items.kind
),
entries AS (
    SELECT id, '*' AS item, '' AS value, 0::float8 AS a, 0::float8 AS b FROM chosen
    UNION ALL
    SELECT id, item, value,
           CASE WHEN kind = 'number' AND value = '~given' THEN (answer #>> '{{}}')::float8 ELSE 0 END,
           CASE WHEN kind = 'number' AND value = '~given' THEN 1 ELSE 0 END
    FROM codes
    UNION ALL
    SELECT id, '*flag', flag, 0, 0
    FROM chosen CROSS JOIN LATERAL unnest(flags || '~given'::varchar) flag
    UNION ALL
    SELECT id, '*score', '', sum(got), sum(top) FROM earned GROUP BY id
    UNION ALL
    SELECT id, '*score', dimension, sum(got), sum(top) FROM earned WHERE dimension <> '' GROUP BY id, dimension
),
fine AS (
    SELECT left(c.unit, 9) AS place, c.week, c.channel, c.sex, c.age_band, e.item, e.value, c.stratum, c.cluster,
           count(*) AS n, sum(w) AS w, sum(w * w) AS ww, sum(w * a) AS wa, sum(w * b) AS wb,
           sum(w * w * a * a) AS aa, sum(w * w * a * b) AS ab, sum(w * w * b * b) AS bb
    FROM entries e JOIN chosen c USING (id)
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
),
villages AS (
    SELECT c.unit AS place, 'all' AS axis, '' AS part, e.item, e.value, c.stratum, c.cluster,
           count(*) AS n, sum(w) AS w, sum(w * w) AS ww, sum(w * a) AS wa, sum(w * b) AS wb,
           sum(w * w * a * a) AS aa, sum(w * w * a * b) AS ab, sum(w * w * b * b) AS bb
    FROM entries e JOIN chosen c USING (id)
    WHERE length(c.unit) > 9
    GROUP BY 1, 2, 3, 4, 5, 6, 7
),
counted AS (
    SELECT place.code AS place, parts.axis, parts.part, item, value, stratum, cluster,
           sum(n)::bigint AS n, sum(w) AS w, sum(ww) AS ww, sum(wa) AS wa, sum(wb) AS wb,
           sum(aa) AS aa, sum(ab) AS ab, sum(bb) AS bb
    FROM fine
    CROSS JOIN LATERAL (SELECT left(fine.place, 6) AS code
                        UNION ALL SELECT fine.place WHERE length(fine.place) > 6) place
    CROSS JOIN LATERAL (VALUES ('all', ''), ('week', week), ('channel', channel), ('sex', sex), ('age', age_band))
        parts(axis, part)
    GROUP BY 1, 2, 3, 4, 5, 6, 7
    UNION ALL
    SELECT * FROM villages
)
"""
ADD = """
INSERT INTO surveys_tally AS kept
    (round_id, place, axis, part, item, value, stratum, cluster, n, w, ww, wa, wb, aa, ab, bb)
SELECT %(round)s, place, axis, part, item, value, stratum, cluster, n, w, ww, wa, wb, aa, ab, bb FROM counted
ON CONFLICT (round_id, place, axis, part, item, value, stratum, cluster) DO UPDATE SET
    n = kept.n + excluded.n, w = kept.w + excluded.w, ww = kept.ww + excluded.ww, wa = kept.wa + excluded.wa,
    wb = kept.wb + excluded.wb, aa = kept.aa + excluded.aa, ab = kept.ab + excluded.ab, bb = kept.bb + excluded.bb
"""


def item_key(text: str) -> str:
    """Return the name of an official item as items are compared by: without blanks, full-width like half-width."""
    return "".join(unicodedata.normalize("NFKC", text).split()).lower()


def add(survey_round: Round, responses: Sequence[uuid.UUID]) -> None:
    """Add responses just stored to the counts. Call inside the transaction that stored them, under the round's lock."""
    if responses:
        _run(ADD, survey_round, "AND r.id = ANY(%(ids)s::uuid[])", ids=[str(pk) for pk in responses])


def rebuild(survey_round: Round) -> None:
    """Count a round anew from its responses. Call under the round's lock."""
    Tally.objects.filter(round=survey_round).delete()
    _run(ADD, survey_round, "")


def differences(survey_round: Round) -> list[tuple[str, ...]]:
    """Return the keys (place, axis, part, item, value, stratum, cluster) whose counts are not what the responses come
    to. Sums of weights may differ by rounding alone."""
    with connection.cursor() as cursor:
        cursor.execute(
            COUNT.format(only="") + f"SELECT {', '.join(KEYS + COLUMNS)} FROM counted", _parameters(survey_round)
        )
        counted = {tuple(row[: len(KEYS)]): row[len(KEYS) :] for row in cursor.fetchall()}
    tallies = Tally.objects.filter(round=survey_round)
    kept = {tuple(row[: len(KEYS)]): row[len(KEYS) :] for row in tallies.values_list(*KEYS, *COLUMNS)}
    return sorted(key for key in counted.keys() | kept.keys() if not _alike(counted.get(key), kept.get(key)))


def _alike(first: Sequence[float] | None, second: Sequence[float] | None) -> bool:
    if first is None or second is None:
        return False
    return all(abs(a - b) <= 1e-6 * max(1.0, abs(a), abs(b)) for a, b in zip(first, second, strict=True))


def _run(statement: str, survey_round: Round, only: str, **more: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(COUNT.format(only=only) + statement, _parameters(survey_round) | more)


def _parameters(survey_round: Round) -> dict[str, Any]:
    content: Content = survey_round.version.parsed
    marks = [
        (item.key, option.code, float(option.marks))
        for item in content.items
        for option in item.options
        if option.marks is not None
    ]
    return {
        "round": survey_round.pk,
        "keys": [item.key for item in content.items],
        "kinds": ["choice" if item.kind in CHOICES else item.kind.value for item in content.items],
        "dimensions": [item.dimension for item in content.items],
        "tops": [0.0 if item.top_marks is None else float(item.top_marks) for item in content.items],
        "mark_keys": [key for key, _code, _mark in marks],
        "codes": [code for _key, code, _mark in marks],
        "marks": [mark for _key, _code, mark in marks],
    }
