"""The few source constructs that plain Python execution cannot run (kernel-language.md §4.2).

`with pl.spmd(N, ...) as tid:` has to run its body N times, so it becomes a loop over the blocks,
after which `tid` is the task's id. A launch with a barrier (pl.system.syncall) has to run its
blocks in lockstep, so its body becomes a function for `_core.spmd_lockstep`. `self.f` in a function
that is no method names the module's `f`.

Only functions that contain such a construct are rewritten. File name and line numbers are kept, so
that sites and tracebacks name the user's line.
"""

from __future__ import annotations

import ast
import copy
import functools
import linecache
import types
from collections.abc import Callable
from typing import Any

from pypto import _core
from pypto._errors import error

_LOCKSTEP = "__a2a3sim_spmd_lockstep"
_Function = Callable[..., Any]


def rewritten(function: _Function) -> _Function:
    """The function itself if nothing in it needs a rewrite."""
    node = _definition(function)
    if node is None:
        return function
    transformer = _Rewriter(function, node)
    body = transformer.rewrite(node.body)
    if not transformer.changed:
        return function
    return _compile(function, node, body)


@functools.lru_cache(maxsize=None)
def _module_tree(filename: str) -> ast.Module | None:
    lines = linecache.getlines(filename)
    return ast.parse("".join(lines), filename) if lines else None


def _definition(function: _Function) -> ast.FunctionDef | None:
    """The function's definition, or None if its source cannot contain what we rewrite."""
    code = function.__code__
    uses = code.co_names + tuple(
        name for const in code.co_consts if isinstance(const, types.CodeType)
        for name in const.co_names)
    if "spmd" not in uses and "self" not in uses:
        return None
    tree = _module_tree(code.co_filename)
    if tree is None:
        raise error(f"the source of {function.__name__} is needed and cannot be read",
                    "python.no-source", f"{code.co_filename}:{code.co_firstlineno}")
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == function.__name__:
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            if first == code.co_firstlineno:
                return copy.deepcopy(node)
    return None


def _compile(function: _Function, node: ast.FunctionDef, body: list[ast.stmt]) -> _Function:
    """The function with another body: same cells, defaults and globals."""
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or ()))
    cells[_LOCKSTEP] = types.CellType(_core.spmd_lockstep)
    args = node.args
    args.defaults = []
    args.kw_defaults = [None] * len(args.kwonlyargs)
    for argument in [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]:
        if argument is not None:
            argument.annotation = None
    inner = ast.FunctionDef(name=node.name, args=args, body=body, decorator_list=[], returns=None)
    factory = ast.FunctionDef(
        name="__factory", args=_arguments(list(cells)), decorator_list=[],
        body=[inner, ast.Return(ast.Name(node.name, ast.Load()))])
    module = ast.Module(body=[factory], type_ignores=[])
    for added in (factory, inner):
        ast.copy_location(added, node)
    ast.fix_missing_locations(module)

    code = compile(module, function.__code__.co_filename, "exec")
    factory_code = next(c for c in code.co_consts if isinstance(c, types.CodeType))
    inner_code = next(c for c in factory_code.co_consts
                      if isinstance(c, types.CodeType) and c.co_name == node.name)
    closure = tuple(cells[name] for name in inner_code.co_freevars)
    result = types.FunctionType(inner_code, function.__globals__, function.__name__,
                                function.__defaults__, closure)
    result.__kwdefaults__ = function.__kwdefaults__
    functools.update_wrapper(result, function)
    return result


def _arguments(names: list[str]) -> ast.arguments:
    return ast.arguments(posonlyargs=[], args=[ast.arg(n) for n in names], vararg=None,
                         kwonlyargs=[], kw_defaults=[], kwarg=None, defaults=[])


def _callee(node: ast.expr) -> str:
    """Last name of what is called: "spmd" for pl.spmd(...); "" if it is no call."""
    if not isinstance(node, ast.Call):
        return ""
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""


def _has_barrier(body: list[ast.stmt]) -> bool:
    return any(_callee(node) == "syncall" for statement in body for node in ast.walk(statement))


def _stored(nodes: list[ast.stmt]) -> set[str]:
    """Names the statements assign."""
    return {node.id for statement in nodes for node in ast.walk(statement)
            if isinstance(node, ast.Name) and isinstance(node.ctx, (ast.Store, ast.Del))}


class _Rewriter(ast.NodeTransformer):
    def __init__(self, function: _Function, definition: ast.FunctionDef) -> None:
        self.changed = False
        self._counter = 0
        self._definition = definition
        parameters = {a.arg for a in ast.walk(definition) if isinstance(a, ast.arg)}
        self._drop_self = "self" not in parameters and "self" not in function.__globals__
        self._parameters = parameters

    def rewrite(self, body: list[ast.stmt]) -> list[ast.stmt]:
        result: list[ast.stmt] = []
        for statement in body:
            visited = self.visit(statement)
            result.extend(visited if isinstance(visited, list) else [visited])
        return result

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        if self._drop_self and isinstance(node.value, ast.Name) and node.value.id == "self":
            self.changed = True
            return ast.copy_location(ast.Name(node.attr, node.ctx), node)
        return node

    def visit_With(self, node: ast.With) -> Any:
        first = node.items[0]
        if len(node.items) > 1:  # with a, b: means with a: with b:
            inner = ast.copy_location(ast.With(items=node.items[1:], body=node.body), node)
            return self.visit_With(ast.copy_location(ast.With(items=[first], body=[inner]), node))
        barrier = _has_barrier(node.body) if _callee(first.context_expr) == "spmd" else False
        self.generic_visit(node)
        if _callee(first.context_expr) != "spmd":
            return node
        self.changed = True
        if barrier:
            return self._lockstep(node, first.context_expr, self._name("block"), node.body,
                                  first.optional_vars)
        return self._loop(node, first)

    def visit_For(self, node: ast.For) -> Any:
        barrier = _callee(node.iter) == "spmd" and _has_barrier(node.body)
        self.generic_visit(node)
        if not barrier:
            return node
        self.changed = True
        if not isinstance(node.target, ast.Name):
            raise error("the loop variable of a pl.spmd loop with a barrier must be one name",
                        "python.lockstep-target", f"line {node.lineno}")
        return self._lockstep(node, node.iter, node.target.id, node.body, None)

    def _name(self, what: str) -> str:
        self._counter += 1
        return f"__spmd_{what}_{self._counter}"

    def _loop(self, node: ast.With, item: ast.withitem) -> list[ast.stmt]:
        """launch = pl.spmd(...); for block in launch: body; tid = launch.task"""
        launch = self._name("launch")
        statements: list[ast.stmt] = [
            ast.Assign([ast.Name(launch, ast.Store())], item.context_expr),
            ast.For(ast.Name(self._name("block"), ast.Store()), ast.Name(launch, ast.Load()),
                    node.body, []),
        ]
        if item.optional_vars is not None:
            task = ast.Attribute(ast.Name(launch, ast.Load()), "task", ast.Load())
            statements.append(ast.Assign([item.optional_vars], task))
        return [self._at(node, s) for s in statements]

    def _lockstep(self, node: ast.stmt, call: ast.expr, block: str, body: list[ast.stmt],
                  target: ast.expr | None) -> list[ast.stmt]:
        """def run(block): body; tid = spmd_lockstep(N, run, options)

        What the body assigns is local to a block; names that have a value before are passed in.
        """
        assert isinstance(call, ast.Call)
        run = self._name("run")
        carried = sorted((_stored(body) & self._bound_before(node)) - {block})
        arguments = _arguments([block, *carried])
        arguments.defaults = [ast.Name(n, ast.Load()) for n in carried]
        blocks = [*call.args, *(k.value for k in call.keywords if k.arg == "core_num")]
        options = [k for k in call.keywords if k.arg != "core_num"]
        launch = ast.Call(ast.Name(_LOCKSTEP, ast.Load()),
                          [*blocks, ast.Name(run, ast.Load())], options)
        statement: ast.stmt = ast.Expr(launch)
        if target is not None:
            statement = ast.Assign([target], launch)
        function = ast.FunctionDef(name=run, args=arguments, body=body, decorator_list=[],
                                   returns=None)
        return [self._at(node, function), self._at(node, statement)]

    def _bound_before(self, launch: ast.stmt) -> set[str]:
        """Parameters, and names that a line above the launch assigns."""
        return self._parameters | {
            n.id for n in ast.walk(self._definition)
            if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
            and n.lineno < launch.lineno}

    @staticmethod
    def _at(node: ast.stmt, statement: Any) -> Any:
        """New nodes get the with statement's line; nodes of the user keep theirs."""
        ast.copy_location(statement, node)
        return ast.fix_missing_locations(statement)
