/// Runs a template.
final class Renderer {
    let template: ParsedTemplate
    let limits: ChatTemplateLimits
    let clock: ChatTemplateClock
    let context: Scope

    /// What is written now: the chat, or what a macro or a block has written so far.
    private(set) var output = ""
    private var outer: [String] = []
    /// The code points of the chat so far, counted where blocks of the assistant are asked for.
    private var characters = 0
    private(set) var generations: [GenerationSpan] = []

    private var steps = 0
    private var depth = 0
    /// What may hold one another in circles or long chains, and is taken apart at the end.
    private var scopes: [Scope] = []
    private var namespaces: [NamespaceValue] = []

    /// How deep statements, expressions and calls may be nested while they run: as much as fits on a stack of 512 KiB, as
    /// threads have on macOS. A macro that calls itself takes four to eight of these each time.
    static let maximumDepth = 200

    init(_ template: ParsedTemplate, limits: ChatTemplateLimits, clock: ChatTemplateClock) {
        self.template = template
        self.limits = limits
        self.clock = clock
        context = Scope(parent: nil)
        for function in GlobalFunction.allCases { context[function.rawValue] = .function(function) }
    }

    /// Returns what the template writes.
    ///
    /// - Parameter variables: The variables that the template may read.
    /// - Throws: `TemplateFailure` with a line.
    func render(_ variables: [(name: String, value: Value)]) throws -> RenderedChat {
        defer { release() }
        for variable in variables { context[variable.name] = variable.value }
        let root = Scope(parent: context, undefined: template.undefinedNames[0])
        scopes.append(root)
        _ = try run(template.statements, root)
        return RenderedChat(text: output, generations: generations)
    }

    private func release() {
        for namespace in namespaces { namespace.clear() }
        for scope in scopes { scope.clear() }
        context.clear()
    }

    func own(_ namespace: NamespaceValue) { namespaces.append(namespace) }

    func own(_ scope: Scope) { scopes.append(scope) }
}

// MARK: - Limits

extension Renderer {
    /// Counts work.
    ///
    /// - Throws: `TemplateFailure` once it is too much.
    func spend(_ work: Int = 1) throws {
        let (total, isTooMuch) = steps.addingReportingOverflow(work)
        steps = total
        guard !isTooMuch, total <= limits.steps else {
            throw TemplateFailure.limit(
                "the template takes more than \(limits.steps) steps; shorten its loops and texts")
        }
    }

    /// Counts the work of a text.
    func spend(text: String) throws { try spend(bytes: text.utf8.count) }

    /// Counts the work of a text before it is made.
    func spend(bytes: Int) throws {
        guard bytes <= limits.textBytes else {
            throw TemplateFailure.limit("a text is longer than \(limits.textBytes) bytes")
        }
        try spend(bytes / 16 + 1)
    }

    /// Runs the body one level deeper.
    ///
    /// - Parameter line: The line for errors; nil where it is not known.
    func nested<Result>(line: Int?, _ body: () throws -> Result) throws -> Result {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.maximumDepth else {
            throw TemplateFailure.limit(
                "the template calls itself too often, or is nested too deep", line: line)
        }
        do {
            try spend()
            return try body()
        } catch let failure as TemplateFailure {
            throw line.map { failure.at(line: $0) } ?? failure
        }
    }
}

// MARK: - Output

extension Renderer {
    func write(_ text: String) throws {
        try spend(bytes: output.utf8.count + text.utf8.count > limits.textBytes ? .max : text.utf8.count)
        output += text
        if outer.isEmpty, template.hasGeneration { characters += text.unicodeScalars.count }
    }

    /// What the body writes.
    func captured(_ body: () throws -> Void) throws -> String {
        outer.append(output)
        output = ""
        defer { output = outer.removeLast() }
        try body()
        return output
    }

    /// Notes that a block of the assistant is written next.
    func noteGeneration(_ text: String) {
        // As in transformers, a block that a macro or a set block writes is counted from the chat's length so far.
        let bytes = (outer.first ?? output).utf8.count
        generations.append(
            GenerationSpan(
                characters: characters..<characters + text.unicodeScalars.count,
                utf8: bytes..<bytes + text.utf8.count))
    }
}
