/// SentencePiece's pre-tokenizer: spaces become a visible character, at which the text is split.
struct Metaspace: PreTokenizer {
    enum PrependScheme: String, CaseIterable, Sendable { case first, never, always }

    let replacement: [UInt8]
    let splits: Bool
    let scheme: PrependScheme

    init(replacement: String = "▁", scheme: PrependScheme = .always, splits: Bool = true) {
        self.replacement = Array(replacement.utf8)
        self.scheme = scheme
        self.splits = splits
    }

    init(_ configuration: StageConfiguration) throws {
        let replacement = try configuration.string("replacement")
        guard replacement.unicodeScalars.count == 1 else {
            throw configuration.malformed(
                "replacement", "expected one character, found \(quoted(replacement))")
        }
        let name = try configuration.optionalString("prepend_scheme")
        let scheme = name.map(PrependScheme.init(rawValue:)) ?? .always
        guard var scheme else {
            throw configuration.malformed(
                "prepend_scheme", "\(quoted(name ?? "")) is unknown; use one of first, never, always")
        }
        if try configuration.optionalBool("add_prefix_space") == false {
            guard name == nil || scheme == .never else {
                throw configuration.malformed("add_prefix_space", "is false, but prepend_scheme is not never")
            }
            scheme = .never
        }
        self.init(
            replacement: replacement, scheme: scheme, splits: try configuration.optionalBool("split") ?? true)
    }

    func preTokenize(_ text: inout AlignedText) throws {
        let isAtStart = text.isAtStart
        let tracks = text.tracksOrigins
        var index = 0
        try text.rewriteWords { word in
            // Where white space or marks were dropped before, the word is not at the start.
            let start = tracks ? (word.origins.first?.start ?? 1) : Int32(isAtStart ? index : 1)
            index += 1
            var spaces: [Range<Int>] = []
            for (place, byte) in word.bytes.enumerated() where byte == 0x20 {
                spaces.append(place..<place + 1)
            }
            try word.replace(spaces, with: replacement, stage: "tokenizer.json: pre_tokenizer")
            let prepends = scheme == .always || scheme == .first && start == 0
            if prepends, !word.bytes.starts(with: replacement) { word.prepend(replacement) }
        }
        guard splits else { return }
        let old = text.words
        text.words.removeAll(keepingCapacity: true)
        for word in old {
            var start = word.lowerBound
            var place = word.lowerBound
            while place < word.upperBound {
                if text.bytes[place] == replacement[0],
                    text.bytes[place..<word.upperBound].starts(with: replacement)
                {
                    if start < place { text.words.append(start..<place) }
                    start = place
                    place += replacement.count
                } else {
                    place += 1
                }
            }
            if start < word.upperBound { text.words.append(start..<word.upperBound) }
        }
    }
}
