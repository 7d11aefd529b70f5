"""Invented people: names, numbers and phones that belong to nobody. Pure, and the same for the same random source."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

AREA = "439900"  # assigned to no place
PHONE_PREFIX = "154"  # assigned to no network

SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯"
    "龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"
)
MALE_GIVEN = "伟强磊军洋勇杰涛明超亮平刚辉建国志华文斌海波鹏飞林峰云山松柏春生德福贵根长庚大民世荣永康家兴"
FEMALE_GIVEN = "芳娜敏静丽艳娟霞秀英玉兰桂花梅红莲菊珍凤翠云雪琴月娥淑贞小燕春香金枝银芝"

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


@dataclass(frozen=True)
class Person:
    """An invented person. `sex` as in Resident.Sex."""

    name: str
    sex: str
    birth_on: date
    id_number: str


def name(random: Random, sex: str, surname: str = "") -> str:
    """Return a Chinese name of two or three characters."""
    given = MALE_GIVEN if sex == "1" else FEMALE_GIVEN
    length = random.choices((1, 2), (3, 7))[0]
    return (surname or random.choice(SURNAMES)) + "".join(random.choice(given) for _n in range(length))


def id_number(birth_on: date, sequence: int) -> str:
    """Return an ID number of the unassigned area with a valid check digit (GB 11643); an odd sequence is male."""
    body = f"{AREA}{birth_on:%Y%m%d}{sequence % 1000:03d}"
    total = sum(int(digit) * weight for digit, weight in zip(body, WEIGHTS, strict=True))
    return body + "10X98765432"[total % 11]


def phone(sequence: int) -> str:
    """Return the `sequence`-th invented phone number."""
    return f"{PHONE_PREFIX}{sequence:08d}"


class Registry:
    """Hands out people, no two with the same ID number."""

    def __init__(self, random: Random, today: date) -> None:
        self.random = random
        self.today = today
        self.taken: set[str] = set()
        self.phones = 0

    def person(self, *, sex: str, age: int, surname: str = "") -> Person:
        """Make a person of about this age."""
        birth_on = self.today - timedelta(days=age * 365 + self.random.randrange(365))
        while True:
            sequence = self.random.randrange(0, 998, 2) + (1 if sex == "1" else 0)
            number = id_number(birth_on, sequence)
            if number not in self.taken:
                break
        self.taken.add(number)
        return Person(name(self.random, sex, surname), sex, birth_on, number)

    def next_phone(self) -> str:
        """Return a phone number not handed out before."""
        self.phones += 1
        return phone(self.phones)
