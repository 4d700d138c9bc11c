extension JSONParser {
    /// Reads `-? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?`.
    mutating func parseNumber() throws -> JSONValue {
        let start = position
        let isNegative = take(UInt8(ascii: "-"))
        let firstDigit = position
        // Counted downwards, since the smallest `Int` has no positive counterpart.
        var negated: Int? = 0
        while let digit = takeDigit() {
            negated = negated.flatMap { value in
                let (product, overflow) = value.multipliedReportingOverflow(by: 10)
                let (sum, underflow) = product.subtractingReportingOverflow(Int(digit))
                return overflow || underflow ? nil : sum
            }
        }
        if position == firstDigit { throw failure("expected a digit after '-', found \(found)") }
        if bytes[firstDigit] == UInt8(ascii: "0"), position > firstDigit + 1 {
            throw failure("a number may not start with 0", at: start)
        }

        var isWhole = true
        if take(UInt8(ascii: ".")) {
            isWhole = false
            try takeDigits("expected a digit after the decimal point")
        }
        if current | 0x20 == UInt8(ascii: "e") {
            isWhole = false
            position += 1
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            try takeDigits("expected a digit in the exponent")
        }

        if isWhole, let negated {
            if isNegative { return .integer(negated) }
            if negated != Int.min { return .integer(-negated) }
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        guard let value = Double(text), value.isFinite else {
            throw failure("the number is too large", at: start)
        }
        return .number(value)
    }

    private mutating func takeDigits(_ reason: String) throws {
        guard takeDigit() != nil else { throw failure("\(reason), found \(found)") }
        while takeDigit() != nil {}
    }

    private mutating func takeDigit() -> UInt8? {
        let digit = current &- UInt8(ascii: "0")
        guard digit <= 9 else { return nil }
        position += 1
        return digit
    }
}
