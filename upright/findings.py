"""What an examination found: fields by section, and what is wrong; as text or JSON, pure."""

from __future__ import annotations

import json

from msgspec import Struct, field

_COLUMN = 14


class Section(Struct):
    """What was found of one thing. ``problems`` keep a run from beginning or going well, ``hints`` are good to know."""

    title: str
    fields: dict[str, str] = field(default_factory=dict[str, str])
    problems: list[str] = field(default_factory=list[str])
    hints: list[str] = field(default_factory=list[str])


def as_text(sections: list[Section]) -> str:
    """Return all of it to be read."""
    parts: list[str] = []
    width = max([_COLUMN, *(len(name) + 2 for section in sections for name in section.fields)])
    for section in sections:
        parts.append(section.title)
        parts += [f"  {name:<{width}}{value}" for name, value in section.fields.items()]
    problems = [f"  - {text}" for section in sections for text in section.problems]
    hints = [f"  - {text}" for section in sections for text in section.hints]
    parts += ["Problems", *problems] if problems else ["No problems found."]
    parts += ["Good to know", *hints] if hints else []
    return "\n".join(parts) + "\n"


def as_json(sections: list[Section]) -> str:
    """Return all of it for programs."""
    told = {
        "sections": {section.title: section.fields for section in sections},
        "problems": [text for section in sections for text in section.problems],
        "hints": [text for section in sections for text in section.hints],
    }
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"
