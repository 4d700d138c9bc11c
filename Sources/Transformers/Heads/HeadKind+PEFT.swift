import Architectures

extension HeadKind {
    /// PEFT's name of the head's kind, `task_type` in `adapter_config.json`.
    var peftTaskType: String {
        switch self {
        case .sequenceClassification: "SEQ_CLS"
        case .tokenClassification: "TOKEN_CLS"
        case .causalLanguageModel: "CAUSAL_LM"
        case .embedding: "FEATURE_EXTRACTION"
        }
    }

    /// The kind of a classifier that PEFT names so; `nil` for others, which bring no head.
    ///
    /// - Parameter name: `task_type` in `adapter_config.json`.
    static func classifier(peftTaskType name: String?) -> HeadKind? {
        [.sequenceClassification, .tokenClassification].first { $0.peftTaskType == name }
    }

    /// The task of a new classifier of this kind, of which nothing else is known.
    ///
    /// - Parameter classes: The rows of its last layer.
    func newTask(classes: Int) -> TaskIdentifier {
        self == .tokenClassification ? .tokenClassification : classes == 1 ? .regression : .singleLabel
    }
}
