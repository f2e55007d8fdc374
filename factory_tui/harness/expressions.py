"""The small expression language of `[let]`: arithmetic, text, tables; no attributes but a few methods, no builtins.

An expression is parsed by Python's own parser and walked by this module's interpreter: nothing is ever handed to
`eval`, and a node that is not listed here does not exist. Work and sizes are bounded. Numbers that are not whole are
Decimal.
"""

from __future__ import annotations

import ast
import base64
import csv
import io
import json
import operator
import urllib.parse
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

STEPS = 200_000
"""Nodes one expression may visit."""
SIZE = 1_000_000
"""Characters or items a value may have."""

METHODS = frozenset(
    [
        "lower",
        "upper",
        "title",
        "strip",
        "lstrip",
        "rstrip",
        "split",
        "splitlines",
        "join",
        "replace",
        "startswith",
        "endswith",
        "zfill",
        "isdigit",
        "isalpha",
        "isalnum",
        "count",
        "casefold",
        "removeprefix",
        "removesuffix",
        "get",
        "items",
        "keys",
        "values",
    ]
)


class ExpressionError(Exception):
    """The expression is not allowed, or failed; the message says where."""


def as_json(value: object) -> str:
    """JSON text of a value; a Decimal becomes a number, text stays unicode."""
    return json.dumps(value, ensure_ascii=False, default=_plain)


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() and value.as_tuple().exponent == 0 else float(value)
    raise TypeError(f"no JSON for {type(value).__name__}")


def as_text(value: object) -> str:
    """How a value is written into a longer string: numbers plainly, lists and tables as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, Decimal):
        return format(value, "f")
    if value is None or isinstance(value, bool | list | tuple | dict):
        return as_json(value)
    return str(value)


def _csv(rows: Iterable[Mapping[str, object]], columns: list[str] | None = None, delimiter: str = ",") -> str:
    rows = list(rows)
    names = columns or (list(rows[0]) if rows else [])
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([[as_text(row[name]) for name in names] for row in rows])
    return out.getvalue()


def _round(value: int | Decimal, digits: int = 0) -> Decimal:
    return Decimal(value).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)


def _sorted(items: Iterable[Any], key: str = "", reverse: bool = False) -> list[Any]:
    return sorted(items, key=(lambda row: row[key]) if key else None, reverse=reverse)


def _distinct(items: Iterable[Any]) -> list[Any]:
    found: list[Any] = []
    for item in items:
        if item not in found:
            found.append(item)
    return found


def _range(*bounds: int) -> list[int]:
    numbers = range(*bounds)
    if len(numbers) > SIZE // 10:
        raise ExpressionError("range is too long")
    return list(numbers)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "len": len,
    "sum": lambda items: sum(items, 0),
    "min": min,
    "max": max,
    "abs": abs,
    "any": any,
    "all": all,
    "sorted": _sorted,
    "reversed": lambda items: list(items)[::-1],
    "enumerate": lambda items, start=0: [list(pair) for pair in enumerate(items, start)],
    "zip": lambda *lists: [list(group) for group in zip(*lists, strict=False)],
    "range": _range,
    "distinct": _distinct,
    "str": as_text,
    "int": int,
    "decimal": Decimal,
    "round": _round,
    "cents": lambda value: _round(value, 2),
    "json": as_json,
    "csv": _csv,
    "quote": lambda text: urllib.parse.quote(text, safe=""),
    "b64": lambda text, encoding="utf-8": base64.b64encode(text.encode(encoding)).decode("ascii"),
}

_BINARY: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Div: lambda left, right: Decimal(left) / Decimal(right),
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_COMPARE: dict[type, Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda left, right: left in right,
    ast.NotIn: lambda left, right: left not in right,
}
_UNARY: dict[type, Callable[[Any], Any]] = {ast.Not: operator.not_, ast.USub: operator.neg, ast.UAdd: operator.pos}
_NODES = (
    ast.Constant | ast.Name | ast.BinOp | ast.UnaryOp | ast.BoolOp | ast.Compare | ast.IfExp | ast.Subscript | ast.Slice
    | ast.List | ast.Tuple | ast.Dict | ast.ListComp | ast.GeneratorExp | ast.DictComp | ast.Call
)  # fmt: skip


class Expression:
    """A checked expression. `names` are the names it needs from outside."""

    def __init__(self, source: str) -> None:
        """Raises ExpressionError for anything that is not in the language."""
        if len(source) > 4000:
            raise ExpressionError("longer than 4000 characters")
        try:
            self._body = ast.parse(source.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise ExpressionError(f"not an expression: {getattr(error, 'msg', error)}") from None
        self.source = source
        self.names = frozenset(_check(self._body, frozenset()))

    def evaluate(self, names: Mapping[str, Any]) -> Any:
        """The value, given those names. Raises ExpressionError when it fails or grows too large."""
        try:
            return _Walk().value(self._body, dict(names))
        except ExpressionError:
            raise
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError) as error:
            raise ExpressionError(f"{type(error).__name__}: {error}") from None


def _check(node: ast.AST, bound: frozenset[str]) -> set[str]:
    """Names used but not bound; raises for any node outside the language."""
    if isinstance(node, ast.Name):
        if node.id.startswith("_"):
            raise ExpressionError(f"the name {node.id!r} is not allowed")
        return set() if node.id in bound else {node.id}
    if isinstance(node, ast.Call):
        return _check_call(node, bound)
    if isinstance(node, ast.ListComp | ast.GeneratorExp | ast.DictComp):
        return _check_comprehension(node, bound)
    if not isinstance(node, _NODES):
        raise ExpressionError(f"{type(node).__name__.lower()} is not part of the language")
    if isinstance(node, ast.Constant) and not isinstance(node.value, str | int | float | None):
        raise ExpressionError(f"{type(node.value).__name__} constants are not allowed")
    if isinstance(node, ast.BinOp) and type(node.op) not in (*_BINARY, ast.Mult):
        raise ExpressionError(f"the operator {type(node.op).__name__} is not allowed")
    if isinstance(node, ast.UnaryOp) and type(node.op) not in _UNARY:
        raise ExpressionError(f"the operator {type(node.op).__name__} is not allowed")
    if isinstance(node, ast.Compare) and any(type(op) not in _COMPARE for op in node.ops):
        raise ExpressionError("this comparison is not allowed")
    if isinstance(node, ast.Dict) and None in node.keys:
        raise ExpressionError("** is not allowed")
    skip = (ast.operator, ast.unaryop, ast.boolop, ast.cmpop, ast.expr_context)
    return {
        name for child in ast.iter_child_nodes(node) if not isinstance(child, skip) for name in _check(child, bound)
    }


def _check_call(node: ast.Call, bound: frozenset[str]) -> set[str]:
    used: set[str] = set()
    if isinstance(node.func, ast.Attribute):
        if node.func.attr not in METHODS:
            raise ExpressionError(f"the method {node.func.attr!r} is not allowed")
        used |= _check(node.func.value, bound)
    elif not isinstance(node.func, ast.Name) or node.func.id not in FUNCTIONS:
        name = node.func.id if isinstance(node.func, ast.Name) else "that"
        raise ExpressionError(f"the function {name!r} does not exist; there are {', '.join(sorted(FUNCTIONS))}")
    for keyword in node.keywords:
        if keyword.arg is None:
            raise ExpressionError("** is not allowed")
        used |= _check(keyword.value, bound)
    for argument in node.args:
        used |= _check(argument, bound)
    return used


def _check_comprehension(node: ast.ListComp | ast.GeneratorExp | ast.DictComp, bound: frozenset[str]) -> set[str]:
    used: set[str] = set()
    for loop in node.generators:
        used |= _check(loop.iter, bound)
        targets = loop.target.elts if isinstance(loop.target, ast.Tuple) else [loop.target]
        for target in targets:
            if not isinstance(target, ast.Name) or target.id.startswith("_") or loop.is_async:
                raise ExpressionError("a loop binds plain names")
            bound |= {target.id}
        for condition in loop.ifs:
            used |= _check(condition, bound)
    parts = (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,)
    return used.union(*(_check(part, bound) for part in parts))


class _Walk:
    """One evaluation, with its budget."""

    def __init__(self) -> None:
        self.steps = 0

    def value(self, node: ast.AST, names: dict[str, Any]) -> Any:
        self.steps += 1
        if self.steps > STEPS:
            raise ExpressionError("too much work")
        return _bounded(self._value(node, names))

    def _value(self, node: ast.AST, names: dict[str, Any]) -> Any:
        match node:
            case ast.Constant(value=float() as number):
                return Decimal(repr(number))
            case ast.Constant(value=value):
                return value
            case ast.Name(id=name):
                if name not in names:
                    raise ExpressionError(f"the name {name!r} is not known")
                return names[name]
            case ast.BinOp(left=left, op=op, right=right):
                return _arithmetic(op, self.value(left, names), self.value(right, names))
            case ast.UnaryOp(op=op, operand=operand):
                return _UNARY[type(op)](self.value(operand, names))
            case ast.BoolOp(op=op, values=values):
                result: Any = None
                for part in values:
                    result = self.value(part, names)
                    if bool(result) is isinstance(op, ast.Or):
                        break
                return result
            case ast.Compare(left=left, ops=ops, comparators=comparators):
                return self._compare(left, ops, comparators, names)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return self.value(body if self.value(test, names) else orelse, names)
            case ast.Subscript(value=value, slice=ast.Slice() as cut):
                low, high, step = (part and self.value(part, names) for part in (cut.lower, cut.upper, cut.step))
                return self.value(value, names)[low:high:step]
            case ast.Subscript(value=value, slice=index):
                return self.value(value, names)[self.value(index, names)]
            case ast.List(elts=items) | ast.Tuple(elts=items):
                return [self.value(item, names) for item in items]
            case ast.Dict(keys=keys, values=values):
                return {
                    self.value(key, names): self.value(value, names)
                    for key, value in zip(keys, values, strict=True)
                    if key is not None
                }
            case ast.ListComp(elt=elt, generators=loops) | ast.GeneratorExp(elt=elt, generators=loops):
                return [self.value(elt, scope) for scope in self._scopes(loops, names)]
            case ast.DictComp(key=key, value=value, generators=loops):
                return {self.value(key, scope): self.value(value, scope) for scope in self._scopes(loops, names)}
            case ast.Call():
                return self._call(node, names)
        raise ExpressionError(f"{type(node).__name__.lower()} is not part of the language")

    def _compare(self, left: ast.expr, ops: list[ast.cmpop], rights: list[ast.expr], names: dict[str, Any]) -> bool:
        first = self.value(left, names)
        for op, right in zip(ops, rights, strict=True):
            second = self.value(right, names)
            if not _COMPARE[type(op)](first, second):
                return False
            first = second
        return True

    def _scopes(self, loops: list[ast.comprehension], names: dict[str, Any]) -> Iterable[dict[str, Any]]:
        if not loops:
            yield names
            return
        loop, rest = loops[0], loops[1:]
        for item in self.value(loop.iter, names):
            if isinstance(loop.target, ast.Tuple):
                bound = [target.id for target in loop.target.elts if isinstance(target, ast.Name)]
                scope = {**names, **dict(zip(bound, item, strict=True))}
            else:
                scope = {**names, loop.target.id: item} if isinstance(loop.target, ast.Name) else names
            if all(self.value(condition, scope) for condition in loop.ifs):
                yield from self._scopes(rest, scope)

    def _call(self, node: ast.Call, names: dict[str, Any]) -> Any:
        arguments = [self.value(argument, names) for argument in node.args]
        keywords = {keyword.arg: self.value(keyword.value, names) for keyword in node.keywords if keyword.arg}
        if isinstance(node.func, ast.Name):
            return FUNCTIONS[node.func.id](*arguments, **keywords)
        assert isinstance(node.func, ast.Attribute)  # noqa: S101  (checked when it was parsed)
        owner = self.value(node.func.value, names)
        if not isinstance(owner, str | dict):
            raise ExpressionError(f"{type(owner).__name__} has no methods here")
        if node.func.attr == "replace" and len(owner) * max(len(as_text(arguments[-1])), 1) > SIZE:
            raise ExpressionError("the text grows too large")
        if node.func.attr == "zfill" and arguments[0] > SIZE:
            raise ExpressionError("the text grows too large")
        result = getattr(owner, node.func.attr)(*arguments, **keywords)
        return [list(item) if isinstance(item, tuple) else item for item in result] if _is_view(result) else result


def _is_view(value: object) -> bool:
    return isinstance(value, type({}.items()) | type({}.keys()) | type({}.values()))


def _arithmetic(op: ast.operator, left: Any, right: Any) -> Any:
    if isinstance(op, ast.Mult):
        for text, count in ((left, right), (right, left)):
            if isinstance(text, str | list) and (not isinstance(count, int) or len(text) * count > SIZE):
                raise ExpressionError("the repetition grows too large")
        return left * right
    if isinstance(op, ast.Mod) and isinstance(left, str):
        raise ExpressionError("% works on numbers only")
    return _BINARY[type(op)](left, right)


def _bounded(value: Any) -> Any:
    if isinstance(value, str | list | dict) and len(value) > SIZE:
        raise ExpressionError("the value grows too large")
    if isinstance(value, int) and value.bit_length() > 4096:
        raise ExpressionError("the number grows too large")
    return value
