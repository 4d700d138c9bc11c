import Tokenizers

/// The body of a question to a model: what it asks to be computed.
protocol ModelRequest: Sendable {
    /// Reads a body.
    ///
    /// - Throws: ``ServingError`` that names the key.
    init(_ body: [UInt8]) throws(ServingError)

    /// True if it is counted as a batch by the metrics.
    var isBatch: Bool { get }
    /// The number of texts, of which a server takes so many.
    var inputCount: Int { get }
    /// The characters of all texts that are computed.
    var characterCount: Int { get }
    /// The name of the model that the body wants; `nil` where it wants none.
    var modelName: String? { get }

    /// The tokenized texts, or an answer that needs no computing.
    ///
    /// - Throws: ``ServingError`` for texts that the model does not take.
    func work(for model: ServedModel, _ limits: ServingLimits) throws(ServingError) -> ModelWork
}

extension ModelRequest {
    var modelName: String? { nil }
}

/// What is to be done for a request.
enum ModelWork: Sendable {
    /// Texts to compute, at least one, and the answer, JSON, that their numbers are (``ServedModel/values(of:)``).
    case compute(
        [ServedModel.Input], answer: @Sendable (_ values: [[Float]]) throws(ServingError) -> String)
    /// The answer, JSON.
    case answer(String)
}

extension String {
    /// The number of characters as Python counts them.
    var scalarCount: Int { unicodeScalars.count }
}
