/// What a model's head gives an output for, which the name of its class says in transformers.
package enum HeadKind: String, CaseIterable, Sendable {
    /// Each example: `BertForSequenceClassification`.
    case sequenceClassification = "ForSequenceClassification"
    /// Each token: `BertForTokenClassification`.
    case tokenClassification = "ForTokenClassification"

    /// Whether it gives a row of outputs for each token.
    package var hasRowForEachToken: Bool { self == .tokenClassification }

    /// How the names of its classes end.
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
