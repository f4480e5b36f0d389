"""What a tool is."""

import ast
import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from kb_server.core.errors import UsageError


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool by name, with what it does and takes (a JSON schema) for the model to read.

    `run` returns text, or raises KbError with a sentence that the model may read. One that reaches `outside` is not
    run any more once text of documents was read: what a document says must never decide what is done out there.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]
    run: Callable[[Mapping[str, Any]], str]
    outside: bool = False


def parameters(required: Mapping[str, str], optional: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the JSON schema of an object with texts under these names, each with its description."""
    described = {**required, **(optional or {})}
    properties = {name: {"type": "string", "description": text} for name, text in described.items()}
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


def text_of(given: Mapping[str, Any], name: str) -> str:
    """Return an argument as text; models send numbers and nulls where text is asked for."""
    value = given.get(name)
    return "" if value is None else str(value)


def current_time(zone: str = "") -> str:
    """Return date, weekday and time, in a named time zone or in this machine's; raises UsageError for no such zone."""
    try:
        now = datetime.now(ZoneInfo(zone)) if zone else datetime.now().astimezone()
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # OSError: a name that is a folder of zones
        raise UsageError(f"There is no time zone '{zone[:80]}'.", "Name one like Asia/Shanghai.") from error
    return now.strftime("%A %Y-%m-%d %H:%M:%S %z")


def clock() -> Tool:
    """Return the clock as a tool."""

    def run(given: Mapping[str, Any]) -> str:
        return current_time(text_of(given, "time_zone"))

    described = {"time_zone": "Such as Asia/Shanghai; without it, the time zone of the service."}
    return Tool("current_time", "Tell today's date, weekday and the time.", parameters({}, described), run)


Number = int | float

_LONGEST = 500

_DEEPEST = 50

_LARGEST_EXPONENT = 1000

_LARGEST = 10.0**300

_BINARY: dict[type[ast.operator], Callable[[Number, Number], Number]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}

_UNARY: dict[type[ast.unaryop], Callable[[Number], Number]] = {ast.UAdd: operator.pos, ast.USub: operator.neg}

_FUNCTIONS: dict[str, Callable[..., Number]] = {
    "abs": abs,
    "min": min,
    "max": max,
    "round": round,
    **{name: getattr(math, name) for name in ("sqrt", "exp", "log", "log10", "sin", "cos", "tan", "floor", "ceil")},
}

_CONSTANTS = {"pi": math.pi, "e": math.e}

_AS_TYPED = str.maketrans({"×": "*", "÷": "/", "−": "-", "（": "(", "）": ")", "，": ","})

_HINT = "Use numbers, + - * / // % **, brackets and " + ", ".join([*_FUNCTIONS, *_CONSTANTS]) + "."


def calculate(expression: str) -> str:
    """Return the value of an expression; raises UsageError for one that is none or whose value is out of bounds."""
    if len(expression) > _LONGEST:
        raise UsageError(f"The expression is longer than {_LONGEST} characters.", _HINT)
    try:
        tree = ast.parse(expression.replace("^", "**").translate(_AS_TYPED).strip(), mode="eval")
        value = _value(tree.body, 0)
    except (SyntaxError, TypeError, ValueError, ArithmeticError, RecursionError, MemoryError) as error:
        raise UsageError(f"'{expression[:80]}' cannot be calculated: {error}.", _HINT) from error
    return str(value) if isinstance(value, int) else f"{value:.12g}"


def calculator() -> Tool:
    """Return the calculator as a tool."""

    def run(given: Mapping[str, Any]) -> str:
        return calculate(text_of(given, "expression"))

    return Tool(
        "calculate",
        "Calculate an arithmetic expression exactly. Use it for every calculation.",
        parameters({"expression": "For example: (1200 - 350) * 0.19"}),
        run,
    )


def _value(node: ast.expr, depth: int) -> Number:
    if depth > _DEEPEST:
        raise ValueError("it is nested too deeply")
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return _bounded(number)
        case ast.Name(id=name) if name in _CONSTANTS:
            return _CONSTANTS[name]
        case ast.UnaryOp(op=sign, operand=inner) if type(sign) in _UNARY:
            return _UNARY[type(sign)](_value(inner, depth + 1))
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _BINARY:
            return _combined(type(sign), _value(left, depth + 1), _value(right, depth + 1))
        case ast.Call(func=ast.Name(id=name), args=given, keywords=[]) if name in _FUNCTIONS:
            return _bounded(_FUNCTIONS[name](*(_value(argument, depth + 1) for argument in given)))
    raise ValueError("it is no plain arithmetic")


def _combined(sign: type[ast.operator], left: Number, right: Number) -> Number:
    if sign is ast.Pow and abs(right) > _LARGEST_EXPONENT:
        raise ValueError(f"the exponent is beyond {_LARGEST_EXPONENT}")
    return _bounded(_BINARY[sign](left, right))


def _bounded(number: Number) -> Number:
    if isinstance(number, complex) or not abs(number) < _LARGEST:
        raise ValueError("the value is out of bounds")
    return number
