"""One measured figure and the limit it must keep."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Figure:
    """A figure as `make bench` prints it; `name` has no spaces."""

    name: str
    value: float
    unit: str
    op: Literal["<=", ">="]
    limit: float

    def met(self) -> bool:
        """Say whether the limit is kept."""
        return self.value <= self.limit if self.op == "<=" else self.value >= self.limit

    def __str__(self) -> str:
        """Return `name value unit <=|>= limit`."""
        return f"{self.name} {self.value:.4g} {self.unit} {self.op} {self.limit:g}"
