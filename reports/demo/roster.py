"""The households of the demo district."""

from __future__ import annotations

from random import Random

from django.utils import timezone

from households import doors, idnumber
from households.models import Category, Household, Pairing, Resident, ResidentChange
from outreach.models import Unit, User
from outreach.pinyin import initials
from reports.demo.people import Registry

GROUPS = ("一组", "二组", "三组", "四组", "五组", "六组")
STREETS = ("和平路", "向阳街", "建设路", "文化巷")
R = Resident.Relation

# category code → share of households
CATEGORY_SHARES = {
    "dibao": 0.05,
    "tekun": 0.015,
    "jiance": 0.02,
    "tuopin": 0.06,
    "canji": 0.04,
    "dujulaoren": 0.04,
    "liushou": 0.03,
    "tuiyi": 0.03,
    "zhongbing": 0.02,
    "dangyuan": 0.08,
}


def create_households(random: Random, registry: Registry) -> list[Household]:
    """Create about sixty households in every village, each with its residents; returns the households."""
    priorities = dict(Category.objects.values_list("code", "priority"))
    households: list[Household] = []
    residents: list[Resident] = []
    for village in Unit.objects.villages().order_by("sort_order"):
        for number in range(1, random.randrange(52, 70)):
            household = _household(random, registry, village, number)
            household.categories = [code for code, share in CATEGORY_SHARES.items() if random.random() < share]
            household.priority = max((priorities.get(code, 0) for code in household.categories), default=0)
            members = _residents(random, registry, household)
            household.head_name, household.head_pinyin = members[0].name, members[0].pinyin
            household.phone = members[0].phone
            households.append(household)
            residents += members
    Household.objects.bulk_create(households)
    Resident.objects.bulk_create(residents)
    return households


def _household(random: Random, registry: Registry, village: Unit, number: int) -> Household:
    is_town = village.name.endswith("社区")
    group = "" if is_town else GROUPS[number * len(GROUPS) // 70]
    if is_town:
        street = STREETS[number % len(STREETS)]
        address = f"{street}{number // 12 + 1}栋{number % 3 + 1}单元{number % 6 + 1}0{number % 2 + 1}"
    else:
        address = f"{group}{number}号"
    code = f"{number:04d}"
    return Household(
        village=village,
        number=code,
        group=group,
        address=address,
        door_key=doors.door_key(group, address, code),
        best_time=random.choices(["", "evening", "weekend", "morning", "afternoon"], (60, 20, 8, 6, 6))[0],
    )


def _residents(random: Random, registry: Registry, household: Household) -> list[Resident]:
    """The head first; an old person living alone is one of the categories and so has nobody else."""
    alone = "dujulaoren" in household.categories
    age = random.randrange(68, 88) if alone else random.randrange(32, 76)
    sex = random.choices("12", (78, 22))[0]
    head = _resident(registry, household, R.HEAD, "户主", sex, age)
    head.phone = registry.next_phone()
    members = [head]
    if alone:
        return members
    other = "2" if sex == "1" else "1"
    if random.random() < 0.82:
        members.append(_resident(registry, household, R.SPOUSE, "配偶", other, max(22, age + random.randrange(-4, 4))))
        if random.random() < 0.5:
            members[-1].phone = registry.next_phone()
    surname = head.name[0]
    for _child in range(random.choices((0, 1, 2, 3), (15, 35, 40, 10))[0]):
        child_sex = random.choice("12")
        relation, text = (R.SON, "子") if child_sex == "1" else (R.DAUGHTER, "女")
        child = _resident(
            registry, household, relation, text, child_sex, max(1, age - random.randrange(22, 32)), surname
        )
        child.lives_here = age < 50 or random.random() < 0.6
        members.append(child)
    if age < 60 and random.random() < 0.3:
        members.append(_resident(registry, household, R.PARENT, "母亲", "2", age + random.randrange(20, 28)))
    return members


def _resident(
    registry: Registry, household: Household, relation: str, text: str, sex: str, age: int, surname: str = ""
) -> Resident:
    person = registry.person(sex=sex, age=age, surname=surname)
    return Resident(
        household=household,
        name=person.name,
        pinyin=initials(person.name),
        relation=relation,
        relation_text=text,
        sex=sex,
        birth_on=person.birth_on,
        id_number_encrypted=idnumber.encrypt(person.id_number),
        id_number_fingerprint=idnumber.fingerprint(person.id_number),
    )


def add_wishes(random: Random, households: list[Household], clerk: User) -> None:
    """Let three households ask not to be visited."""
    chosen = random.sample(households, 3)
    for household in chosen:
        household.do_not_visit_reason = "本人来电要求不再上门，有事电话联系"
        household.do_not_visit_at = timezone.now()
        household.do_not_visit_by = clerk
    Household.objects.bulk_update(chosen, ["do_not_visit_reason", "do_not_visit_at", "do_not_visit_by"])


def add_pairings(random: Random, households: list[Household], visitors: dict[str, list[User]]) -> None:
    """Pair some households that are cared for specially with a visitor of their township."""
    Pairing.objects.bulk_create(
        Pairing(household=household, user=random.choice(visitors[household.village.township_code]))
        for household in households
        if household.priority >= 70 and random.random() < 0.5
    )


def add_corrections(random: Random, households: list[Household], registry: Registry, visitor: User) -> None:
    """Queue some corrections a visitor wrote down at the door."""
    for household in random.sample([one for one in households if one.village.township_code == "439900101"], 4):
        head = household.residents.get(relation=R.HEAD)
        ResidentChange.objects.create(
            household=household, resident=head, changes={"phone": registry.next_phone()}, proposed_by=visitor
        )
