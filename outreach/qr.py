"""QR codes, drawn here: nothing comes from another host."""

from __future__ import annotations

from functools import lru_cache

import segno
from django.utils.safestring import SafeString, mark_safe


@lru_cache(maxsize=512)
def svg(text: str) -> SafeString:
    """Return `text` as a QR code: an SVG element without a size of its own. A quarter of it may be soiled (level Q)."""
    code = segno.make_qr(text, error="q", boost_error=False)
    # segno draws nothing but the modules it worked out: no part of `text` is in the markup
    return mark_safe(code.svg_inline(omitsize=True, border=2, svgclass="qr", lineclass=None))
