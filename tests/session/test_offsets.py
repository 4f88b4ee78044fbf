"""Links that the reader makes by hand."""

from __future__ import annotations

from medview.session.offsets import Offsets

UP = (0.0, 0.0, 1.0)
A, B, C, D = (("a", 0), ("b", 0), ("c", 1), ("d", 0))


def test_slices_that_belong_together_keep_their_distance_both_ways() -> None:
    links = Offsets().linked(UP, {A: 10.0, B: -22.5, C: 4.0})

    assert links.between(A, B) == (UP, -32.5)
    assert links.between(B, A) == (UP, 32.5)
    assert links.between(B, C) == (UP, 26.5)


def test_what_was_not_linked_together_has_no_offset() -> None:
    links = Offsets().linked(UP, {A: 1.0, B: 2.0}).linked(UP, {C: 1.0, D: 5.0})

    assert links.between(A, C) is None
    assert links.between(A, A) is None
    assert links.between(C, D) == (UP, 4.0)


def test_a_new_link_takes_a_stack_out_of_its_old_one() -> None:
    links = Offsets().linked(UP, {A: 1.0, B: 2.0}).linked(UP, {A: 1.0, C: 9.0})

    assert links.between(A, B) is None
    assert links.between(A, C) == (UP, 8.0)


def test_a_link_that_is_taken_back_is_gone_for_all_of_its_stacks() -> None:
    links = Offsets().linked(UP, {A: 1.0, B: 2.0, C: 3.0}).without([B])

    assert links == Offsets()


def test_links_with_somebody_else_are_told_from_a_patients_own_and_hold_beside_them() -> None:
    links = Offsets().linked(UP, {A: 1.0, B: 2.0}).linked(UP, {C: 1.0, D: 5.0})

    own, across = links.apart({D})
    again = own.joined(across)

    assert own == Offsets().linked(UP, {A: 1.0, B: 2.0})
    assert across.between(C, D) == (UP, 4.0)
    assert (again.between(A, B), again.between(C, D)) == ((UP, 1.0), (UP, 4.0))
    assert again.between(A, C) is None
    assert own.joined(Offsets().linked(UP, {A: 0.0, D: 9.0})).between(A, B) == (UP, 1.0)
