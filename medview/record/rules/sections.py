"""Headers of a report or letter and the part of the text each rules over."""

# ruff: noqa: E501 - a pattern reads better on one line

from __future__ import annotations

import re

from medview.record.document import Section

# label: headers, lower case, English and Chinese
_HEADERS = {
    "indication": "indication|indications|clinical indication|clinical information|clinical history"
    "|reason for exam|reason for examination|reason for study|reason for visit|history and indication"
    "|clinical details|clinical question|临床诊断|检查目的|临床资料|临床病史|申请目的",
    "technique": "technique|procedure|protocol|method|examination|exam|study|检查方法|扫描方法|检查技术|检查部位|检查项目",
    "comparison": "comparison|comparisons|compared with|对比|比较",
    "findings": "findings|finding|report|results|result|body of report|影像所见|检查所见|影像表现|所见|放射学表现|影像学表现|镜下所见",
    "impression": "impression|impressions|conclusion|conclusions|assessment|opinion|summary|diagnosis|diagnoses"
    "|assessment and plan|final diagnosis|discharge diagnosis|discharge diagnoses|诊断意见|影像诊断|诊断|印象|结论"
    "|初步诊断|入院诊断|出院诊断|检查结论|诊断印象|评估|病理诊断",
    "addendum": "addendum|补充报告|补充",
    "history": "past medical history|pmh|medical history|past history|previous medical history|past surgical history"
    "|psh|surgical history|past medical and surgical history|既往史|过去史|既往病史|手术史|手术外伤史",
    "present": "history of present illness|hpi|present illness|chief complaint|complaint|complaints|cc|presenting complaint"
    "|interval history|subjective|现病史|主诉|病史|病情介绍",
    "medications": "medications|medication|current medications|home medications|discharge medications|drugs|meds"
    "|drug history|用药|用药史|目前用药|药物史|用药情况|处方|出院带药|医嘱",
    "allergies": "allergies|allergy|drug allergies|allergies and intolerances|过敏史|药物过敏史|过敏",
    "family": "family history|fh|fhx|family medical history|家族史|家族病史|家族遗传史",
    "social": "social history|sh|shx|social|habits|个人史|社会史|吸烟饮酒史|生活史",
    "examination": "physical examination|physical exam|on examination|examination findings|vital signs|vitals|体格检查"
    "|查体|体检|生命体征|专科检查",
    "labs": "laboratory|labs|laboratory data|laboratory results|lab results|blood tests|laboratory findings|实验室检查"
    "|辅助检查|化验|检验结果|化验检查",
    "review": "review of systems|ros|系统回顾",
    "plan": "plan|recommendation|recommendations|follow up|follow-up|advice|处理|建议|治疗计划|处理意见|治疗",
    "course": "hospital course|course|treatment|住院经过|诊疗经过",
}  # fmt: skip
_LABEL = {name: label for label, names in _HEADERS.items() for name in names.split("|")}
_NAMES = "|".join(re.escape(n) for n in sorted(_LABEL, key=len, reverse=True))
# A short form is a header with its colon alone: "All: PCN", but "all" is a word and ALL a leukaemia.
_KNOWN = re.compile(
    rf"(?:^|(?<=[。\n]))[ \t]*+[【\[#*]*[ \t]*+(?:(?P<name>{_NAMES})[ \t]*+[】\]*]*"
    r"(?P<end>[ \t]*+[:：]|[ \t]*+(?=\r?\n|$))|(?P<short>(?-i:All|ALL|Allergs?|ALLERGS?))\.?[ \t]*+[:：]"
    r"(?![^\n]*(?:remission|relaps|chemo|leuk|treat|induction|[BT][- ]cell|diagnos)))",
    re.IGNORECASE | re.MULTILINE,
)
_OTHER_HAN = re.compile(
    r"^[ \t]*+(?P<name>(?![^:：\n]*[父母兄弟姐妹])[\u4e00-\u9fff]{2,8})[ \t]*+[:：]", re.MULTILINE
)
_OTHER = re.compile(r"^[ \t]*+(?P<name>[A-Z][A-Z /&-]{3,48}|[A-Z][A-Za-z /&-]{2,48}(?=:[ \t]*+\r?$))[ \t]*+:?[ \t]*+\r?$",
                    re.MULTILINE)  # fmt: skip


def find_sections(text: str, start: int = 0, end: int | None = None) -> list[Section]:
    """Sections in order; each reaches from the end of its header to the next header."""
    end = len(text) if end is None else end
    heads: dict[int, tuple[int, str]] = {}
    for match in _OTHER.finditer(text, start, end):
        if len(match["name"].split()) <= 6:
            heads[match.start("name")] = (match.end(), "other")
    for match in _OTHER_HAN.finditer(text, start, end):
        heads[match.start("name")] = (match.end(), "other")
    for match in _KNOWN.finditer(text, start, end):
        name = match["name"]
        label = _LABEL[name.lower()] if name else "allergies"
        heads[match.start("name" if name else "short")] = (match.end(), label)
    begins = sorted(heads)
    stops = [*begins[1:], end][: len(begins)]
    return [Section(heads[b][1], heads[b][0], stop) for b, stop in zip(begins, stops, strict=True)]


def label_at(sections: list[Section] | tuple[Section, ...], position: int) -> str:
    """Label of the section that holds a position, empty outside of any."""
    for section in reversed(sections):
        if section.start <= position < section.end:
            return section.label
    return ""
