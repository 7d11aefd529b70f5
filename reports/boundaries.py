"""Boundaries from GeoJSON: read, checked, matched to units. Nothing here touches the database."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from django.utils.translation import gettext as _

from outreach.models import Unit

MAX_BYTES = 20 * 1024 * 1024
MAX_FEATURES = 5_000
MAX_POSITIONS = 400_000
# About ten metres. Rounding moves a point that two neighbours share to the same place for both, so no gap opens
# between them, as it would if each outline were simplified by itself.
DECIMALS = 4
# China, the South China Sea included.
LONGITUDES, LATITUDES = (73.0, 136.0), (3.0, 54.0)
# What a crs member may say and still mean degrees of longitude and latitude.
DEGREES = re.compile(r"CRS84|EPSG:{1,2}(4326|4490)$", re.IGNORECASE)

Position = tuple[float, float]
Ring = list[Position]
Polygon = list[Ring]


class UnusableBoundariesError(Exception):
    """The whole file cannot be used; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A feature that was left out: its number from 1, what it calls itself, and why."""

    number: int
    name: str
    reason: str


@dataclass
class Plan:
    """What a file would bring: polygons by unit code, and what is left out."""

    shapes: dict[str, list[Polygon]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)


def read(content: bytes, units: Sequence[Unit]) -> Plan:
    """Match the file's features to `units` (a district's) by code, else by name.

    Raises UnusableBoundariesError where nothing of the file can be used; a single bad feature becomes a Fault.
    """
    features = _features(content)
    matcher = _Matcher(units)
    plan = Plan()
    left = MAX_POSITIONS
    for number, feature in enumerate(features, 1):
        properties = feature.get("properties") if isinstance(feature, dict) else None
        properties = properties if isinstance(properties, dict) else {}
        name = matcher.called(properties)
        try:
            polygons, count = _polygons(feature, left)
            left -= count
            unit = matcher.find(properties)
        except _FeatureError as error:
            plan.faults.append(Fault(number, name, str(error)))
            continue
        # islands and exclaves often come as features of their own
        plan.shapes.setdefault(unit.code, []).extend(polygons)
    return plan


class _FeatureError(Exception):
    """Why a feature is left out."""


def _features(content: bytes) -> list[Any]:
    if len(content) > MAX_BYTES:
        raise UnusableBoundariesError(_("The file is larger than 20 MB. Simplify the outlines in your map program."))
    try:
        data = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise UnusableBoundariesError(
            _("This is no GeoJSON file. Export the layer of unit boundaries as GeoJSON (UTF-8).")
        ) from error
    if not isinstance(data, dict) or data.get("type") != "FeatureCollection":
        raise UnusableBoundariesError(_("The file must be a GeoJSON FeatureCollection, a feature for each unit."))
    features = data.get("features")
    if not isinstance(features, list) or not features:
        raise UnusableBoundariesError(_("The file holds no features. Export the layer of unit boundaries."))
    if len(features) > MAX_FEATURES:
        raise UnusableBoundariesError(_("The file holds more than 5,000 features: export this district alone."))
    crs = data.get("crs")
    named = crs.get("properties", {}) if isinstance(crs, dict) else {}
    text = str(named.get("name", "")) if isinstance(named, dict) else ""
    if text and not DEGREES.search(text):
        raise UnusableBoundariesError(
            _("The coordinates are in %(crs)s. Export in degrees: WGS84 (EPSG:4326) or CGCS2000 (EPSG:4490).")
            % {"crs": text[:60]}
        )
    return features


def _polygons(feature: Any, most: int) -> tuple[list[Polygon], int]:
    """Return the feature's polygons, rounded, and how many positions they had."""
    geometry = feature.get("geometry") if isinstance(feature, dict) else None
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if not isinstance(geometry, dict) or kind not in ("Polygon", "MultiPolygon"):
        raise _FeatureError(_("It is no area: a polygon or several are needed."))
    coordinates = geometry.get("coordinates")
    parts = [coordinates] if kind == "Polygon" else coordinates
    if not isinstance(parts, list) or not parts:
        raise _FeatureError(_("It has no outline."))
    polygons: list[Polygon] = []
    count = 0
    for part in parts:
        if not isinstance(part, list) or not part:
            raise _FeatureError(_("It has no outline."))
        polygon = []
        for points in part:
            if not isinstance(points, list) or count + len(points) > most:
                raise _FeatureError(_("It has too many points, or none. Simplify the outlines in your map program."))
            count += len(points)
            polygon.append(_ring(points))
        polygons.append(polygon)
    return polygons, count


def _ring(points: list[Any]) -> Ring:
    ring: Ring = []
    for point in points:
        if not isinstance(point, list) or len(point) < 2 or not all(type(n) in (int, float) for n in point[:2]):
            raise _FeatureError(_("A point of its outline is no pair of numbers."))
        longitude, latitude = point[:2]
        if not (LONGITUDES[0] <= longitude <= LONGITUDES[1] and LATITUDES[0] <= latitude <= LATITUDES[1]):
            raise _FeatureError(_outside(longitude, latitude))
        position = (round(float(longitude), DECIMALS), round(float(latitude), DECIMALS))
        if not ring or ring[-1] != position:
            ring.append(position)
    if points and points[0] != points[-1]:
        raise _FeatureError(_("Its outline is not closed: the last point must be the first."))
    if crosses_itself(ring):
        raise _FeatureError(_("Its outline crosses itself. Repair the geometry in your map program."))
    if len(ring) < 4 or area(ring) < 10 ** (-2 * DECIMALS) / 4:
        raise _FeatureError(_("Its outline encloses nothing that can be drawn."))
    return ring


def _outside(longitude: float, latitude: float) -> str:
    if LONGITUDES[0] <= latitude <= LONGITUDES[1] and LATITUDES[0] <= longitude <= LATITUDES[1]:
        return _("Longitude and latitude are swapped: longitude comes first.")
    if abs(longitude) > 180 or abs(latitude) > 90:
        return _("The coordinates are metres, not degrees. Export in WGS84 (EPSG:4326) or CGCS2000 (EPSG:4490).")
    return _("The outline lies outside China.")


def area(ring: Sequence[Position]) -> float:
    """Return the ring's area in square degrees, positive whichever way it runs."""
    return abs(sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in pairwise(ring))) / 2


def crosses_itself(ring: Sequence[Position]) -> bool:
    """Say whether two sides of a closed ring cross. Touching in a point is allowed: rounding makes such."""
    sides = sorted(
        (min(a[0], b[0]), max(a[0], b[0]), min(a[1], b[1]), max(a[1], b[1]), a, b) for a, b in pairwise(ring)
    )
    # a sweep from left to right: only sides that lie above each other on the line are compared
    open_sides: list[tuple[float, float, float, Position, Position]] = []
    for left, right, low, high, a, b in sides:
        open_sides = [side for side in open_sides if side[0] >= left]
        for _right, other_low, other_high, c, d in open_sides:
            if other_low <= high and low <= other_high and _cross(a, b, c, d):
                return True
        open_sides.append((right, low, high, a, b))
    return False


def _cross(a: Position, b: Position, c: Position, d: Position) -> bool:
    def side(p: Position, q: Position, r: Position) -> float:
        # whole units of the grid, so that three points on a line give exactly nought
        scale = 10**DECIMALS
        px, py, qx, qy, rx, ry = (round(value * scale) for value in (*p, *q, *r))
        return (qx - px) * (ry - py) - (qy - py) * (rx - px)

    return side(a, b, c) * side(a, b, d) < 0 and side(c, d, a) * side(c, d, b) < 0


class _Matcher:
    """Finds the unit a feature's properties mean."""

    def __init__(self, units: Sequence[Unit]) -> None:
        drawn = [unit for unit in units if unit.kind in (Unit.Kind.TOWNSHIP, Unit.Kind.VILLAGE)]
        self.district = next((unit for unit in units if unit.kind == Unit.Kind.DISTRICT), None)
        self.codes = {unit.code: unit for unit in drawn}
        self.names: dict[str, list[Unit]] = defaultdict(list)
        for unit in drawn:
            self.names[plain_name(unit.name)].append(unit)

    def called(self, properties: dict[str, Any]) -> str:
        """What the feature calls itself, for people."""
        # neither NUL nor half a character can be stored
        texts = [value.replace("\0", "").encode("utf-8", "replace").decode().strip() for value in _strings(properties)]
        texts = [text for text in texts if text]
        chinese = [text for text in texts if re.search(r"[\u4e00-\u9fff]", text)]
        return (chinese or texts or ["—"])[0][:60]

    def find(self, properties: dict[str, Any]) -> Unit:
        """Return the unit; raises _FeatureError where there is none, or more than one."""
        for text in _texts(properties):
            for code in _codes(text):
                if code in self.codes:
                    return self.codes[code]
                if self.district and code == self.district.code:
                    raise _FeatureError(
                        _("This is the district itself; the map is drawn from its townships and villages.")
                    )
        for text in _texts(properties):
            found = self.names.get(plain_name(text), [])
            if len(found) == 1:
                return found[0]
            if found:
                raise _FeatureError(
                    _("%(count)d units have this name. Give the feature the unit's code.") % {"count": len(found)}
                )
        raise _FeatureError(_("No township or village of this district has this code or name."))


def _strings(properties: dict[str, Any]) -> list[str]:
    return [value for value in properties.values() if isinstance(value, str)]


def _texts(properties: dict[str, Any]) -> Iterator[str]:
    for value in properties.values():
        if isinstance(value, str | int) and not isinstance(value, bool):
            yield str(value).strip()[:100]


def _codes(text: str) -> Iterator[str]:
    """The codes a number may mean: land surveys pad a township's code with noughts to 12 or 19 digits."""
    if not re.fullmatch(r"[0-9]{6,19}", text):
        return
    yield text
    for length in (12, 9, 6):
        if len(text) > length and not text[length:].strip("0"):
            yield text[:length]


def plain_name(name: str) -> str:
    """Return a unit's name without what differs from file to file: 石桥村民委员会 and 石桥村委会 are 石桥村."""
    name = re.sub(r"[\s（(].*$", "", name.strip())
    name = re.sub(r"村民委员会$|村委会$", "村", name)
    return re.sub(r"社区居民委员会$|社区居委会$|居民委员会$|居委会$", "社区", name)
