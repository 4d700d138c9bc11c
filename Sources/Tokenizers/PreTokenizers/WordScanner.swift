/// The scanners, which replace regular expressions.
enum WordScanner: Sendable {
    case gpt2
    case llama3(Llama3Scanner)

    /// Appends the words' byte ranges, in order; they leave nothing out.
    func split(_ text: UnsafeBufferPointer<UInt8>, into words: inout [Range<Int>]) {
        forEachWord(text) {
            words.append($0..<$1)
            return true
        }
    }

    /// Calls the body with where each word begins and ends, as long as it returns true.
    @inline(__always)
    func forEachWord(_ text: UnsafeBufferPointer<UInt8>, _ body: (Int, Int) throws -> Bool) rethrows {
        switch self {
        case .gpt2: try GPT2Scanner.shared.forEachWord(text, body)
        case .llama3(let scanner): try scanner.forEachWord(text, body)
        }
    }
}
