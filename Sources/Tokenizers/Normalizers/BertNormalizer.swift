/// BERT's normalizer: cleans, separates Chinese characters, strips accents and lower-cases, in this order.
///
/// The replacement of a character does not depend on its neighbors (with one rare exception, see
/// `ScalarReplacement.reordered`), so the four steps are computed once for every character and then looked up, but for the first texts.
struct BertNormalizer: Normalizer {
    /// Drops control characters and makes all white space a space.
    let cleanText: Bool
    /// Puts spaces around Chinese characters.
    let handleChineseChars: Bool
    /// Drops accents; `nil` means "if ``lowercase``".
    let stripAccents: Bool?
    /// Makes letters lower case.
    let lowercase: Bool

    private let steps: BertNormalizerSteps
    private let replacements: Deferred<ScalarReplacements>
    /// The replacement of each ASCII character; ``dropped`` if there is none.
    private let ascii: [UInt8]
    private static let dropped: UInt8 = 0xFF

    /// - Parameter work: the bytes of texts that are not ASCII that go through the steps before a table of its own is made; `nil` for
    ///   the table that all normalizers of the same steps share.
    init(
        cleanText: Bool = true, handleChineseChars: Bool = true, stripAccents: Bool? = nil,
        lowercase: Bool = true, work: Int? = nil
    ) {
        self.cleanText = cleanText
        self.handleChineseChars = handleChineseChars
        self.stripAccents = stripAccents
        self.lowercase = lowercase
        let steps = BertNormalizerSteps(
            cleanText: cleanText, handleChineseChars: handleChineseChars,
            stripAccents: stripAccents ?? lowercase, lowercase: lowercase)
        self.steps = steps
        replacements =
            work.map { Deferred(after: $0) { ScalarReplacements(steps) } } ?? ScalarReplacements.shared(steps)
        ascii = (0..<128).map {
            steps.apply(to: [$0]).first.map(UInt8.init(truncatingIfNeeded:)) ?? Self.dropped
        }
    }

    init(_ configuration: StageConfiguration) throws {
        self.init(
            cleanText: try configuration.bool("clean_text"),
            handleChineseChars: try configuration.bool("handle_chinese_chars"),
            stripAccents: try configuration.optionalBool("strip_accents"),
            lowercase: try configuration.bool("lowercase"))
    }

    func normalize(_ text: inout AlignedText) {
        if text.tracksOrigins { return steps.apply(to: &text) }
        let output = ByteBuffer()
        text.bytes.withUnsafeBufferPointer { normalize($0, into: output) }
        text.bytes = Array(output.bytes)
    }

    /// Appends the normalized text to the output; both are UTF-8.
    func normalize(_ text: UnsafeBufferPointer<UInt8>, into output: ByteBuffer) {
        if let table = replacements.value { return normalize(text, into: output, table) }
        if EightBytes.isASCII(text) {
            output.reserve(text.count + 8)
            ascii.withUnsafeBufferPointer { ascii in
                _ = normalize(text, into: output, ascii: ascii) { _, _ in nil }
            }
        } else if let table = replacements.value(afterWork: text.count) {
            normalize(text, into: output, table)
        } else {
            steps.apply(to: text, into: output)
        }
    }

    private func normalize(
        _ text: UnsafeBufferPointer<UInt8>, into output: ByteBuffer,
        _ table: UnsafePointer<ScalarReplacements>
    ) {
        output.reserve(text.count * table.pointee.maximumGrowth + 8)
        let start = output.count
        let finished = ascii.withUnsafeBufferPointer { ascii in
            normalize(text, into: output, ascii: ascii) { table.pointee.write($0, to: $1) }
        }
        if !finished {
            output.count = start
            steps.apply(to: text, into: output)
        }
    }

    /// - Parameter write: writes what becomes of a character that is not ASCII, as ``ScalarReplacements`` does.
    /// - Returns: false if the text contains a mark that is reordered among its neighbors.
    @inline(__always)
    private func normalize(
        _ text: UnsafeBufferPointer<UInt8>, into output: ByteBuffer, ascii: UnsafeBufferPointer<UInt8>,
        write: (UInt32, UnsafeMutablePointer<UInt8>) -> Int?
    ) -> Bool {
        guard let input = text.baseAddress else { return true }
        var target = output.start + output.count
        var position = 0
        while position < text.count {
            if position &+ 8 <= text.count {
                let eight = EightBytes.load(input + position)
                if EightBytes.isPrintable(eight) {
                    EightBytes.store(lowercase ? EightBytes.lowercased(eight) : eight, to: target)
                    target += 8
                    position &+= 8
                    continue
                }
            }
            // Up to the next multiple of 8 or so, one by one.
            let end = min(position &+ 8, text.count)
            while position < end {
                let byte = text[position]
                if byte < 0x80 {
                    let replacement = ascii[Int(byte)]
                    target.pointee = replacement
                    if replacement != Self.dropped { target += 1 }
                    position &+= 1
                    continue
                }
                let scalar = UTF8Bytes.scalar(in: text, at: position)
                guard let written = write(scalar.value, target) else { return false }
                target += written
                position &+= scalar.length
            }
        }
        output.count = target - output.start
        return true
    }
}
