"""Which village a roster means: by a cell, by a sheet's title, by the sheet's name. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from households.roster import clean

GROUP_IN_TITLE = re.compile(
    r"(第?[0-9]{1,3}(?:村民小组|村民组|居民小组|小组|组)|第?[一二三四五六七八九十]{1,3}(?:村民小组|村民组|小组|组)"
    r"|[\u4e00-\u9fff0-9]{1,8}?(?:网格|片区|屋场))"
)


@dataclass(frozen=True, slots=True)
class Village:
    """A village or community a roster may name."""

    id: int
    code: str
    name: str
    township: str


def short(name: str) -> str:
    """Return a unit's everyday name: 石桥村民委员会 → 石桥村, 和平社区居民委员会 → 和平社区, 东街居委会 → 东街社区."""
    for ending, instead in (
        ("社区居民委员会", "社区"),
        ("社区居委会", "社区"),
        ("社区委员会", "社区"),
        ("村民委员会", "村"),
        ("村委会", "村"),
        ("居民委员会", "社区"),
        ("居委会", "社区"),
    ):
        if name.endswith(ending):
            return name.removesuffix(ending) + instead
    return name


def stem(name: str) -> str:
    """Return the name without its kind: 石桥村 → 石桥."""
    bare = short(name)
    for ending in ("社区", "村"):
        if bare.endswith(ending) and len(bare) > len(ending) + 1:
            return bare.removesuffix(ending)
    return bare


FORMS: tuple[Callable[[str], str], ...] = (str, short, stem)


class Places:
    """The villages in reach, found by name; `home` is the village the import is for, if it is for one."""

    def __init__(self, villages: Iterable[Village]) -> None:
        self.villages = list(villages)
        self.home = self.villages[0] if len(self.villages) == 1 else None
        self.by_code = {village.code: village for village in self.villages}
        self.townships = {village.township for village in self.villages if village.township}
        self.tiers: list[dict[str, list[Village]]] = []
        for form in FORMS:
            tier: dict[str, list[Village]] = {}
            for village in self.villages:
                tier.setdefault(form(village.name), []).append(village)
            self.tiers.append(tier)
        # the longest first, so that 大石桥村 is not taken for 石桥村
        self.for_titles = sorted(
            ((name, tuple(found)) for name, found in self.tiers[1].items()), key=lambda item: -len(item[0])
        )
        self._known: dict[tuple[str, str], Village | None] = {}

    def find(self, village: str, township: str = "") -> Village | None:
        """Return the village a cell names, with or without its township, or None: unknown, or more than one."""
        key = (village, township)
        if key not in self._known:
            self._known[key] = self._find(village.replace(" ", ""), township.replace(" ", ""))
        return self._known[key]

    def _find(self, village: str, township: str) -> Village | None:
        if village in self.by_code:
            return self.by_code[village]
        names = [village]
        for name in self.townships:
            if village.startswith(name):
                names.append(village.removeprefix(name))
                township = township or name
        for name in names:
            for tier, form in zip(self.tiers, FORMS, strict=True):
                found: Sequence[Village] = tier.get(form(name), ())
                if township:
                    found = [place for place in found if _same_township(place.township, township)]
                if len(found) == 1:
                    return found[0]
                if found:  # more than one place of this name
                    return None
        return None

    def in_title(self, *titles: str) -> tuple[Village | None, str]:
        """Return (village, group) named in a sheet's title rows or name; (None, "") where none is."""
        for title in titles:
            plain = clean.text(title).replace(" ", "")
            township = next((name for name in self.townships if name in plain), "")
            for name, villages in self.for_titles:
                at = plain.find(name)
                if at < 0:
                    continue
                found = [v for v in villages if not township or _same_township(v.township, township)]
                if len(found) != 1:
                    continue
                group = GROUP_IN_TITLE.match(plain, at + len(name))
                return found[0], clean.group(group[0]) if group else ""
        return None, ""

    def group_in_title(self, *titles: str) -> str:
        """Return the group named in titles that need not name a village, such as a sheet called 3组."""
        for title in titles:
            plain = clean.text(title).replace(" ", "")
            if GROUP_IN_TITLE.fullmatch(plain):
                return clean.group(plain)
        return ""


def _same_township(name: str, written: str) -> bool:
    def bare(township: str) -> str:
        for ending in ("街道办事处", "人民政府", "街道", "镇", "乡"):
            if township.endswith(ending) and len(township) > len(ending):
                return township.removesuffix(ending)
        return township

    return not name or bare(name) == bare(written)
