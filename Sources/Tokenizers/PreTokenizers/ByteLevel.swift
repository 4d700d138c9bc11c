/// GPT-2's pre-tokenizer: splits into words with the space before them, and writes each byte as a character of
/// ``ByteLevelAlphabet``.
struct ByteLevel: PreTokenizer {
    let addsPrefixSpace: Bool
    let usesRegex: Bool
    /// True if bytes are mapped to characters; unnecessary for a ``BPE`` that takes bytes.
    var mapsBytes = true

    init(addsPrefixSpace: Bool, usesRegex: Bool) {
        self.addsPrefixSpace = addsPrefixSpace
        self.usesRegex = usesRegex
    }

    init(_ configuration: StageConfiguration) throws {
        addsPrefixSpace = try configuration.bool("add_prefix_space")
        usesRegex = try configuration.optionalBool("use_regex") ?? true
    }

    func preTokenize(_ text: inout AlignedText) throws {
        if addsPrefixSpace {
            text.rewriteWords { word in
                if word.bytes.first != 0x20 { word.prepend([0x20]) }
            }
        }
        if usesRegex {
            let old = text.words
            text.words.removeAll(keepingCapacity: true)
            text.bytes.withUnsafeBufferPointer { bytes in
                for word in old {
                    let first = text.words.count
                    WordScanner.gpt2.split(UnsafeBufferPointer(rebasing: bytes[word]), into: &text.words)
                    guard word.lowerBound > 0 else { continue }
                    for index in first..<text.words.count {
                        let range = text.words[index]
                        text.words[index] =
                            range.lowerBound + word.lowerBound..<range.upperBound + word.lowerBound
                    }
                }
            }
        }
        if mapsBytes {
            text.rewriteWords { word in
                word.transform(
                    word.bytes.map { (ByteLevelAlphabet.scalars[Int($0)], $0 & 0xC0 == 0x80 ? 1 : 0) })
            }
        }
    }
}
