"""The accounts of the demo district: one for each role on the login page, and the colleagues the figures need."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from django.contrib.auth.hashers import make_password
from django.http import HttpRequest

from outreach.access import Role
from outreach.models import Membership, Unit, User
from outreach.pinyin import initials
from reports.demo import people

PASSWORD = "xinghe-demo-2026"  # published: demo accounts exist only where settings.DEMO is on
PHONES_OF_STAFF = 90_000_000  # above those of residents


@dataclass(frozen=True)
class Login:
    """An account offered on the login page."""

    staff_number: str
    name: str
    role: Role
    unit: str  # code


LOGINS = (
    Login("V101", "李小燕", Role.VISITOR, "439900101"),
    Login("C101", "张根生", Role.VILLAGE_CLERK, "439900101201"),
    Login("A101", "刘建华", Role.TOWNSHIP_ADMIN, "439900101"),
    Login("H081", "陈志强", Role.DEPARTMENT_HANDLER, "439900D08"),
    Login("H082", "周国平", Role.DEPARTMENT_HEAD, "439900D08"),
    Login("O001", "吴秀英", Role.DISTRICT_OFFICE, "439900"),
    Login("S001", "郑德明", Role.SUPERVISOR, "439900"),
    Login("L001", "冯永康", Role.LEADER, "439900"),
    Login("P001", "韩雪梅", Role.PUBLICITY, "439900"),
    Login("X001", "沈文斌", Role.SYSTEM_ADMIN, "439900"),
    Login("J001", "秦正阳", Role.DISCIPLINE, "439900"),
    Login("V201", "黄大山", Role.VISITOR, "439900102"),
    Login("V301", "谢春香", Role.VISITOR, "439900001"),
)
VISITORS_PER_TOWNSHIP = 4
# staff number's hundreds, by township code
NUMBERS = {"439900101": 100, "439900102": 200, "439900001": 300}


def create_staff(random: Random) -> dict[str, User]:
    """Create all accounts and posts; returns the accounts by staff number."""
    units = {unit.code: unit for unit in Unit.objects.all()}
    wanted = {login.staff_number: login for login in LOGINS}
    for code, hundred in NUMBERS.items():
        for n in range(1, VISITORS_PER_TOWNSHIP + 1):
            _add(wanted, random, f"V{hundred + n}", Role.VISITOR, code)
        _add(wanted, random, f"A{hundred + 1}", Role.TOWNSHIP_ADMIN, code)
        villages = sorted(unit.code for unit in units.values() if unit.kind == "village" and unit.code.startswith(code))
        taken = {login.unit for login in LOGINS if login.role == Role.VILLAGE_CLERK}
        for n, village in enumerate((village for village in villages if village not in taken), 2):
            _add(wanted, random, f"C{hundred + n}", Role.VILLAGE_CLERK, village)
    for unit in units.values():
        if unit.kind == "department":
            _add(wanted, random, f"H{unit.code[-2:]}1", Role.DEPARTMENT_HANDLER, unit.code)
    password = make_password(PASSWORD)
    users = {
        number: User(
            staff_number=number,
            name=login.name,
            pinyin=initials(login.name),
            phone=people.phone(PHONES_OF_STAFF + n),
            password=password,
        )
        for n, (number, login) in enumerate(wanted.items())
    }
    User.objects.bulk_create(users.values())
    posts = [
        Membership(user=users[number], unit=units[login.unit], role=login.role) for number, login in wanted.items()
    ]
    # one person with two posts, to show the switch: the clerk of 石桥村 also visits
    posts.append(Membership(user=users["C101"], unit=units["439900101"], role=Role.VISITOR))
    Membership.objects.bulk_create(posts)
    return users


def _add(wanted: dict[str, Login], random: Random, number: str, role: Role, unit: str) -> None:
    if number not in wanted:
        sex = random.choice("12")
        wanted[number] = Login(number, people.name(random, sex), role, unit)


def logins() -> list[dict[str, str]]:
    """Return the demo accounts that exist, for the login page: staff_number, name, role, unit."""
    posts = Membership.objects.filter(
        user__staff_number__in=[login.staff_number for login in LOGINS], user__is_active=True
    ).select_related("user", "unit")
    found = {(post.user.staff_number, post.role): post for post in posts}
    return [
        {
            "staff_number": login.staff_number,
            "name": login.name,
            "role": str(login.role.label),
            "unit": found[login.staff_number, login.role].unit.name,
        }
        for login in LOGINS
        if (login.staff_number, login.role) in found
    ]


def context(request: HttpRequest) -> dict[str, object]:
    """Give the login page the demo accounts. settings.py names this only where DEMO is on."""
    if getattr(request, "user", None) is not None and request.user.is_authenticated:
        return {}
    return {"demo_logins": logins, "demo_password": PASSWORD}
