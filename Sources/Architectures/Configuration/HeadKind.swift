/// The kind of a model's head: the unit that it gives an output for, as in the name of its class in
/// transformers.
package enum HeadKind: String, CaseIterable, Sendable {
    /// Each example: `BertForSequenceClassification`.
    case sequenceClassification = "ForSequenceClassification"
    /// Each token: `BertForTokenClassification`.
    case tokenClassification = "ForTokenClassification"
    /// The next token, at each token: `LlamaForCausalLM`, `GPT2LMHeadModel`.
    case causalLanguageModel = "ForCausalLM"
    /// A vector for each text, made of those of its tokens as sentence-transformers' modules do: `BertModel`.
    case embedding = "Model"

    /// True if it gives a row of outputs for each token.
    package var hasRowForEachToken: Bool { self == .tokenClassification || self == .causalLanguageModel }

    /// True if its outputs are classes with names.
    package var hasLabels: Bool { self != .causalLanguageModel && self != .embedding }

    /// The task of its models; `nil` for a sequence classifier, whose labels decide.
    var task: TaskIdentifier? {
        switch self {
        case .sequenceClassification: nil
        case .tokenClassification: .tokenClassification
        case .causalLanguageModel: .causalLanguageModel
        case .embedding: .embedding
        }
    }

    /// The suffix of the names of its classes.
    var classSuffix: String { rawValue }

    /// The head of a class; `nil` for a bare encoder, and for another head.
    init?(architecture: String) {
        // As transformers called them before all had one name.
        if architecture.hasSuffix("LMHeadModel") {
            self = .causalLanguageModel
            return
        }
        // A class without a head does not say what its states are read for; files beside it do.
        let named = Self.allCases.filter { $0 != .embedding }
        guard let kind = named.first(where: { architecture.hasSuffix($0.classSuffix) }) else {
            return nil
        }
        self = kind
    }

    init(_ task: TaskIdentifier) {
        self =
            switch task {
            case .tokenClassification: .tokenClassification
            case .causalLanguageModel: .causalLanguageModel
            case .embedding: .embedding
            case .singleLabel, .multiLabel, .regression, .ranking: .sequenceClassification
            }
    }
}
