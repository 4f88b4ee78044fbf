"""From a finding to the words by which documents speak of it."""

from __future__ import annotations

from medview.core.results import Finding, Measurement
from medview.core.words import tr

# What a label of a model or a ruler is called in reports besides its own name.
_ALSO = {
    "nodule": ("nodule", "结节"),
    "pneumonia": ("pneumonia", "consolidation", "opacity", "肺炎", "实变"),
    "normal": ("no acute", "未见异常"),
    "lung": ("lung", "肺"),
    "emphysema": ("emphysema", "肺气肿"),
    "hippocampus": ("hippocamp", "海马"),
    "brainstem": ("brainstem", "脑干"),
    "parotid": ("parotid", "腮腺"),
    "cord": ("spinal cord", "脊髓"),
    "mandible": ("mandible", "下颌骨"),
}
_SIDES = {"right": ("right", "右"), "left": ("left", "左")}


def query_of(finding: Finding | Measurement) -> str:
    """A query of the record's search for what speaks of a finding, in both languages."""
    if isinstance(finding, Measurement):
        is_nodule = dict(finding.extra).get("segment") or finding.kind == "bidirectional"
        label = "nodule" if is_nodule else finding.text.casefold()
    else:
        label = finding.label.casefold()
    names = next((also for word, also in _ALSO.items() if word in label), (label, tr(label)))
    side = next((words for word, words in _SIDES.items() if word in label), None)
    if side is None or "lung" not in label:
        return " | ".join(dict.fromkeys(name for name in names if name))
    return " | ".join((f"{side[0]} lung", f"{side[1]}肺"))
