"""The rules and matrices that would run at a site, each with where it comes from."""

from collections.abc import Mapping
from typing import NamedTuple

from alarms.rule import AlarmRule, check_rule
from gengfu.rules import Rulebook
from gengfu.site_rules.approval import weaker_matrix, weaker_rule
from gengfu.site_rules.files import Own, SiteFiles
from gengfu.site_rules.finding import Finding, Where
from gengfu.site_rules.overlay import Problem, lay_over_matrix, lay_over_rule
from gengfu.site_rules.scope import Scope
from gengfu.site_rules.shapes import MatrixOverride, RuleOverride
from interlocks.matrix import Matrix, check_matrix


class Origin(NamedTuple):
    """``where`` of what the site changed or added; ``override``: ``None`` for what is the site's own."""

    where: Where
    override: RuleOverride | MatrixOverride | None = None


class Laid(NamedTuple):
    """``book`` is ``shipped`` with what the site changed and added: ``rules`` and ``matrices`` say by id where."""

    shipped: Rulebook
    book: Rulebook
    rules: Mapping[str, Origin]
    matrices: Mapping[str, Origin]
    findings: list[Finding]

    def rule_at(self, name: str) -> Where:
        """Where the rule stands."""
        known = self.rules.get(name)
        return Where("shipped rules", f"rule[{name}]", is_shipped=True) if known is None else known.where

    def matrix_at(self, name: str) -> Where:
        """Where the matrix stands."""
        known = self.matrices.get(name)
        return Where("shipped matrices", f"matrix[{name}]", is_shipped=True) if known is None else known.where


class _Laying:
    """The shipped ones first, then one part of the site after another."""

    def __init__(self, shipped: Rulebook, scope: Scope) -> None:
        self._shipped_matrices = {one.id: one for one in shipped.matrices}
        self._shipped_rules = shipped.alarms
        self._scope = scope
        self.alarms = dict(shipped.alarms)
        self.matrices = dict(self._shipped_matrices)
        self.rule_origins: dict[str, Origin] = {}
        self.matrix_origins: dict[str, Origin] = {}
        self.findings: list[Finding] = []

    def lay(self, own: Own) -> None:
        match own.part:
            case AlarmRule():
                self._add_rule(own.part, own.where)
            case Matrix():
                self._add_matrix(own.part, own.where)
            case RuleOverride():
                self._change_rule(own.part, own.where)
            case MatrixOverride():
                self._change_matrix(own.part, own.where)

    def _add_rule(self, rule: AlarmRule, where: Where) -> None:
        self._tell(where, [Problem("", what) for what in check_rule(rule)])
        if self._is_new(rule.id, rule.id in self._shipped_rules, self.rule_origins, where):
            self.alarms[rule.id] = rule
            self.rule_origins[rule.id] = Origin(where)

    def _add_matrix(self, matrix: Matrix, where: Where) -> None:
        self._tell(where, [Problem("", what) for what in check_matrix(matrix)])
        if self._is_new(matrix.id, matrix.id in self._shipped_matrices, self.matrix_origins, where):
            self.matrices[matrix.id] = matrix
            self.matrix_origins[matrix.id] = Origin(where)

    def _change_rule(self, change: RuleOverride, where: Where) -> None:
        shipped = self._shipped_rules.get(change.rule)
        if shipped is None:
            self._tell(where, [Problem("rule", f"{change.rule!r} is not shipped; only shipped rules are overridden")])
        elif self._is_first(change.rule, self.rule_origins, where):
            laid, problems = lay_over_rule(shipped, change)
            self._tell(where, [*problems, *weaker_rule(shipped, laid, change.approved_by, self._scope)])
            self.alarms[shipped.id] = laid
            self.rule_origins[shipped.id] = Origin(where, change)

    def _change_matrix(self, change: MatrixOverride, where: Where) -> None:
        shipped = self._shipped_matrices.get(change.matrix)
        if shipped is None:
            what = f"{change.matrix!r} is not shipped; only shipped matrices are overridden"
            self._tell(where, [Problem("matrix", what)])
        elif self._is_first(change.matrix, self.matrix_origins, where):
            laid, problems = lay_over_matrix(shipped, change)
            self._tell(where, [*problems, *weaker_matrix(shipped, laid, change.approved_by, self._scope)])
            self.matrices[shipped.id] = laid
            self.matrix_origins[shipped.id] = Origin(where, change)

    def _is_new(self, name: str, is_shipped: bool, known: Mapping[str, Origin], where: Where) -> bool:
        if is_shipped:
            self._tell(where, [Problem("id", f"{name!r} is shipped: write an [[override]], or take another id")])
        elif name in known:
            before = known[name].where
            self._tell(where, [Problem("id", f"{name!r} stands in {before.file} too: give each its own")])
        return not is_shipped and name not in known

    def _is_first(self, name: str, known: Mapping[str, Origin], where: Where) -> bool:
        if name in known:
            self._tell(where, [Problem("", f"{name} is overridden in {known[name].where.file} already: join the two")])
        return name not in known

    def _tell(self, where: Where, problems: list[Problem]) -> None:
        self.findings += [Finding(where.at(problem.key), problem.what) for problem in problems]


def lay(shipped: Rulebook, files: SiteFiles, scope: Scope) -> Laid:
    """The shipped rules with what the files change and add. What is wrong with a part by itself is in ``findings``."""
    laying = _Laying(shipped, scope)
    for own in files.parts:
        laying.lay(own)
    book = Rulebook(laying.alarms, shipped.responses, tuple(laying.matrices.values()))
    return Laid(shipped, book, laying.rule_origins, laying.matrix_origins, [*files.findings, *laying.findings])
