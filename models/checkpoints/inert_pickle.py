"""Reads what a pickle says without doing what it says: nothing in it is imported, and nothing of it is called.

A pickle is a program for a small stack machine (`pickletools` documents its instructions); this is a machine of our own,
in which a name is only a name. From a few known names it makes tensors, arrays and plain containers itself, and every
other class becomes a `Stub`, which holds what would have been its arguments and its attributes.
"""

import pickletools
import sys
from collections.abc import Callable, Iterable
from typing import Any, BinaryIO

import numpy as np
import torch
from torch import Tensor

from unrolled.models.checkpoints.inert_values import (
    KNOWN,
    Attributes,
    Name,
    PickleError,
    Stub,
    UnfilledArray,
    array_of,
    plain_key,
)

MOST_INSTRUCTIONS = 6_000_000  # some seconds; a vocabulary of a million words needs five of six
MOST_COPIED = 2**29    # bytes that calls and attributes may copy: a few instructions could ask for any number
LONGEST_NUMBER = 1024  # bits
ELEMENT = 2**7         # bytes that an element of a container counts as: it takes as long, and as much memory in a set
STORAGES = {"FloatStorage": torch.float32, "DoubleStorage": torch.float64, "HalfStorage": torch.float16,
            "BFloat16Storage": torch.bfloat16, "LongStorage": torch.int64, "IntStorage": torch.int32,
            "ShortStorage": torch.int16, "CharStorage": torch.int8, "ByteStorage": torch.uint8, "BoolStorage": torch.bool}
HARMLESS_BUILTINS = {"bool", "bytearray", "bytes", "complex", "dict", "float", "frozenset", "int", "list", "object", "range",
                     "set", "slice", "str", "tuple"}
HARMLESS_MODULES = {"_codecs", "abc", "argparse", "collections", "copyreg", "datetime", "decimal", "enum", "fractions",
                    "functools", "pathlib", "random", "re", "string", "time", "types", "typing", "uuid"}
"""Of the standard library; a name of another of its modules is refused, and said: it can only be meant to be run."""
PYTHON_2 = {"__builtin__": "builtins", "copy_reg": "copyreg", "UserDict": "collections", "commands": "subprocess"}

Stored = Callable[[str, torch.dtype, int], Tensor]
"""Gives the numbers of a storage, flat, by its key, type and length; raises `PickleError`."""


def no_storage(key: str, dtype: torch.dtype, count: int) -> Tensor:
    """Of a pickle that comes alone."""
    raise PickleError("is a pickle that refers to tensors that are not in it")


def read_pickle(file: BinaryIO, stored: Stored = no_storage) -> Any:
    """The object that the next pickle of a file describes, up to its end; `file` must not give more than there is. Raises
    `PickleError` when it is damaged, or would run something.
    """
    try:
        return _Machine(stored).run(file)
    except PickleError:
        raise
    except (ValueError, TypeError, IndexError, KeyError, AttributeError, OverflowError, RuntimeError, MemoryError,
            RecursionError, AssertionError) as error:
        raise PickleError("is cut off or damaged") from error


class _Machine:
    """One pickle's stack, the stacks below its marks, and its memo."""

    def __init__(self, stored: Stored) -> None:
        self._stored = stored
        self._stack: list[Any] = []
        self._below: list[list[Any]] = []
        self._memo: dict[int, Any] = {}
        self._copied = 0

    def run(self, file: BinaryIO) -> Any:
        for count, (instruction, argument, _) in enumerate(pickletools.genops(file)):
            if count > MOST_INSTRUCTIONS:
                raise PickleError("holds far more objects than any model")
            name = instruction.name
            if name == "STOP":
                return self._finished(self._stack.pop())
            if name in PUSHED:
                self._stack.append(argument)
            else:
                INSTRUCTIONS[name](self, argument)
        raise PickleError("is cut off")  # genops says so itself; for whoever reads this

    def put(self, argument: Any) -> None:
        self._memo[len(self._memo) if argument is None else int(argument)] = self._stack[-1]

    def get(self, argument: Any) -> None:
        self._stack.append(self._memo[int(argument)])

    def push(self, value: Any) -> None:
        self._stack.append(value)

    def push_number(self, value: int) -> None:
        if value.bit_length() > LONGEST_NUMBER:
            raise PickleError("is damaged: a number in it has far too many digits")
        self._stack.append(value)

    def pop(self) -> Any:
        return self._finished(self._stack.pop())

    def discard(self) -> None:
        if self._stack:
            self._stack.pop()
        else:
            self.marked()

    def mark(self) -> None:
        self._below.append(self._stack)
        self._stack = []

    def marked(self) -> list[Any]:
        """What lies above the last mark, taken off with it."""
        values, self._stack = self._stack, self._below.pop()
        return [self._finished(value) for value in values]

    def last(self, count: int) -> tuple[Any, ...]:
        return tuple(reversed([self.pop() for _ in range(count)]))

    def append(self, values: Iterable[Any]) -> None:
        target = self._stack[-1]
        if isinstance(target, list):
            target.extend(values)
        elif isinstance(target, Stub):
            target.elements.extend(values)
        elif isinstance(target, set):
            target.update(map(plain_key, values))
        else:
            raise PickleError("is damaged: it appends to something that is not a list")

    def set_items(self, flat: list[Any]) -> None:
        target = self._stack[-1]
        pairs = {plain_key(key): value for key, value in zip(flat[::2], flat[1::2], strict=True)}
        if isinstance(target, dict):
            target.update(pairs)
        elif isinstance(target, Stub):
            target.items.update(pairs)
        else:
            raise PickleError("is damaged: it puts items into something that is not a dictionary")

    def name(self, module: str, name: str) -> None:
        module = PYTHON_2.get(module, module)
        first = module.partition(".")[0]
        harmless = name in HARMLESS_BUILTINS if module == "builtins" else (
            first in HARMLESS_MODULES or first not in sys.stdlib_module_names)
        if not harmless:
            raise PickleError(f"wants to run {module}.{name} when it is opened; it was refused, and nothing in it was run")
        self._stack.append(Name(module, name))

    def call(self, called: Any, arguments: Any) -> None:
        """What a known name makes of its arguments, or a stub; nothing is called that the pickle brings."""
        if not isinstance(called, Name) or not isinstance(arguments, tuple):
            raise PickleError("is damaged: it calls something that is not a name")
        self._count(arguments)
        make = KNOWN.get(str(called))
        self._stack.append(make(*arguments) if make is not None else Stub(str(called), arguments))

    def build(self) -> None:
        """The attributes of the object that lies below them on the stack."""
        state, target = self.pop(), self._stack[-1]
        self._count(state if isinstance(state, tuple) else (state,))
        if isinstance(target, UnfilledArray):
            target.values = array_of(state)
        elif isinstance(target, np.dtype):
            order: Any = state[1] if isinstance(state, tuple) and len(state) > 1 else "|"
            self._stack[-1] = target.newbyteorder(order) if order in ("<", ">") else target
        elif isinstance(target, Stub | Attributes):
            attributes = target.state if isinstance(target, Stub) else target
            for part in state if isinstance(state, tuple) else (state,):
                if isinstance(part, dict):
                    attributes.update({key: value for key, value in part.items() if isinstance(key, str)})
        elif not isinstance(target, dict | list | set | Tensor):  # whose attributes are of no use here
            raise PickleError("is damaged: it gives attributes to what has none")

    def persistent(self, what: Any) -> None:
        """A storage of numbers, or a class whose source code was saved beside it, which is not looked at."""
        if isinstance(what, tuple) and len(what) == 4 and what[0] == "module" and isinstance(what[1], Name):
            self._stack.append(what[1])
            return
        if not (isinstance(what, tuple) and len(what) in (5, 6) and what[0] == "storage" and isinstance(what[1], Name)
                and isinstance(what[2], str) and isinstance(what[4], int) and what[1].module in ("torch", "torch.cuda")):
            raise PickleError("is damaged: it refers to something that is not a storage")
        view = what[5] if len(what) == 6 else None
        dtype = STORAGES.get(what[1].name)
        if dtype is None:
            raise PickleError(f"holds numbers of a kind that cannot be read: {what[1]}")
        numbers = self._stored(what[2], dtype, what[4])
        if view is not None:
            _, offset, count = view
            if not 0 <= offset <= offset + count <= len(numbers):
                raise PickleError("is damaged: a tensor reaches beyond its storage")
            numbers = numbers[offset : offset + count]
        self._stack.append(numbers)

    def _count(self, arguments: tuple[Any, ...]) -> None:
        self._copied += sum(len(own) * (1 if isinstance(own, str | bytes | bytearray) else ELEMENT) for own in arguments
                            if isinstance(own, str | bytes | bytearray | list | tuple | dict | set | frozenset))
        if self._copied > MOST_COPIED:
            raise PickleError("holds far more than any model")

    def _finished(self, value: Any) -> Any:
        return value.values if isinstance(value, UnfilledArray) and value.values is not None else value


PUSHED = {"INT", "BININT", "BININT1", "BININT2", "STRING", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES",
          "BINBYTES8", "BYTEARRAY8", "UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "FLOAT", "BINFLOAT"}


def _instance(machine: _Machine, names: str) -> None:
    """INST: a class by its name, made with all above the mark."""
    arguments = tuple(machine.marked())
    machine.name(*names.split(" ", 1))
    machine.call(machine.pop(), arguments)


def _object(machine: _Machine) -> None:
    """OBJ: the same, the class being the first above the mark."""
    called, *arguments = machine.marked()
    machine.call(called, tuple(arguments))


def _called(machine: _Machine, keywords: bool = False) -> None:
    """REDUCE and NEWOBJ; keywords of NEWOBJ_EX are left out."""
    if keywords:
        machine.pop()
    called, arguments = machine.last(2)
    machine.call(called, arguments)


def _filled(machine: _Machine) -> None:
    """DICT: one made of all above the mark."""
    flat = machine.marked()
    machine.push({})
    machine.set_items(flat)


def _refused(machine: _Machine, argument: Any) -> None:
    raise PickleError("refers to what lies outside of it, which is not looked for")


Instruction = Callable[[_Machine, Any], object]
INSTRUCTIONS: dict[str, Instruction] = {
    "PROTO": lambda machine, _: None, "FRAME": lambda machine, _: None,
    "NONE": lambda machine, _: machine.push(None), "NEWTRUE": lambda machine, _: machine.push(True),
    "NEWFALSE": lambda machine, _: machine.push(False),
    "EMPTY_LIST": lambda machine, _: machine.push([]), "EMPTY_TUPLE": lambda machine, _: machine.push(()),
    "EMPTY_DICT": lambda machine, _: machine.push({}), "EMPTY_SET": lambda machine, _: machine.push(set()),
    **dict.fromkeys(("LONG", "LONG1", "LONG4"), _Machine.push_number),
    "MARK": lambda machine, _: machine.mark(), "POP": lambda machine, _: machine.discard(),
    "POP_MARK": lambda machine, _: machine.marked(),
    "DUP": lambda machine, _: machine.push(machine._stack[-1]),
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), _Machine.get),
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"), _Machine.put),
    "LIST": lambda machine, _: machine.push(machine.marked()),
    "TUPLE": lambda machine, _: machine.push(tuple(machine.marked())),
    "TUPLE1": lambda machine, _: machine.push(machine.last(1)), "TUPLE2": lambda machine, _: machine.push(machine.last(2)),
    "TUPLE3": lambda machine, _: machine.push(machine.last(3)),
    "DICT": lambda machine, _: _filled(machine),
    "FROZENSET": lambda machine, _: machine.push(frozenset(map(plain_key, machine.marked()))),
    "APPEND": lambda machine, _: machine.append([machine.pop()]),
    **dict.fromkeys(("APPENDS", "ADDITEMS"), lambda machine, _: machine.append(machine.marked())),
    "SETITEM": lambda machine, _: machine.set_items(list(machine.last(2))),
    "SETITEMS": lambda machine, _: machine.set_items(machine.marked()),
    "GLOBAL": lambda machine, names: machine.name(*names.split(" ", 1)),
    "STACK_GLOBAL": lambda machine, _: machine.name(*machine.last(2)),
    "REDUCE": lambda machine, _: _called(machine), "NEWOBJ": lambda machine, _: _called(machine),
    "NEWOBJ_EX": lambda machine, _: _called(machine, keywords=True),
    "INST": _instance, "OBJ": lambda machine, _: _object(machine), "BUILD": lambda machine, _: machine.build(),
    "BINPERSID": lambda machine, _: machine.persistent(machine.pop()), "PERSID": lambda machine, what: machine.persistent(what),
    **dict.fromkeys(("EXT1", "EXT2", "EXT4", "NEXT_BUFFER", "READONLY_BUFFER"), _refused),
}
