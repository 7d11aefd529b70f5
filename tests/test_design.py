"""The design system's promises: contrast, tokens only, nothing inline, nothing from elsewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

BASE = Path(__file__).resolve().parent.parent
CSS = sorted((BASE / "static/css").glob("*.css"))
TEMPLATES = sorted((BASE / "templates").rglob("*.html"))
TOKENS = dict(re.findall(r"--([a-z0-9-]+):\s*(#[0-9a-f]{6});", (BASE / "static/css/tokens.css").read_text()))

DEEP = ("canvas", "surface", "surface-2")
TEXT_PAIRS = [
    *((ink, ground) for ink in ("ink", "ink-2", "ink-3") for ground in ("canvas", "surface", "surface-2", "surface-3")),
    *((ink, ground) for ink in ("accent", "good", "bad", "warn-ink") for ground in ("surface", "canvas", "surface-2")),
    *((f"{tone}-ink", f"{tone}-soft") for tone in ("accent", "good", "warn", "bad")),
    *(("ink", f"{tone}-soft") for tone in ("accent", "good", "warn", "bad")),
    *(("ink-2", f"{tone}-soft") for tone in ("accent", "good", "warn", "bad")),
    ("accent", "accent-soft"),
    ("good", "good-soft"),
    ("bad", "bad-soft"),
    ("accent-strong", "accent-soft"),
    ("bad-strong", "bad-soft"),
    *(("ink", f"scale-{shade}") for shade in (1, 2, 3)),
    *(("on-accent", f"scale-{shade}") for shade in (4, 5)),
    *(
        (f"deep-{ink}", f"deep-{ground}")
        for ink in ("ink", "ink-2", "accent", "good", "warn", "bad")
        for ground in DEEP
    ),
    *(("on-accent", ground) for ground in ("accent", "accent-strong", "accent-deep", "bad", "bad-strong")),
]
SHAPE_PAIRS = [("control-line", "surface"), ("focus", "canvas"), ("good", "surface-3"), ("warn", "surface-3")]


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(TOKENS[one]), luminance(TOKENS[other])), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(("ink", "ground"), TEXT_PAIRS)
def test_text_can_be_read_on_its_ground(ink, ground):
    assert contrast(ink, ground) >= 4.5


@pytest.mark.parametrize(("shape", "ground"), SHAPE_PAIRS)
def test_shape_stands_out_from_its_ground(shape, ground):
    assert contrast(shape, ground) >= 3


@pytest.mark.parametrize("path", [path for path in CSS if path.name != "tokens.css"], ids=lambda path: path.name)
def test_stylesheet_takes_every_colour_from_the_tokens(path):
    text = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.S)
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b(?=[^{]*[;}])|\b(?:rgb|hsl|oklch|color-mix)a?\(", text) == []


def test_stylesheets_use_only_tokens_that_exist():
    everything = "".join(path.read_text() for path in CSS)
    declared = set(re.findall(r"(--[a-z0-9-]+)\s*:", everything))
    assert set(re.findall(r"var\((--[a-z0-9-]+)", everything)) <= declared


def test_stylesheets_load_nothing_from_elsewhere():
    assert [path.name for path in CSS if re.search(r"https?:|//[a-z]|@import", path.read_text())] == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(BASE / "templates")))
def test_template_has_nothing_the_content_security_policy_refuses(path):
    text = re.sub(r"\{#.*?#\}|\{% comment %\}.*?\{% endcomment %\}", "", path.read_text(), flags=re.S)
    assert not re.search(r"""\sstyle\s*=\s*["']""", text), "style attribute"
    assert not re.search(r"""<[a-z][^>]*\son[a-z]+\s*=\s*["']""", text), "event attribute"
    assert not re.search(r"<style\b", text), "style element"
    assert not re.search(r"<script\b(?![^>]*\b(?:src|type=\"application/json\"))", text), "script in the page"
    assert not re.search(r"""(?:src|href|action)\s*=\s*["'](?:https?:)?//""", text), "another host"
    assert "javascript:" not in text
    assert not re.search(r"hx-(?:on|vals=[\"']js)", text), "htmx would have to eval"
