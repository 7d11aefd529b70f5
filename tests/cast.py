"""The fixed cast: one small district, and one person for each role. Tests name them: cast.visitor, cast.roads …"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from django.contrib.auth.hashers import make_password

from outreach.access import Role
from outreach.models import Membership, Unit, User

PASSWORD = "Xinghe-2026-test"

# code, name, kind, parent
UNITS = [
    ("439900", "星河区", "district", None),
    ("439900101", "青溪镇", "township", "439900"),
    ("439900101201", "石桥村", "village", "439900101"),
    ("439900101202", "柳塘村", "village", "439900101"),
    ("439900102", "白鹭镇", "township", "439900"),
    ("439900102201", "鹭洲村", "village", "439900102"),
    ("439900D08", "区交通运输局", "department", "439900"),
    ("439900D10", "区水利局", "department", "439900"),
]


@dataclass
class Cast:
    """The units and people of the tests. Outsiders stand in 白鹭镇: nothing of 青溪镇 may show to them."""

    district: Unit
    qingxi: Unit  # township
    shiqiao: Unit  # village of 青溪镇
    liutang: Unit  # village of 青溪镇
    bailu: Unit  # the other township
    luzhou: Unit  # its village
    roads: Unit  # department
    water: Unit  # department
    visitor: User
    second_visitor: User
    village_clerk: User
    township_admin: User
    department_handler: User
    department_head: User
    district_office: User
    supervisor: User
    leader: User
    publicity: User
    system_admin: User
    discipline: User
    outside_visitor: User
    outside_admin: User
    outside_handler: User

    def people(self) -> dict[str, User]:
        """Every person by name."""
        return {name: value for name, value in vars(self).items() if isinstance(value, User)}


@cache
def hashed_password() -> str:
    """One hash for all: a proper hash takes a third of a second, and every test makes the whole cast."""
    return make_password(PASSWORD)


def make_user(staff_number: str, name: str, role: Role | str, unit: Unit, phone: str | None = None) -> User:
    """Create a person with one post; the password is PASSWORD."""
    user = User(staff_number=staff_number, name=name, phone=phone, password=hashed_password())
    user.clean()
    user.save()
    Membership.objects.create(user=user, unit=unit, role=role)
    return user


def make_cast() -> Cast:
    """Create the district and its people."""
    units: dict[str, Unit] = {}
    for order, (code, name, kind, parent) in enumerate(UNITS, 1):
        unit = Unit(code=code, name=name, kind=kind, parent=units.get(parent or ""), sort_order=order)
        unit.clean()
        unit.save()
        units[code] = unit
    district, qingxi, bailu = units["439900"], units["439900101"], units["439900102"]
    shiqiao, liutang, luzhou = units["439900101201"], units["439900101202"], units["439900102201"]
    roads, water = units["439900D08"], units["439900D10"]
    return Cast(
        district=district,
        qingxi=qingxi,
        shiqiao=shiqiao,
        liutang=liutang,
        bailu=bailu,
        luzhou=luzhou,
        roads=roads,
        water=water,
        visitor=make_user("V001", "李走访", Role.VISITOR, qingxi, "13900000001"),
        second_visitor=make_user("V002", "王入户", Role.VISITOR, qingxi),
        village_clerk=make_user("C001", "赵村官", Role.VILLAGE_CLERK, shiqiao),
        township_admin=make_user("A001", "钱镇管", Role.TOWNSHIP_ADMIN, qingxi),
        department_handler=make_user("H001", "孙承办", Role.DEPARTMENT_HANDLER, roads),
        department_head=make_user("H002", "周局长", Role.DEPARTMENT_HEAD, roads),
        district_office=make_user("O001", "吴群办", Role.DISTRICT_OFFICE, district),
        supervisor=make_user("S001", "郑督查", Role.SUPERVISOR, district),
        leader=make_user("L001", "冯书记", Role.LEADER, district),
        publicity=make_user("P001", "陈宣传", Role.PUBLICITY, district),
        system_admin=make_user("X001", "褚系统", Role.SYSTEM_ADMIN, district),
        discipline=make_user("J001", "秦纪检", Role.DISCIPLINE, district),
        outside_visitor=make_user("V101", "卫白鹭", Role.VISITOR, bailu),
        outside_admin=make_user("A101", "蒋白鹭", Role.TOWNSHIP_ADMIN, bailu),
        outside_handler=make_user("H101", "沈水利", Role.DEPARTMENT_HANDLER, water),
    )
