#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The score of a ``Unigram`` token, as Hugging Face's library reads it from `tokenizer.json`.
///
/// Its JSON parser (Rust's serde_json) takes a number's digits as one whole number, rounds that to 53 bits, and divides
/// by a power of ten: two roundings, so that every fourth score is off by one unit in the last place. Where two ways to
/// split a word are equally probable but for such units, they decide.
enum UnigramScore {
    /// From 1 to 1e308.
    private static let powersOfTen: [Double] = (0...308).map { strtod("1e\($0)", nil) }

    /// Returns the value that the library reads from a number's shortest decimal digits, which is how numbers are
    /// written to files.
    static func read(_ score: Double) -> Double {
        guard score.isFinite else { return score }
        var significand: UInt64 = 0
        var exponent = 0
        var isFraction = false
        // Digits beyond 64 bits do not count.
        var isFull = false
        var characters = score.magnitude.description.utf8[...]
        while let character = characters.popFirst() {
            switch character {
            case UInt8(ascii: "."): isFraction = true
            case UInt8(ascii: "e"):
                exponent += Int(String(decoding: characters, as: UTF8.self)) ?? 0
                characters = characters.suffix(0)
            default:
                let digit = UInt64(character &- UInt8(ascii: "0"))
                let (tenfold, overflow) = significand.multipliedReportingOverflow(by: 10)
                let (sum, carry) = tenfold.addingReportingOverflow(digit)
                isFull = isFull || overflow || carry
                if isFull {
                    if !isFraction { exponent += 1 }
                } else {
                    significand = sum
                    if isFraction { exponent -= 1 }
                }
            }
        }
        var value = Double(significand)
        while exponent < -308, value != 0 {
            value /= powersOfTen[308]
            exponent += 308
        }
        if value != 0 {
            value = exponent >= 0 ? value * powersOfTen[min(exponent, 308)] : value / powersOfTen[-exponent]
        }
        return score.sign == .minus ? -value : value
    }
}
