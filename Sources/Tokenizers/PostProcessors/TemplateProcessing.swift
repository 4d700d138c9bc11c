/// Joins texts by a template such as `[CLS] A [SEP] B [SEP]`.
struct TemplateProcessing: PostProcessor {
    private let single: [TemplatePiece]
    private let pair: [TemplatePiece]

    /// Makes a post-processor from a template for single texts and one for pairs.
    init(single: [TemplatePiece], pair: [TemplatePiece]) {
        self.single = single
        self.pair = pair
    }

    /// BERT's template: `[CLS] A [SEP]`, and `[CLS] A [SEP] B [SEP]` with type id 1 from B on.
    init(cls: Int32, sep: Int32) {
        let single = [
            TemplatePiece(content: .special(cls), typeID: 0), TemplatePiece(content: .first, typeID: 0),
            TemplatePiece(content: .special(sep), typeID: 0),
        ]
        let second = [
            TemplatePiece(content: .second, typeID: 1), TemplatePiece(content: .special(sep), typeID: 1),
        ]
        self.init(single: single, pair: single + second)
    }

    func template(isPair: Bool) -> [TemplatePiece] { isPair ? pair : single }
}

extension TemplateProcessing {
    /// Reads `{"single": [piece…], "pair": [piece…], "special_tokens": {name: {"ids": […]}}}`, where a piece is
    /// `{"Sequence": {"id": "A", "type_id": 0}}` or `{"SpecialToken": {"id": name, "type_id": 0}}`.
    init(_ configuration: StageConfiguration) throws {
        let specialTokens = try configuration.object("special_tokens")
        func pieces(_ key: String) throws -> [TemplatePiece] {
            _ = try configuration.array(key)
            return try configuration.objects(key).flatMap {
                try Self.pieces($0, specialTokens, isSingle: key == "single")
            }
        }
        self.init(single: try pieces("single"), pair: try pieces("pair"))
    }

    /// A token type, which is stored in a byte.
    private static func segment(_ configuration: StageConfiguration) throws -> Int32 {
        let id = try configuration.int32("type_id")
        guard id <= UInt8.max else {
            throw configuration.malformed("type_id", "\(id) is no segment; use 0 to \(UInt8.max)")
        }
        return id
    }

    private static func pieces(
        _ configuration: StageConfiguration, _ specialTokens: StageConfiguration, isSingle: Bool
    ) throws -> [TemplatePiece] {
        if let sequence = try configuration.optionalObject("Sequence") {
            let id = try sequence.string("id")
            guard id == "A" || id == "B" && !isSingle else {
                throw sequence.malformed(
                    "id", "\(quoted(id)) is not a text of this template; use A, or B in pairs")
            }
            let typeID = try Self.segment(sequence)
            return [TemplatePiece(content: id == "B" ? .second : .first, typeID: typeID)]
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
        let typeID = try Self.segment(special)
        return ids.map { TemplatePiece(content: .special($0), typeID: typeID) }
    }
}
