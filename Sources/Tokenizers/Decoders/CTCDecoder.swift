/// For models that label each moment of a recording: drops repetitions, then padding, and turns the token between
/// words into a space. See Graves et al., "Connectionist Temporal Classification" (2006).
struct CTCDecoder: TokenDecoder {
    private let padding: [UInt8]
    private let delimiter: [UInt8]
    private let cleansUp: Bool

    init(_ configuration: StageConfiguration) throws {
        func token(_ key: String) throws -> [UInt8] {
            let text = try configuration.string(key)
            guard !text.isEmpty else { throw configuration.malformed(key, "is empty; name a token") }
            return Array(text.utf8)
        }
        padding = try token("pad_token")
        delimiter = try token("word_delimiter_token")
        cleansUp = try configuration.bool("cleanup")
    }

    func decode(_ tokens: [[UInt8]]) -> [[UInt8]] {
        var decoded: [[UInt8]] = []
        for (index, token) in tokens.enumerated() where index == 0 || token != tokens[index - 1] {
            var text = token.replacingBytes(padding, with: [])
            if cleansUp { text = WordPieceDecoder.cleanUp(text).replacingBytes(delimiter, with: [0x20]) }
            if !text.isEmpty { decoded.append(text) }
        }
        return decoded
    }
}
