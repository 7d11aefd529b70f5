"""What is hidden cannot be worked out from what is shown: the equations are solved, for random districts."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from surveys.suppression import MINIMUM, hidden, hidden_rows

PARTS = ("male", "female", "")
sizes = st.integers(0, 40) | st.integers(0, 12)
# township → village → number of each sex
districts = st.lists(
    st.lists(st.tuples(sizes, sizes, st.integers(0, 3)), min_size=1, max_size=4), min_size=1, max_size=5
)


def solvable(shown, wanted):
    """Is the vector `wanted` a sum of multiples of the vectors `shown`?"""
    basis = {}

    def reduced(vector):
        vector = dict(vector)
        for pivot, row in basis.items():
            if factor := vector.get(pivot):
                for key, value in row.items():
                    vector[key] = vector.get(key, 0) - factor * value
        return {key: value for key, value in vector.items() if value}

    for vector in shown:
        left = reduced({key: Fraction(1) for key in vector})
        if left:
            pivot = next(iter(left))
            row = {key: value / left[pivot] for key, value in left.items()}
            for other in basis.values():
                if factor := other.get(pivot):
                    for key, value in row.items():
                        other[key] = other.get(key, 0) - factor * value
            basis[pivot] = row
    return not reduced({key: Fraction(1) for key in wanted})


@settings(max_examples=150, deadline=None)
@given(districts)
def test_nothing_hidden_can_be_computed_back_from_what_is_shown(district):
    people = {
        (township, village, part): n
        for township, villages in enumerate(district)
        for village, row in enumerate(villages)
        for part, n in zip(PARTS, row, strict=True)
    }
    if sum(people.values()) < MINIMUM:
        return

    def group(**wanted):
        names = ("township", "village", "part")
        return frozenset(
            key for key in people if all(key[names.index(name)] == value for name, value in wanted.items())
        )

    def size(cells):
        return sum(people[key] for key in cells)

    shown, gone = [frozenset(people)], []

    def put(cells, is_hidden):
        if cells:
            (gone if is_hidden else shown).append(cells)

    townships = {number: group(township=number) for number in range(len(district))}
    hidden_townships = hidden({number: size(cells) for number, cells in townships.items()})
    for number, cells in townships.items():
        put(cells, number in hidden_townships)
        villages = {village: group(township=number, village=village) for village in range(len(district[number]))}
        hidden_villages = (
            set(villages)
            if number in hidden_townships
            else hidden({key: size(inside) for key, inside in villages.items()})
        )
        for village, inside in villages.items():
            put(inside, village in hidden_villages)
    whole = {part: group(part=part) for part in PARTS}
    hidden_whole = hidden({part: size(cells) for part, cells in whole.items()})
    for part, cells in whole.items():
        put(cells, part in hidden_whole)
    table = {number: {part: group(township=number, part=part) for part in PARTS} for number in townships}
    rows = hidden_rows(
        {number: {part: size(cells) for part, cells in row.items()} for number, row in table.items()},
        {part: size(cells) for part, cells in whole.items()},
        hidden_townships,
    )
    for number, row in table.items():
        for cells in row.values():
            put(cells, number in rows)

    assert all(size(cells) >= MINIMUM or not size(cells) for cells in shown)
    # where nought is shown, everything in it is known to be nought
    empty = frozenset().union(*(cells for cells in shown if not size(cells)))
    known = [cells - empty for cells in shown if cells - empty]
    for cells in gone:
        left = cells - empty
        if left and left not in known:  # a group that is all of one that is shown hides nothing
            assert not solvable(known, left), (people, cells)


def test_a_small_part_takes_the_smallest_other_one_with_it():
    assert hidden({"a": 4, "b": 50, "c": 12}) == {"a", "c"}
    assert hidden({"a": 4, "b": 5, "c": 30}) == {"a", "b", "c"}  # nine together would be what the whole leaves
    assert hidden({"a": 4, "b": 6, "c": 30}) == {"a", "b"}
    assert hidden({"a": 0, "b": 10}) == frozenset()
