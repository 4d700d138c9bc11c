/// Finds out what a template's names mean before it runs, as Jinja's compiler does.
///
/// A variable that a body sets before it reads it is the body's own from the start: what is read of it before, by a loop or
/// a macro that comes first in the text, is undefined even if the caller gave a value by that name. The pass also refuses
/// unknown filters and tests where Jinja does, which is everywhere but behind conditions.
struct NameAnalysis {
    private var undefined: [[String]]

    /// The names of a body in the order of its text.
    private final class Frame {
        let parent: Frame?
        var seen: Set<String> = []
        var stored: Set<String> = []
        var undefined: Set<String> = []

        init(parent: Frame?) { self.parent = parent }

        private func knows(_ name: String) -> Bool { seen.contains(name) || parent?.knows(name) == true }

        /// What was added to the sets, in order, so that a branch can be taken back.
        private var log: [(set: ReferenceWritableKeyPath<Frame, Set<String>>, name: String)] = []

        private func add(_ name: String, to set: ReferenceWritableKeyPath<Frame, Set<String>>) -> Bool {
            guard self[keyPath: set].insert(name).inserted else { return false }
            log.append((set, name))
            return true
        }

        func read(_ name: String) {
            if !knows(name) { _ = add(name, to: \.seen) }
        }

        func store(_ name: String) {
            _ = add(name, to: \.stored)
            guard add(name, to: \.seen) else { return }
            if parent?.knows(name) != true { _ = add(name, to: \.undefined) }
        }

        /// Visits branches, each as if it stood alone, and keeps what they add together. What only a branch sets is not
        /// undefined from the start: it keeps the caller's value in the other branches.
        func branches(_ bodies: [() -> Void]) {
            var added: [(set: ReferenceWritableKeyPath<Frame, Set<String>>, name: String)] = []
            for body in bodies {
                let start = log.count
                body()
                for entry in log[start...] where self[keyPath: entry.set].remove(entry.name) != nil {
                    added.append(entry)
                }
                log.removeLast(log.count - start)
            }
            let stored = Set(added.filter { $0.set == \Frame.stored }.map(\.name))
            for entry in added where entry.set != \Frame.undefined || !stored.contains(entry.name) {
                _ = add(entry.name, to: entry.set)
            }
        }

        func declare(_ name: String) {
            stored.insert(name)
            seen.insert(name)
            undefined.remove(name)
        }
    }

    /// Returns ``ParsedTemplate/undefinedNames``.
    ///
    /// - Parameters:
    ///   - statements: The template.
    ///   - frames: The number of bodies in it.
    /// - Throws: `TemplateFailure` for an unknown filter or test.
    static func undefinedNames(_ statements: [Statement], frames: Int) throws -> [[String]] {
        var analysis = NameAnalysis(undefined: Array(repeating: [], count: frames))
        let root = Frame(parent: nil)
        try analysis.analyze(statements, number: 0, root)
        return analysis.undefined
    }

    private mutating func analyze(_ statements: [Statement], number: Int, _ frame: Frame) throws {
        visitNames(statements, frame)
        undefined[number] = frame.undefined.sorted()
        try visitBodies(statements, frame, isSoft: false)
    }

    // MARK: - A body's own names

    private func visitNames(_ statements: [Statement], _ frame: Frame) {
        for statement in statements {
            switch statement.kind {
            case .text, .breakLoop, .continueLoop, .generation: break
            case .output(let expression): visitNames(expression, frame)
            case .loop(let loop): visitNames(loop.iterable, frame)
            case .assign(let target, let value):
                visitNames(value, frame)
                store(target, frame)
            case .assignBlock(let target, _, _): store(target, frame)
            case .macro(let macro): frame.store(macro.name)
            case .with(let values, _):
                for value in values { visitNames(value.value, frame) }
            case .condition(let branches, let otherwise): visitCondition(branches, otherwise, frame)
            }
        }
    }

    private func visitNames(_ expression: Expression, _ frame: Frame) {
        ExpressionWalk.names(in: expression) { frame.read($0) }
    }

    private func store(_ target: Target, _ frame: Frame) {
        for name in target.namespaces { frame.read(name) }
        for name in target.names { frame.store(name) }
    }

    private func visitCondition(
        _ branches: [(test: Expression, body: [Statement])], _ otherwise: [Statement], _ frame: Frame
    ) {
        guard let first = branches.first else { return }
        visitNames(first.test, frame)
        frame.branches([
            { visitNames(first.body, frame) },
            {
                for branch in branches.dropFirst() {
                    visitNames(branch.test, frame)
                    frame.branches([{ visitNames(branch.body, frame) }])
                }
            },
            { visitNames(otherwise, frame) },
        ])
    }

    // MARK: - Bodies inside

    private mutating func visitBodies(_ statements: [Statement], _ frame: Frame, isSoft: Bool) throws {
        for statement in statements {
            switch statement.kind {
            case .text, .breakLoop, .continueLoop: break
            case .output(let expression): try check(expression, isSoft)
            case .condition(let branches, let otherwise):
                for branch in branches {
                    try check(branch.test, true)
                    try visitBodies(branch.body, frame, isSoft: true)
                }
                try visitBodies(otherwise, frame, isSoft: true)
            case .loop(let loop): try visit(loop, frame, isSoft, line: statement.line)
            case .assign(_, let value): try check(value, isSoft)
            case .assignBlock(_, let filters, let body):
                try check(filters, false)
                try analyze(body.statements, number: body.frame, Frame(parent: frame))
            case .generation(let body):
                try analyze(body.statements, number: body.frame, Frame(parent: frame))
            case .macro(let macro):
                let inner = Frame(parent: frame)
                for parameter in macro.parameters { inner.declare(parameter) }
                if macro.readsVarargs { inner.declare("varargs") }
                if macro.readsKwargs { inner.declare("kwargs") }
                for value in macro.defaults {
                    try check(value, false)
                    visitNames(value, inner)
                }
                try analyze(macro.body.statements, number: macro.body.frame, inner)
            case .with(let values, let body):
                let inner = Frame(parent: frame)
                for value in values {
                    try check(value.value, isSoft)
                    for name in value.target.names { inner.declare(name) }
                }
                try analyze(body.statements, number: body.frame, inner)
            }
        }
    }

    private mutating func visit(_ loop: Loop, _ frame: Frame, _ isSoft: Bool, line: Int) throws {
        try check(loop.iterable, isSoft)
        if let test = loop.test { try check(test, false) }
        let inner = Frame(parent: frame)
        inner.declare("loop")
        for name in loop.target.names { inner.declare(name) }
        let assigned =
            loop.target.names
            + Self.names(storedIn: loop.body.statements + (loop.otherwise?.statements ?? []))
        guard !assigned.contains("loop") else {
            throw TemplateFailure.syntax(
                "cannot assign to 'loop' inside of a loop; use another name", line: line)
        }
        try analyze(loop.body.statements, number: loop.body.frame, inner)
        if let otherwise = loop.otherwise {
            try analyze(otherwise.statements, number: otherwise.frame, Frame(parent: frame))
        }
    }

    // MARK: - Filters and tests

    private func check(_ expression: Expression, _ isSoft: Bool) throws {
        if isSoft { return }
        try ExpressionWalk.unconditionalSuffixes(in: expression) { try check([$0], false) }
    }

    private func check(_ suffixes: [Postfix], _ isSoft: Bool) throws {
        for suffix in suffixes {
            switch suffix.kind {
            case .filter(let name, _) where Filters.table[name] == nil:
                throw Filters.unknown(name).at(line: suffix.line)
            case .test(let name, _, _) where ValueTests.table[name] == nil:
                throw ValueTests.unknown(name).at(line: suffix.line)
            default: break
            }
        }
    }
}
