import TestSupport
import Testing

@testable import Tokenizers

@Suite("Byte search")
struct ByteSearchTests {
    @Test("parts are found and replaced as the standard library does it")
    func random() {
        var generator = SeededGenerator(seed: 8)
        var replaced = 0
        for _ in 0..<20_000 {
            func bytes(_ lengths: ClosedRange<Int>) -> [UInt8] {
                (0..<Int.random(in: lengths, using: &generator)).map { _ in
                    UInt8.random(in: 0...1, using: &generator)
                }
            }
            let (text, part, new) = (bytes(0...12), bytes(1...4), bytes(0...3))
            let start = Int.random(in: 0...text.count, using: &generator)
            #expect(text.firstPlace(of: part, from: start) == text[start...].firstRange(of: part)?.lowerBound)
            let expected = text.replacing(part, with: new)
            #expect(text.replacingBytes(part, with: new) == expected, "\(text) \(part) \(new)")
            if expected != text { replaced += 1 }
        }
        #expect(replaced > 5000)
    }

    @Test("an empty part is nowhere")
    func empty() {
        #expect([1, 2].firstPlace(of: []) == nil)
        #expect([1, 2].replacingBytes([], with: [3]) == [1, 2])
    }
}
