"""Drawing a sample: pure, and replayable by anybody who has the frame and the seed.

Chance comes from SHA-256 of the seed and the entry's key, not from a language's generator: the same seed draws the same
sample in any program. Entries are put in the order of their hashes; the first n are a simple random sample.

Sources: Cochran, Sampling Techniques (1977), §5.5 (allocation) and §9A.5 (systematic selection with probability
proportional to size); Salmon and Nichols (1983) for the next-birthday choice.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import floor
from typing import TypeVar

T = TypeVar("T")


class SamplingError(ValueError):
    """The frame does not carry the sample asked for; the text is for the program's author."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the frame. `key` is unique; `stratum` and `cluster` may be empty."""

    key: str
    stratum: str = ""
    cluster: str = ""


@dataclass(frozen=True, slots=True)
class Drawn:
    """One entry drawn: its place in the sample, the probability it had, and how many its stage was drawn from.

    `of_clusters` and `of_members`: clusters in the stratum and members in the cluster, for the finite population
    correction (estimate.Stage); 0 where there is no such stage.
    """

    entry: Entry
    position: int
    probability: float
    of_clusters: int = 0
    of_members: int = 0

    @property
    def weight(self) -> float:
        """How many entries of the frame it stands for."""
        return 1 / self.probability


def chance(seed: str, key: str) -> float:
    """Return the number from 0 up to 1 that belongs to the key under the seed."""
    digest = hashlib.sha256(f"{seed}\x1f{key}".encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64


def shuffled(seed: str, entries: Iterable[Entry]) -> list[Entry]:
    """Return the entries in the order of their chances."""
    return sorted(entries, key=lambda entry: (chance(seed, entry.key), entry.key))


def frame_digest(frame: Iterable[Entry]) -> str:
    """Return the SHA-256 of the frame, whatever its order: it proves what was drawn from."""
    lines = sorted(f"{entry.key}\x1f{entry.stratum}\x1f{entry.cluster}" for entry in frame)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _checked(frame: Sequence[Entry], size: int) -> None:
    if len({entry.key for entry in frame}) != len(frame):
        raise SamplingError("a key stands twice in the frame")
    if not 1 <= size <= len(frame):
        raise SamplingError(f"cannot draw {size} of {len(frame)}")


def simple(frame: Sequence[Entry], size: int, seed: str) -> list[Drawn]:
    """Draw `size` entries, each with the same probability. Raises SamplingError."""
    _checked(frame, size)
    probability = size / len(frame)
    return [
        Drawn(entry, position, probability, of_clusters=len(frame))
        for position, entry in enumerate(shuffled(seed, frame)[:size])
    ]


def stratified(frame: Sequence[Entry], size: int, seed: str, *, equal: bool = False, least: int = 2) -> list[Drawn]:
    """Draw from every stratum: in proportion to its entries, or the same number from each.

    No stratum has fewer than `least` drawn (two, so that its error can be estimated), as far as it has entries. Raises
    SamplingError where `size` does not suffice for that.
    """
    _checked(frame, size)
    groups: dict[str, list[Entry]] = defaultdict(list)
    for entry in frame:
        groups[entry.stratum].append(entry)
    sizes = {name: len(members) for name, members in groups.items()}
    shares = dict.fromkeys(sizes, 1) if equal else sizes
    drawn = []
    for name, count in allocate(size, shares, sizes, least).items():
        for position, entry in enumerate(shuffled(seed, groups[name])[:count]):
            drawn.append(Drawn(entry, position, count / sizes[name], of_clusters=sizes[name]))
    return drawn


def allocate(size: int, shares: Mapping[str, int], most: Mapping[str, int], least: int) -> dict[str, int]:
    """Divide `size` by `shares` with at least `least` and at most `most` for each, by largest remainders.

    Returns name → count in the order of the names; the counts add up to `size`. Raises SamplingError.
    """
    floors = {name: min(least, most[name]) for name in shares}
    if not sum(floors.values()) <= size <= sum(most.values()):
        raise SamplingError(f"{size} cannot be divided among {len(shares)} strata")
    counts = dict(floors)
    while (left := size - sum(counts.values())) > 0:
        # what each would have if the rest were divided freely among those that are not full
        open_names = [name for name in sorted(shares) if counts[name] < most[name]]
        total = sum(shares[name] for name in open_names)
        wanted = {name: min(most[name], size * shares[name] / total) - counts[name] for name in open_names}
        gaining = max(open_names, key=lambda name: (wanted[name], -sorted(shares).index(name)))
        step = min(left, max(1, floor(wanted[gaining]) - 1), most[gaining] - counts[gaining])
        counts[gaining] += step
    return {name: counts[name] for name in sorted(counts)}


def clusters(frame: Sequence[Entry], count: int, members: int, seed: str) -> list[Drawn]:
    """Draw `count` clusters with probability proportional to their size, then `members` entries of each.

    Systematic along the clusters in random order; a cluster larger than the step is taken for certain. Each entry of
    the others has the same probability, so the sample weighs itself. A cluster with fewer than `members` gives all it
    has. Raises SamplingError.
    """
    groups: dict[str, list[Entry]] = defaultdict(list)
    for entry in frame:
        groups[entry.cluster].append(entry)
    _checked(frame, 1)
    if not 1 <= count <= len(groups) or members < 1:
        raise SamplingError(f"cannot draw {count} of {len(groups)} clusters, {members} of each")
    names = sorted(groups, key=lambda name: (chance(seed, f"cluster {name}"), name))
    chosen = _proportional({name: len(groups[name]) for name in names}, count, chance(seed, "start"))
    drawn = []
    for name, probability in chosen.items():
        inside = shuffled(seed, groups[name])
        taken = min(members, len(inside))
        for position, entry in enumerate(inside[:taken]):
            drawn.append(Drawn(entry, position, probability * taken / len(inside), len(groups), len(inside)))
    return drawn


def _proportional(sizes: Mapping[str, int], count: int, start: float) -> dict[str, float]:
    """Return the clusters drawn with the probability each had; `sizes` in the order to go along."""
    certain: dict[str, float] = {}
    rest = dict(sizes)
    while rest and count > len(certain):
        step = sum(rest.values()) / (count - len(certain))
        large = [name for name, size in rest.items() if size >= step]
        if not large:
            break
        for name in large[: count - len(certain)]:
            certain[name] = 1.0
            del rest[name]
    open_places = count - len(certain)
    chosen: dict[str, float] = {}
    if open_places:
        step = sum(rest.values()) / open_places
        reached, mark = 0.0, start * step
        for name, size in rest.items():
            reached += size
            if mark < reached and len(chosen) < open_places:
                chosen[name] = size / step
                mark += step
    return {name: {**certain, **chosen}[name] for name in sizes if name in certain or name in chosen}


def next_birthday(birthdays: Sequence[tuple[T, date | None]], today: date) -> T | None:
    """Return whose birthday comes next, today's included: a choice the interviewer has no hand in. None where nobody's
    is known. 29 February counts as 1 March in other years; who stands first of two on one day is chosen."""
    known = [(person, born) for person, born in birthdays if born is not None]
    if not known:
        return None
    return min(known, key=lambda one: _days_until(one[1], today))[0]


def _days_until(born: date, today: date) -> int:
    for year in (today.year, today.year + 1):
        try:
            birthday = born.replace(year=year)
        except ValueError:
            birthday = date(year, 3, 1)
        if birthday >= today:
            return (birthday - today).days
    raise AssertionError("a birthday comes within a year")
