/// Cuts a template into tokens, as Jinja's lexer does with `trim_blocks` and `lstrip_blocks`.
struct Lexer {
    let source: [Unicode.Scalar]
    var position = 0
    var line = 1
    var tokens: [Token] = []
    /// True if what was read last ended a line, so that white space before a tag may be removed.
    private var isAtLineStart = true

    private init(_ text: String) {
        source = Self.normalized(text)
    }

    /// Returns the tokens of a template, of which the last is the end.
    ///
    /// - Throws: `TemplateFailure`.
    static func tokens(of text: String) throws -> [Token] {
        var lexer = Lexer(text)
        while lexer.position < lexer.source.count { try lexer.readText() }
        lexer.append(.end, "")
        return lexer.tokens
    }

    /// The source with every line break as a line feed, and without one at its end.
    private static func normalized(_ text: String) -> [Unicode.Scalar] {
        var source = withLineFeeds(text.unicodeScalars)
        if source.last == "\n" { source.removeLast() }
        return source
    }

    /// The characters with carriage returns, alone or before line feeds, as line feeds.
    static func withLineFeeds(_ scalars: some Sequence<Unicode.Scalar>) -> [Unicode.Scalar] {
        var result: [Unicode.Scalar] = []
        var previous: Unicode.Scalar?
        for scalar in scalars {
            if scalar == "\r" {
                result.append("\n")
            } else if scalar != "\n" || previous != "\r" {
                result.append(scalar)
            }
            previous = scalar
        }
        return result
    }
}

// MARK: - Text and the starts of tags

extension Lexer {
    /// Reads text up to the next tag, and the tag.
    private mutating func readText() throws {
        guard let start = nextTag() else {
            append(.data, string(position..<source.count))
            position = source.count
            return
        }
        let kind = source[start + 1]
        let sign = sign(at: start + 2)
        let text = stripped(position..<start, sign: sign, mayStripLine: kind != "{")
        if !text.isEmpty { append(.data, string(text)) }
        line += lineBreaks(position..<start)

        if kind == "%", let end = rawBegin(at: start) {
            move(to: end)
            try readRaw()
            return
        }
        position = start + 2 + (sign == nil ? 0 : 1)
        switch kind {
        case "#": try readComment()
        case "%": try readTag(.blockBegin, .blockEnd, closing: "%")
        default: try readTag(.variableBegin, .variableEnd, closing: "}")
        }
    }

    private func nextTag() -> Int? {
        var index = position
        while index + 1 < source.count {
            if source[index] == "{" {
                let next = source[index + 1]
                if next == "%" || next == "{" || next == "#" { return index }
            }
            index += 1
        }
        return nil
    }

    /// The text before a tag after white space control.
    private func stripped(_ range: Range<Int>, sign: Unicode.Scalar?, mayStripLine: Bool) -> Range<Int> {
        if sign == "-" {
            var end = range.upperBound
            while end > range.lowerBound, source[end - 1].isPythonSpace { end -= 1 }
            return range.lowerBound..<end
        }
        guard sign == nil, mayStripLine else { return range }
        var lineStart = range.upperBound
        while lineStart > range.lowerBound, source[lineStart - 1] != "\n" {
            if !source[lineStart - 1].isPythonSpace { return range }
            lineStart -= 1
        }
        return lineStart > range.lowerBound || isAtLineStart ? range.lowerBound..<lineStart : range
    }

    /// Moves on, counting lines.
    private mutating func move(to end: Int) {
        line += lineBreaks(position..<end)
        if end > position { isAtLineStart = source[end - 1] == "\n" }
        position = end
    }

    private func sign(at index: Int) -> Unicode.Scalar? {
        guard index < source.count, source[index] == "-" || source[index] == "+" else { return nil }
        return source[index]
    }

    func skippingSpace(_ index: Int) -> Int {
        var index = index
        while index < source.count, source[index].isPythonSpace { index += 1 }
        return index
    }

    func matches(_ text: String, at index: Int) -> Bool {
        let scalars = text.unicodeScalars
        return index >= 0 && index + scalars.count <= source.count
            && zip(scalars, source[index...]).allSatisfy { $0 == $1 }
    }

    private func lineBreaks(_ range: Range<Int>) -> Int {
        source[range].reduce(0) { $0 + ($1 == "\n" ? 1 : 0) }
    }

    func string(_ range: Range<Int>) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: source[range])
        return String(view)
    }

    mutating func append(_ kind: Token.Kind, _ text: String) {
        tokens.append(Token(kind: kind, text: text, line: line))
    }
}

// MARK: - Comments, raw text, ends of tags

extension Lexer {
    /// The end of `{% raw %}` at an index, if it is there.
    private func rawBegin(at start: Int) -> Int? {
        var index = start + 2
        if sign(at: index) != nil { index += 1 }
        index = skippingSpace(index)
        guard matches("raw", at: index) else { return nil }
        index = skippingSpace(index + 3)
        if matches("-%}", at: index) { return skippingSpace(index + 3) }
        return matches("%}", at: index) ? index + 2 : nil
    }

    private mutating func readRaw() throws {
        let start = position
        var index = start
        if index == source.count { return }  // as in Jinja, nothing is missing at the template's end
        while index < source.count {
            if matches("{%", at: index) {
                let sign = sign(at: index + 2)
                let name = skippingSpace(index + 2 + (sign == nil ? 0 : 1))
                if matches("endraw", at: name), let end = tagEnd(at: skippingSpace(name + 6), closing: "%") {
                    let text = stripped(start..<index, sign: sign, mayStripLine: true)
                    if !text.isEmpty { append(.data, string(text)) }
                    move(to: end)
                    return
                }
            }
            index += 1
        }
        throw TemplateFailure.syntax("{% raw %} has no {% endraw %}; add it", line: line)
    }

    private mutating func readComment() throws {
        var index = position
        if index == source.count { return }
        while index < source.count {
            if matches("#}", at: index) {
                var end = index + 2
                if index > position, source[index - 1] == "-" {
                    end = skippingSpace(end)
                } else if !(index > position && source[index - 1] == "+"), matches("\n", at: end) {
                    end += 1
                }
                move(to: end)
                return
            }
            index += 1
        }
        throw TemplateFailure.syntax("the comment that begins here has no '#}'; add it", line: line)
    }

    /// The end of a tag's closing braces at an index, with the white space that they remove.
    func tagEnd(at index: Int, closing: Unicode.Scalar) -> Int? {
        let braces = String(closing) + "}"
        if matches("-" + braces, at: index) { return skippingSpace(index + 3) }
        if closing == "%", matches("+" + braces, at: index) { return index + 3 }
        guard matches(braces, at: index) else { return nil }
        return closing == "%" && matches("\n", at: index + 2) ? index + 3 : index + 2
    }

    /// Reads the tokens of a tag and its end.
    private mutating func readTag(_ begin: Token.Kind, _ end: Token.Kind, closing: Unicode.Scalar) throws {
        append(begin, "")
        var brackets: [Unicode.Scalar] = []
        while position < source.count {
            if brackets.isEmpty, let after = tagEnd(at: position, closing: closing) {
                append(end, "")
                move(to: after)
                return
            }
            if source[position].isPythonSpace {
                move(to: skippingSpace(position))
            } else {
                let read = try readTagToken(&brackets)
                move(to: read)
            }
        }
    }
}
