import JSON

/// A failure inside of a template, to which the template's name and line are added on its way out.
struct TemplateFailure: Error {
    enum Kind {
        case syntax, unsupported, rendering, raised, limit
    }

    let kind: Kind
    let reason: String
    var line: Int?

    /// What is wrong in the template's text.
    static func syntax(_ reason: String, line: Int) -> Self {
        Self(kind: .syntax, reason: reason, line: line)
    }

    /// What Jinja has and this renderer lacks.
    static func unsupported(_ reason: String, line: Int? = nil) -> Self {
        Self(kind: .unsupported, reason: reason, line: line)
    }

    /// What Jinja refuses too.
    static func rendering(_ reason: String) -> Self { Self(kind: .rendering, reason: reason, line: nil) }

    /// What goes beyond a limit.
    static func limit(_ reason: String, line: Int? = nil) -> Self {
        Self(kind: .limit, reason: reason, line: line)
    }

    /// The failure with a line, unless it has one.
    func at(line: Int) -> Self {
        var failure = self
        failure.line = self.line ?? line
        return failure
    }
}

/// A piece of a template for an error message: quoted, on one line, and not longer than a line.
func quoted(_ text: String) -> String {
    let scalars = text.unicodeScalars
    let isLong = scalars.count > 60
    return JSONValue.string(isLong ? String(String.UnicodeScalarView(scalars.prefix(60))) + "…" : text)
        .serialized()
}
