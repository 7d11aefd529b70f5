"""Outlines as SVG: from degrees to the drawing's whole units, and a place for each name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import cos, radians

from reports.boundaries import Polygon, area

WIDTH = 1000
MAX_HEIGHT = 1100
MARGIN = 8
# How wide a character of a name is on a phone, where the drawing shrinks and its letters do not.
CHARACTER = 42

Point = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Shape:
    """An outline in the drawing: path data, a point inside the largest part, and how wide that part is there."""

    path: str
    x: int
    y: int
    room: int

    def fits(self, text: str) -> bool:
        """May the text stand inside?"""
        return len(text) * CHARACTER <= self.room


@dataclass(frozen=True, slots=True)
class Drawing:
    """The outlines of units by code, in a drawing of this size."""

    width: int
    height: int
    shapes: Mapping[str, Shape]


def draw(polygons: Mapping[str, Sequence[Polygon]]) -> Drawing:
    """Fit all polygons into one drawing, north up. What is too small to be seen is left out."""
    points = [point for each in polygons.values() for polygon in each for ring in polygon for point in ring]
    if not points:
        return Drawing(WIDTH, WIDTH, {})
    west, east = min(x for x, _y in points), max(x for x, _y in points)
    south, north = min(y for _x, y in points), max(y for _x, y in points)
    shrink = cos(radians((south + north) / 2))  # a degree of longitude is shorter than one of latitude
    wide, high = max((east - west) * shrink, 1e-6), max(north - south, 1e-6)
    scale = min((WIDTH - 2 * MARGIN) / wide, (MAX_HEIGHT - 2 * MARGIN) / high)

    def place(longitude: float, latitude: float) -> Point:
        return (
            round(MARGIN + (longitude - west) * shrink * scale),
            round(MARGIN + (north - latitude) * scale),
        )

    shapes = {}
    for code, parts in polygons.items():
        rings = [[_thinned(place(x, y) for x, y in ring) for ring in polygon] for polygon in parts]
        rings = [[ring for ring in polygon if len(ring) > 3] for polygon in rings]
        rings = [polygon for polygon in rings if polygon]
        if rings:
            shapes[code] = _shape(rings)
    return Drawing(round(2 * MARGIN + wide * scale), round(2 * MARGIN + high * scale), shapes)


def _thinned(points: Iterable[Point]) -> list[Point]:
    """Drop points that fell on the one before them."""
    kept: list[Point] = []
    for point in points:
        if not kept or kept[-1] != point:
            kept.append(point)
    return kept


def _shape(polygons: list[list[list[Point]]]) -> Shape:
    path = "".join("M" + "L".join(f"{x} {y}" for x, y in ring[:-1]) + "Z" for polygon in polygons for ring in polygon)
    largest = max(polygons, key=lambda polygon: area(polygon[0]))
    x, y, room = _inside(largest)
    return Shape(path, x, y, room)


def _inside(polygon: list[list[Point]]) -> tuple[int, int, int]:
    """Return the middle of the widest stretch inside the polygon, of a few level lines, and its width."""
    top, bottom = min(y for _x, y in polygon[0]), max(y for _x, y in polygon[0])
    best = (polygon[0][0][0], polygon[0][0][1], 0)
    for part in (0.5, 0.42, 0.58, 0.33, 0.67):
        level = top + (bottom - top) * part + 0.01  # never through a corner: those lie on whole numbers
        cuts = sorted(
            x1 + (level - y1) * (x2 - x1) / (y2 - y1)
            for ring in polygon
            for (x1, y1), (x2, y2) in pairwise(ring)
            if (y1 < level) != (y2 < level)
        )
        for left, right in zip(cuts[::2], cuts[1::2], strict=False):
            if right - left > best[2]:
                best = (round((left + right) / 2), round(level), int(right - left))
    return best
