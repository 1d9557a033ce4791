"""A trace as a table that spreadsheets and data-frame libraries read: a row a step, a column a value.

Numbers are written with the fewest digits that give the same float32 again.
"""

import csv
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

import msgspec
import numpy as np

from unrolled.models.trace.channel import Channel
from unrolled.models.trace.provenance import Provenance
from unrolled.models.trace.steps import Candidate, FloatArray, by_channel
from unrolled.models.trace.trace import Trace

COMMENT = "# "
JSON_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"')
SPLIT_OR_RUN = re.compile(r'(?<=^")[=+@-]|[,;]')  # by a spreadsheet, which knows no JSON
# Where a spreadsheet ends cells at semicolons or tabs, quotes within what it takes for a cell protect nothing: a formula can
# begin behind each of them, and behind the end of a line.
RUN = re.compile(r"(?:\A|(?<=[;\t\r\n]))(?=[=+\-@\t\r'])")
FIRST_COLUMNS = ("step", "word", "token", "log_prob", "candidates")


def exact_numbers(values: FloatArray) -> Any:
    """Nested lists of floats, each the shortest that gives the float32 again."""
    shortest = np.array([float(str(value)) for value in values.ravel()], dtype=object)
    return shortest.reshape(values.shape).tolist()


def column_names(channel: Channel) -> Iterator[str]:
    """``hidden[17]``, ``attention[3,4]``; the plain name of a scalar."""
    name = plain_cell(channel.name)
    if not channel.shape:
        yield name
        return
    for place in np.ndindex(*channel.shape):
        yield f"{name}[{','.join(map(str, place))}]"


def plain_cell(text: str) -> str:
    """A text of which no spreadsheet makes a formula: an apostrophe stands before what it would run, and before an apostrophe
    there, so that nothing is lost where those are taken away.
    """
    return RUN.sub("'", text)


def _escaped(text: re.Match[str]) -> str:
    return SPLIT_OR_RUN.sub(lambda sign: f"\\u{ord(sign[0]):04x}", text[0])


def _cell(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False).replace(";", "\\u003b")  # which ends a cell for some spreadsheets


def write_table(file: TextIO, trace: Trace, header: str) -> None:
    file.write(COMMENT + JSON_TEXT.sub(_escaped, header) + "\n")
    writer = csv.writer(file)
    channels = list(trace.channels.values())
    writer.writerow([*FIRST_COLUMNS, *(name for channel in channels for name in column_names(channel))])
    for step in range(len(trace)):
        candidates = _cell([msgspec.structs.astuple(c)[: 5 if c.ranked is not None else 4 if c.barred else 3]
                            for c in trace.candidates[step]])
        values = (str(value) for channel in channels for value in trace.column(channel.name)[step].ravel())
        # Line ends of the table are the writer's; a word may hold any of its own, so words are written as JSON.
        writer.writerow([step, _cell(trace.words[step]), trace.tokens[step], str(trace.log_probs[step]), candidates, *values])


def read_comment(file: TextIO) -> str:
    """The header of the first line. Raises `ValueError`."""
    line = file.readline()
    if not line.startswith(COMMENT):
        raise ValueError("the first line is not a header")
    return line[len(COMMENT) :]


def _whole_lines(file: Iterable[str]) -> Iterator[str]:
    """The lines, each of which must have its end: a number that is cut off would else be another number."""
    for line in file:
        if not line.endswith(("\n", "\r")):
            raise ValueError("the last line is cut off")
        yield line


def read_table(file: Iterable[str], channels: tuple[Channel, ...], provenance: Provenance, *, ended: bool,
               steps: int = -1) -> Trace:
    """The table below the header, of so many steps unless -1. Raises `ValueError`."""
    csv.field_size_limit(16 * 2**20)
    rows = csv.reader(_whole_lines(file))
    expected = [*FIRST_COLUMNS, *(name for channel in channels for name in column_names(channel))]
    # Files of before have no second apostrophe before a name that begins with one.
    if [cell.replace("'", "") for cell in next(rows, ())] != [name.replace("'", "") for name in expected]:
        raise ValueError("the columns are not those that the header says")
    words: list[str] = []
    tokens: list[int] = []
    log_probs: list[np.float32] = []
    candidates: list[tuple[Candidate, ...]] = []
    values: list[FloatArray] = []
    for row in rows:
        if len(row) != len(expected):
            raise ValueError(f"step {len(words)} is cut off")
        words.append(str(json.loads(row[1])))
        tokens.append(int(row[2]))
        log_probs.append(np.float32(row[3]))
        candidates.append(tuple(Candidate(int(t), str(w), float(p), bool(more and more[0]), float(more[1]) if more[1:] else None)
                                for t, w, p, *more in json.loads(row[4])))
        values.append(np.array(row[len(FIRST_COLUMNS) :], dtype=np.float32))
    if steps not in (-1, len(words)):
        raise ValueError(f"there should be {steps} steps and are {len(words)}")
    table = np.array(values, np.float32).reshape(len(words), len(expected) - len(FIRST_COLUMNS))
    return Trace.from_columns(channels, by_channel(table, channels), words=words, tokens=tokens,
                              log_probs=np.array(log_probs, np.float32), candidates=candidates,
                              provenance=provenance, ended=ended)
