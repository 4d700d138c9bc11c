/// A file's name in a repository, which comes from a server and becomes a path here.
package enum RepositoryPath {
    /// Returns the reason why a name is unsafe or impossible as a path below a directory, by the rules of POSIX and of
    /// Windows; `nil` if it is safe.
    package static func problem(_ name: String) -> String? {
        if name.isEmpty { return "a name cannot be empty" }
        if name.utf8.count > 1024 { return "the name is longer than 1024 bytes" }
        if name.unicodeScalars.contains(where: { $0.value < 32 || $0.value == 127 }) {
            return "control characters are not allowed"
        }
        if name.utf8.contains(UInt8(ascii: "\\")) { return "a backslash is not allowed" }
        for part in name.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            if part.isEmpty { return "an absolute path or an empty part is not allowed" }
            if part.elementsEqual(".".utf8) || part.elementsEqual("..".utf8) {
                return "'.' and '..' are not allowed"
            }
            if part.count > 255 { return "a part is longer than 255 bytes" }
            if part.count > 1, part.dropFirst().first == UInt8(ascii: ":") { return "a drive is not allowed" }
        }
        return nil
    }

    /// Percent-encoded as Python's `quote` does it.
    package static func quote(_ text: String, keepingSlashes: Bool) -> String {
        var result = ""
        for byte in text.utf8 {
            switch byte {
            case 48...57, 65...90, 97...122, 45, 46, 95, 126:
                result.unicodeScalars.append(Unicode.Scalar(byte))
            case 47 where keepingSlashes: result += "/"
            default: result += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return result
    }
}
