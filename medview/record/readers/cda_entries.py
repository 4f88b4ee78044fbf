"""The coded entries of C-CDA sections as readable lines with entities and observations."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from medview.core.observation import Bounds
from medview.record.note import Attributes, Entity, Relation, Value
from medview.record.readers.cda_values import (
    XSI_TYPE,
    Names,
    code_of,
    end_of,
    is_negated,
    loinc_of,
    time_of,
    words,
)
from medview.record.readers.page import Page, kind_of
from medview.record.readers.results import (
    Result,
    bounds_of,
    value_of,
    write_pressure,
    write_result,
    write_smoking,
    write_time,
)
from medview.record.rules.laboratory import lab_test_for
from medview.record.rules.units import ucum

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_MOST = 20_000  # entries of one document
_PLANNED = frozenset(("RQO", "PRMS", "PRP", "ARQ", "GOL", "INT"))
_OVER = frozenset(("aborted", "cancelled", "suspended", "nullified"))
_NOT_A_PROBLEM = frozenset(("SEV", "33999-4", "11323-3", "445518008", "105455006", "263490005"))
_PROBLEM_ITSELF = frozenset(("55607006", "64572001", "404684003", "419199007", "413350009"))
_SMOKING_CODES = frozenset(("72166-2", "229819007", "365980008", "11367-0"))
_SMOKING = {
    "266919005": "never", "8517006": "former", "77176002": "current", "449868002": "current",
    "428041000124106": "current", "428071000124103": "current", "428061000124105": "current",
    "160604004": "current", "65568007": "current",
}  # fmt: skip
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_ROUTE = re.compile(r"\s*route of administration|\s*\(?route\)?$", re.IGNORECASE)
_PERIODS = {"h": "hours", "d": "days", "wk": "weeks", "min": "minutes", "mo": "months"}


@dataclass(frozen=True)
class _Place:
    """What the writers share: the page, the names of the document, its day."""

    page: Page
    names: Names


def write_entries(page: Page, section: Element, code: str, names: Names) -> int:
    """Write the entries of a section by its LOINC code; gives how many lines were written."""
    writer = _WRITERS.get(code)
    if writer is None:
        return 0
    place, count = _Place(page, names), 0
    for entry in section.findall("entry")[:_MOST]:
        for line in writer(place, entry):
            count += line
    return count


def _statements(entry: Element, tags: frozenset[str]) -> Iterator[tuple[Element, Element]]:
    """(statement, the one around it) of an entry: acts, organizers and what they hold."""
    pending = [(child, child) for child in entry]
    while pending:
        element, outer = pending.pop(0)
        if element.tag in tags:
            yield element, outer
        elif element.tag in ("act", "organizer", "encounter"):
            inner = [
                child
                for link in element
                if link.tag in ("entryRelationship", "component")
                for child in link
            ]
            pending[:0] = [(child, element) for child in inner]


def _problems(place: _Place, entry: Element) -> Iterator[int]:
    page, names = place.page, place.names
    for item, outer in _statements(entry, frozenset(("observation",))):
        value, about = item.find("value"), item.find("code")
        name = names.name_of(value) or names.referred(item.find("text"))
        if not name or (about is not None and about.get("code") in _NOT_A_PROBLEM):
            continue
        code = code_of(value)
        if is_negated(item) and code is not None and code.value in _PROBLEM_ITSELF:
            page.write("No known problems\n")
            yield 1
            continue
        over = bool(end_of(item)) or _status(item) in ("resolved", "inactive", "completed")
        over = over or _status_code(outer) in _OVER
        attrs = Attributes(
            negated=is_negated(item), temporality="historical" if over else "current"
        )
        page.mention(kind_of(name, "disease"), name, attrs=attrs, code=code)
        page.write(" (resolved)" if over else "")
        write_time(page, time_of(item, outer))
        yield 1


def _status_code(element: Element) -> str:
    found = element.find("statusCode")
    return (found.get("code") or "").lower() if found is not None else ""


def _status(item: Element) -> str:
    """The clinical status that a problem observation carries along, in lower case."""
    for inner in item.iterfind("entryRelationship/observation"):
        about, value = inner.find("code"), inner.find("value")
        if about is not None and about.get("code") == "33999-4" and value is not None:
            return (value.get("displayName") or "").lower()
    return ""


def _medications(place: _Place, entry: Element) -> Iterator[int]:
    for item, _ in _statements(entry, frozenset(("substanceAdministration",))):
        yield from _medication(place, item, is_over=_is_over(item, place.page.date))


def _immunizations(place: _Place, entry: Element) -> Iterator[int]:
    for item, _ in _statements(entry, frozenset(("substanceAdministration",))):
        if item.get("moodCode") == "EVN":
            yield from _medication(place, item, is_over=True)


def _is_over(item: Element, today: str) -> bool:
    end = end_of(item)
    return _status_code(item) in _OVER or bool(end and today and end[:10] < today[:10])


def _medication(place: _Place, item: Element, *, is_over: bool) -> Iterator[int]:
    page, names = place.page, place.names
    material = item.find("consumable/manufacturedProduct/manufacturedMaterial")
    coded = material.find("code") if material is not None else None
    name = names.name_of(coded) or words(material.find("name") if material is not None else None)
    name = name or names.referred(item.find("text"))
    if not name:
        return
    attrs = Attributes(negated=is_negated(item), temporality="historical" if is_over else "current")
    drug = page.mention("drug", name, attrs=attrs, code=code_of(coded))
    _dose(page, drug, item)
    route = item.find("routeCode")
    if said := _ROUTE.sub("", names.name_of(route)).lower():
        _part(page, drug, "route", said, Value(text=said))
    _frequency(page, drug, item)
    write_time(page, time_of(item))
    yield 1


def _part(page: Page, drug: Entity, kind: str, text: str, value: Value) -> None:
    page.write(" ")
    part = page.mention(kind, text, value)
    page.relations.append(Relation(f"drug_{kind}", drug.id, part.id))


def _dose(page: Page, drug: Entity, item: Element) -> None:
    amount = item.find("doseQuantity")
    if amount is None:
        return
    ends = [amount, *(e for k in ("low", "high") if (e := amount.find(k)) is not None)]
    written = next((e.get("value", "") for e in ends if e.get("value")), "")
    unit = next((e.get("unit", "") for e in ends if e.get("unit")), "")
    form = item.find("administrationUnitCode")
    if unit in ("", "1") and form is not None:
        unit = (form.get("displayName") or "").lower()
    if _NUMBER.fullmatch(written):
        text = f"{written} {unit.strip('{}')}".strip()
        _part(page, drug, "dose", text, value_of(written, ucum(unit) if unit else ""))


def _frequency(page: Page, drug: Entity, item: Element) -> None:
    for effective in item.findall("effectiveTime"):
        period, event = effective.find("period"), effective.find("event")
        if period is not None and period.get("value"):
            length, unit = period.get("value", ""), period.get("unit", "")
            said = f"every {length} {_PERIODS.get(unit, unit)}"
            _part(page, drug, "frequency", said, Value(text=said))
            return
        if event is not None and event.get("code"):
            _part(page, drug, "frequency", event.get("code", ""), Value(text=event.get("code", "")))
            return


def _allergies(place: _Place, entry: Element) -> Iterator[int]:
    page, names = place.page, place.names
    for item, outer in _statements(entry, frozenset(("observation",))):
        about = item.find("code")
        if about is not None and about.get("code") in _NOT_A_PROBLEM:
            continue
        agent = item.find("participant/participantRole/playingEntity")
        coded = agent.find("code") if agent is not None else None
        name = names.name_of(coded) or words(agent.find("name") if agent is not None else None)
        if is_negated(item) and not name:
            page.write("No known allergies\n")
            yield 1
            continue
        name = name or names.referred(item.find("text")) or names.name_of(item.find("value"))
        if not name:
            continue
        over = _status_code(outer) in _OVER or bool(end_of(item))
        attrs = Attributes(
            negated=is_negated(item), temporality="historical" if over else "current"
        )
        allergy = page.mention("allergy", name, attrs=attrs, code=code_of(coded))
        effects = _reactions(place, item)
        for number, effect in enumerate(effects):
            page.write(": " if number == 0 else ", ")
            symptom = page.mention(kind_of(effect, "symptom"), effect)
            page.relations.append(Relation("allergy_reaction", allergy.id, symptom.id))
        if not attrs.negated:
            said = name + (f": {', '.join(effects)}" if effects else "")
            page.observe(
                "allergy", said, (allergy.start, allergy.end), kind="sentence", original=said,
                time=time_of(item, outer), code=code_of(coded), detail=", ".join(effects),
            )  # fmt: skip
        page.write("\n")
        yield 1


def _reactions(place: _Place, item: Element) -> list[str]:
    found = []
    for link in item.findall("entryRelationship"):
        inner = link.find("observation")
        if link.get("typeCode") == "MFST" and inner is not None:
            said = place.names.name_of(inner.find("value"))
            found.append(said or place.names.referred(inner.find("text")))
    return [effect for effect in found if effect]


def _results(place: _Place, entry: Element) -> Iterator[int]:
    items = list(_statements(entry, frozenset(("observation",))))
    pressure = _pressure(items)
    for item, outer in items:
        if item.find("value") is None:
            continue
        if pressure is not None and item in pressure:
            if item is pressure[0]:
                high, low = (_number(one.find("value")) for one in pressure)
                write_pressure(place.page, high or Value(), low or Value(), time_of(item, outer))
                yield 1
            continue
        _result(place, item, outer)
        yield 1


def _pressure(items: list[tuple[Element, Element]]) -> tuple[Element, Element] | None:
    """The systolic and the diastolic value of one organizer, where it has one of each."""
    found: dict[str, Element] = {}
    for item, _ in items:
        code = loinc_of(item.find("code"))
        if code in ("8480-6", "8462-4") and _number(item.find("value")) is not None:
            if code in found:
                return None
            found[code] = item
    return (found["8480-6"], found["8462-4"]) if len(found) == 2 else None


def _result(place: _Place, item: Element, outer: Element) -> None:
    page, names = place.page, place.names
    about, value = item.find("code"), item.find("value")
    loinc, time = loinc_of(about), time_of(item, outer)
    number = _number(value)
    said = "" if number is not None else _said(names, value)
    reference, written = _range(item)
    if loinc in _SMOKING_CODES and said:
        write_smoking(page, said, time)
        return
    name, before = names.name_of(about), page.length
    if lab_test_for(loinc) is None and lab_test_for("", name) is None:
        name = name or names.referred(item.find("text"))
    write_result(
        page,
        Result(
            name=name,
            loinc=loinc,
            value=number,
            shown=_shown(value) if number is not None else "",
            words=said,
            time=time,
            reference=reference,
            range_shown=written,
            status={"completed": "final", "active": "preliminary"}.get(_status_code(item), ""),
        ),
    )
    if page.length > before:
        write_time(page, time)


def _number(value: Element | None) -> Value | None:
    if value is None:
        return None
    written, unit, sign = value.get("value") or "", value.get("unit") or "", ""
    if not written:  # a bound: IVL_PQ with one end
        for tag, mark in (("low", ">"), ("high", "<")):
            end = value.find(tag)
            other = value.find("high" if tag == "low" else "low")
            if end is not None and end.get("value") and (other is None or not other.get("value")):
                sign = mark + ("=" if end.get("inclusive", "true") == "true" else "")
                written, unit = end.get("value", ""), end.get("unit") or unit
    if not written and value.get(XSI_TYPE, "").endswith("ST"):
        written = words(value)
    return (
        value_of(written, "" if unit in ("", "1") else ucum(unit), sign)
        if _NUMBER.fullmatch(written)
        else None
    )


def _shown(value: Element | None) -> str:
    found = _number(value)
    if value is None or found is None:
        return ""
    unit = next((e.get("unit", "") for e in value.iter() if e.get("unit")), "")
    return f"{found.comparator}{found.num} {'' if unit == '1' else unit}".strip()


def _said(names: Names, value: Element | None) -> str:
    """A value in words: a coded one by its name, a range by both ends, text as it stands."""
    if value is None or (value.get("nullFlavor") and not len(value)):
        return ""
    ends = [value.find(k) for k in ("low", "high")]
    if all(end is not None and end.get("value") for end in ends):
        return " - ".join(
            f"{e.get('value')} {e.get('unit', '')}".strip() for e in ends if e is not None
        )
    return names.name_of(value) or names.referred(value)


def _range(item: Element) -> tuple[Bounds, str]:
    for interval in item.iterfind("referenceRange/observationRange"):
        value = interval.find("value")
        if value is not None:
            low, high = (value.find(k) for k in ("low", "high"))
            ends = [e.get("value", "") if e is not None else "" for e in (low, high)]
            if any(_NUMBER.fullmatch(e) for e in ends):
                bounds = [float(e) if _NUMBER.fullmatch(e) else None for e in ends]
                return (bounds[0], bounds[1]), " - ".join(ends)
        said = words(interval.find("text"))
        if said:
            return bounds_of(said), said
    return (None, None), ""


def _social(place: _Place, entry: Element) -> Iterator[int]:
    for item, outer in _statements(entry, frozenset(("observation",))):
        about, value = item.find("code"), item.find("value")
        if about is None or value is None or is_negated(item):
            continue
        codes = {e.get("code", "") for e in (about, *about.findall("translation"))}
        status = _SMOKING.get(value.get("code", ""), "")
        said = place.names.name_of(value) or words(value)
        if (codes & _SMOKING_CODES or status) and said and _number(value) is None:
            time = time_of(item, outer)
            past = end_of(item)
            # "Smoker" until a day: not what holds now.
            if past and place.page.date and past[:10] < place.page.date[:10] and status != "never":
                place.page.write(f"{said} (until {past[:10]})\n")
            else:
                write_smoking(place.page, said, time, status)
        else:
            _result(place, item, outer)
        yield 1


def _family(place: _Place, entry: Element) -> Iterator[int]:
    page, names = place.page, place.names
    for organizer in entry.findall("organizer"):
        subject = organizer.find("subject/relatedSubject/code")
        who = names.name_of(subject) or "relative"
        for item in organizer.iterfind("component/observation"):
            value = item.find("value")
            name = names.name_of(value)
            if not name:
                continue
            span = page.write(who)
            page.write(": ")
            attrs = Attributes(negated=is_negated(item), experiencer="family", trigger=span)
            page.mention("disease", name, attrs=attrs, code=code_of(value))
            page.write("\n")
            yield 1


def _procedures(place: _Place, entry: Element) -> Iterator[int]:
    page, names = place.page, place.names
    tags = frozenset(("procedure", "observation", "act"))
    for item in (child for child in entry if child.tag in tags):
        about = item.find("code")
        name = names.name_of(about) or names.referred(item.find("text"))
        if not name:
            continue
        planned = item.get("moodCode") in _PLANNED
        attrs = Attributes(
            negated=is_negated(item) or _status_code(item) in _OVER,
            temporality="hypothetical" if planned else "current",
        )
        page.mention("procedure", name, attrs=attrs, code=code_of(about))
        write_time(page, time_of(item))
        yield 1


_Writer = Callable[[_Place, "Element"], Iterator[int]]
_WRITERS: Mapping[str, _Writer] = {
    "11450-4": _problems, "11348-0": _problems, "11535-2": _problems, "46241-6": _problems,
    "10160-0": _medications, "10183-2": _medications, "42346-7": _medications,
    "29549-3": _medications, "11369-6": _immunizations, "48765-2": _allergies,
    "30954-2": _results, "8716-3": _results, "29762-2": _social, "10157-6": _family,
    "47519-4": _procedures,
}  # fmt: skip
