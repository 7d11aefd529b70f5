"""Boundaries: what of a GeoJSON file is used, what is left out and why, and how it is drawn."""

from __future__ import annotations

import json

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.urls import reverse

from outreach.models import AuditEvent, Unit
from reports import boundaries, map_shapes, screen_actions
from reports.models import Boundary, BoundaryFile

pytestmark = pytest.mark.django_db

PAGE = reverse("reports:boundaries")


def square(west: float, south: float, side: float = 0.02) -> list[list[float]]:
    east, north = west + side, south + side
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


def feature(properties: dict | None, ring: object = None, kind: str = "Polygon") -> dict:
    coordinates = [square(112.5, 27.5) if ring is None else ring]
    return {"type": "Feature", "properties": properties, "geometry": {"type": kind, "coordinates": coordinates}}


def collection(*features: object, **other) -> bytes:
    return json.dumps({"type": "FeatureCollection", "features": features, **other}, ensure_ascii=False).encode()


def read(*features: object, **other) -> boundaries.Plan:
    return boundaries.read(collection(*features, **other), list(Unit.objects.all()))


@pytest.mark.parametrize(
    ("properties", "code"),
    [
        ({"XZQDM": "439900101"}, "439900101"),
        ({"code": 439900101201}, "439900101201"),
        ({"ZLDWDM": "4399001010000000000"}, "439900101"),  # as land surveys write a township
        ({"adcode": "439900102000"}, "439900102"),
        ({"名称": "青溪镇"}, "439900101"),
        ({"id": 7, "name": "石桥村民委员会"}, "439900101201"),
        ({"NAME": " 石桥村委会 "}, "439900101201"),
    ],
)
def test_feature_finds_its_unit_by_code_or_by_name(cast, properties, code):
    plan = read(feature(properties))
    assert (list(plan.shapes), plan.faults) == ([code], [])


def test_island_as_a_feature_of_its_own_is_drawn_with_the_rest_of_its_unit(cast):
    plan = read(feature({"name": "石桥村"}), feature({"name": "石桥村"}, square(112.6, 27.5)))
    assert len(plan.shapes[cast.shiqiao.code]) == 2


def test_name_that_two_units_bear_is_left_out_and_told(cast):
    Unit.objects.create(code="439900102202", name="石桥村", kind="village", parent=cast.bailu, sort_order=99)
    plan = read(feature({"name": "石桥村"}), feature({"name": "石桥村", "code": "439900102202"}))
    assert list(plan.shapes) == ["439900102202"]
    assert [(fault.number, fault.name) for fault in plan.faults] == [(1, "石桥村")]
    assert "2" in plan.faults[0].reason


BOW_TIE = [[112.5, 27.5], [112.6, 27.6], [112.6, 27.5], [112.5, 27.6], [112.5, 27.5]]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (feature({"name": "无此村"}), "没有这个代码或名称"),
        (feature({"code": "439900"}), "这是全区的边界"),
        (feature(None), "没有这个代码或名称"),
        (feature({"name": "石桥村"}, kind="LineString"), "不是面要素"),
        ({"type": "Feature", "properties": {}, "geometry": None}, "不是面要素"),
        ("石桥村", "不是面要素"),
        (feature({"name": "石桥村"}, square(112.5, 27.5)[:-1]), "没有闭合"),
        (feature({"name": "石桥村"}, BOW_TIE), "自相交"),
        (feature({"name": "石桥村"}, [[112.5, 27.5]] * 5), "围不成"),
        (feature({"name": "石桥村"}, [[y, x] for x, y in square(112.5, 27.5)]), "写反"),
        (feature({"name": "石桥村"}, square(38412345.0, 3041234.0, 900)), "坐标是米"),
        (feature({"name": "石桥村"}, square(2.3, 48.8)), "中国范围之外"),
        (feature({"name": "石桥村"}, [[112.5, float("nan")]] * 5), "中国范围之外"),
        (feature({"name": "石桥村"}, [["112", "27"]] * 5), "不是一对数字"),
        (feature({"name": "石桥村"}, [[True, 27]] * 5), "不是一对数字"),
        (feature({"name": "石桥村"}, "abc"), "边界点过多或没有"),
        (feature({"name": "石桥村"}, [10**400] * 5), "不是一对数字"),
    ],
)
def test_bad_feature_is_left_out_with_the_reason_and_the_good_one_is_used(cast, bad, reason):
    plan = read(bad, feature({"name": "柳塘村"}))
    assert list(plan.shapes) == [cast.liutang.code]
    assert [fault.number for fault in plan.faults] == [1]
    assert reason in plan.faults[0].reason


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"PK\x03\x04",
        b"[]",
        b'{"type": "Feature"}',
        b'{"type": "FeatureCollection"}',
        b'{"type": "FeatureCollection", "features": {}}',
        b'{"type": "FeatureCollection", "features": []}',
        b"[" * 100_000,
        collection(*[None] * (boundaries.MAX_FEATURES + 1)),
        collection(feature({}), crs={"properties": {"name": "urn:ogc:def:crs:EPSG::4527"}}),
    ],
)
def test_file_that_is_no_collection_of_units_is_refused_with_what_to_do(content):
    with pytest.raises(boundaries.UnusableBoundariesError, match="。"):
        boundaries.read(content, [])


@pytest.mark.parametrize("name", ["urn:ogc:def:crs:OGC:1.3:CRS84", "EPSG:4490", "urn:ogc:def:crs:EPSG::4326"])
def test_crs_in_degrees_is_accepted(cast, name):
    assert read(feature({"name": "石桥村"}), crs={"type": "name", "properties": {"name": name}}).shapes


def test_outline_that_touches_itself_in_a_point_is_no_crossing():
    eight = [(0, 0), (1, 1), (2, 0), (2, 2), (1, 1), (0, 2), (0, 0)]
    assert not boundaries.crosses_itself([(float(x), float(y)) for x, y in eight])


def test_neighbours_meet_without_a_gap_after_drawing():
    left, right = square(112.50004, 27.5), square(112.52004, 27.5)
    plan = {"a": [[[tuple(point) for point in left]]], "b": [[[tuple(point) for point in right]]]}
    drawing = map_shapes.draw(plan)
    assert drawing.width <= map_shapes.WIDTH
    xs = {
        code: sorted({int(part.split()[0]) for part in shape.path.strip("MZ").split("L")})
        for code, shape in drawing.shapes.items()
    }
    assert xs["a"][1] == xs["b"][0]
    assert xs["a"][0] < drawing.shapes["a"].x < xs["a"][1]


def test_name_stands_inside_a_hollow_outline():
    horseshoe = [(0, 0), (9, 0), (9, 9), (7, 9), (7, 2), (2, 2), (2, 9), (0, 9), (0, 0)]
    shape = map_shapes.draw({"a": [[[(100 + x / 100, 30 + y / 100) for x, y in horseshoe]]]}).shapes["a"]
    arm = shape.room * 9 / map_shapes.WIDTH
    assert arm < 3  # in one arm, not in the gap between them
    assert not shape.fits("青溪镇青溪镇")


def upload(client, content: bytes, name: str = "边界.geojson", datum: str = "wgs84"):
    return client.post(PAGE, {"file": SimpleUploadedFile(name, content), "datum": datum})


def test_office_sees_what_a_file_would_bring_and_imports_it(cast, login):
    client = login(cast.district_office)
    answer = upload(client, collection(feature({"name": "石桥村"}), feature({"name": "外村"})))
    file = BoundaryFile.objects.get()
    assert answer.url == reverse("reports:boundary_file", args=[file.pk])
    page = client.get(answer.url).content.decode()
    assert "外村" in page
    assert "柳塘村" in page  # still without a boundary
    assert Boundary.objects.count() == 0
    for _time in range(2):
        client.post(reverse("reports:boundary_file_apply", args=[file.pk]))
    assert [(each.unit, each.file) for each in Boundary.objects.all()] == [(cast.shiqiao, file)]
    assert AuditEvent.objects.filter(action="boundary.apply").count() == 1


def test_file_read_again_replaces_what_was_not_imported(cast, login):
    client = login(cast.district_office)
    upload(client, collection(feature({"name": "石桥村"})))
    upload(client, collection(feature({"name": "柳塘村"})))
    assert [list(file.shapes) for file in BoundaryFile.objects.all()] == [[cast.liutang.code]]


def test_unusable_file_is_refused_on_the_page_and_nothing_is_kept(cast, login):
    answer = upload(login(cast.district_office), b"PK\x03\x04", "a\x00.geojson")
    assert answer.status_code == 422
    assert "这不是 GeoJSON 文件" in answer.content.decode()
    assert not BoundaryFile.objects.exists()


def test_coordinates_that_would_not_meet_the_others_are_refused(cast):
    def keep(name, datum):
        return screen_actions.read_boundaries(
            district=cast.district, filename="a", content=collection(feature({"name": name})), datum=datum, by=None
        )

    screen_actions.apply_boundaries(file=keep("石桥村", "wgs84"), by=None)
    with pytest.raises(ValidationError):
        screen_actions.apply_boundaries(file=keep("柳塘村", "gcj02"), by=None)
    assert Boundary.objects.count() == 1
    # the same unit alone may change
    screen_actions.apply_boundaries(file=keep("石桥村", "gcj02"), by=None)
    assert Boundary.objects.get().file.datum == "gcj02"


def test_post_of_a_township_keeps_no_boundaries(cast, login):
    post = cast.township_admin.post
    post.grants = ["campaign.edit"]
    post.save()
    assert login(cast.township_admin).get(PAGE).status_code == 404


def test_command_says_what_a_file_would_bring_and_imports_it(cast, tmp_path, capsys):
    path = tmp_path / "a.geojson"
    path.write_bytes(collection(feature({"name": "石桥村"}), feature({"name": "外村"})))
    call_command("import_boundaries", str(path), "--dry-run")
    said = capsys.readouterr()
    assert "石桥村" in said.out and "外村" in said.err
    assert not Boundary.objects.exists()
    with pytest.raises(CommandError, match="1 feature"):
        call_command("import_boundaries", str(path))
    assert Boundary.objects.get().unit == cast.shiqiao
    with pytest.raises(CommandError, match="No such file"):
        call_command("import_boundaries", str(tmp_path / "none.geojson"))
