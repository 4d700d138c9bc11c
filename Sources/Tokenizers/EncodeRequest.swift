/// The options of an encoding, the same for every text of a call.
struct EncodeRequest: Sendable {
    let truncation: Truncation?
    private let single: Template
    private let pair: Template

    /// The pieces that the result consists of, for a single text or for a pair.
    struct Template: Sendable {
        let pieces: [TemplatePiece]
        let specialTokenCount: Int

        init(_ pieces: [TemplatePiece]) {
            self.pieces = pieces
            specialTokenCount = pieces.count { $0.specialTokenID != nil }
        }

        /// True if all tokens have the type id 0.
        var isOfOneType: Bool { pieces.allSatisfy { $0.typeID == 0 } }
    }

    func template(isPair: Bool) -> Template { isPair ? pair : single }
}

extension EncodeRequest {
    init(_ postProcessor: any PostProcessor, addSpecialTokens: Bool, truncation: Truncation?) {
        self.truncation = truncation
        single = Template(postProcessor.template(isPair: false, addSpecialTokens: addSpecialTokens))
        pair = Template(postProcessor.template(isPair: true, addSpecialTokens: addSpecialTokens))
    }
}

/// An input that can be encoded: a text, optionally with a second one.
protocol EncodeInput: Sendable {
    var text: String { get }
    var pair: String? { get }
}

extension TextPair: EncodeInput {}

extension String: EncodeInput {
    var text: String { self }
    var pair: String? { nil }
}
