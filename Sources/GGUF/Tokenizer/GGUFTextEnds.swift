import JSON

/// The tokens that are put before and after each text.
struct GGUFTextEnds {
    let addsStart: Bool
    let addsEnd: Bool
    private let start: (id: Int, token: String)?
    private let end: (id: Int, token: String)?

    init(_ vocabulary: GGUFVocabulary) throws {
        // llama.cpp's defaults, where the file does not say.
        let isLlama3 = vocabulary.model == "gpt2" && GGUFPreTokenizer.startsTexts(vocabulary.preTokenizer)
        let startID = try vocabulary.id("bos_token_id")
        let stated = try vocabulary.flag("add_bos_token")
        addsStart = stated ?? ((vocabulary.model == "llama" || isLlama3) && startID != nil)
        addsEnd = try vocabulary.flag("add_eos_token") ?? false
        func token(_ name: String, _ isNeeded: Bool) throws -> (id: Int, token: String)? {
            guard isNeeded else { return nil }
            guard let id = try vocabulary.id(name) else {
                throw GGUFError(
                    vocabulary.checkpoint.path, key: GGUFVocabulary.key(name),
                    "is missing, but the token is to be put around texts")
            }
            return (id, vocabulary.tokens[id])
        }
        start = try token("bos_token_id", addsStart)
        end = try token("eos_token_id", addsEnd)
    }

    /// The post-processor that adds them, or `nil` if there are none.
    var postProcessor: JSONValue? {
        guard start != nil || end != nil else { return nil }
        func part(_ text: String, _ type: Int) -> [JSONValue] {
            func special(_ token: (id: Int, token: String)?) -> [JSONValue] {
                guard let token else { return [] }
                return [["SpecialToken": ["id": .string(token.token), "type_id": .integer(type)]]]
            }
            let own: JSONValue = ["Sequence": ["id": .string(text), "type_id": .integer(type)]]
            return special(start) + [own] + special(end)
        }
        var tokens = JSONObject()
        for token in [start, end].compactMap({ $0 }) {
            let name = JSONValue.string(token.token)
            tokens[token.token] = ["id": name, "ids": [.integer(token.id)], "tokens": [name]]
        }
        return [
            "type": "TemplateProcessing", "single": .array(part("A", 0)),
            "pair": .array(part("A", 0) + part("B", 1)), "special_tokens": .object(tokens),
        ]
    }
}
