/// A finite number as Python's `repr` writes it: the shortest digits that read back as the same number, with
/// an exponent where that is below -4 or above 15.
func pythonRepr(_ value: Double) -> String {
    // Swift finds the same digits but switches to exponents elsewhere, so take its digits and lay them out.
    let parts = value.magnitude.description.split(separator: "e")
    let mantissa = parts[0].split(separator: ".", omittingEmptySubsequences: false)
    let whole = mantissa[0]
    let fraction = mantissa.count > 1 && mantissa[1] != "0" ? mantissa[1] : ""
    let leadingZeros = (whole + fraction).prefix { $0 == "0" }.count
    var digits = Array(whole + fraction).dropFirst(leadingZeros)
    while digits.last == "0" { digits.removeLast() }

    let sign = value.sign == .minus ? "-" : ""
    guard !digits.isEmpty else { return sign + "0.0" }
    // The exponent of the first digit, as in scientific notation.
    let exponent = (parts.count > 1 ? Int(parts[1]) ?? 0 : 0) + whole.count - leadingZeros - 1

    if exponent < -4 || exponent > 15 {
        let rest = digits.dropFirst()
        let magnitude = exponent.magnitude < 10 ? "0\(exponent.magnitude)" : "\(exponent.magnitude)"
        return sign + String(digits.prefix(1)) + (rest.isEmpty ? "" : "." + String(rest))
            + (exponent < 0 ? "e-" : "e+") + magnitude
    }
    if exponent < 0 {
        return sign + "0." + String(repeating: "0", count: -exponent - 1) + String(digits)
    }
    let integerDigits = String(digits.prefix(exponent + 1))
    let padding = String(repeating: "0", count: exponent + 1 - integerDigits.count)
    let decimals = digits.dropFirst(exponent + 1)
    return sign + integerDigits + padding + "." + (decimals.isEmpty ? "0" : String(decimals))
}
