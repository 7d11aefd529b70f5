"""How often somebody may try residents' codes."""

from __future__ import annotations

from outreach.limits import TooManyError, UncountedError, count, counted, demand

__all__ = ["TRIES_OF_CODE", "WRONG_OF_ADDRESS", "TooManyError", "UncountedError", "check", "wrong"]

# name of the window, seconds, most tries. A whole town may share one address of the mobile network, so the limit by
# address is loose: with 69 bits to guess it only has to keep the server free.
WRONG_OF_ADDRESS = (("short", 10 * 60, 20), ("long", 24 * 3600, 200))
TRIES_OF_CODE = (("code", 10 * 60, 30),)


def check(*, address: str, digest: str) -> None:
    """Count a try of the code with `digest`, and refuse it where the code or the address had too many.

    Raises TooManyError or UncountedError.
    """
    for window, seconds, most in WRONG_OF_ADDRESS:
        if counted(f"resident-address-{window}", address) >= most:
            raise TooManyError(seconds)
    for window, seconds, most in TRIES_OF_CODE:
        demand(f"resident-code-{window}", digest, seconds=seconds, most=most)


def wrong(*, address: str) -> None:
    """Count a wrong code against the address. Raises UncountedError."""
    for window, seconds, _most in WRONG_OF_ADDRESS:
        count(f"resident-address-{window}", address, seconds=seconds)
