/// Joins texts by a template such as `[CLS] A [SEP] B [SEP]`.
struct TemplateProcessing: PostProcessor {
    /// A place in a template.
    enum Piece: Sendable {
        /// The first text, or the second.
        case sequence(isSecond: Bool, typeID: Int32)
        /// Tokens that are always the same.
        case special(ids: [Int32], typeID: Int32)
    }

    private let single: [Piece]
    private let pair: [Piece]

    /// Makes a post-processor from a template for single texts and one for pairs.
    init(single: [Piece], pair: [Piece]) {
        self.single = single
        self.pair = pair
    }

    /// BERT's template: `[CLS] A [SEP]`, and `[CLS] A [SEP] B [SEP]` with type id 1 from B on.
    init(cls: Int32, sep: Int32) {
        let single: [Piece] = [
            .special(ids: [cls], typeID: 0), .sequence(isSecond: false, typeID: 0),
            .special(ids: [sep], typeID: 0),
        ]
        let second: [Piece] = [.sequence(isSecond: true, typeID: 1), .special(ids: [sep], typeID: 1)]
        self.init(single: single, pair: single + second)
    }

    var specialTokenIDs: [Int32] {
        (single + pair).flatMap { piece in
            if case .special(let ids, _) = piece { ids } else { [Int32]() }
        }
    }

    func addedTokenCount(isPair: Bool) -> Int {
        (isPair ? pair : single).reduce(0) { count, piece in
            if case .special(let ids, _) = piece { count + ids.count } else { count }
        }
    }

    func process(_ first: [Int32], _ second: [Int32]?, addSpecialTokens: Bool) -> Encoding {
        var pieces: [(tokens: [Int32], typeID: Int32, special: Bool)] = []
        for piece in second == nil ? single : pair {
            switch piece {
            case .sequence(let isSecond, let typeID):
                pieces.append((isSecond ? second ?? [] : first, typeID, false))
            case .special(let ids, let typeID): if addSpecialTokens { pieces.append((ids, typeID, true)) }
            }
        }
        var encoding = Encoding(capacity: pieces.reduce(0) { $0 + $1.tokens.count })
        for (tokens, typeID, special) in pieces { encoding.append(tokens, typeID: typeID, special: special) }
        return encoding
    }
}

extension TemplateProcessing {
    /// Reads `{"single": [piece…], "pair": [piece…], "special_tokens": {name: {"ids": […]}}}`, where a piece is
    /// `{"Sequence": {"id": "A", "type_id": 0}}` or `{"SpecialToken": {"id": name, "type_id": 0}}`.
    init(_ configuration: StageConfiguration) throws {
        let specialTokens = try configuration.object("special_tokens")
        func pieces(_ key: String) throws -> [Piece] {
            _ = try configuration.array(key)
            return try configuration.objects(key).map {
                try Self.piece($0, specialTokens, isSingle: key == "single")
            }
        }
        self.init(single: try pieces("single"), pair: try pieces("pair"))
    }

    private static func piece(
        _ configuration: StageConfiguration, _ specialTokens: StageConfiguration, isSingle: Bool
    ) throws -> Piece {
        if let sequence = try configuration.optionalObject("Sequence") {
            let id = try sequence.string("id")
            guard id == "A" || id == "B" && !isSingle else {
                throw sequence.malformed(
                    "id", "\(quoted(id)) is not a text of this template; use A, or B in pairs")
            }
            return .sequence(isSecond: id == "B", typeID: try sequence.int32("type_id"))
        }
        let special = try configuration.object("SpecialToken")
        let token = try specialTokens.object(special.string("id"))
        let ids = try token.array("ids").map { value in
            guard let id = value.intValue.flatMap(Int32.init(exactly:)), id >= 0 else {
                throw token.malformed(
                    "ids", "expected whole numbers of at least 0, found \(value.serialized())")
            }
            return id
        }
        return .special(ids: ids, typeID: try special.int32("type_id"))
    }
}
