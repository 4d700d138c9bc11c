#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

extension NumberText {
    /// A finite number as C's `printf` writes it.
    ///
    /// - Parameters:
    ///   - number: The number.
    ///   - precision: The digits, from 0 to 300.
    ///   - kind: One of f, F, e, E, g and G.
    static func formatted(_ number: Double, precision: Int, _ kind: Unicode.Scalar) -> String {
        // 309 digits before the point, as many as asked for after it, sign, point and the end.
        var buffer = [CChar](repeating: 0, count: 309 + precision + 8)
        let count = withVaList([number]) {
            vsnprintf(&buffer, buffer.count, "%.\(precision)\(kind)", $0)
        }
        return String(decoding: buffer.prefix(Int(count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
