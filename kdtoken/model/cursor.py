"""A place in a text that is being read, so that an error can say the column and what was expected there."""

from typing import Pattern

from kdtoken.errors import BadFormat

# Digits that any number of 64 bits can have, leading zeros in every base included; Python refuses to convert
# some thousands of digits with an error of its own.
LONGEST_NUMBER = 80
_SHOWN = 24  # characters of the text that an error repeats


class Cursor:
    """``text`` and how far it was read (``at``); ``what`` names the text's language in errors ("SDDL")."""

    def __init__(self, text: str, at: int = 0, what: str = "SDDL") -> None:
        self.text = text
        self.at = at
        self.what = what

    @property
    def rest(self) -> str:
        """What has not been read yet."""
        return self.text[self.at :]

    @property
    def done(self) -> bool:
        """Whether all was read."""
        return self.at >= len(self.text)

    def peek(self, size: int = 1) -> str:
        """The next characters, fewer at the end."""
        return self.text[self.at : self.at + size]

    def take(self, word: str) -> bool:
        """Pass over this very word if it comes next."""
        if self.text.startswith(word, self.at):
            self.at += len(word)
            return True
        return False

    def take_any_case(self, word: str) -> bool:
        """Pass over the word in any letter case if it comes next."""
        if self.peek(len(word)).lower() == word.lower():
            self.at += len(word)
            return True
        return False

    def need(self, word: str, expected: str = "") -> None:
        """Pass over the word, or fail."""
        if not self.take(word):
            raise self.fail(expected or '"%s"' % word)

    def match(self, pattern: Pattern[str]) -> str:
        """Pass over what the pattern matches here; "" where it does not."""
        found = pattern.match(self.text, self.at)
        if found is None:
            return ""
        self.at = found.end()
        return found[0]

    def spaces(self) -> None:
        """Pass over white space."""
        while self.at < len(self.text) and self.text[self.at] in " \t\r\n\v\f":
            self.at += 1

    def fail(self, expected: str, at: int = -1) -> BadFormat:
        """The error to raise: column (from 1), what was expected there, what stands there."""
        place = self.at if at < 0 else at
        seen = self.text[place : place + _SHOWN]
        found = "the end of the text" if place >= len(self.text) else ascii(seen)
        more = "..." if place + _SHOWN < len(self.text) else ""
        message = "%s, column %d: expected %s, found %s%s" % (self.what, place + 1, expected, found, more)
        return BadFormat(message, self.text)
