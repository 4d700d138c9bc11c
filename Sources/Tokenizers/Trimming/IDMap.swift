import JSON

/// Old token ids and their new ones, applied to everything in a tokenizer's files that is an id.
struct IDMap {
    /// By old id; dropped tokens are not included.
    let newIDs: [Int: Int]
    /// The model's tokens by their old ids.
    let vocabulary: Vocabulary

    /// `tokenizer.json`: the vocabulary, the added tokens, the template's special tokens, the padding.
    func tokenizer(_ file: StageConfiguration) throws -> JSONObject {
        var object = file.object
        var model = try file.object("model").object
        let settings = try file.object("model")
        model["vocab"] = .object(self.vocabulary(try settings.object("vocab").object))
        if let merges = try settings.optionalArray("merges") {
            let pairs = try BPE.merges(settings)
            model["merges"] = .array(merges.indices.filter { keeps(pairs[$0]) }.map { merges[$0] })
        }
        object["model"] = .object(model)
        if object["added_tokens"]?.arrayValue != nil {
            object["added_tokens"] = .array(
                try file.objects("added_tokens").map { token in
                    var changed = token.object
                    changed["id"] = .integer(try new(token.int("id"), token, "id"))
                    return .object(changed)
                })
        }
        if let padding = try file.optionalObject("padding") {
            var changed = padding.object
            changed["pad_id"] = .integer(try new(padding.int("pad_id"), padding, "pad_id"))
            object["padding"] = .object(changed)
        }
        if let processor = try file.optionalObject("post_processor") {
            object["post_processor"] = .object(try postProcessor(processor))
        }
        return object
    }

    /// A vocabulary: tokens with their ids.
    func vocabulary(_ tokens: JSONObject) -> JSONObject {
        JSONObject(
            tokens.compactMap { token, id in
                id.intValue.flatMap { newIDs[$0] }.map { (token, .integer($0)) }
            })
    }

    /// Returns true for a merge whose tokens stay, and the one that it makes.
    func keeps(_ merge: (left: String, right: String)) -> Bool {
        [merge.left, merge.right, merge.left + merge.right].allSatisfy { token in
            vocabulary.id(of: token).flatMap { newIDs[Int($0)] } != nil
        }
    }

    /// `tokenizer_config.json`: the keys of `added_tokens_decoder`.
    func configuration(_ file: StageConfiguration) throws -> JSONObject {
        guard let decoder = try file.optionalObject("added_tokens_decoder") else { return file.object }
        var object = file.object
        object["added_tokens_decoder"] = .object(
            JSONObject(
                try decoder.object.map { key, token in
                    guard let id = Int(key) else {
                        throw decoder.malformed(quoted(key), "expected a token's id as key")
                    }
                    return (String(try new(id, decoder, quoted(key))), token)
                }))
        return object
    }

    /// `added_tokens.json`: `{"[NEW]": 30522, …}`. Where `tokenizer_config.json` has an `added_tokens_decoder`, this
    /// file is not looked at, so what it names need not be a token.
    func addedTokens(_ file: StageConfiguration) throws -> JSONObject {
        JSONObject(
            try file.object.keys.compactMap { token in
                newIDs[try file.int(token)].map { (token, .integer($0)) }
            })
    }

    /// `{"cls": ["[CLS]", 101], …}`, or a template whose special tokens are `{"[CLS]": {"ids": [101], …}, …}`.
    private func postProcessor(_ processor: StageConfiguration) throws -> JSONObject {
        var object = processor.object
        for key in ["cls", "sep"] where object[key]?.arrayValue != nil {
            let pair = try processor.array(key)
            guard pair.count == 2, let id = pair[1].intValue else {
                throw processor.malformed(key, "expected a token and its id, such as [\"[CLS]\", 101]")
            }
            object[key] = [pair[0], .integer(try new(id, processor, key))]
        }
        guard let tokens = try processor.optionalObject("special_tokens") else { return object }
        object["special_tokens"] = .object(
            JSONObject(
                try tokens.object.keys.map { name in
                    let token = try tokens.object(name)
                    var changed = token.object
                    changed["ids"] = .array(
                        try token.array("ids").map { id in
                            guard let id = id.intValue else {
                                throw token.malformed("ids", "expected whole numbers, found \(id.typeName)")
                            }
                            return .integer(try new(id, token, "ids"))
                        })
                    return (name, .object(changed))
                }))
        return object
    }

    private func new(_ old: Int, _ place: StageConfiguration, _ key: String) throws -> Int {
        guard let id = newIDs[old] else {
            throw place.malformed(key, "\(old) is not the id of a token; correct the file")
        }
        return id
    }
}
