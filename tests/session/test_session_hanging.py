"""Hanging rules: read, checked, written back, chosen, and what they put where."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from medview.core.errors import MedViewError
from medview.core.geometry import Geometry
from medview.core.layout import GridState, TileState
from medview.core.paths import resources_dir
from medview.core.study import Patient, Projection, Series, Stack, Study
from medview.session import Session
from medview.session.candidates import exam_of, fitting_prior
from medview.session.hanging import Fits, Rule, Selector, Stage, TileRule
from medview.session.hanging_book import RuleBook, text_of
from medview.session.hanging_files import (
    load_rules,
    own_folder,
    put_text,
    read_rule,
    said_of,
    toml_of,
    write_rule,
)
from medview.session.hanging_match import Exam, hang, ranked, rule_of, usable_stages
from medview.session.places import Place


def stack(depth: int = 30, *, film: Projection | None = None) -> Stack:
    shape = (1, 64, 64) if film is not None else (depth, 64, 64)
    return Stack(
        frames=(), verdict="projection" if film is not None else "regular", projection=film,
        geometry=Geometry(shape=shape, is_spatial=film is None),
    )  # fmt: skip


def series(uid: str, modality: str, description: str = "", **more: object) -> Series:
    part = str(more.pop("part", ""))
    stacks = (more.pop("stack", None) or stack(),)
    return Series(
        uid=uid, modality=modality, description=description, body_part=part,
        stacks=stacks, number=int(str(more.pop("number", 1))),  # type: ignore[arg-type]
        header={k: str(v) for k, v in more.items()},
    )  # fmt: skip


def film(uid: str, side: str, view: str) -> Series:
    taken = Projection(laterality=side, view=view)
    return series(uid, "MG", part="BREAST", stack=stack(film=taken))


def opened(*studies: Study, active: str) -> tuple[Place, Patient]:
    patient = Patient(id="P", studies=studies)
    for study in studies:
        for one in study.series:
            if one.uid == active:
                return Place(patient=patient, study=study, series=one, stack_number=0), patient
    raise KeyError(active)


def exam(*studies: Study, active: str) -> Exam:
    place, patient = opened(*studies, active=active)
    prior = fitting_prior(place, patient)
    return exam_of(place, None if prior is None else prior.study)


def chosen(of: Exam) -> tuple[str, list[str | None]]:
    """The best shipped rule and the series of its first stage."""
    rule = ranked(load_rules().rules, of)[0]
    found = hang(rule, usable_stages(rule, of)[0], of)
    return rule.id, [None if key is None else key[0] for key in found.keys]


def study(*of: Series, date: str = "2024-05-01", uid: str = "now", words: str = "") -> Study:
    return Study(uid=uid, date=date, series=of, description=words)


# -- files ----------------------------------------------------------------------------------------


def test_every_shipped_rule_is_whole_and_written_back_the_same() -> None:
    found = load_rules()
    assert found.notes == ()
    assert len(found.rules) == len(list((resources_dir() / "hanging").glob("*.toml"))) >= 12
    for rule in found.rules:
        own = write_rule(rule)
        assert own.stages == rule.stages
        assert own.fits == rule.fits


HEAD = 'name = "x"\n[fits]\nmodality = ["CT"]\n'
TILE = '[[stage]]\nlayout = "1x1"\n[[stage.tile]]\n'


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ('name = "x"\n[fits]\nmodality = ["CT"', "TOML"),
        ('name = "x"\nname = "y"\n', "line 2"),
        ('[fits]\nmodality = ["CT"]\n' + TILE, "`name`"),
        ('name = "x"\n[fits]\n' + TILE, "modality"),
        (HEAD, "`stage`"),
        (HEAD + '[[stage]]\nlayout = "9x9"\n', "4x4"),
        ('name = "x"\nfits = 3\n', "`fits`"),
        (HEAD + TILE + 'plane = "diagonal"\n', "stage[1].tile[1].plane"),
        (HEAD + TILE + "window = [40, nan]\n", "window"),
        (HEAD + "modalitty = 1\n" + TILE, "fits.modalitty"),
        (HEAD + TILE + "[[stage.tile]]\n", "room"),
        ("\x00\x01\x02", "line 1"),
        ("a = " + "[" * 3000, "TOML"),
    ],
)
def test_nonsense_is_named_in_one_sentence_and_the_others_are_read(text: str, word: str) -> None:
    folder = own_folder()
    folder.mkdir(parents=True)
    (folder / "mine.toml").write_text(text, encoding="utf-8")

    found = load_rules()

    assert len(found.notes) == 1
    said = said_of(found.notes[0]).english()
    assert "mine.toml" in said
    assert word in said
    assert len(found.rules) >= 12


def test_files_that_are_no_text_or_far_too_large_are_left_out() -> None:
    folder = own_folder()
    folder.mkdir(parents=True)
    (folder / "a.toml").write_bytes(b"\xff\xfe\x00name")
    (folder / "b.toml").write_bytes(b"# " + b"x" * 100_000)
    (folder / "c.toml").mkdir()
    assert [note.file for note in load_rules().notes] == ["a.toml", "b.toml", "c.toml"]


def test_a_rule_of_the_reader_is_kept_for_them_alone_and_goes_again() -> None:
    rule = Rule(
        id="", name='CT "of mine"\n\\ 胸部', fits=Fits(modality=("CT",), words=("LOW DOSE",)),
        stages=(
            Stage(
                layout="1x2",
                tiles=(
                    TileRule(series=Selector(words=('A"B',)), plane="axial", window=(40.0, 400.0)),
                    TileRule(
                        series=Selector(study="prior", place=3), inverted=True, projection="mip",
                        thickness_mm=10.0, over=Selector(modality=("PT",)), blend=0.25,
                        optional=True,
                    ),
                ),
            ),
        ),
    )  # fmt: skip
    own = write_rule(rule)
    path = own_folder() / own.file
    assert path.stat().st_mode & 0o077 == 0
    assert read_rule(path) == own
    assert own.stages == rule.stages
    assert write_rule(rule).file != own.file  # a second one of that name stands beside it
    put_text(own.file, None)
    assert not path.exists()


def test_a_file_of_the_readers_with_the_name_of_ours_stands_for_it() -> None:
    ours = next(rule for rule in load_rules().rules if rule.id == "ct-chest")
    own_folder().mkdir(parents=True)
    (own_folder() / "ct-chest.toml").write_text(toml_of(replace(ours, name="Mine")), "utf-8")
    found = [rule for rule in load_rules().rules if rule.id == "ct-chest"]
    assert [(rule.name, rule.is_own) for rule in found] == [("Mine", True)]


def test_the_rule_book_saves_replaces_deletes_and_takes_back() -> None:
    book = RuleBook()
    shipped = len(book.rules.rules)
    fits = Fits(modality=("CT",), body_part=("CHEST",))
    first = Rule(id="", name="Mine", fits=fits, stages=(Stage(layout="1x1", tiles=(TileRule(),)),))
    second = replace(first, stages=(Stage(layout="1x2", tiles=(TileRule(),)),))

    saved = book.save(first)
    again = book.save(second)  # for the same studies: in the place of the first
    assert again.file == saved.file
    assert len(book.rules.rules) == shipped + 1
    edited = book.rewrite(again, text_of(again).replace("Mine", "Mine too"))
    assert edited.name == "Mine too"
    with pytest.raises(MedViewError, match="layout"):
        book.rewrite(again, text_of(again).replace("1x2", "7x7"))
    book.delete(again)
    assert len(book.rules.rules) == shipped

    names = [str(book.undo()) for _ in range(4)]
    assert names == [
        "Delete a hanging rule", "Edit a hanging rule", "Hang as this from now on",
        "Hang as this from now on",
    ]  # fmt: skip
    assert book.undo() is None
    assert len(book.rules.rules) == shipped
    assert list(own_folder().iterdir()) == []


# -- choosing -------------------------------------------------------------------------------------


def test_a_chest_ct_alone_hangs_in_planes_and_volume() -> None:
    of = exam(study(series("a", "CT", part="CHEST")), active="a")
    assert chosen(of) == ("ct-chest", ["a"] * 4)


def test_a_ct_with_a_prior_hangs_side_by_side() -> None:
    now = study(series("a", "CT", "Lung", part="CHEST"))
    then = study(
        series("s", "CT", "Scout", part="CHEST", stack=stack(film=Projection())),
        series("t", "CT", "Lung", part="CHEST"), date="2023-01-01", uid="then",
    )  # fmt: skip
    assert chosen(exam(now, then, active="a")) == ("ct-prior", ["a", "t"])


def test_the_prior_fits_by_region_and_is_the_newest_that_does() -> None:
    place, patient = opened(
        study(series("a", "CT", part="CHEST")),
        study(series("head", "CT", part="HEAD"), date="2024-04-01", uid="1"),
        study(series("film", "CR", part="CHEST"), date="2024-03-01", uid="2"),
        study(series("b", "CT", part="CHEST"), date="2024-02-01", uid="3"),
        study(series("c", "CT", part="CHEST"), date="2022-02-01", uid="4"),
        study(series("later", "CT", part="CHEST"), date="2025-02-01", uid="5"),
        active="a",
    )
    found = fitting_prior(place, patient)
    assert found is not None
    assert found.key == ("b", 0)
    assert "2024-02-01" in found.why.english()
    assert "CHEST" in found.why.english()


def test_without_an_id_or_a_date_there_is_no_prior() -> None:
    now, then = study(series("a", "CT")), study(series("b", "CT"), date="2020-01-01", uid="then")
    place, patient = opened(now, then, active="a")
    assert fitting_prior(place, replace(patient, id="")) is None
    undated, patient = opened(replace(now, date=""), then, active="a")
    assert fitting_prior(undated, patient) is None


def test_a_film_of_the_other_side_is_no_prior() -> None:
    now = study(film("now", "R", "CC"))
    left = study(film("left", "L", "CC"), date="2020-01-01", uid="1")
    right = study(film("right", "R", "CC"), date="2019-01-01", uid="2")
    place, patient = opened(now, left, right, active="now")
    found = fitting_prior(place, patient)
    assert found is not None
    assert found.key == ("right", 0)


def test_a_brain_before_and_after_contrast_hangs_before_beside_after() -> None:
    of = exam(
        study(
            series("post", "MR", "T1post", part="BRAIN"),
            series("pre", "MR", "T1pre_reg", part="BRAIN"),
        ),
        active="post",
    )  # fmt: skip
    assert chosen(of) == ("mr-brain-contrast", ["pre", "post"])


def test_a_brain_hangs_by_weighting_named_or_told_by_its_times() -> None:
    of = exam(
        study(
            series("1", "MR", "ax FLAIR", part="BRAIN"),
            series("2", "MR", "ep2d_diff_b1000", part="BRAIN"),
            series("3", "MR", "sag", part="BRAIN", RepetitionTime="550", EchoTime="12"),
            series("4", "MR", "tra", part="BRAIN", RepetitionTime="5200", EchoTime="98"),
        ),
        active="1",
    )
    assert chosen(of) == ("mr-brain", ["3", "4", "1", "2"])


MAMMOGRAM = [
    film("lm", "L", "MLO"),
    film("rm", "R", "MLO"),
    film("lc", "L", "CC"),
    film("rc", "R", "CC"),
]


def test_a_mammogram_hangs_the_right_breast_on_the_screens_left() -> None:
    assert chosen(exam(study(*MAMMOGRAM), active="lm")) == ("mg", ["rc", "lc", "rm", "lm"])


def test_a_mammogram_with_a_film_missing_leaves_its_tile_empty() -> None:
    assert chosen(exam(study(*MAMMOGRAM[:3]), active="lm")) == ("mg", [None, "lc", "rm", "lm"])


def test_priors_of_a_mammogram_are_its_second_stage() -> None:
    then = study(*(replace(f, uid=f"{f.uid}0") for f in MAMMOGRAM), date="2020-01-01", uid="then")
    of = exam(study(*MAMMOGRAM), then, active="lm")
    rule = ranked(load_rules().rules, of)[0]
    keys = [key and key[0] for key in hang(rule, 1, of).keys]
    assert keys == ["rc", "lc", "rc0", "lc0", "rm", "lm", "rm0", "lm0"]
    alone = exam(study(*MAMMOGRAM), active="lm")
    assert 1 not in usable_stages(rule, alone)


def test_a_film_for_processing_comes_after_the_one_for_reading() -> None:
    raw = series(
        "raw", "MG", part="BREAST", stack=stack(film=Projection(laterality="R", view="CC")),
        PresentationIntentType="FOR PROCESSING",
    )  # fmt: skip
    of = exam(study(raw, *MAMMOGRAM), active="lm")
    assert chosen(of)[1][0] == "rc"


def test_pet_ct_hangs_ct_pet_and_fusion_whichever_is_looked_at() -> None:
    both = study(series("pet", "PT"), series("ct", "CT"))
    for active in ("pet", "ct"):
        of = exam(both, active=active)
        assert chosen(of) == ("pet-ct", ["ct", "pet", "ct", "pet"])
        rule = ranked(load_rules().rules, of)[0]
        assert hang(rule, 0, of).over == (None, None, ("pet", 0), None)


def test_films_runs_and_anything_else_find_their_rule() -> None:
    chest = series("f", "DX", part="CHEST", stack=stack(film=Projection(view="PA")))
    lateral = series("g", "DX", part="CHEST", number=2, stack=stack(film=Projection(view="LL")))
    assert chosen(exam(study(chest), active="f")) == ("film", ["f"])
    assert chosen(exam(study(chest, lateral), active="f")) == ("film-pair", ["f", "g"])
    assert chosen(exam(study(series("u", "US")), active="u")) == ("cine", ["u"])
    assert ranked(load_rules().rules, exam(study(series("o", "OT")), active="o")) == []


def test_the_readers_own_rule_goes_before_ours() -> None:
    own = write_rule(
        Rule(
            id="", name="Mine", fits=Fits(modality=("CT",)),
            stages=(Stage(layout="1x1", tiles=(TileRule(series=Selector()),)),),
        )
    )  # fmt: skip
    of = exam(study(series("a", "CT", part="CHEST")), active="a")
    assert ranked(load_rules().rules, of)[0] == own


# -- from the screen ------------------------------------------------------------------------------


def shown(layout: tuple[int, int], *tiles: tuple[str | None, str]) -> GridState:
    return GridState(
        rows=layout[0], columns=layout[1],
        tiles=tuple(
            TileState(key=None if uid is None else (uid, 0), plane=plane, window=(50.0, 400.0))
            for uid, plane in tiles
        ),
    )  # fmt: skip


def test_what_is_on_the_screen_hangs_the_next_study_of_its_kind_alike() -> None:
    first = exam(
        study(series("a", "CT", "Lung", part="CHEST"), series("b", "CT", "Soft", part="CHEST")),
        active="a",
    )
    rule = rule_of(shown((1, 3), ("b", "coronal"), ("a", "axial"), (None, "native")), first, "Mine")
    assert rule is not None
    own = write_rule(rule)
    other = exam(
        study(
            series("x", "CT", "Scout", part="CHEST"), series("y", "CT", "Soft", part="CHEST"),
            series("z", "CT", "Lung", part="CHEST"), uid="next",
        ),
        active="x",
    )  # fmt: skip
    assert chosen(other) == (own.id, ["y", "z", None])
    assert [tile.plane for tile in own.stages[0].tiles][:2] == ["coronal", "axial"]
    assert own.stages[0].tiles[0].window == (50.0, 400.0)
    head = exam(study(series("h", "CT", part="HEAD")), active="h")
    assert chosen(head)[0] == "ct-head"  # a study of another kind is not touched


def test_one_series_on_the_screen_means_the_one_that_is_looked_at() -> None:
    first = exam(study(series("a", "CT", "Odd name", part="CHEST")), active="a")
    rule = rule_of(shown((1, 2), ("a", "axial"), ("a", "coronal")), first, "Mine")
    assert rule is not None
    write_rule(rule)
    other = exam(study(series("x", "CT", "Other name", part="CHEST")), active="x")
    assert chosen(other)[1] == ["x", "x"]


def test_a_prior_on_the_screen_is_asked_for() -> None:
    both = (
        study(series("a", "MR", "T2", part="ABDOMEN")),
        study(series("b", "MR", "T2", part="ABDOMEN"), date="2020-01-01", uid="then"),
    )
    rule = rule_of(shown((2, 1), ("a", "native"), ("b", "native")), exam(*both, active="a"), "Mine")
    assert rule is not None
    assert rule.fits.prior == "yes"
    own = write_rule(rule)
    assert chosen(exam(*both, active="a")) == (own.id, ["a", "b"])
    assert chosen(exam(both[0], active="a"))[0] == "mr"


def test_series_of_one_name_are_told_apart_by_their_place() -> None:
    alike = [series(uid, "US", "Thyroid", number=n) for n, uid in enumerate("abc", start=1)]
    of = exam(study(*alike), active="a")
    rule = rule_of(shown((1, 2), ("c", "native"), ("a", "native")), of, "Mine")
    assert rule is not None
    assert [key and key[0] for key in hang(rule, 0, of).keys] == ["c", "a"]


def test_an_empty_screen_makes_no_rule() -> None:
    of = exam(study(series("a", "CT")), active="a")
    assert rule_of(shown((1, 1), (None, "native")), of, "Mine") is None


# -- real files -----------------------------------------------------------------------------------


def real_exam(*folders: Path) -> Exam:
    session = Session()
    for folder in folders:
        session.open([folder])
    place = session.active
    assert place is not None
    prior = fitting_prior(place, session.patient)
    found = exam_of(place, None if prior is None else prior.study)
    session.close()
    return found


@pytest.mark.parametrize(
    ("folders", "rule", "count"),
    [
        (["mr/abdomen-prior-1959", "mr/abdomen-now-1960"], "mr-prior", 2),
        (["mr/brain-t1-pre", "mr/brain-t1-post"], "mr-brain-contrast", 2),
        (["petct"], "pet-ct", 4),
        (["mg"], "film", 1),
        (["ct/chest-whole"], "ct-chest", 4),
    ],
)
def test_real_studies_find_their_rule(
    imaging_data: Path, folders: list[str], rule: str, count: int
) -> None:
    of = real_exam(*(imaging_data / folder for folder in folders))
    found, keys = chosen(of)
    assert found == rule
    assert len([key for key in keys if key is not None]) == count
    if rule == "mr-prior":
        priors = {c.key[0] for c in of.candidates if c.is_prior}
        assert [key in priors for key in keys] == [False, True]
