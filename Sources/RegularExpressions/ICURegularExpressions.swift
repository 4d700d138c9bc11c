import Foundation
import Tokenizers

/// Regular expressions as Foundation (ICU) understands them.
public struct ICURegularExpressions: RegularExpressionEngine {
    /// Makes an engine; it has no state.
    public init() {}

    /// Reads an expression as Oniguruma's syntax for Ruby has it, where lines are what `^`, `$` and `.` see.
    ///
    /// - Parameters:
    ///   - pattern: The expression.
    ///   - place: The file, and the path within it, for errors of searches.
    /// - Returns: The expression.
    /// - Throws: An error whose description says that ICU does not understand it.
    public func expression(_ pattern: String, place: String) throws -> any RegularExpression {
        guard
            let expression = try? NSRegularExpression(
                pattern: pattern, options: [.anchorsMatchLines, .useUnixLineSeparators])
        else { throw NotUnderstood(pattern: pattern) }
        return ICURegularExpression(expression, place: place)
    }
}

/// An expression that is not ICU's.
private struct NotUnderstood: Error, CustomStringConvertible {
    let pattern: String

    var description: String {
        "\(quoted(pattern)) is not a regular expression that is understood here (ICU's); "
            + "write it without features that only Oniguruma has"
    }
}
