"""Messages find the one method that was marked for them."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from unrolled.models.protocol.dispatch import Dispatch, handles


@dataclass(frozen=True)
class Add:
    number: int


@dataclass(frozen=True)
class Subtract:
    number: int


@dataclass(frozen=True)
class Forget:
    pass


class Sum:
    def __init__(self) -> None:
        self.total = 0

    @handles(Add)
    def add(self, message: Add, times: int = 1) -> int:
        self.total += times * message.number
        return self.total


class Difference:
    def __init__(self, target: Sum) -> None:
        self._target = target

    @handles(Subtract, Forget)
    def subtract(self, message: Subtract | Forget) -> int:
        self._target.total -= message.number if isinstance(message, Subtract) else self._target.total
        return self._target.total


class Doubled(Sum):
    @handles(Add)
    def add(self, message: Add, times: int = 1) -> int:
        return super().add(Add(2 * message.number), times)


def test_a_message_reaches_its_method_with_what_goes_along() -> None:
    total = Sum()
    dispatch = Dispatch(total, Difference(total))
    assert dispatch(Add(3)) == 3
    assert dispatch(Add(2), 5) == 13
    assert dispatch(Subtract(4)) == 9
    assert dispatch(Forget()) == 0


def test_two_methods_for_one_type_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"Add is handled twice: by Sum\.add and Doubled\.add"):
        Dispatch(Sum(), Doubled())


def test_an_overriding_method_is_the_only_one() -> None:
    assert Dispatch(Doubled())(Add(3)) == 6


def test_a_dispatch_brings_its_methods_into_another() -> None:
    total = Sum()
    inner = Dispatch(Difference(total))
    dispatch = Dispatch(total, inner)
    dispatch(Add(5))
    assert dispatch(Subtract(2)) == 3
    with pytest.raises(ValueError, match="Subtract is handled twice"):
        Dispatch(Difference(total), inner)


def test_what_nobody_handles_is_named() -> None:
    dispatch = Dispatch(Sum())
    assert dispatch.missing((Add, Subtract, Forget)) == (Subtract, Forget)
    with pytest.raises(LookupError, match="Nothing handles Forget"):
        dispatch(Forget())
