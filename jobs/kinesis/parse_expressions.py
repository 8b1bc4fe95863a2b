"""Reading expressions of Kinesis SQL."""

from __future__ import annotations

from typing import Final

from jobs.kinesis import tree
from jobs.kinesis.parse_literals import read_interval, read_type
from jobs.kinesis.reader import Reader
from jobs.kinesis.tokens import stored_name
from jobs.sql.tokens import Kind

_COMPARISONS: Final = frozenset({"=", "<>", "!=", "<", "<=", ">", ">="})
#: What FLOOR, CEIL, EXTRACT and an interval count in.
UNITS: Final = ("SECOND", "MINUTE", "HOUR", "DAY", "WEEK", "MONTH", "YEAR")
_BARE: Final = frozenset(
    {"CURRENT_TIMESTAMP", "CURRENT_DATE", "CURRENT_TIME", "LOCALTIME", "LOCALTIMESTAMP", "CURRENT_ROW_TIMESTAMP"}
)


class ExpressionReader(Reader):
    """Expressions, by precedence from OR down to names and literals."""

    def expression(self) -> tree.Expression:
        """An expression."""
        left = self._conjunction()
        while self.sees("OR"):
            start = self.take().start
            left = tree.Binary(start, "OR", left, self._conjunction())
        return left

    def expressions(self) -> tuple[tree.Expression, ...]:
        """Expressions with commas between them."""
        found = [self.expression()]
        while self.accept(","):
            found.append(self.expression())
        return tuple(found)

    def _conjunction(self) -> tree.Expression:
        left = self._negation()
        while self.sees("AND"):
            start = self.take().start
            left = tree.Binary(start, "AND", left, self._negation())
        return left

    def _negation(self) -> tree.Expression:
        if self.sees("NOT"):
            start = self.take().start
            return tree.Unary(start, "NOT", self._negation())
        return self._predicate()

    def _predicate(self) -> tree.Expression:
        left = self._sum()
        while True:
            if self.upper() in _COMPARISONS:
                token = self.take()
                operator = "<>" if token.upper == "!=" else token.upper
                left = tree.Binary(token.start, operator, left, self._sum())
                continue
            negated = self.sees("NOT") and self.upper(1) in ("BETWEEN", "IN", "LIKE", "SIMILAR")
            word = self.upper(1 if negated else 0)
            if word == "IS":
                left = self._is(left)
            elif word in ("BETWEEN", "IN", "LIKE", "SIMILAR"):
                self.at += 2 if negated else 1
                left = getattr(self, f"_{word.lower()}")(left, negated)
            else:
                return left

    def _is(self, operand: tree.Expression) -> tree.Expression:
        start = self.take().start
        negated = self.accept("NOT")
        if self.accept("DISTINCT"):
            self.expect("FROM", "behind IS DISTINCT")
            return tree.Binary(start, tree.DISTINCTIONS[negated], operand, self._sum())
        if self.upper() not in ("NULL", "TRUE", "FALSE", "UNKNOWN"):
            self.expected("NULL, TRUE, FALSE, UNKNOWN or DISTINCT FROM behind IS")
        return tree.Is(start, operand, self.take().upper, negated)

    def _between(self, operand: tree.Expression, negated: bool) -> tree.Expression:
        start = self.start
        low = self._sum()
        self.expect("AND", "between the bounds of BETWEEN")
        return tree.Between(start, operand, low, self._sum(), negated)

    def _in(self, operand: tree.Expression, negated: bool) -> tree.Expression:
        start = self.start
        self.expect("(", "behind IN")
        self.refuse_query("IN takes a list of values here, not a query: join the streams instead")
        values = self.expressions()
        self.expect(")", "behind the values of IN")
        return tree.In(start, operand, values, negated)

    def _like(self, operand: tree.Expression, negated: bool, word: str = "LIKE") -> tree.Expression:
        start = self.start
        pattern = self._sum()
        escape = self._sum() if self.accept("ESCAPE") else None
        return tree.Like(start, operand, word, pattern, escape, negated)

    def _similar(self, operand: tree.Expression, negated: bool) -> tree.Expression:
        self.expect("TO", "behind SIMILAR")
        return self._like(operand, negated, "SIMILAR TO")

    def _sum(self) -> tree.Expression:
        left = self._product()
        while self.upper() in ("+", "-", "||"):
            token = self.take()
            left = tree.Binary(token.start, token.upper, left, self._product())
        return left

    def _product(self) -> tree.Expression:
        left = self._unary()
        while self.upper() in ("*", "/", "%"):
            token = self.take()
            left = tree.Binary(token.start, token.upper, left, self._unary())
        return left

    def _unary(self) -> tree.Expression:
        if self.upper() in ("-", "+"):
            token = self.take()
            return tree.Unary(token.start, token.upper, self._unary())
        return self._primary()

    # ---------------------------------------------------------------- what an expression is made of

    def _primary(self) -> tree.Expression:
        start, kind, word = self.start, self.kind(), self.upper()
        if kind is Kind.NUMBER:
            return tree.Number(start, self.take().value)
        if kind is Kind.STRING:
            return tree.Text(start, self.take().value)
        if word == "(":
            return self._parenthesis()
        if word == "CASE":
            return self._case()
        if word == "INTERVAL":
            return read_interval(self)
        if word in ("TRUE", "FALSE", "NULL", "UNKNOWN"):
            self.take()
            return tree.Truth(start, {"TRUE": True, "FALSE": False}.get(word))
        if word in ("TIMESTAMP", "DATE", "TIME") and self.kind(1) is Kind.STRING:
            self.take()
            return tree.Moment(start, word, self.take().value)
        if word in ("EXISTS", "CURSOR", "MULTISET", "ARRAY", "ROW") and self.upper(1) in ("(", "["):
            raise self.error(f"{word} cannot stand in an expression")
        if word in _BARE and self.upper(1) != "(":
            self.take()
            return tree.Call(start, word, ())
        if self.upper(1) == "(" and (self.sees_name or word in ("CAST", "LEFT", "RIGHT")):
            return self.call()
        if word == "*":
            self.expected("an expression")
        if self.sees_name:
            return self._name()
        return self.expected("an expression")

    def _name(self) -> tree.Expression:
        start = self.start
        parts = [stored_name(self.take())]
        while self.accept("."):
            parts.append(self.name("the name of a column behind the dot"))
        if self.sees("("):
            raise self.error(f"functions have no schema here: write {parts[-1]}(...)", start)
        return tree.Name(start, tuple(parts))

    def _parenthesis(self) -> tree.Expression:
        start = self.take().start
        self.refuse_query("a query cannot stand in an expression: join the streams instead")
        inside = self.expression()
        if self.sees(","):
            raise self.error("expected ) behind the expression, got a comma: rows of values have no place here")
        self.expect(")", "that closes the parenthesis")
        is_difference = isinstance(inside, tree.Binary) and inside.operator == "-"
        if is_difference and isinstance(inside, tree.Binary) and self.upper() in UNITS:
            unit = self.take().upper
            if self.accept("TO"):
                unit = self.take().upper
            return tree.Difference(start, inside.left, inside.right, unit)
        return inside

    def _case(self) -> tree.Expression:
        start = self.take().start
        operand = None if self.sees("WHEN") else self.expression()
        branches = []
        while self.accept("WHEN"):
            condition = self.expression()
            self.expect("THEN", "behind the condition of WHEN")
            branches.append((condition, self.expression()))
        if not branches:
            self.expected("WHEN behind CASE")
        otherwise = self.expression() if self.accept("ELSE") else None
        self.expect("END", "that closes CASE")
        return tree.Case(start, operand, tuple(branches), otherwise)

    # ---------------------------------------------------------------- functions

    def call(self) -> tree.Expression:
        """A function with its arguments, and the window it works over."""
        start = self.start
        function = stored_name(self.take())
        self.expect("(", f"behind {function}")
        special = getattr(self, f"_call_{function.lower()}", None)
        if special is not None:
            found: tree.Expression = special(start)
            return found
        distinct = self.accept("DISTINCT")
        if not distinct:
            self.accept("ALL")
        arguments: tuple[tree.Expression, ...] = ()
        if self.sees("*") and self.upper(1) == ")":
            arguments = (tree.Star(self.take().start),)
        elif not self.sees(")"):
            self.refuse_query(f"{function} takes values, not a query")
            arguments = self.expressions()
        nulls = self._nulls()
        self.expect(")", f"behind the arguments of {function}")
        from_last = False
        if self.sees("FROM") and self.upper(1) in ("FIRST", "LAST"):
            self.take()
            from_last = self.take().upper == "LAST"
        nulls = nulls or self._nulls() or tree.Nulls.RESPECT
        if self.sees("FILTER", "("):
            raise self.error("FILTER is not Kinesis SQL: put the condition into CASE inside of the aggregate")
        over = self.over() if self.accept("OVER") else None
        return tree.Call(start, function, arguments, distinct, over, nulls, from_last)

    def _nulls(self) -> tree.Nulls | None:
        for choice in tree.Nulls:
            if self.accept(*choice.value.split()):
                return choice
        return None

    def over(self) -> tree.Window:
        """What stands behind OVER."""
        raise NotImplementedError  # the reader of queries knows windows

    def refuse_query(self, message: str) -> None:
        """Refuse a query where only values may stand."""
        if self.sees("SELECT"):
            raise self.error(message)

    def type(self) -> tree.TypeName:
        """A type."""
        return read_type(self)

    def unit(self, where: str) -> str:
        """A unit of time."""
        if self.upper() not in UNITS:
            self.expected(f"{', '.join(UNITS[:-1])} or {UNITS[-1]} {where}")
        return self.take().upper

    def _call_cast(self, start: int) -> tree.Expression:
        operand = self.expression()
        self.expect("AS", "between value and type of CAST")
        target = self.type()
        self.expect(")", "that closes CAST")
        return tree.Cast(start, operand, target)

    def _call_floor(self, start: int, word: str = "FLOOR") -> tree.Expression:
        operand = self.expression()
        if self.accept("TO"):
            unit = self.unit(f"behind TO in {word}")
            self.expect(")", f"that closes {word}")
            return tree.Rounded(start, word, operand, unit)
        self.expect(")", f"that closes {word}")
        return tree.Call(start, word, (operand,))

    def _call_ceil(self, start: int) -> tree.Expression:
        return self._call_floor(start, "CEIL")

    _call_ceiling = _call_ceil

    def _call_step(self, start: int) -> tree.Expression:
        operand = self.expression()
        self.expect("BY", "between the arguments of STEP")
        size = self.expression()
        self.expect(")", "that closes STEP")
        return tree.Step(start, operand, size)

    def _call_extract(self, start: int) -> tree.Expression:
        unit = self.unit("in EXTRACT")
        self.expect("FROM", "behind the unit of EXTRACT")
        operand = self.expression()
        self.expect(")", "that closes EXTRACT")
        return tree.Extract(start, unit, operand)

    def _call_position(self, start: int) -> tree.Expression:
        part = self._sum()
        self.expect("IN", "between the texts of POSITION")
        arguments = [part, self._sum()]
        if self.accept("FROM"):
            arguments.append(self._sum())
        self.expect(")", "that closes POSITION")
        return tree.Call(start, "POSITION", tuple(arguments))

    def _call_substring(self, start: int) -> tree.Expression:
        """The forms with commas and with SIMILAR answer otherwise, so they get names of their own."""
        arguments = [self._sum()]
        if self.accept("SIMILAR"):
            arguments.append(self.expression())
            self.expect("ESCAPE", "behind the pattern of SUBSTRING")
            arguments.append(self.expression())
            self.expect(")", "that closes SUBSTRING")
            return tree.Call(start, tree.SUBSTRING_SIMILAR, tuple(arguments))
        function = tree.SUBSTRING_COMMA if self.sees(",") else "SUBSTRING"
        for word in ("FROM", "FOR"):
            if self.accept(word) or self.accept(","):
                arguments.append(self.expression())
        if len(arguments) < 2:
            self.expected("FROM and a position in SUBSTRING")
        self.expect(")", "that closes SUBSTRING")
        return tree.Call(start, function, tuple(arguments))

    def _call_trim(self, start: int) -> tree.Expression:
        side = self.take().upper if self.upper() in ("BOTH", "LEADING", "TRAILING") else "BOTH"
        characters: tree.Expression = tree.Text(start, " ")
        if not self.accept("FROM"):
            operand = self.expression()
            if not self.accept("FROM"):
                self.expect(")", "that closes TRIM")
                return tree.Call(start, "TRIM", (tree.Text(start, side), characters, operand))
            characters = operand
        operand = self.expression()
        self.expect(")", "that closes TRIM")
        return tree.Call(start, "TRIM", (tree.Text(start, side), characters, operand))

    def _call_overlay(self, start: int) -> tree.Expression:
        arguments = [self.expression()]
        for word in ("PLACING", "FROM"):
            self.expect(word, "in OVERLAY")
            arguments.append(self.expression())
        if self.accept("FOR"):
            arguments.append(self.expression())
        self.expect(")", "that closes OVERLAY")
        return tree.Call(start, "OVERLAY", tuple(arguments))
