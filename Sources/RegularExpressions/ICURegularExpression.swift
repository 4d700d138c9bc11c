import Foundation
import Tokenizers

/// An expression of ``ICURegularExpressions``. ICU's are safe to use on any thread.
final class ICURegularExpression: RegularExpression, @unchecked Sendable {
    private let expression: NSRegularExpression
    /// The file, and the path within it.
    private let place: String

    init(_ expression: NSRegularExpression, place: String) {
        self.expression = expression
        self.place = place
    }

    func matches(in text: UnsafeBufferPointer<UInt8>, _ budget: TextBudget) throws -> [Range<Int>] {
        let string = String(decoding: text, as: UTF8.self)
        let whole = NSRange(location: 0, length: string.utf16.count)
        var results: [NSRange] = []
        var isOutOfMemory = false
        try budget.search(stage: place, pattern: expression.pattern) { mayGoOn in
            expression.enumerateMatches(
                in: string, options: [.reportProgress, .reportCompletion], range: whole
            ) { result, flags, stop in
                if let result {
                    results.append(result.range)
                } else if flags.contains(.internalError) {
                    isOutOfMemory = true
                }
                if !mayGoOn() { stop.pointee = true }
            }
        }
        guard !isOutOfMemory else {
            throw TokenizerError.text(
                stage: place,
                reason:
                    "\(quoted(expression.pattern)) takes too much memory on a text of \(text.count) bytes; write an "
                    + "expression that need not go back, or use the tokenizer that belongs to the model",
                index: nil)
        }
        guard !results.isEmpty else { return [] }
        let bytes = Self.bytesOfUnits(text)
        return results.compactMap {
            $0.length == 0 ? nil : bytes[$0.location]..<bytes[$0.location + $0.length]
        }
    }

    /// The first byte of the character of each UTF-16 unit, then the number of bytes.
    private static func bytesOfUnits(_ text: UnsafeBufferPointer<UInt8>) -> [Int] {
        var bytes: [Int] = []
        bytes.reserveCapacity(text.count + 1)
        for (place, byte) in text.enumerated() where byte & 0xC0 != 0x80 {
            bytes.append(place)
            // Four bytes are two units.
            if byte >= 0xF0 { bytes.append(place) }
        }
        bytes.append(text.count)
        return bytes
    }
}
