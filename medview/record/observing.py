"""From what was read to observations: values, yes or no, treatments, habits; never a guess.

A condition counts as "yes" when it is affirmed of the patient, now or in the past; as "no" only
when it is denied in words. What is possible, hypothetical or a relative's gives nothing.
"""

# ruff: noqa: E501 - a pattern reads better on one line

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from medview.core.observation import LISTS, Observation, Source, concepts
from medview.core.results import Code
from medview.record.ages import is_age_today
from medview.record.document import Document
from medview.record.merging import merged
from medview.record.nodules import nodule_facts
from medview.record.note import Entity, Note
from medview.record.plausible import only_plausible_unit
from medview.record.rules.sections import label_at
from medview.record.rules.smoking_amounts import quit_years
from medview.record.settling import settling
from medview.record.statements import statement_facts
from medview.record.times import Times

# "No acute infarct" on an image is no statement about the past: these need "no history of".
_PAST = frozenset(
    ("stroke_tia_embolism", "vascular_disease", "cardiovascular_disease", "cancer_history")
)
# Of what has many kinds none is excluded by a no to one of them: no breast cancer is not no cancer.
_WHOLE = {
    "cancer_history": re.compile(
        r"(?:any |other |previous |prior |known )*(?:cancers?|malignanc(?:y|ies)|malignant (?:tumou?rs?|neoplasms?|diseases?)|neoplasms?|carcinomas?|tumou?rs?)"
        r"|(?:恶性)?肿瘤|癌症?|恶性疾病",
        re.IGNORECASE,
    ),
    "vascular_disease": re.compile(r"vascular disease|血管(?:疾)?病", re.IGNORECASE),
    "cardiovascular_disease": re.compile(
        r"atherosclerotic (?:cardiovascular|vascular) disease|ASCVD|动脉粥样硬化性心血管(?:疾)?病",
        re.IGNORECASE,
    ),
}
_ONLY_PAST = frozenset(("cancer_history",))
_ONLY_NOW = frozenset(("acute_kidney_injury", "dialysis", "pregnancy", "screening"))
_TREATMENTS = frozenset(("antihypertensive_treatment", "statin_treatment"))
_DENIAL = re.compile(r"den(?:y|ies|ied)|history|never|否[认認]|史", re.IGNORECASE)
_ADVICE = re.compile(
    r"recommend|consider|advis|suggest|discuss|declin|refus|start|建议|考虑|拟|拒", re.IGNORECASE
)
_ADVISED = re.compile(
    r"recommended|advised|suggested|considered|should|indicated|declined|建议|考虑|拒绝",
    re.IGNORECASE,
)
_TALK = re.compile(
    r"\b(?:recommend\w*|consider\w*|advis\w+|suggest\w*|discuss\w*|declin\w+|refus\w+|offer\w*|plan\w*|(?:may|might|will|would|could|not) need|candidate for"
    r"|evaluat\w+ for|in case of|avoid\w*|delay\w*)\b|建议|考虑|拟|拒绝?|必要时|需要?行?|暂不",
    re.IGNORECASE,
)
_TALKED = re.compile(
    r"\b(?:declined|refused|discussed|recommended|advised|considered|planned|offered|suggested|indicated|deferred|if needed)\b|建议|拒绝|暂缓",
    re.IGNORECASE,
)
_KIN = re.compile(
    r"mother|father|\b(?:mom|mum|dad|parents?|brothers?|sisters?|siblings?|sons?|daughters?|children|aunt|uncle|cousin|niece|nephew|twin"
    r"|husband|wife|spouse|partner|donor)\b|父|母|兄|弟|姐|妹|[儿独长次幼]子|之子|子女|女儿|丈夫|妻",
    re.IGNORECASE,
)
_KINS = re.compile(
    r"\b(?:mother|father|brother|sister|son|daughter|husband|wife|spouse|partner|donor|twin)(?:['’]s| has| had|:)(?: \w+){0,3}\s*$"
    r"|\b(?:maternal|paternal|donor) (?:\w+ ){0,2}$|(?:父亲|母亲|其父|其母|兄|弟|姐|妹|儿子|女儿|丈夫|妻子|供体)的?(?:测)?$",
    re.IGNORECASE,
)
# "Urine creatinine", "CSF: WBC 12, glucose 40", 腹水白蛋白: no values of the blood
_FLUID = re.compile(
    r"\b(?:urin(?:e|ary)|pleural|csf|cerebrospinal|ascit(?:ic|es)|peritoneal|synovial|pericardial|amniotic|drain|sweat|dialysate|stool|f(?:a)?ecal|BAL)"
    r"(?: fluid)?(?: (?:spot|random|total))? ?[:：-]? ?$"
    r"|\b(?:urine|csf|cerebrospinal fluid|(?:pleural|ascitic|peritoneal|synovial|pericardial|drain) fluid)(?: (?:analysis|studies|chemistry|results?))?"
    r"(?:[:：]| showed| shows)(?:(?!\b(?:serum|blood|plasma)\b)[^.;。；\n]|\.(?=\d)){0,80}$"
    r"|(?:尿液?|胸水|胸腔积液|腹水|脑脊液|关节液|心包积液|引流液|透析液|粪便?|汗液)(?:检查|常规|生化|化验)?(?:中|的|示|[：:])?$"
    r"|(?:尿液?|胸水|腹水|脑脊液)(?:检查|常规|生化|化验)?(?:示|[：:])(?:(?!血清|血浆|血[：:])[^.;。；\n]|\.(?=\d)){0,60}$",
    re.IGNORECASE,
)
_OF_BLOOD = re.compile(r"serum|blood|plasma|血", re.IGNORECASE)
# Here the patient is spoken of again.
_SELF = re.compile(
    r"\b(?:patient|pt|he|she|this|reports?|states?|says?|brought|accompanied)\b|患[者儿]|病人|本人|代?诉",
    re.IGNORECASE,
)
_DIED = re.compile(
    r"\b(?:died|deceased|passed away)\b[^.;]{0,40}$|(?:去世|死于|病故)[^。；]{0,20}$", re.IGNORECASE
)
# "Diabetes diagnosed aged 12", "menarche age 13": not the age of today.
_AT_AGE = re.compile(
    r"\b(?:diagnos\w+|onset|menarche|menopause|expectancy|began|started|since|operated|underwent|surgery|first|until|screening)\b[^.;\n]{0,48}$",
    re.IGNORECASE,
)
_AGE_LABEL = re.compile(r"(?:^|[\s,;|])(?:age|年龄)[ \t]*[:：]?[ \t]*$", re.IGNORECASE)
_PREGNANT = re.compile(
    r"(?P<no>not (?:currently )?|denies (?:being )?|negative |未|否认|非|无)?(?:(?<![A-Za-z])(?:pregnant\b|gravid\b)|怀孕(?!史)|妊娠(?=\d|早期|中期|晚期|状态|期妇女))",
    re.IGNORECASE,
)
# "If pregnant", "plans to become pregnant", "could be", "his wife is", "was ... in 2010"
_NOT_PREGNANT_NOW = re.compile(
    r"(?:\b(?:if|when|while|whether|history|previous(?:ly)?|never|unlikely|likely|possibly|could|may|might|cannot|can(?:['’]t)?|planning|plans?|want\w*|wish\w*|hop\w+|try\w*|trying"
    r"|unable|until|before|after|avoid\w*|becom\w+|get(?:ting)?|risk|was(?! (?:found|noted|confirmed|told))|had been|wom[ae]n who|other|wife|partner|girlfriend|mother|sister|daughter)\b|既往|曾|备孕|计划|拟|若|如|妻子?|女儿|姐姐|妹妹)"
    r"[^.;。，\n]{0,20}$",
    re.IGNORECASE,
)
# "Is the patient pregnant? No", "Pregnant: yes"
_ASKED = re.compile(
    r" ?[?？:：](?:[ \t]*(?:(?P<no>no|n|否|无)|(?P<yes>yes|y|是))\b)?", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class _Fact:
    concept: str
    value: float | bool | str | tuple[float, float]
    entity: Entity
    unit: str = ""
    comparator: str = ""
    code: str = ""
    original: str = ""
    subject: str = ""
    status: str = ""
    detail: str = ""


def observe(document: Document, note: Note) -> tuple[Observation, ...]:
    """Observations of one document: those of its structure, then those of its sentences."""
    structured = {(e.type, e.start, e.end) for e in document.entities}
    facts: list[_Fact] = []
    for entity in settling(note.entities):
        own = (entity.type, entity.start, entity.end) in structured
        facts += _facts(note, entity, document.date, structured=own)
    facts += [
        _Fact(f.concept, f.value, f.entity, unit=f.unit, comparator=f.comparator, subject=f.subject)
        for f in nodule_facts(note)
    ]
    facts += [
        _Fact(f.concept, f.name, f.entity, status=f.status, detail=f.detail)
        for f in statement_facts(note)
    ]
    facts += _demographics(note, structured)
    facts += _relational(note, structured)
    facts += _pregnancy(document, note)
    times = Times(document, note)
    made = [
        _observation(document, time, fact)
        for fact in settling(facts)
        if (time := times.of(fact.entity)) is not None
    ]
    return merged([*document.observations, *made])


def observations(notes: Iterable[Note]) -> tuple[Observation, ...]:
    """Observations of several notes, the same ones once; by concept, the newest first."""
    order = {concept: i for i, concept in enumerate(concepts())}
    newest = sorted(
        merged(o for note in notes for o in note.observations), key=lambda o: o.time, reverse=True
    )
    return tuple(sorted(newest, key=lambda o: order.get(o.concept, len(order))))


def _observation(document: Document, time: str, fact: _Fact) -> Observation:
    concept = concepts()[fact.concept]
    code = fact.code or concept.loinc
    return Observation(
        patient_id=document.patient.id,
        concept=fact.concept,
        value=fact.value,
        unit=fact.unit,
        comparator=fact.comparator,
        time=time,
        source=Source(
            kind="sentence",
            where=document.title,
            locator=f"document:{document.id}:{fact.entity.start}:{fact.entity.end}",
        ),
        code=_named_code(fact) or (Code("LN", code, concept.title) if code else None),
        original=fact.original or fact.entity.text,
        subject=fact.subject,
        status=fact.status,
        detail=fact.detail,
    )


def _named_code(fact: _Fact) -> Code | None:
    """The code of a thing of a list; a score's yes or no is not what it stands for."""
    return fact.entity.code if fact.concept in LISTS else None


def _facts(note: Note, entity: Entity, date: str, *, structured: bool) -> Iterator[_Fact]:
    if entity.type in ("lab", "vital") and not structured:
        yield from _measured(note, entity)
    elif entity.type == "smoking" and not structured:
        yield from _smoking(note, entity, date)
    elif entity.type in ("disease", "finding", "symptom", "procedure", "drug"):
        for concept in entity.concepts:
            value = (
                _treatment(note, entity)
                if concept in _TREATMENTS
                else _yes_no(note, concept, entity)
            )
            if value is not None:
                yield _Fact(concept, value, entity)


def _measured(note: Note, entity: Entity) -> Iterator[_Fact]:
    value = entity.value
    if value is None or not entity.concepts or _is_relatives(note, entity):
        return
    if _is_of_other_fluid(note, entity):
        return
    concept = concepts()[entity.concepts[0]]
    if value.dims:
        high, low = float(value.dims[0]), float(value.dims[1])
        yield _Fact(concept.id, (high, low), entity, unit=value.unit, code=value.concept)
        yield _Fact("systolic_bp", high, entity, unit=value.unit)
        yield _Fact("diastolic_bp", low, entity, unit=value.unit)
    elif value.num is not None and concept.kind == "number":
        unit = value.unit or only_plausible_unit(concept.id, float(value.num))
        if unit:
            yield _Fact(concept.id, float(value.num), entity, unit, value.comparator, value.concept)


def _is_of_other_fluid(note: Note, measured: Entity) -> bool:
    """Whether a result is that of urine, CSF or an effusion."""
    if _OF_BLOOD.match(note.said(measured)):
        return False
    return _FLUID.search(note.plain, max(0, measured.start - 100), measured.start) is not None


def _is_relatives(note: Note, measured: Entity) -> bool:
    """Whether a lab or vital is said of a relative: "mother's BP 180/110", 母亲血压180/110."""
    is_family = label_at(note.sections, measured.start) == "family"
    before = max(0, measured.start - 60)
    return is_family or _KINS.search(note.plain, before, measured.start) is not None


def _smoking(note: Note, entity: Entity, date: str) -> Iterator[_Fact]:
    is_family = label_at(note.sections, entity.start) == "family"
    if entity.value is None or entity.attrs.experiencer != "patient" or is_family:
        return
    if entity.value.text:
        yield _Fact("smoking_status", entity.value.text, entity)
    if entity.value.num is not None:
        yield _Fact("pack_years", float(entity.value.num), entity, unit="{pack-years}")
    years = quit_years(note.said(entity), date)
    if years is not None and entity.value.text != "current":
        yield _Fact("smoking_quit_years", round(years, 2), entity, unit="a")


def _demographics(note: Note, structured: set[tuple[str, int, int]]) -> Iterator[_Fact]:
    """The first age and the first sex that a text says of the patient.

    "Aged 12" may be the age at anything: it counts where no "12-year-old" is written.
    """
    own = [e for e in note.entities if e.type == "demographic" and e.value and _is_own(note, e)]
    ages = [e for e in own if e.value and not e.value.text]
    age = next((e for e in ages if _is_plain_age(note, e)), next(iter(ages), None))
    sex = next((e for e in own if e.value and e.value.text), None)
    for entity in (sex, age):
        if entity is None or entity.value is None:
            continue
        if (entity.type, entity.start, entity.end) in structured:
            continue
        if entity is sex:
            yield _Fact("sex", "F" if entity.value.text == "female" else "M", entity)
        elif entity.value.num is not None:
            yield _Fact("age", float(entity.value.num), entity, unit=entity.value.unit)


def _is_plain_age(note: Note, said: Entity) -> bool:
    """Whether an age is written as one: "62-year-old", "62 y/o", 62岁, "62F", "Age: 62"."""
    if not said.text[-1].isdigit():
        return True
    line = note.plain.rfind("\n", 0, said.start) + 1
    return _AGE_LABEL.search(note.plain, line, said.start) is not None or note.plain[
        said.end : said.end + 2
    ].strip()[:1] in ("F", "M")


def _is_own(note: Note, said: Entity) -> bool:
    """Whether an age or sex is the patient's, not a relative's nor that at a death."""
    before = re.split(r"[.。](?:\s|$)", note.plain[max(0, said.start - 24) : said.start])[-1]
    kin = list(_KIN.finditer(before))
    is_kin = bool(kin) and _SELF.search(before, kin[-1].end()) is None
    return not (
        is_kin
        or (said.value is not None and not said.value.text and not is_age_today(note.plain, said))
        or _DIED.search(note.plain, max(0, said.start - 60), said.start)
        or (
            said.text[-1].isdigit()
            and _AT_AGE.search(note.plain, max(0, said.start - 60), said.start)
        )
        or label_at(note.sections, said.start) == "family"
    )


def _yes_no(note: Note, concept: str, entity: Entity) -> bool | None:
    attrs = entity.attrs
    if attrs.uncertain or attrs.temporality == "hypothetical":
        return None
    if entity.type == "procedure" and _is_talked_of(note, entity):
        return None
    if concept.startswith("family_history"):
        return (not attrs.negated) if attrs.experiencer == "family" else None
    if attrs.experiencer != "patient" or concept not in concepts():
        return None
    if attrs.negated:
        return False if _is_denied(note, concept, entity) else None
    too_early = concept in _ONLY_NOW and attrs.temporality != "current"
    too_late = concept in _ONLY_PAST and attrs.temporality != "historical"
    return None if too_early or too_late else True


def _is_talked_of(note: Note, procedure: Entity) -> bool:
    """Whether a procedure is advised, discussed or declined rather than done."""
    before = re.split(r"[.;。；\n]", note.plain[max(0, procedure.start - 40) : procedure.start])[-1]
    after = re.split(r"[.;。；\n]", note.plain[procedure.end : procedure.end + 40])[0]
    return _TALK.search(before) is not None or _TALKED.search(after) is not None


def _is_denied(note: Note, concept: str, entity: Entity) -> bool:
    if concept not in _PAST:
        return True
    whole = _WHOLE.get(concept)
    if whole is not None and not whole.fullmatch(note.said(entity)):
        return False
    attrs = entity.attrs
    cue = note.plain[attrs.trigger[0] : attrs.trigger[1]] if attrs.trigger else ""
    return attrs.temporality == "historical" or _DENIAL.search(cue) is not None


def _treatment(note: Note, drug: Entity) -> bool | None:
    attrs = drug.attrs
    if attrs.experiencer != "patient" or attrs.uncertain or attrs.temporality != "current":
        return None
    if attrs.negated:
        return False
    before = note.plain[max(0, drug.start - 40) : drug.start]
    before = re.split(r"[.;。；\n]", before)[-1]
    stopped = re.match(
        r"[^.;。；\n]{0,20}(?:stopped|discontinued|停用|已停)", note.plain[drug.end : drug.end + 40]
    )
    after = re.split(r"[.;。；\n]", note.plain[drug.end : drug.end + 60])[0]
    is_advice = _ADVICE.search(before) or _ADVISED.search(after)
    return None if is_advice or stopped else True


def _relational(note: Note, structured: set[tuple[str, int, int]]) -> Iterator[_Fact]:
    by_id = {e.id: e for e in note.entities}
    joint = ": "
    reactions: dict[str, list[str]] = {}
    for relation in note.relations:
        head, tail = by_id[relation.head], by_id[relation.tail]
        if relation.type == "allergy_reaction":
            reactions.setdefault(head.id, []).append(tail.text)
        if (
            relation.type == "adverse_effect"
            and head.attrs.experiencer == "patient"
            and not (tail.attrs.uncertain or tail.attrs.temporality == "hypothetical")
        ):
            yield _Fact(
                "adverse_drug_effect",
                f"{head.text}{joint}{tail.text}",
                head,
                original=note.text[min(head.start, tail.start) : max(head.end, tail.end)],
            )
    for entity in note.entities:
        if entity.type != "allergy" or (entity.type, entity.start, entity.end) in structured:
            continue
        if entity.attrs.negated or entity.attrs.experiencer != "patient":
            continue
        effects = reactions.get(entity.id, [])
        yield _Fact(
            "allergy", entity.text + (joint + ", ".join(effects) if effects else ""), entity
        )


def _pregnancy(document: Document, note: Note) -> Iterator[_Fact]:
    for start, end in document.narrative:
        match = next(
            (
                m
                for m in _PREGNANT.finditer(note.plain, start, end)
                if not _NOT_PREGNANT_NOW.search(note.plain, max(start, m.start() - 40), m.start())
            ),
            None,
        )
        if match is None:
            continue
        answer = _ASKED.match(note.plain, match.end(), end)
        if answer is not None and answer["no"] is None and answer["yes"] is None:
            continue  # a question without an answer
        entity = Entity(
            type="symptom",
            start=match.start(),
            end=match.end(),
            text=note.text[slice(*match.span())],
        )
        is_denied = match["no"] is not None or (answer is not None and answer["no"] is not None)
        yield _Fact("pregnancy", not is_denied, entity)
