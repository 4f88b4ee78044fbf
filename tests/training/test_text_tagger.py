"""The tagger: its arithmetic in NumPy is that of torch, and it learns from annotated abstracts."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from medview.ai.folder import open_folder
from medview.cli.main import main
from medview.record.tagging.abbreviations import abbreviations
from medview.record.tagging.model import TextModel, consistent, packed, text_model
from medview.record.tagging.names import Name
from medview.record.tagging.tags import (
    allowed,
    best_path,
    marginals,
    mentions_in,
    tag_names,
    tags_for,
)
from medview.record.tagging.tokens import tokens_of, wide_features
from medview.training.text.corpora import Abstract, read_abstracts
from medview.training.text.fit import batch_of, sentences_of, vocabulary_of
from medview.training.text.network import TaggerNetwork, arrays_of
from medview.training.text.plan import Sizes

TYPES = ("Chemical", "Disease")
SMALL = Sizes(word=5, gram=6, small=3, hidden=4)
DRUGS = ("zolpinol", "mexatrine", "karbidone", "ofenazol", "pentamax", "suladrin")
ILLS = ("renal failure", "tremor", "hepatitis", "bone pain", "nausea", "acute psychosis")


def _row(number: int) -> dict[str, object]:
    drug, ill = DRUGS[number % 6], ILLS[(number * 5 + number // 6) % 6]
    title = f"{drug.capitalize()} induced {ill}."
    abstract = f"We saw {ill} after {drug} in {number} patients."
    text = f"{title} {abstract}"
    entities = []
    for words, kind, known in ((drug, "Chemical", drug[:3]), (ill, "Disease", ill[:3])):
        at = 0
        while (at := text.lower().find(words, at)) >= 0:
            entities.append({"start": at, "end": at + len(words), "type": kind, "id": known,
                             "text": text[at : at + len(words)]})  # fmt: skip
            at += 1
    relations = [{"type": "CID", "chemical": drug[:3], "disease": ill[:3]}]
    return {"pmid": str(number), "title": title, "abstract": abstract, "entities": entities,
            "relations": relations}  # fmt: skip


@pytest.fixture(scope="module")
def abstracts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty-four invented abstracts."""
    path = tmp_path_factory.mktemp("texts") / "made.jsonl"
    path.write_text("\n".join(json.dumps(_row(n)) for n in range(24)), encoding="utf-8")
    return path


def _untrained(abstracts: Path) -> tuple[TaggerNetwork, dict[str, int]]:
    corpus = sentences_of(read_abstracts(abstracts), "bc5cdr", TYPES)
    torch.manual_seed(3)
    vocabulary = vocabulary_of(corpus)
    network = TaggerNetwork(len(vocabulary) + 1, {"bc5cdr": TYPES}, SMALL).eval()
    with torch.no_grad():
        network.wide["bc5cdr"].weight.normal_(std=0.3)
        network.steps["bc5cdr"].normal_()
    return network, vocabulary


def _model(network: TaggerNetwork, vocabulary: dict[str, int]) -> TextModel:
    arrays = packed([arrays_of(network)])
    arrays["vocabulary"] = np.frombuffer("\n".join(vocabulary).encode(), np.uint8)
    heads = [{"name": "bc5cdr", "types": list(TYPES)}]
    said = {"name": "made", "version": "1.0.0", "tagger": {"networks": 1, "heads": heads}}
    return text_model(said, arrays)


def test_numpy_gives_the_scores_of_torch(abstracts: Path) -> None:
    network, vocabulary = _untrained(abstracts)
    model = _model(network, vocabulary)
    own = model.networks[0]
    texts = ["Zolpinol-induced tremor, 12 mg.", "Nothing new.", "HIV (n = 3) and bone pain"]
    for text, hidden in zip(
        texts, own.hidden([tokens_of(t, 0, len(t)) for t in texts]), strict=True
    ):
        (sentence,) = sentences_of([Abstract("x", text, (), frozenset())], "bc5cdr", TYPES)
        with torch.no_grad():
            wanted = network.scores(batch_of([sentence], vocabulary), "bc5cdr")[0].numpy()
        sparse = model.wide["bc5cdr"][wide_features(sentence.tokens.words)].sum(1)
        found = own.scores("bc5cdr", hidden) + sparse
        # Tables are kept in eight bits, the rest in sixteen.
        np.testing.assert_allclose(found, wanted, atol=0.06)


def test_the_loss_is_that_of_all_paths_counted_out(abstracts: Path) -> None:
    network, vocabulary = _untrained(abstracts)
    abstract = read_abstracts(abstracts)[0]
    sentence = next(s for s in sentences_of([abstract], "bc5cdr", TYPES) if len(s.tags) < 6)
    batch = batch_of([sentence], vocabulary)
    with torch.no_grad():
        scores = network.scores(batch, "bc5cdr")[0].double().numpy()
        steps = network.moves("bc5cdr").double().numpy()
        found = float(network.loss(batch, "bc5cdr")) * len(sentence.tags)

    def total(path: tuple[int, ...]) -> float:
        k = scores.shape[1]
        chain = (k, *path, k)
        moves = sum(steps[a, b] for a, b in itertools.pairwise(chain))
        return float(moves + sum(scores[i, tag] for i, tag in enumerate(path)))

    paths = itertools.product(range(scores.shape[1]), repeat=len(scores))
    totals = np.array([total(path) for path in paths])
    top = totals.max()
    everything = top + np.log(np.exp(totals - top).sum())
    assert found == pytest.approx(everything - total(sentence.tags), rel=1e-4)


def test_the_best_path_and_the_marginals_are_those_of_all_paths() -> None:
    rng = np.random.default_rng(0)
    k = len(tag_names(("Disease",)))
    scores = rng.normal(size=(4, k)).astype(np.float32)
    steps = (rng.normal(size=(k + 1, k + 1)) + allowed(("Disease",))).astype(np.float32)
    totals = {
        path: sum(steps[a, b] for a, b in itertools.pairwise((k, *path, k)))
        + sum(scores[i, tag] for i, tag in enumerate(path))
        for path in itertools.product(range(k), repeat=4)
    }
    assert tuple(best_path(scores, steps)) == max(totals, key=lambda p: totals[p])
    weights = {path: np.exp(t) for path, t in totals.items()}
    everything = sum(weights.values())
    wanted = [[sum(w for p, w in weights.items() if p[i] == tag) / everything for tag in range(k)]
              for i in range(4)]  # fmt: skip
    np.testing.assert_allclose(marginals(scores, steps), wanted, atol=1e-5)


def test_tags_and_mentions_say_the_same() -> None:
    text = "Acute renal failure, or nausea."
    spans = tokens_of(text, 0, len(text)).spans
    tags = tags_for(spans, [(0, 19, "Disease"), (24, 30, "Disease")], TYPES)
    assert mentions_in(tags, TYPES) == [(0, 2, "Disease"), (5, 5, "Disease")]


def test_short_forms_are_found_with_what_they_stand_for() -> None:
    text = "Patients with acute renal failure (ARF) and magnetic resonance imaging [MRI] (n=12)."
    found = {a.short: text[slice(*a.long_span)] for a in abbreviations(text)}
    assert found == {"ARF": "acute renal failure", "MRI": "magnetic resonance imaging"}


def test_a_name_that_is_sure_once_is_one_everywhere() -> None:
    text = "Toxic epidermal necrolysis (TEN) is rare. TEN kills. Necrolysis, necrolysis."
    last = text.rindex("necrolysis")
    sure = [Name(0, 26, "Disease", 0.99), Name(last, last + 10, "Disease", 0.95)]
    found = consistent(text, sure)
    assert [text[n.start : n.end] for n in found] == [
        "Toxic epidermal necrolysis", "TEN", "TEN", "necrolysis",
    ]  # fmt: skip


PLAN = """
[[corpora]]
head = "bc5cdr"
types = ["Chemical", "Disease"]
train = "made.jsonl"
dev = "made.jsonl"
title = "Made"
licence = "CC0-1.0"
attribution = "nobody"

[ship]
parts = ["train"]
seeds = [1]
penalty = 1.0

[recipe]
epochs = 7
batch = 40

[sizes]
word = 8
gram = 8
small = 2
hidden = 8

[model]
schema = "medview-model/1"
name = "made-names"
version = "1.0.0"
kind = "text"
title = "Made names"
licence = "CC0-1.0"
intended = {use = "tests", not_for = ["patients"], status = "research"}

[card]
use = "For tests."
method = "A network."
limits = "Six names."
"""


def test_a_model_is_trained_judged_and_read_back_by_the_commands(
    abstracts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setenv("MEDVIEW_DATA", str(abstracts.parent))
    plan = tmp_path / "train.toml"
    plan.write_text(PLAN, encoding="utf-8")
    assert main(["train", str(plan), "--runs", str(tmp_path / "runs"), "--json"]) == 0
    trained = json.loads(capsys.readouterr().out)
    folder = open_folder(Path(trained["path"]))
    assert folder.kind == "text"
    assert trained["metrics"]["bc5cdr.f1.all"]["value"] > 0.9
    # Names of so few texts are uncertain, and a pair is as uncertain as its names.
    assert trained["metrics"]["bc5cdr.f1.relation"]["value"] > 0.6
    assert "Six names." in folder.card()
    assert main(["evaluate", str(folder.path), str(abstracts), "--json"]) == 0
    judged = json.loads(capsys.readouterr().out)
    assert judged["metrics"]["f1.all"]["value"] == trained["metrics"]["bc5cdr.f1.all"]["value"]
    assert judged["cases"] == 24
