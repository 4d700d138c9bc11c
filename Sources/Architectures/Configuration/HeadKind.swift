/// The kind of a model's head: the unit that it gives an output for, as in the name of its class in
/// transformers.
package enum HeadKind: String, CaseIterable, Sendable {
    /// Each example: `BertForSequenceClassification`.
    case sequenceClassification = "ForSequenceClassification"
    /// Each token: `BertForTokenClassification`.
    case tokenClassification = "ForTokenClassification"

    /// True if it gives a row of outputs for each token.
    package var hasRowForEachToken: Bool { self == .tokenClassification }

    /// The suffix of the names of its classes.
    var classSuffix: String { rawValue }

    /// The head of a class; `nil` for a bare encoder, and for another head.
    init?(architecture: String) {
        guard let kind = Self.allCases.first(where: { architecture.hasSuffix($0.classSuffix) }) else {
            return nil
        }
        self = kind
    }

    init(_ task: TaskIdentifier) {
        self = task == .tokenClassification ? .tokenClassification : .sequenceClassification
    }
}
