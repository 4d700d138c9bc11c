/// A piece of a template's source: text, or a part of a tag.
struct Token {
    enum Kind {
        /// Text that is copied to the output.
        case data
        case variableBegin, variableEnd
        case blockBegin, blockEnd
        case name, string, integer, float
        /// An operator or a bracket.
        case symbol
        /// The end of the template.
        case end
    }

    let kind: Kind
    /// The text of a name, number or operator; the value of a string or of data.
    let text: String
    let line: Int

    /// The token for an error message.
    var described: String {
        switch kind {
        case .data: "text"
        case .variableBegin: "'{{'"
        case .variableEnd: "'}}'"
        case .blockBegin: "'{%'"
        case .blockEnd: "'%}'"
        case .name, .integer, .float, .symbol: "'\(text)'"
        case .string: "a string"
        case .end: "the end of the template"
        }
    }
}
