"""As much of Asterisk's dialplan as the shipped snippet uses, and not a bit more.

Written after its documentation and source (pbx.c, func_cut.c, func_math.c, func_strings.c,
app_stack.c): arguments are split at commas outside parentheses, MATH takes two plain numbers and
one operator. Whatever is not known here is a fault, so the snippet cannot lean on it.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

_LINE = re.compile(r"(?:exten => (\S+?),1|\s*same => n)(?:\((\w+)\))?,(\w+)\((.*)\)\s*")
_COMPARE = {"=": operator.eq, "<=": operator.le, ">=": operator.ge, "<": operator.lt}
_COMPARE |= {">": operator.gt}


@dataclass(slots=True)
class Step:
    label: str
    app: str
    data: str


@dataclass(slots=True)
class Dialplan:
    """Contexts with one extension each, AstDB and globals; `call` answers what was dialled."""

    text: str
    db: Callable[[str], str]
    epoch: Callable[[], int]
    variables: Mapping[str, str]
    contexts: dict[str, list[Step]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        steps: list[Step] = []
        for line in self.text.splitlines():
            code = line.partition(";")[0].rstrip()
            if code.startswith("["):
                steps = self.contexts.setdefault(code.strip("[]"), [])
            elif code:
                found = _LINE.fullmatch(code)
                assert found, f"not a line of a dialplan: {code!r}"
                steps.append(Step(found[2] or "", found[3], found[4]))

    def call(self, context: str, extension: str) -> tuple[list[str], dict[str, str]]:
        """Every Dial of a call, and the channel's variables at its end."""
        channel = {"EXTEN": extension}
        dialled: list[str] = []
        self._run(context, channel, {}, dialled)
        return dialled, channel

    def _run(
        self, context: str, channel: dict[str, str], local: dict[str, str], dialled: list[str]
    ) -> None:
        steps, at = self.contexts[context], 0
        for _ in range(5000):
            if at >= len(steps):
                return
            step, at = steps[at], at + 1
            data = self._expand(step.data, {**self.variables, **channel, **local})
            if step.app == "Set":
                name, _, value = data.partition("=")
                inner = re.fullmatch(r"LOCAL\((\w+)\)", name)
                (local if inner else channel)[inner[1] if inner else name] = value
            elif step.app in ("Goto", "GotoIf"):
                target = data
                if step.app == "GotoIf":
                    truth, _, labels = data.partition("?")
                    yes, _, no = labels.partition(":")
                    target = yes if truth not in ("", "0") else no
                if target:
                    at = next(i for i, one in enumerate(steps) if one.label == target)
            elif step.app == "Gosub":
                place, _, arguments = data.partition("(")
                given = split(arguments.removesuffix(")"))
                inside = {f"ARG{n}": value for n, value in enumerate(given, start=1)}
                self._run(place.split(",")[0], channel, inside, dialled)
            elif step.app == "Return":
                channel["GOSUB_RETVAL"] = data
                return
            elif step.app == "Dial":
                dialled.append(data)
            else:
                assert step.app == "Hangup", step.app
                return
        raise AssertionError("it never ends")

    def _expand(self, text: str, variables: Mapping[str, str]) -> str:
        """Innermost first, as pbx_substitute_variables does it."""
        while (place := max(text.rfind("${"), text.rfind("$["))) >= 0:
            ends = "}" if text[place + 1] == "{" else "]"
            end = text.index(ends, place)
            inside = text[place + 2 : end]
            value = expression(inside) if ends == "]" else self._value(inside, variables)
            text = text[:place] + value + text[end + 1 :]
        return text

    def _value(self, name: str, variables: Mapping[str, str]) -> str:
        function = re.fullmatch(r"([A-Z]+)\((.*)\)", name)
        if name == "EPOCH":
            return str(self.epoch())
        if function is None:
            plain, _, offset = name.partition(":")
            return variables.get(plain, "")[int(offset or 0) :]
        arguments = split(function[2])
        if function[1] == "DB":
            return self.db("/" + function[2])
        if function[1] == "LEN":
            return str(len(function[2]))
        if function[1] == "CUT":
            return cut(variables.get(arguments[0], ""), arguments[1], arguments[2])
        if function[1] == "STRREPLACE":
            return variables.get(arguments[0], "").replace(arguments[1], arguments[2])
        assert function[1] == "MATH", f"an unknown function: {name}"
        return math(*arguments)


def split(text: str) -> list[str]:
    """Arguments: commas outside parentheses part them."""
    parts, depth = [""], 0
    for character in text:
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def expression(text: str) -> str:
    """`a op b`, as numbers where both are, else as text."""
    found = re.fullmatch(r"\s*(\"[^\"]*\"|\d+)\s+(=|<=|>=|<|>|\+)\s+(\"[^\"]*\"|\d+)\s*", text)
    assert found, f"not an expression: {text!r}"
    left, right = found[1].strip('"'), found[3].strip('"')
    if found[2] == "+":
        return str(int(left) + int(right))
    if left.isdigit() and right.isdigit():
        return str(int(_COMPARE[found[2]](int(left), int(right))))
    return str(int(_COMPARE[found[2]](left, right)))


def cut(value: str, delimiter: str, which: str) -> str:
    """One field, or all from one on (`2-`)."""
    fields = value.split(delimiter)
    number = int(which.rstrip("-")) - 1
    return delimiter.join(fields[number:] if which.endswith("-") else fields[number : number + 1])


def math(numbers: str, kind: str) -> str:
    """Two plain numbers and a division; the whole part of it."""
    found = re.fullmatch(r"(\d+)/(\d+)", numbers)
    assert found, f"MATH takes two numbers: {numbers!r}"
    assert kind == "int"
    return str(int(found[1]) // int(found[2]))
