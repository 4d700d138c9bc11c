import JSON

/// A `tokenizer.json` of any model with fewer tokens, numbered anew.
struct ReducedTokenizer {
    /// The old ids of the tokens that stay, ascending.
    let keptIDs: [Int]
    /// The new ids by the old ones.
    let newIDs: [Int: Int]
    private let content: StageConfiguration
    /// The model's tokens that go.
    private let removed: Set<[UInt8]>

    /// - Parameters:
    ///   - content: The file.
    ///   - dropped: The bytes of tokens that go; those that are called `[unused0]` and so on go besides.
    init(_ content: StageConfiguration, dropping dropped: Set<[UInt8]>) throws {
        self.content = content
        var (kept, removed): ([Int], Set<[UInt8]>) = ([], [])
        for (token, id) in try Self.tokens(content.object("model")) {
            let bytes = Array(token.utf8)
            if dropped.contains(bytes) || Self.isUnused(bytes) {
                removed.insert(bytes)
            } else {
                kept.append(id)
            }
        }
        kept.sort()
        (keptIDs, self.removed) = (kept, removed)
        newIDs = Dictionary(kept.enumerated().map { ($1, $0) }) { first, _ in first }
    }

    /// The model's tokens with their ids: an object, or a list of tokens with scores.
    private static func tokens(_ model: StageConfiguration) throws -> [(token: String, id: Int)] {
        guard let list = model.object["vocab"]?.arrayValue else {
            return try model.object("vocab").object.map { token, id in
                guard let id = id.intValue else {
                    throw model.malformed("vocab", "token \(quoted(token)) has no whole number as its id")
                }
                return (token, id)
            }
        }
        return try list.enumerated().map { index, entry in
            guard let token = entry.arrayValue?.first?.stringValue else {
                throw model.malformed(
                    "vocab[\(index)]", "expected a token and its score, such as [\"a\", -3.2]")
            }
            return (token, index)
        }
    }

    /// Returns true for a token that begins as `[unused0]` does, with any number.
    static func isUnused(_ token: [UInt8]) -> Bool {
        let start = Array("[unused".utf8)
        guard token.starts(with: start) else { return false }
        let rest = token.dropFirst(start.count)
        let digits = rest.prefix { (48...57).contains($0) }
        return !digits.isEmpty && rest.dropFirst(digits.count).first == UInt8(ascii: "]")
    }

    // MARK: - The file

    /// The whole file: without post-processor, padding and truncation.
    func file() throws -> JSONObject {
        var object = content.object
        for key in ["truncation", "padding", "post_processor"] { object[key] = .null }
        object["added_tokens"] = .array(
            try content.objects("added_tokens").compactMap { token in
                guard let id = newIDs[try token.int("id")] else { return nil }
                var changed = token.object
                changed["id"] = .integer(id)
                return .object(changed)
            })
        object["model"] = .object(try model(content.object("model")))
        if let stage = object["pre_tokenizer"] { object["pre_tokenizer"] = Self.addingPrefixSpace(stage) }
        return object
    }

    private func model(_ model: StageConfiguration) throws -> JSONObject {
        var object = model.object
        if let list = model.object["vocab"]?.arrayValue {
            object["vocab"] = .array(keptIDs.map { list[$0] })
            if let unknown = try model.optionalInt("unk_id") {
                object["unk_id"] = newIDs[unknown].map { .integer($0) } ?? .null
            }
            return object
        }
        let tokens = try Self.tokens(model).compactMap { token, id in newIDs[id].map { (token, $0) } }
        object["vocab"] = .object(
            JSONObject(tokens.sorted { $0.1 < $1.1 }.map { ($0.0, .integer($0.1)) }))
        if let merges = try model.optionalArray("merges") {
            object["merges"] = .array(try merges.filter { try isPossible($0, model) })
        }
        return object
    }

    /// Returns true for a merge whose tokens stay, and the one that it makes.
    private func isPossible(_ merge: JSONValue, _ model: StageConfiguration) throws -> Bool {
        let parts =
            merge.stringValue?.utf8.split(separator: UInt8(ascii: " ")).map { Array($0) }
            ?? merge.arrayValue?.compactMap { $0.stringValue.map { Array($0.utf8) } } ?? []
        guard parts.count == 2 else {
            throw model.malformed("merges", "expected pairs of tokens, found \(merge.typeName)")
        }
        return !removed.contains(parts[0]) && !removed.contains(parts[1])
            && !removed.contains(parts[0] + parts[1])
    }

    /// A pre-tokenizer in which each byte-level one puts a space before a text.
    private static func addingPrefixSpace(_ stage: JSONValue) -> JSONValue {
        guard var object = stage.objectValue else { return stage }
        if object["type"]?.stringValue == "ByteLevel" { object["add_prefix_space"] = .bool(true) }
        if let list = object["pretokenizers"]?.arrayValue {
            object["pretokenizers"] = .array(list.map(addingPrefixSpace))
        }
        return .object(object)
    }
}
