/// The values of a server's headers, parsed strictly: they become names and sizes.
package enum HubHeaders {
    /// The value of an `ETag`: `"…"` or `W/"…"` without what surrounds it, or `nil` where it cannot name a blob.
    package static func etag(_ header: String?) -> String? {
        guard var value = header?[...] else { return nil }
        if value.hasPrefix("W/") { value = value.dropFirst(2) }
        if value.count >= 2, value.hasPrefix("\""), value.hasSuffix("\"") {
            value = value.dropFirst().dropLast()
        }
        let text = String(value)
        return HubRepository.isHexadecimal(text, count: 40) || HubRepository.isHexadecimal(text, count: 64)
            ? text : nil
    }

    /// A size in bytes: digits only.
    package static func size(_ header: String?) -> Int? {
        guard let header, !header.isEmpty, header.utf8.allSatisfy({ (48...57).contains($0) }) else {
            return nil
        }
        return Int(header)
    }

    /// `bytes 10-19/20` → where the part begins and the whole size, `nil` where that is `*`.
    package static func contentRange(_ header: String?) -> (start: Int, size: Int?)? {
        guard let header, header.hasPrefix("bytes ") else { return nil }
        let halves = header.dropFirst(6).split(separator: "/", omittingEmptySubsequences: false)
        guard halves.count == 2 else { return nil }
        let ends = halves[0].split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count == 2, let start = size(String(ends[0])), let end = size(String(ends[1])),
            start <= end
        else { return nil }
        if halves[1] == "*" { return (start, nil) }
        guard let whole = size(String(halves[1])), end < whole else { return nil }
        return (start, whole)
    }

    /// `Retry-After` in seconds. A date is not read, as in Python.
    package static func retryAfter(_ header: String?) -> Double? {
        size(header?.trimmingPrefix(" ").description).map(Double.init)
    }
}
