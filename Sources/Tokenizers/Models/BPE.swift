import JSON

/// Byte pair encoding: a word's characters are merged, pair by pair, in the order in which the merges were learned.
/// See Sennrich, Haddow and Birch, "Neural Machine Translation of Rare Words with Subword Units" (2016).
struct BPE: Model {
    let vocabulary: Vocabulary
    let unknownTokenID: Int32?
    let merges: MergeTable
    private let prefix: [UInt8]
    private let suffix: [UInt8]
    private let fusesUnknown: Bool
    let ignoresMerges: Bool
    /// The tokens `<0x00>` to `<0xFF>`, for characters without a token; without `byte_fallback` none.
    private let bytes: [Int32?]
    /// True if words are the text's raw bytes, each standing for the character that ``ByteLevel`` maps it to.
    private(set) var takesBytes = false
    /// The token of each byte: of its character in ``ByteLevel``'s alphabet if ``takesBytes``, else of the ASCII one.
    private var byteIDs: ConstantTable<Int32>
    /// Tokens by the bytes that they represent, for `ignore_merges`; if ``takesBytes``.
    private var wholeWords: ByteTable?

    init(
        vocabulary: Vocabulary, merges: [(String, String)], unknownToken: String? = nil, prefix: String = "",
        suffix: String = "", fusesUnknown: Bool = false, byteFallback: Bool = false,
        ignoresMerges: Bool = false,
        file: String
    ) throws {
        func invalid(_ reason: String) -> TokenizerError { .invalidVocabulary(file: file, reason: reason) }
        self.vocabulary = vocabulary
        unknownTokenID = try unknownToken.map { token in
            guard let id = vocabulary.id(of: token) else {
                throw invalid(
                    "the vocabulary lacks the unknown token \(quoted(token)); add it, or name another as unk_token"
                )
            }
            return id
        }
        self.prefix = Array(prefix.utf8)
        self.suffix = Array(suffix.utf8)
        self.fusesUnknown = fusesUnknown
        self.ignoresMerges = ignoresMerges
        bytes =
            byteFallback
            ? (0..<256).map { byte in
                let hex = String(byte, radix: 16, uppercase: true)
                return vocabulary.id(of: "<0x\(byte < 16 ? "0" : "")\(hex)>")
            } : []
        let prefixLength = prefix.unicodeScalars.count
        self.merges = MergeTable(
            try merges.map { left, right in
                let rest = String(String.UnicodeScalarView(right.unicodeScalars.dropFirst(prefixLength)))
                guard let first = vocabulary.id(of: left), let second = vocabulary.id(of: right),
                    let merged = vocabulary.id(of: left + rest)
                else {
                    let missing = [left, right, left + rest].first { vocabulary.id(of: $0) == nil } ?? ""
                    throw invalid(
                        "merge \(quoted(left + " " + right)) needs token \(quoted(missing)), which the vocabulary lacks; "
                            + "correct the file")
                }
                return (first, second, merged)
            })
        byteIDs = ConstantTable(
            (0..<128).map { vocabulary.id(of: String(Unicode.Scalar(UInt8($0)))) ?? ByteTable.notFound })
    }

    init(_ configuration: StageConfiguration) throws {
        if let dropout = configuration.object["dropout"]?.doubleValue, dropout != 0 {
            throw configuration.malformed(
                "dropout", "\(dropout) would make tokens random; set it to null")
        }
        try self.init(
            vocabulary: configuration.vocabulary("vocab"), merges: Self.merges(configuration),
            unknownToken: configuration.optionalString("unk_token"),
            prefix: configuration.optionalString("continuing_subword_prefix") ?? "",
            suffix: configuration.optionalString("end_of_word_suffix") ?? "",
            fusesUnknown: configuration.optionalBool("fuse_unk") ?? false,
            byteFallback: configuration.optionalBool("byte_fallback") ?? false,
            ignoresMerges: configuration.optionalBool("ignore_merges") ?? false, file: configuration.file)
    }

    /// Merges are `"a b"` or `["a", "b"]`.
    static func merges(_ configuration: StageConfiguration) throws -> [(String, String)] {
        try configuration.array("merges").enumerated().map { index, value in
            let pair =
                value.stringValue.map { merge(of: $0) }
                ?? value.arrayValue.flatMap { parts in
                    guard parts.count == 2, let left = parts[0].stringValue, let right = parts[1].stringValue
                    else {
                        return nil
                    }
                    return (left, right)
                }
            guard let pair else {
                throw configuration.malformed(
                    "merges[\(index)]", "expected two tokens, such as \"a b\" or [\"a\", \"b\"]")
            }
            return pair
        }
    }

    /// The two tokens of a merge that is written on a line, with a space between them.
    static func merge(of line: some StringProtocol) -> (String, String)? {
        let parts = line.split(separator: " ", omittingEmptySubsequences: false)
        return parts.count == 2 ? (String(parts[0]), String(parts[1])) : nil
    }

    var marksContinuations: Bool { !prefix.isEmpty }

    /// True if a character without a token becomes tokens of its bytes.
    var hasByteFallback: Bool { !bytes.isEmpty }

    /// This model for words of the text's own bytes, if it has a token for each byte.
    func takingBytes() -> BPE? {
        guard prefix.isEmpty, suffix.isEmpty, bytes.isEmpty else { return nil }
        let ids = ByteLevelAlphabet.scalars.map {
            Unicode.Scalar($0).flatMap { vocabulary.id(of: String($0)) }
        }
        let known = ids.compactMap(\.self)
        guard known.count == 256 else { return nil }
        var model = self
        model.takesBytes = true
        model.byteIDs = ConstantTable(known)
        if ignoresMerges {
            model.wholeWords = ByteTable(
                vocabulary.ids.enumerated().compactMap { position, id in
                    ByteLevelAlphabet.bytes(of: vocabulary[position]).map { ($0[...], id) }
                })
        }
        return model
    }

    func tokenize(
        _ text: UnsafeBufferPointer<UInt8>, words: [Range<Int>], limit: Int, _ workspace: ModelWorkspace,
        into ids: TokenBuffer
    ) throws {
        for word in words where ids.count < limit {
            tokenizeWord(
                UnsafeBufferPointer(rebasing: text[word]), at: word.lowerBound, workspace, into: ids)
        }
    }

    /// Appends the ids of a word's tokens, and their positions to the workspace's spans.
    ///
    /// - Parameter start: the word's position in the text.
    func tokenizeWord(
        _ word: UnsafeBufferPointer<UInt8>, at start: Int, _ workspace: ModelWorkspace, into ids: TokenBuffer
    ) {
        workspace.tokens(of: word, at: start, into: ids) { tokenize($0, workspace, into: ids) }
    }

    private func tokenize(
        _ word: UnsafeBufferPointer<UInt8>, _ workspace: ModelWorkspace, into ids: TokenBuffer
    ) {
        if word.isEmpty { return }
        if ignoresMerges {
            let hash = word.reduce(ByteTable.emptyHash) { ByteTable.hash($0, adding: $1) }
            let id = wholeWords?.withReader { $0.id(of: word[...], hash: hash) } ?? vocabulary.id(of: word)
            if let id, id != ByteTable.notFound { return workspace.append(id, 0, word.count, to: ids) }
        }
        workspace.symbols.removeAll(keepingCapacity: true)
        if takesBytes {
            for byte in word { add(byteIDs[Int(byte)], 1, workspace) }
        } else {
            addCharacters(of: word, workspace)
        }
        merge(workspace)
        var position = 0
        for symbol in workspace.symbols where symbol.length > 0 {
            workspace.append(symbol.id, position, position + Int(symbol.length), to: ids)
            position += Int(symbol.length)
        }
    }

    private func addCharacters(of word: UnsafeBufferPointer<UInt8>, _ workspace: ModelWorkspace) {
        var unknownLength = 0
        func addUnknown() {
            if unknownLength > 0, let id = unknownTokenID { add(id, unknownLength, workspace) }
            unknownLength = 0
        }
        var position = 0
        while position < word.count {
            let length = UTF8Bytes.length(ofFirst: word[position])
            let end = position + length
            defer { position = end }
            let isPlain = prefix.isEmpty && suffix.isEmpty
            var spelling: [UInt8] = []
            let id: Int32?
            if isPlain {
                let byte = word[position]
                id =
                    byte < 0x80
                    ? (byteIDs[Int(byte)] == ByteTable.notFound ? nil : byteIDs[Int(byte)])
                    : vocabulary.id(of: UnsafeBufferPointer(rebasing: word[position..<end]))
            } else {
                if position > 0 { spelling += prefix }
                spelling += word[position..<end]
                if end == word.count { spelling += suffix }
                id = spelling.withUnsafeBufferPointer { vocabulary.id(of: $0) }
            }
            if let id {
                addUnknown()
                add(id, length, workspace)
                continue
            }
            if !bytes.isEmpty {
                let ids = (isPlain ? Array(word[position..<end]) : spelling).map { bytes[Int($0)] }
                if ids.allSatisfy({ $0 != nil }) {
                    // As in the library, an unknown character before stays behind.
                    for id in ids { add(id ?? 0, 1, workspace) }
                    continue
                }
            }
            if !fusesUnknown { addUnknown() }
            unknownLength += length
        }
        addUnknown()
    }

    @inline(__always)
    private func add(_ id: Int32, _ length: Int, _ workspace: ModelWorkspace) {
        let place = Int32(truncatingIfNeeded: workspace.symbols.count)
        if place > 0 { workspace.symbols[Int(place) - 1].next = place }
        workspace.symbols.append(
            BPESymbol(id: id, length: Int32(truncatingIfNeeded: length), previous: place - 1, next: -1))
    }
}
