/// Makes statements of tokens, as Jinja's parser does.
struct Parser {
    private let tokens: [Token]
    private var position = 0
    private var depth = 0
    /// The number of bodies with variables of their own so far; the first is the template.
    private(set) var frames = 1
    /// True inside of a loop, where `break` and `continue` may stand.
    var isInLoop = false
    var hasGeneration = false

    /// How deep statements and expressions may be nested: what the smallest stacks have room for, beside the thread-local storage of
    /// other libraries. Jinja itself ends at about 80.
    static let maximumDepth = 64

    private init(_ tokens: [Token]) { self.tokens = tokens }

    /// Returns a template's statements.
    ///
    /// - Parameter source: The template's text.
    /// - Throws: `TemplateFailure` with a line.
    static func parse(_ source: String) throws -> ParsedTemplate {
        var parser = Parser(try Lexer.tokens(of: source))
        let statements = try parser.parseStatements(until: [])
        return ParsedTemplate(
            statements: statements,
            undefinedNames: try NameAnalysis.undefinedNames(statements, frames: parser.frames),
            hasGeneration: parser.hasGeneration)
    }

    /// A number for a body with variables of its own.
    mutating func newFrame() -> Int {
        frames += 1
        return frames - 1
    }

    /// Runs the body one level deeper.
    mutating func nested<Result>(_ body: (inout Parser) throws -> Result) throws -> Result {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.maximumDepth else {
            throw TemplateFailure.limit(
                "statements and expressions are nested more than \(Self.maximumDepth) deep; nest them less",
                line: current.line)
        }
        return try body(&self)
    }
}

// MARK: - Tokens

extension Parser {
    var current: Token { tokens[position] }
    var next: Token { tokens[min(position + 1, tokens.count - 1)] }

    @discardableResult
    mutating func advance() -> Token {
        let token = tokens[position]
        if position < tokens.count - 1 { position += 1 }
        return token
    }

    func isSymbol(_ text: String) -> Bool { current.kind == .symbol && current.text == text }

    func isName(_ text: String) -> Bool { current.kind == .name && current.text == text }

    mutating func skip(symbol: String) -> Bool {
        guard isSymbol(symbol) else { return false }
        advance()
        return true
    }

    mutating func skip(name: String) -> Bool {
        guard isName(name) else { return false }
        advance()
        return true
    }

    mutating func expect(symbol: String) throws {
        guard skip(symbol: symbol) else { throw unexpected("'\(symbol)'") }
    }

    mutating func expect(name: String) throws {
        guard skip(name: name) else { throw unexpected("'\(name)'") }
    }

    mutating func expectName() throws -> Token {
        guard current.kind == .name else { throw unexpected("a name") }
        return advance()
    }

    mutating func expect(_ kind: Token.Kind, _ described: String) throws {
        guard current.kind == kind else { throw unexpected(described) }
        advance()
    }

    func unexpected(_ expected: String) -> TemplateFailure {
        .syntax("expected \(expected), got \(current.described)", line: current.line)
    }
}
