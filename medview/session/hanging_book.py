"""The hanging rules in use, and what the reader changes of their own; every change can go back."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from medview.core.words import Sentence, say
from medview.session.hanging import Rule, Rules
from medview.session.hanging_files import (
    load_rules,
    own_text,
    put_text,
    read_text,
    toml_of,
    write_rule,
)


@dataclass(frozen=True, slots=True)
class _Change:
    """What a file of the reader's held before; None where it was not there."""

    name: Sentence
    file: str
    before: str | None


class RuleBook:
    """Methods read and write small files: milliseconds. Safe to use from several threads."""

    def __init__(self) -> None:
        self._rules: Rules | None = None
        self._changes: list[_Change] = []
        self._lock = threading.RLock()

    @property
    def rules(self) -> Rules:
        """All rules, read on first use."""
        with self._lock:
            if self._rules is None:
                self._rules = load_rules()
            return self._rules

    def read_again(self) -> Rules:
        """As `rules`, from the disk: files may have been edited outside."""
        with self._lock:
            self._rules = None
            return self.rules

    @property
    def undo_name(self) -> Sentence | None:
        """What `undo` would take back."""
        return self._changes[-1].name if self._changes else None

    def save(self, rule: Rule) -> Rule:
        """Keep a rule as the reader's; it replaces their rule for the same studies.

        Raises MedViewError.
        """
        with self._lock:
            same = [r for r in self.read_again().rules if r.is_own and r.fits == rule.fits]
            before = own_text(same[0].file) if same else None
            written = write_rule(rule, same[0].file if same else "")
            self._note(say("Hang as this from now on"), written.file, before)
        return written

    def rewrite(self, rule: Rule, text: str) -> Rule:
        """Replace the text of a rule; one of ours becomes the reader's by it. Raises MedViewError
        with what is wrong in the text; then nothing is written."""
        with self._lock:
            checked = read_text(text, rule.file)
            before = own_text(rule.file)
            put_text(rule.file, text)
            self._note(say("Edit a hanging rule"), rule.file, before)
        return checked

    def delete(self, rule: Rule) -> None:
        """Take one of the reader's rules away. Raises MedViewError."""
        with self._lock:
            before = own_text(rule.file)
            put_text(rule.file, None)
            self._note(say("Delete a hanging rule"), rule.file, before)

    def undo(self) -> Sentence | None:
        """Take the last change back; its name, None where there is none. Raises MedViewError."""
        with self._lock:
            if not self._changes:
                return None
            change = self._changes[-1]
            put_text(change.file, change.before)
            self._changes.pop()
            self._rules = None
        return change.name

    def _note(self, name: Sentence, file: str, before: str | None) -> None:
        self._changes.append(_Change(name, file, before))
        self._rules = None


def text_of(rule: Rule) -> str:
    """The text of a rule's file as it is on the disk. Raises MedViewError."""
    found = own_text(rule.file) if rule.is_own else None
    return toml_of(rule) if found is None else found
