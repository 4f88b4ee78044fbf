"""Long notes: read to their end, followed and stopped on the way, in time that grows as they do."""

from __future__ import annotations

import gc
import random
import weakref
from collections.abc import Callable
from pathlib import Path

import pytest

from medview.core.errors import Cancelled
from medview.core.progress import CancelToken
from medview.core.study import Patient
from medview.record import Document, extract, read_document
from medview.record.document import LONG_TEXT
from medview.record.merging import merged
from medview.record.settling import MANY, settling
from medview.session.documents import Documents
from medview.session.events import Events


def document_of(text: str, folder: Path) -> Document:
    path = folder / "note.txt"
    path.write_text(text, encoding="utf-8")
    return read_document(path)


def test_the_reading_of_a_long_note_is_followed_to_its_end(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    text = "FINDINGS:\nNo nodule is seen.\n\n" * 60 + "Emphysema."
    note = extract(
        document_of(text, tmp_path), progress=lambda done, total, _what: told.append((done, total))
    )
    assert note.entities[-1].text == "Emphysema"
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[0][0] < told[0][1] / 10
    assert told[-1][0] > told[-1][1] * 0.9


def test_the_reading_of_a_long_note_can_be_stopped_in_its_middle(tmp_path: Path) -> None:
    token, places = CancelToken(), []

    def stop_at_half(done: int, total: int, _what: str) -> None:
        places.append(done / total)
        if done * 2 > total:
            token.cancel()

    path = tmp_path / "note.txt"
    path.write_text("No nodule is seen.\n\n" * 60, encoding="utf-8")
    documents = Documents(Events())
    with pytest.raises(Cancelled):
        documents.open([path], (), None, progress=stop_at_half, cancel=token)
    assert 0.5 < max(places) < 0.99
    assert not documents.opened


def test_a_text_that_the_model_does_not_read_says_so(tmp_path: Path) -> None:
    long = document_of("No pleural effusion. " * (LONG_TEXT // 21 + 1), tmp_path)
    assert any("without the trained model" in note.english() for note in long.notes)
    assert not document_of("No pleural effusion.", tmp_path).notes


def counted(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """How often two observations were compared since the last time it was asked."""
    from medview.record import merging

    real, calls = merging._is_same, [0]

    def counting(*args: object) -> bool:
        calls[0] += 1
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(merging, "_is_same", counting)

    def since() -> int:
        found, calls[0] = calls[0], 0
        return found

    return since


def test_a_thousand_values_are_not_compared_each_with_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = random.Random(3).sample(range(100, 2400), 700)
    units = ("mg/dL", "umol/L")
    said = " ".join(
        f"Creatinine {v / 100 if i % 2 else v / 10} {units[1 - i % 2]}."
        for i, v in enumerate(values)
    )
    note = extract(document_of(said, tmp_path))
    creatinines = [o for o in note.observations if o.concept == "creatinine"]
    assert len(creatinines) > 500
    compared = counted(monkeypatch)
    assert len(merged(creatinines)) == len(creatinines)
    assert compared() < 20 * len(creatinines)


def test_the_same_value_in_another_unit_is_still_one(tmp_path: Path) -> None:
    said = (
        "Creatinine 1.20 mg/dL. Creatinine 106 umol/L. Creatinine 1.2 mg/dL. Creatinine 2.5 mg/dL."
    )
    note = extract(document_of(said, tmp_path))
    found = [o for o in note.observations if o.concept == "creatinine"]
    assert sorted((o.value, o.unit, len(o.also)) for o in found) == [
        (1.2, "mg/dL", 2),
        (2.5, "mg/dL", 0),
    ]


def test_a_sentence_that_a_long_note_repeats_is_read_as_if_it_stood_alone() -> None:
    one = (
        "Ex-smoker. A 12 x 8 mm nodule is seen in the right upper lobe.\nIt measures 9 mm.\n"
        "Lisinopril 5 mg daily caused cough; no chest pain.\nMother: breast cancer.\n"
    )
    times = 40
    text = one * times
    note = extract(Document(id="n", path="n", kind="text", text=text, narrative=((0, len(text)),)))
    here = {e.id: e for e in note.entities}

    def bare(start: int) -> list[tuple[object, ...]]:
        own = [e for e in note.entities if start <= e.start < start + len(one)]
        links = [r for r in note.relations if any(here[r.head] is e for e in own)]
        return [
            *((e.type, e.start - start, e.end - start, e.value, e.attrs.negated,
               e.attrs.trigger and tuple(place - start for place in e.attrs.trigger))
              for e in own),
            *((r.type, here[r.head].start - start, here[r.tail].start - start) for r in links),
        ]  # fmt: skip

    first = bare(0)
    assert len(first) > 12
    assert all(bare(len(one) * n) == first for n in range(2, times))


class _Ring:
    def __init__(self) -> None:
        self.itself = self


def test_what_a_long_note_kept_from_the_search_for_garbage_is_searched_when_it_closes() -> None:
    ring = _Ring()
    gone = weakref.ref(ring)
    for _ in settling(range(MANY)):
        pass
    del ring
    gc.collect()
    assert gone() is not None  # it stood there while the note was read
    Documents(Events()).close_of(Patient(id="P1"))
    gc.collect()
    assert gone() is None
