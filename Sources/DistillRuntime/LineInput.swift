import Tokenizers

/// A line as a text or a pair of texts, or what is wrong with it.
package enum LineInput {
    case text(TextPair)
    case problem(String)

    /// - Parameters:
    ///   - line: The line.
    ///   - hasPairs: True if it holds two texts with a tab between.
    package init(_ line: LineReader.Line, hasPairs: Bool) {
        let parts =
            hasPairs ? line.text.split(separator: "\t", omittingEmptySubsequences: false) : [line.text[...]]
        if hasPairs, parts.count != 2 {
            self = .problem("line \(line.number) needs two texts separated by a tab")
        } else {
            self.init(
                TextPair(String(parts[0]), pair: hasPairs ? String(parts[1]) : nil),
                name: "line \(line.number)")
        }
    }

    /// - Parameters:
    ///   - text: A text or a pair.
    ///   - name: Its name in messages: "line 3".
    package init(_ text: TextPair, name: @autoclosure () -> String) {
        let isBlank = [text.text, text.pair].contains { $0?.allSatisfy(\.isWhitespace) == true }
        self = isBlank ? .problem("\(name()) is empty") : .text(text)
    }

    package var text: TextPair? {
        if case .text(let text) = self { text } else { nil }
    }
}
