"""What may differ between two equal answers, taken out of their texts. Pure functions.

Tokens against forged requests are made by chance, so both pages have their own; what a user's
pattern matches is theirs to let go. A record has placeholders where secrets were.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable
from typing import Any

from carboy.migrate.proof.pages import TOKENS, plain_name, tokens_in
from carboy.migrate.proof.redaction import PLACEHOLDER

TOKEN = "<token>"
MASKED = "<masked>"
SECRET = "REDACTED"

Mask = Callable[[str], str]


class Masks:
    """`patterns` are replaced wherever they match, values of fields called `tokens` are alike."""

    def __init__(
        self, patterns: Iterable[re.Pattern[str]] = (), tokens: Iterable[str] = ()
    ) -> None:
        self.patterns = tuple(patterns)
        self.tokens = TOKENS | {plain_name(name) for name in tokens}

    def of(self, text: str, is_html: bool) -> Mask:
        """What is applied to every text of one answer, whose page is `text`."""
        found = sorted(set(tokens_in(text, self.tokens)), key=len, reverse=True) if is_html else []
        written = [form for value in found for form in dict.fromkeys((html.escape(value), value))]

        def mask(given: str) -> str:
            for value in written:
                given = given.replace(value, TOKEN)
            return self.text(given)

        return mask

    def text(self, text: str) -> str:
        """A text without what may differ anywhere."""
        text = PLACEHOLDER.sub(SECRET, text)
        for pattern in self.patterns:
            text = pattern.sub(MASKED, text)
        return text

    def json(self, value: Any, mask: Mask | None = None) -> Any:
        """A JSON value of which every text was masked."""
        mask = mask or self.text
        if isinstance(value, str):
            return mask(value)
        if isinstance(value, list):
            return [self.json(one, mask) for one in value]
        if isinstance(value, dict):
            return {
                mask(key): TOKEN
                if isinstance(one, str) and one and plain_name(key) in self.tokens
                else self.json(one, mask)
                for key, one in value.items()
            }
        return value
