"""Errors of the front end: each is one line with the Python file and line, and an id.

Errors of operations come from C++ as `pypto.Error`. This file adds the two that C++ cannot word:
a name that does not exist, and arguments that fit no form of an operation.
"""

from __future__ import annotations

import difflib
import os
import re
import sys
import traceback
from collections.abc import Iterable
from types import FrameType

from pypto import _core

Error = _core.Error
_PACKAGE = os.path.dirname(os.path.abspath(__file__))


class UnknownName(Error, AttributeError):
    """`pl.foo` where there is no foo; also an AttributeError, so that hasattr works."""


def site(frame: FrameType) -> str:
    """Names a source position as C++ does: file name without folders, and line."""
    return f"{os.path.basename(frame.f_code.co_filename)}:{frame.f_lineno}"


def user_frame() -> FrameType | None:
    """The innermost frame that is neither of this package nor of the import system."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and _is_ours(frame.f_code.co_filename):
        frame = frame.f_back
    return frame


def error(message: str, error_id: str, where: str | None = None) -> Error:
    """An Error in the form of C++'s: "<where>: <message> [<id>]"; where defaults to the caller."""
    if where is None:
        frame = user_frame()
        where = site(frame) if frame is not None else ""
    return Error(f"{where + ': ' if where else ''}{message} [{error_id}]")


def unknown_name(module: str, name: str, known: Iterable[str]) -> AttributeError:
    """For a module's __getattr__: what was asked for, where, and the closest names there are."""
    if name.startswith("__"):  # the import system asks for these
        return AttributeError(name)
    names = [n for n in known if not n.startswith("_")]
    close = difflib.get_close_matches(name, names, n=3)
    hint = f"; did you mean {' or '.join(f'{module}.{n}' for n in close)}?" if close else ""
    frame = user_frame()
    where = f"{site(frame)}: " if frame is not None else ""
    return UnknownName(f"{where}{module}.{name} does not exist{hint} [python.unknown-name]")


def as_pypto_error(raised: BaseException) -> Error | None:
    """The Error for a TypeError or AttributeError that a wrong use of an operation raised.

    None if the exception has another cause: then Python's own report is the right one.
    """
    if isinstance(raised, Error) or not isinstance(
            raised, (TypeError, AttributeError, ImportError)):
        return None
    frames = [f for f in traceback.extract_tb(raised.__traceback__) if not _is_ours(f.filename)]
    if not frames:
        return None
    where = f"{os.path.basename(frames[-1].filename)}:{frames[-1].lineno}"
    text = str(raised)
    if isinstance(raised, ImportError):
        if (raised.name or "").partition(".")[0] != "pypto":
            return None
        return error(text.partition(" (")[0], "python.unknown-name", where)
    if "incompatible function arguments" in text or "incompatible constructor arguments" in text:
        return error(_arguments_message(text), "python.arguments", where)
    if "_core." in text:  # e.g. unsupported operand type(s) for @: 'pypto._core.Tile' and 'int'
        return error(_short_types(text.splitlines()[0]), "python.unsupported", where)
    return None


def one_line(reported: BaseException) -> str:
    return "a2a3sim: error: " + " ".join(str(reported).split())


def _is_ours(filename: str) -> bool:
    return filename.startswith((_PACKAGE, "<frozen importlib"))


def _short_types(text: str) -> str:
    """Type names as a user writes them: Tile, not pypto._core.Tile; no object addresses."""
    text = re.sub(r"<(?:\w+\.)*(\w+) object at 0x[0-9a-f]+>", r"\1", text)
    return re.sub(r"\b(?:pypto\.)?_core\.", "", text)


def _arguments_message(text: str) -> str:
    """pybind11's table of overloads as one sentence."""
    name = text.split("(", 1)[0]
    forms = re.findall(r"^\s*\d+\. (.*)$", text, flags=re.MULTILINE)
    called = text.rpartition("Invoked with: ")[2].strip() if "Invoked with: " in text else ""
    supported = " or ".join(f"{name}{_short_types(form).split(' -> ')[0]}" for form in forms)
    given = _short_types(" ".join(called.split()))
    if len(given) > 200:
        given = given[:200] + "..."
    return f"{name} does not take these arguments: ({given}); supported: {supported}"
