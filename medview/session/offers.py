"""What the catalogue has for a series that was opened, and what the reader lets run by itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from medview.core.results import ModelRun
from medview.session.analysis import Task
from medview.session.studies import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRule:
    """A model runs by itself on series of a modality ("" any) whose description, or their study's,
    holds every word."""

    modality: str = ""
    words: str = ""

    @staticmethod
    def read(text: str) -> RunRule:
        """From its form in the settings, `MODALITY|words`."""
        modality, _, words = text.partition("|")
        return RunRule(modality=modality.strip(), words=words.strip())

    def write(self) -> str:
        """Its form in the settings."""
        return f"{self.modality}|{self.words}"

    def fits(self, place: Place) -> bool:
        """Whether a series is one of those that it names."""
        said = f"{place.series.description} {place.study.description}".casefold()
        is_kind = self.modality in ("", place.series.modality)
        return is_kind and all(word in said for word in self.words.casefold().split())


def by_rule(tasks: Iterable[Task], rules: Mapping[str, str]) -> list[Task]:
    """The tasks that may run without being asked for: those that the gate lets through."""
    return [
        task
        for task in tasks
        if task.model.name in rules
        and task.verdict.verdict != "refused"
        and RunRule.read(rules[task.model.name]).fits(task.place)
    ]


def not_run(tasks: Iterable[Task], runs: Iterable[ModelRun]) -> list[Task]:
    """The tasks whose very model has not run on their stack."""
    done = {(r.model.name, r.model.manifest_sha256, r.series_uid, r.stack) for r in runs}
    return [
        task
        for task in tasks
        if (task.model.name, task.model.manifest_sha256, *task.place.key) not in done
    ]
