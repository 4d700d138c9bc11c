/// Takes a character away at the ends of each token, up to as many times as it says.
struct StripDecoder: TokenDecoder {
    let content: [UInt8]
    let start: Int
    let stop: Int

    init(content: [UInt8], start: Int, stop: Int) {
        (self.content, self.start, self.stop) = (content, start, stop)
    }

    init(_ configuration: StageConfiguration) throws {
        let content = try configuration.string("content")
        guard content.unicodeScalars.count == 1 else {
            throw configuration.malformed("content", "expected one character, found \(quoted(content))")
        }
        self.content = Array(content.utf8)
        start = try configuration.int("start")
        stop = try configuration.int("stop")
    }

    func decode(_ tokens: [[UInt8]]) -> [[UInt8]] {
        tokens.map { token in
            var rest = token[...]
            var left = start
            while left > 0, rest.starts(with: content) {
                rest = rest.dropFirst(content.count)
                left -= 1
            }
            left = stop
            while left > 0, rest.suffix(content.count).elementsEqual(content) {
                rest = rest.dropLast(content.count)
                left -= 1
            }
            return Array(rest)
        }
    }
}
