/// Turns runs of `<0x00>` to `<0xFF>` into the text that their bytes are. If they are not UTF-8, each becomes U+FFFD.
struct ByteFallbackDecoder: TokenDecoder {
    func decode(_ tokens: [[UInt8]]) -> [[UInt8]] {
        var decoded: [[UInt8]] = []
        var run: [UInt8] = []
        func endRun() {
            if String(validating: run, as: UTF8.self) == nil {
                decoded += repeatElement([0xEF, 0xBF, 0xBD], count: run.count)
            } else if !run.isEmpty {
                decoded.append(run)
            }
            run = []
        }
        for token in tokens {
            if let byte = Self.byte(of: token) {
                run.append(byte)
            } else {
                endRun()
                decoded.append(token)
            }
        }
        endRun()
        return decoded
    }

    static func byte(of token: [UInt8]) -> UInt8? {
        guard token.count == 6, token.starts(with: Array("<0x".utf8)), token[5] == UInt8(ascii: ">") else {
            return nil
        }
        return UInt8(String(decoding: token[3..<5], as: UTF8.self), radix: 16)
    }
}
